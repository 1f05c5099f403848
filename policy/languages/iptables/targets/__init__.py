"""The targets: one file per family of them, each with the tables of its options. A new target is one entry here."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from policy.languages.iptables.options import TargetModule

_FILES = ("logs", "marks", "nat", "other", "tcp", "verdicts")


@cache
def _table() -> dict[tuple[str, int], TargetModule]:
    found: dict[tuple[str, int], TargetModule] = {}
    for name in _FILES:
        for module in import_module(f"{__name__}.{name}").TARGETS:
            found.update(((module.name, family), module) for family in module.families)
    return found


def find(name: str, family: int) -> TargetModule | None:
    """Return a target by its name, or None: then the name is that of a chain."""
    return _table().get((name, family))


def names() -> list[str]:
    """Return the names of all targets, for messages."""
    return sorted({name for name, _ in _table()})
