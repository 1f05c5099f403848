"""An item of a list that says nothing, because other items of the list say it already.

`from 10.0.0.0/8, 10.1.0.0/16` means no more than `from 10.0.0.0/8`. Mostly the smaller item was there first, and the
larger one has come later; then it may be the larger one that is wrong. Whoever takes the smaller one out of the list,
to shut it off, shuts off nothing.

**What to do.** Leave the item out, or make the one that contains it smaller.

**What is said exactly.** The items of one list, of a rule or a definition, are compared by what they mean: addresses,
ports, services, ICMP types, states, interfaces, and groups by their members. An item is reported when one other item
contains it, or when several others do so together; these are named, and none of them is reported itself, so that all
reported items can be left out at once. Of equal items the first stays. Behind `except`, an item is also reported
that has nothing in common with the list that it is excepted from, and in front of it one that is excepted as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from policy.change import RemoveItem
from policy.check import Check, Facts
from policy.check.fixes import offer
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Item, ItemList
from policy.packet import Intervals, Masked, Names
from policy.packet.text import set_text
from policy.reach.items import needless

_LEAVE_OUT = "leave it out: the list means the same without it"


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the needless items of every list."""
    lists = [each for definition in facts.ruleset.definitions for each in definition.lists]
    lists += [each for policy in facts.ruleset.policies.values() for rule in policy.rules for each in rule.lists]
    for each in lists:
        found = [*_inside(each, each.items, facts), *_inside(each, each.excepted, facts)]
        known = {finding.span for finding in found}
        yield from found
        yield from (finding for finding in _excepted(each, facts) if finding.span not in known)


def _inside(of: ItemList, items: Sequence[Item], facts: Facts) -> Iterator[Diagnostic]:
    if len(items) < 2:
        return
    for number, others in needless(items, facts.budget).items():
        item, around = items[number], [items[other] for other in others]
        names = [f"`{_text(each)}`" for each in around]
        if len(around) == 1 and around[0].values == item.values:
            same = _text(around[0]) == _text(item)
            message = f"`{_text(item)}` stands twice" if same else f"`{_text(item)}` is the same as {names[0]}"
        elif len(around) == 1:
            message = f"`{_text(item)}` lies inside {names[0]}"
        else:
            message = f"`{_text(item)}` lies inside {', '.join(names[:-1])} and {names[-1]} together"
        related = tuple(Related(each.span, "it is in here" if len(around) == 1 else "a part of it") for each in around)
        yield _finding(facts, of, item, message, related)


def _finding(
    facts: Facts, of: ItemList, item: Item, message: str, related: tuple[Related, ...], help: str = _LEAVE_OUT
) -> Diagnostic:
    fix = offer(facts, f"leave out `{_text(item)}`", RemoveItem(of, item.span))
    return CHECK.finding(item.span, message, help=help, related=related, region=_region(of, item), fix=fix)


def _excepted(of: ItemList, facts: Facts) -> Iterator[Diagnostic]:
    """Yield what has no part in both sides of `except`, or no part beside it."""
    listed, excepted = ([(item, v) for item in some if isinstance(v := item.values, Intervals)] for some in _sides(of))
    everything, nothing = _union([v for _, v in listed]), _union([v for _, v in excepted])
    if nothing.covers(everything):
        return  # a match that nothing meets is another matter (FW109)
    for item, values in excepted:
        if values and not values.meets(everything):
            message = f"`{_text(item)}` is outside of what it is excepted from, so the exception does nothing"
            related = tuple(Related(each.span, "it is not in here") for each, _ in listed)
            help = "leave it out, or correct one of the two"
            yield _finding(facts, of, item, message, related, help)
    for item, values in listed:
        if values and nothing.covers(values):
            message = f"`{_text(item)}` is excepted as a whole, so it does nothing in this list"
            related = tuple(Related(each.span, "excepted here") for each, v in excepted if v.meets(values))
            yield _finding(facts, of, item, message, related)


def _sides(of: ItemList) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    return of.items, of.excepted


def _union(sets: Sequence[Intervals]) -> Intervals:
    return Intervals.of(*(pair for each in sets for pair in each.ranges))


def _text(item: Item) -> str:
    return " ".join(item.span.text.split())


def _region(of: ItemList, item: Item) -> str:
    """Return what an item is, in words."""
    match item.values:
        case Intervals() | Masked() | Names():
            return set_text(of.field or "dport", item.values)
        case tuple():
            return _text(item)
    assert_never(item.values)


CHECK = Check(
    code="FW112",
    name="subset-entry",
    severity=Severity.WARNING,
    page=__doc__,
    find=find,
    bad=(
        """
network office  = 10.1.0.0/16, 10.1.9.0/24 ### FW112 "`10.1.9.0/24` lies inside `10.1.0.0/16`"
host    db      = 10.1.2.3, 10.2.0.5
network inside  = office, db except 10.3.0.0/16 ### FW112 "`10.3.0.0/16` is outside"
service web     = tcp/{80,443}, udp/443, tcp/80 ### FW112 "`tcp/80` lies inside `tcp/.80,443.`"
service high    = tcp/{1-100,80-200,50-150} ### FW112 "`50-150` lies inside `1-100` and `80-200` together"
policy border {
    default block
    allow web from any, office ### FW112 "`office` lies inside `any`"
    allow high from office except 10.1.8.0/24, 10.1.8.7 ### FW112 "`10.1.8.7` lies inside `10.1.8.0/24`"
    allow tcp/22 from db, 10.2.3.4, 10.2.3.4/32 ### FW112 "`10.2.3.4/32` is the same as `10.2.3.4`"
    allow tcp/22 from inside in eth0, eth+ ### FW112 "`eth0` lies inside `eth\\+`"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.0.0.0/8,10.1.0.0/16 -j ACCEPT ### FW112 "10.1.0.0/16"
-A INPUT -p tcp -m multiport --dports 22,80,http,1:100 -j ACCEPT ### FW112 "22" ### FW112 "80" ### FW112 "http"
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED,RELATED -j ACCEPT ### FW112 "stands twice"
COMMIT
""",
    ),
    good=(
        """
network office = 10.1.0.0/16, 2001:db8:1::/48
service web    = tcp/{80,443}, udp/443
policy border {
    default block
    allow web from office, 10.2.0.0/16 except 10.1.9.0/24 in eth0, wan+
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.0.0.0/9,10.128.0.0/9 -p tcp -m multiport --dports 80,443,8000:8099 -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
""",
    ),
)
