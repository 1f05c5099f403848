"""What a scenario file says, `*.scenario.yaml`, and where."""

from policy.app.scenario.read import load_scenario

__all__ = ["load_scenario"]
