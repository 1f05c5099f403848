"""The keys of a scenario as tables in Markdown, for docs/scenarios.md."""

from __future__ import annotations

from policy.app.scenario import keys
from policy.report.keys_markdown import keys_table

_PARTS = (
    ("The file", keys.ScenarioKeys),
    ("A host", keys.HostKeys),
    ("`firewall`", keys.FirewallKeys),
    ("A link", keys.LinkKeys),
    ("A step", keys.StepKeys),
    ("`listen`", keys.ListenKeys),
    ("`connect`", keys.ConnectKeys),
    ("`send`", keys.SendKeys),
    ("`receive`", keys.ReceiveKeys),
    ("`close`", keys.CloseKeys),
    ("`ping`", keys.PingKeys),
    ("`reload`", keys.ReloadKeys),
    ("`scan`", keys.ScanKeys),
    ("`expect`", keys.ExpectKeys),
)


def scenario_markdown() -> str:
    """Return a table of the keys for each place where they may stand."""
    return "\n\n".join(f"### {title}\n\n{keys_table(keys.keys_of(owner))}" for title, owner in _PARTS)
