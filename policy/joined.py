"""The rules of one host in two texts: what nftables has, and a dump of iptables for the same packets.

At each hook packets meet the chains of both in the order of their priorities. Of two with one priority that which was
made later is first; here those of the first text are. What nftables has is all of a host: for an IP version that none
of its chains sees there are no rules (`with_unseen`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from policy.ir import Entry, Policy, Ruleset
from policy.looping import BACK, SENT, arriving, looping
from policy.packet import FORWARD, INPUT, OUTPUT

_POINTS = {
    "ingress": 0,
    "prerouting": 1,
    "output": 1,
    "routing": 2,
    "input": 3,
    "forward": 4,
    "postrouting": 5,
    "egress": 6,
}
_HOOKS = {"input": INPUT, "forward": FORWARD, "postrouting": FORWARD}


class Apart(Exception):
    """Rules that cannot be told as one set; the text says why."""


def with_unseen(pair: Sequence[Ruleset]) -> tuple[Ruleset, ...]:
    """Return the rule sets of a host, with an empty one for the IP version that no chain of nftables sees.

    A dump of iptables says nothing of the other IP version, and gets none.
    """
    unseen = frozenset({4, 6}).difference(*(each.families for each in pair))
    if not unseen or pair[0].language != "nftables":
        return tuple(pair)
    return (*pair, Ruleset(pair[0].language, unseen, {}, {}, sources=pair[0].sources))


def joined(one: Ruleset, other: Ruleset) -> Ruleset:
    """Return two rule sets of a host as one; raises `Apart`."""
    sides = (one, other)
    translating = [each for each in sides if _translates(each)]
    if len(translating) > 1:
        raise Apart("both translate addresses")
    policies: dict[str, Policy] = {**other.policies, **one.policies}
    for name in (BACK, SENT):
        policies.pop(name, None)
    written = [name for each in sides for name, policy in each.policies.items() if not policy.implied]
    if len(written) > len(set(written)):
        raise Apart("both have chains of the same name")
    hooks = {hook for each in sides for hook in each.entries if hook is not None}
    ruleset = Ruleset(
        one.language,
        one.families | other.families,
        policies,
        {hook: tuple(_way(sides, hook, bool(translating))) for hook in sorted(hooks)},
        (*one.definitions, *other.definitions),
        sources=(*one.sources, *other.sources),
        suppressions=(*one.suppressions, *other.suppressions),
        stray=(*one.stray, *other.stray),
        replaced=(*one.replaced, *other.replaced),
    )
    ruleset = arriving(ruleset)
    return looping(ruleset) if translating else ruleset


def _translates(ruleset: Ruleset) -> bool:
    return any(entry.translates for way in ruleset.entries.values() for entry in way)


def _way(sides: tuple[Ruleset, Ruleset], hook: int, parting: bool) -> Iterator[Entry]:
    """Yield the entries of both at a hook; *parting*: packets may go to another hook on their way."""
    found: list[Entry] = []
    for each in sides:
        (family,) = each.families if len(each.families) == 1 else (None,)
        apart = parting and not _translates(each) and hook != OUTPUT
        found += (replace(entry, family=entry.family or family) for entry in _told(each, hook, apart))
    yield from sorted(found, key=lambda entry: (_POINTS.get(entry.point or "", 0), entry.priority or 0))


def _told(ruleset: Ruleset, hook: int, apart: bool) -> Iterator[Entry]:
    """Yield the entries of one rule set at a hook; *apart*: of those behind the routing all, each for its packets.

    What comes back by `lo` is left out.
    """
    way = [entry for entry in ruleset.at(hook) if entry.policy != SENT]
    way = [*takewhile(lambda entry: entry.policy != BACK, way)]
    if not apart:
        yield from way
        return
    for entry in way:
        if entry.point not in _HOOKS:
            yield entry
    for to in (INPUT, FORWARD):
        for entry in ruleset.at(to):
            if entry.point in _HOOKS:
                yield replace(entry, hook=_HOOKS[entry.point])
