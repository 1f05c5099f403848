"""ICMP is blocked without which the network does not work.

Two kinds must pass. **Neighbour discovery** (ICMPv6 135 and 136) is what ARP is for IPv4: without it no host of the
link finds another, and IPv6 does not work at all. Linux does not track it, so a rule for `ESTABLISHED,RELATED` does not
let it in. **Fragmentation needed** (ICMP 3/4) and **packet too big** (ICMPv6 2) tell a sender that a link on the way is
narrower than its packets. Without them connections open and then hang as soon as much is sent: the path MTU black hole
of RFC 2923. They are `RELATED` to a connection.

**What to do.** Let ICMPv6 135 and 136 in and out, as RFC 4890 says (section 4.4.1), and `RELATED` packets together with
`ESTABLISHED` ones, or ICMP 3/4 and ICMPv6 2 by name.

**What is said exactly.** Reported is a hook where packets of one of these kinds are all blocked, whatever the unknown
conditions are, other than on `lo`: neighbour discovery at input and output, in its state `UNTRACKED`; the others at
input and forward, in the state `RELATED`. Only where something else passes: TCP, UDP or echo requests of that IP
version, new or established. Of files that speak both IP versions ICMPv6 is asked for where they name IPv6 addresses.
Policies that hold at every hook are taken as written for what is forwarded. Where no rule lets replies in at all,
FW402 is said instead of the second kind.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from policy.check import Check, Facts
from policy.check.connections import all_forgotten, place
from policy.check.needed import Needed, needed
from policy.diagnostic import Diagnostic, Related, Severity
from policy.evaluate import decide
from policy.ir import Field, Match, Not, Ruleset, all_of, either_of, walk
from policy.packet import ESTABLISHED, FORWARD, HOOKS, NEW, Intervals, Names
from policy.packet.address import LOOPBACK, V6, whole
from policy.packet.fields import TCP, UDP
from policy.reach import Flow
from policy.reach.find import space_at
from policy.reach.following import diverted, kept

_WHY = {
    "path": "connections hang where a link on the way is narrower than their packets",
    "neighbours": "without it no host of the link is found, and IPv6 does not work",
}
_DO = {
    "path": "accept related packets together with established ones, or this kind by name",
    "neighbours": "allow ICMPv6 types 135 and 136 here, as RFC 4890 says",
}


def find(facts: Facts) -> Iterator[Diagnostic]:
    forgotten = {replies.back for replies, _ in all_forgotten(facts)}
    for hook in facts.hooks:
        wanted = [each for each in needed() if _may_be_wanted(facts.ruleset, each, hook)]
        blocked = _all_blocked(facts, hook, wanted) if wanted else []
        for purpose, some in groupby(blocked, key=lambda found: found[0].purpose):
            if purpose == "neighbours" or hook not in forgotten:
                yield _finding(facts, hook, purpose, [*some])


def _finding(facts: Facts, hook: int | None, purpose: str, found: list[tuple[Needed, Flow[Any, Any]]]) -> Diagnostic:
    ends = [end for _, flow in found for outcome in flow.outcomes() for end, _ in flow.deciders(outcome)]
    first, *rest = dict.fromkeys(place(facts, end) for end in ends)
    kinds = " and ".join(f"{each.name} (ICMP{'' if each.family == 4 else 'v6'} {_number(each)})" for each, _ in found)
    where = "" if hook is None else f" at {HOOKS[hook]}"
    return CHECK.finding(
        first,
        f"{kinds} {'is' if len(found) == 1 else 'are'} blocked{where}: {_WHY[purpose]}",
        help=_DO[purpose],
        related=tuple(Related(span, "this blocks some of it") for span in rest[:2]),
        region=", ".join(f"icmp{'' if each.family == 4 else '6'}/{_number(each)}" for each, _ in found),
        example=facts.proven(found[0][1].within, "block"),
    )


def _number(each: Needed) -> str:
    return f"{each.type}/{each.code}" if each.code else str(each.type)


def _may_be_wanted(ruleset: Ruleset, each: Needed, hook: int | None) -> bool:
    """May it be that such packets have to come through the rules of a hook?"""
    if each.family not in ruleset.families or (FORWARD if hook is None else hook) not in each.hooks:
        return False
    if each.family == 6 and not _speaks_of_v6(ruleset):
        return False
    return each.purpose == "neighbours" or not all(entry.stateful for entry in ruleset.at(hook))


def _all_blocked(facts: Facts, hook: int | None, wanted: list[Needed]) -> list[tuple[Needed, Flow[Any, Any]]]:
    """Return the kinds of which all packets are blocked although others of their family pass, with those."""
    matches = [(each, _kind(each), _others(each.family)) for each in wanted]
    sets = space_at(facts.ruleset, either_of(*(part for _, *parts in matches for part in parts)), hook, facts.budget)
    found = []
    for each, kind, others in matches:
        packets = sets.of_match(kind)
        one = packets.example()
        if one is None or decide(facts.ruleset, one, index=facts.index).verdict == "allow":
            continue
        flow = Flow(facts.ruleset, sets, packets, passing=False)
        if packets <= flow.blocked:
            beside = Flow(facts.ruleset, sets, sets.of_match(others), passing=False, kept=kept(facts.ruleset))
            if beside.allowed - diverted(beside):
                found.append((each, flow))
    return found


def _kind(each: Needed) -> Match:
    return all_of(
        Field("proto", Intervals.of(each.protocol)),
        Field("icmp_type", Intervals.of(each.type)),
        Field("icmp_code", Intervals.of(each.code)),
        Field("state", Intervals.of(each.state)),
        _outside(each.family),
    )


def _others(family: int) -> Match:
    """Return the packets by which a hook is used: TCP, UDP and echo requests, new or established."""
    return all_of(
        either_of(Field("proto", Intervals.of(TCP, UDP)), Field("icmp_type", Intervals.of(8 if family == 4 else 128))),
        Field("state", Intervals.of(NEW, ESTABLISHED)),
        _outside(family),
    )


def _outside(family: int) -> Match:
    others = (Not(Field(name, Names.of("lo"))) for name in ("in", "out"))
    return all_of(Field("src", whole(family) - LOOPBACK), *others)


def _speaks_of_v6(ruleset: Ruleset) -> bool:
    """Are the rules for IPv6 alone, or do they name IPv6 addresses?"""
    if ruleset.families == {6}:
        return True
    parts = (part for policy in ruleset.policies.values() for rule in policy.rules for part in walk(rule.match))
    named = (part.values for part in parts if isinstance(part, Field) and part.name in ("src", "dst"))
    return any(isinstance(values, Intervals) and values.meets(V6) and not values.covers(V6) for values in named)


CHECK = Check(
    code="FW409",
    name="icmp-needed-blocked",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
network admins = 203.0.113.0/28, 2001:db8:ad::/64

policy server at input {
    default block ### FW409 "135. and neighbour advertisement .ICMPv6 136. are blocked at input"
    allow tcp/22 from admins
}
""",
        """
policy filter at forward stateless {
    default block ### FW409 "fragmentation needed .ICMP 3/4. is blocked at forward: connections hang"
    allow tcp/443 from 10.0.0.0/8
    allow tcp from any port 443 to 10.0.0.0/8 flags ack/ack
    allow ping
    allow icmp/0
}
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A INPUT -j REJECT ### FW409 "fragmentation needed"
COMMIT
""",
        """
# ip6tables
*filter
:INPUT DROP [0:0] ### FW409 "IPv6 does not work"
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 2001:db8::/32 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
policy server at input {
    default block
    allow tcp/22 from 203.0.113.0/28, 2001:db8:ad::/64
    allow icmp6/{135,136} with ttl 255
}
""",
        """
policy server at input {
    default block
    allow tcp/22 from 203.0.113.0/28
}
""",
        """
policy filter at forward stateless {
    default block
    allow tcp/443 from 10.0.0.0/8
    allow tcp from any port 443 to 10.0.0.0/8 flags ack/ack
    allow icmp/3/4 to 10.0.0.0/8
}
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
COMMIT
""",
        """
# ip6tables
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -i lo -s ::1 -j ACCEPT
-A OUTPUT -o lo -d ::1 -j ACCEPT
COMMIT
""",
        """
# ip6tables
*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p ipv6-icmp -m limit --limit 10/s -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
