"""The keys of a configuration as tables in Markdown, for docs/configuration.md."""

from __future__ import annotations

from policy.app.config.keys import Checking, Files, Reading, Running, keys_of
from policy.check import Settings, Zone
from policy.report.keys_markdown import keys_table


def keys_markdown() -> str:
    """Return a table of the keys for each place where they may stand."""
    anywhere = [key for owner in (Checking, Reading, Settings) for key in keys_of(owner)]
    parts = (
        ("For all files, and in `[[per-file]]`", anywhere),
        ("In `[zones.NAME]`", [key for key in keys_of(Zone) if key.attribute != "name"]),
        ("For the whole run", keys_of(Running)),
        ("In `[[per-file]]`", keys_of(Files)),
    )
    return "\n\n".join(f"### {title}\n\n{keys_table(keys)}" for title, keys in parts)
