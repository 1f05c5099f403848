"""The JSON Schema of a scenario, for editors: from the classes that are its keys."""

from __future__ import annotations

from typing import Any

from policy.app.config.schema import described
from policy.app.scenario.keys import scenario_table


def scenario_schema() -> dict[str, Any]:
    """Return the schema (draft 7) of `*.scenario.yaml`."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "fwpolicy scenario",
        "description": "Hosts, the networks between them, and what is done: *.scenario.yaml.",
        **scenario_table().schema(described),
    }
