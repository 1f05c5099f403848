"""ICMP without which networks do not work (`data/needed.tsv`)."""

from __future__ import annotations

from functools import cache

from policy._record import dataclass
from policy.check.tables import rows
from policy.packet.fields import HOOKS, ICMP, ICMP6, STATES


@dataclass(frozen=True, slots=True)
class Needed:
    """A kind of ICMP of one *family* (4 or 6) that must pass at some *hooks*, with the *state* that it has in Linux.

    *purpose*: `path` (the path's MTU is found by it) or `neighbours` (hosts of a link find each other by it).
    """

    family: int
    type: int
    code: int
    state: int
    hooks: tuple[int, ...]
    name: str
    purpose: str
    source: str

    @property
    def protocol(self) -> int:
        """The IP protocol."""
        return ICMP if self.family == 4 else ICMP6


@cache
def needed() -> tuple[Needed, ...]:
    """Return all kinds of ICMP that must pass.

    >>> {each.type for each in needed() if each.purpose == "neighbours"} == {135, 136}
    True
    """
    return tuple(_needed(*row) for row in rows("needed.tsv"))


def _needed(family: str, type: str, code: str, state: str, hooks: str, name: str, purpose: str, source: str) -> Needed:
    at = tuple(HOOKS.index(hook) for hook in hooks.split(","))
    return Needed(int(family), int(type), int(code), STATES.index(state), at, name, purpose, source)
