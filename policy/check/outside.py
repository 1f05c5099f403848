"""What comes from outside: packets that open connections, from where nothing is to be trusted."""

from __future__ import annotations

from collections.abc import Iterator

from policy.check.settings import Settings
from policy.ir import EVERYTHING, Field, Match, Not, Ruleset, walk
from policy.packet import Names

_OUTSIDE = Names.of("wan", "wan+", "ppp+", "wwan+", "internet", "outside", "external")
"""Interfaces that are called so are held to lead outside, where no zone says which do."""

_LO = "lo"


def untrusted(ruleset: Ruleset, settings: Settings) -> Match:
    """Return the packets that come from outside.

    These are the packets of the untrusted zones. Where no zone is declared to be untrusted they are those that arrive
    on an interface that no rule names, or on one whose name says that it leads outside (`wan0`, `ppp0`), but never on
    `lo`: that an interface which rules name is not one inside cannot be known.
    """
    told = settings.untrusted
    if told is not None:
        return told
    names = [name for name in interfaces(ruleset) if not _OUTSIDE.covers(Names.of(name)) and name != "+"]
    return Not(Field("in", Names.of(*names, _LO))) if names else EVERYTHING


def interfaces(ruleset: Ruleset) -> Iterator[str]:
    """Yield the input interfaces that rules name, as in iptables: with `+` for any ending."""
    for policy in ruleset.policies.values():
        for rule in policy.rules:
            for part in walk(rule.match):
                if isinstance(part, Field) and part.name == "in" and isinstance(part.values, Names):
                    yield from sorted(part.values.exact)
                    yield from sorted(f"{prefix}+" for prefix in part.values.prefixes)
