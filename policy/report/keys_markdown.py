"""Keys that a file may have, as a table in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable

from policy.app.config.kinds import Choice, Key, Kind, Many, Named, Plain, Table
from policy.app.config.schema import described
from policy.app.scenario.kinds import Always, Either, Numbered, Placed


def keys_table(keys: Iterable[Key]) -> str:
    """Return a table that says of each key what its value may be, what it is without it, and what it is for."""
    rows = ["| key | value | default | |", "|---|---|---|---|"]
    rows += [f"| `{key.name}` | {_value(key.kind)} | {_default(key)} | {described(key)} |" for key in keys]
    return "\n".join(rows)


def _value(kind: Kind) -> str:
    match kind:
        case Choice(options=options):
            return " or ".join(f"`{option}`" for option in options)
        case Many(item=item):
            return f"list: {_value(item)}"
        case Named(value=Table(words=words)):
            return f"{words.removeprefix('a ')}s"
        case Named(value=value, words=words):
            return f"{words.removeprefix('a ')}: {_value(value)}"
        case Plain(words=words) | Either(words=words) | Table(words=words):
            return words.removeprefix("a ")
        case Numbered(text=inner) | Placed(kind=inner):
            return _value(inner)
        case Always(text=text, other=inner):
            return f"`{text}` or {_value(inner)}"
        case _:
            raise TypeError(kind)


def _default(key: Key) -> str:
    default = key.default
    if default is None or key.needed:
        return "must be there" if key.needed else ""
    if isinstance(default, tuple) and default:
        return f"`{json.dumps(default)}`"
    return f"`{json.dumps(default)}`" if isinstance(default, str | int | float) else "none"
