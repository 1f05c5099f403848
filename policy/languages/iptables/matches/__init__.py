"""The matches: one file per family of them, each with the tables of its options. A new match is one entry here."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module

from policy.languages.iptables.options import Bad, MatchModule

_FILES = (
    "addrtype", "conntrack", "extensions", "header", "icmp", "limits", "marks", "multiport", "origin", "other",
    "recent", "sctp", "sets", "tcp", "time",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,27}", re.ASCII)
_ALIASES = {"icmpv6": "icmp6", "ipv6-icmp": "icmp6"}
_BY_PROTOCOL = {6: "tcp", 17: "udp", 33: "dccp", 50: "esp", 51: "ah", 108: "ipcomp", 132: "sctp", 135: "mh"}


@cache
def _table() -> dict[tuple[str, int], MatchModule]:
    found: dict[tuple[str, int], MatchModule] = {}
    for name in _FILES:
        for module in import_module(f"{__name__}.{name}").MATCHES:
            found.update(((module.name, family), module) for family in module.families)
    return found


@cache
def find(name: str, family: int) -> MatchModule:
    """Return a match by its name; one that iptables 1.8.9 does not have takes any option that follows it.

    Raises `Bad` for a match of the other IP version and for what cannot be a name.
    """
    full = _ALIASES.get(name, name)
    module = _table().get((full, family))
    if module is None and (full, 10 - family) in _table():
        there = "IPv4" if family == 6 else "IPv6"
        raise Bad("FW603", f"the match `{name}` is for {there}", f"this file is for IPv{family}")
    if module is None and not _NAME.fullmatch(name):
        raise Bad("FW001", f"invalid name of a match: `{name}`", "name a match, such as `-m conntrack`")
    return module if module is not None else _foreign(name, family)


def for_protocol(number: int, family: int) -> MatchModule | None:
    """Return the match that `-p` loads by itself when an option asks for it."""
    name = {(1, 4): "icmp", (58, 6): "icmp6"}.get((number, family), _BY_PROTOCOL.get(number, ""))
    return _table().get((name, family))


def owners(option: str, family: int) -> list[str]:
    """Return the names of the matches that have an option, for messages."""
    return [name for (name, of), module in _table().items() if of == family and option in module.by_name]


def _foreign(name: str, family: int) -> MatchModule:
    from policy.languages.iptables.matches.other import foreign

    return foreign(name, family)
