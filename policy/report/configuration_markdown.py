"""The keys of a configuration as tables in Markdown, for docs/configuration.md."""

from __future__ import annotations

import json
from collections.abc import Iterable

from policy.app.config.keys import Checking, Files, Reading, Running, keys_of
from policy.app.config.kinds import Choice, Key, Kind, Many, Named, Plain, Table
from policy.app.config.schema import described
from policy.check import Settings, Zone


def keys_markdown() -> str:
    """Return a table of the keys for each place where they may stand."""
    anywhere = [key for owner in (Checking, Reading, Settings) for key in keys_of(owner)]
    parts = (
        ("For all files, and in `[[per-file]]`", anywhere),
        ("In `[zones.NAME]`", [key for key in keys_of(Zone) if key.attribute != "name"]),
        ("For the whole run", keys_of(Running)),
        ("In `[[per-file]]`", keys_of(Files)),
    )
    return "\n\n".join(f"### {title}\n\n{_table(keys)}" for title, keys in parts)


def _table(keys: Iterable[Key]) -> str:
    rows = ["| key | value | default | |", "|---|---|---|---|"]
    rows += [f"| `{key.name}` | {_value(key.kind)} | {_default(key)} | {described(key)} |" for key in keys]
    return "\n".join(rows)


def _value(kind: Kind) -> str:
    match kind:
        case Choice(options=options):
            return " or ".join(f"`{option}`" for option in options)
        case Many(item=item):
            return f"list: {_value(item)}"
        case Named(value=Table()):
            return "tables"
        case Named(value=value):
            return f"table: {_value(value)}"
        case Plain(words=words):
            return words.removeprefix("a ")
        case _:
            return "table"


def _default(key: Key) -> str:
    default = key.default
    if default is None or key.needed:
        return "must be there" if key.needed else ""
    if isinstance(default, tuple) and default:
        return f"`{json.dumps(default)}`"
    return f"`{json.dumps(default)}`" if isinstance(default, str | int | float) else "none"
