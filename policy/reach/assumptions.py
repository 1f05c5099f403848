"""What a firewall may take for granted of the packets that come to it: which of them exist at a hook.

Sources: RFC 1122, 3.2.1.3 and RFC 4291, 2.5.3 and 2.7; in Linux `ip_route_input_slow` and `fib_validate_source`, which
drop such IPv4 packets as martians, and `ip6_rcv_core` for IPv6. An IPv6 router takes packets that have one of its own
addresses as their source, so of them nothing is assumed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from operator import or_

from policy.evaluate.index import bound
from policy.ir import EVERYTHING, Field, Match, Rewrite, Ruleset, UnknownAction, all_of, either_of, negated
from policy.packet import EMPTY, FORWARD, INPUT, OUTPUT, Intervals, Names
from policy.packet.address import BROADCAST, LOOPBACK, MULTICAST, V4, V6, parse_prefix

_UNBOUND = reduce(or_, map(parse_prefix, ("0.0.0.0/32", "::/128", "169.254.0.0/16", "fe80::/10")))
"""Sources that a host uses before it has an address, or besides the one that it was given."""

_LO = Names.of("lo")


@dataclass(frozen=True, slots=True)
class Assumption:
    """One thing that is taken for granted at a hook: *text*, and the packets that there are."""

    text: str
    packets: Match


def assumptions(
    ruleset: Ruleset, hook: int | None, fields: Collection[str], local: Intervals | None
) -> list[Assumption]:
    """Return what is assumed of packets at *hook*; *local* are the host's own addresses, all of them, where known.

    *fields* are those that the rules look at: without the interface of a packet nothing is said of loopback addresses.
    """
    looped = either_of(Field("src", LOOPBACK), Field("dst", LOOPBACK))
    found = [
        Assumption("multicast and broadcast addresses are never a source", negated(Field("src", MULTICAST | BROADCAST)))
    ]
    if hook == FORWARD:
        found.append(Assumption("loopback addresses are never forwarded", negated(looped)))
    side = {INPUT: "in", OUTPUT: "out"}.get(FORWARD if hook is None else hook)
    if side in fields and side is not None:
        lo = either_of(Field(side, _LO), negated(looped))
        found.append(Assumption("loopback addresses travel on `lo` only", lo))
    return found if local is None else [*found, *_of_own(ruleset, hook, local)]


def may_be_absent(match: Match, hook: int | None, local: Intervals | None) -> bool:
    """May anything be assumed of packets that match? (Quick; a yes may be wrong.)"""
    if local is not None and hook == OUTPUT:
        return True
    odd = LOOPBACK | MULTICAST | BROADCAST | (EMPTY if local is None else local)
    return any(values is None or values.meets(odd) for values in (bound(match, "src"), bound(match, "dst")))


def _of_own(ruleset: Ruleset, hook: int | None, local: Intervals) -> list[Assumption]:
    if hook == OUTPUT:
        known = [family for family in (V4, V6) if family.meets(local)]
        foreign = [family - local - LOOPBACK - _UNBOUND for family in known]
        absent = negated(either_of(*(Field("src", each) for each in foreign)))
        return [Assumption("what the host sends has one of its own addresses as the source", absent)]
    if hook == FORWARD:
        absent = all_of(
            negated(Field("src", local & V4)), EVERYTHING if _redirects(ruleset) else negated(Field("dst", local))
        )
        return [Assumption("what is forwarded is neither from nor to the host itself", absent)]
    return []


def _redirects(ruleset: Ruleset) -> bool:
    """May rules send packets to another address than the one that they arrive with, without saying where that is?"""
    return any(
        isinstance(action, UnknownAction)
        or (isinstance(action, Rewrite) and {"dst"} == {"dst", "hook"} & _names(action))
        for policy in ruleset.policies.values()
        for rule in policy.rules
        for action in rule.actions
    )


def _names(action: Rewrite) -> frozenset[str]:
    return frozenset(name for name, _ in action.changes)
