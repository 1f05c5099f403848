"""A translated port goes around the rules that block it at input.

What a container or a virtual machine publishes is translated (DNAT) before it is filtered: to an address behind the
host, so that it is forwarded, and the rules at input are never asked. Whoever blocks a port there, or lets only SSH in,
believes it to be closed; with the rules that the container engine adds to FORWARD it is open to everybody. `ufw` and
other front ends that speak of input alone do not show it either.

**What to do.** Publish the port on the loopback address only (`127.0.0.1:8080:80`), if a proxy on the host serves it;
else filter where it passes: in `DOCKER-USER`, with `-m conntrack --ctorigdstport` for the port that people connect to.

**What is said exactly.** Packets that come to the host by an interface that may lead outside (FW201), and that the
rule translates, pass for certain, and would be blocked for certain if no rule translated destinations. Not reported is
what a rule of your own lets pass that names the port, or the one host that it leads to, and what a rule of
`DOCKER-USER` or `CNI-ADMIN` blocks in part: that is what somebody chose. Chains that container engines, libvirt and the
like fill (`DOCKER…`, `CNI-…`, `KUBE-…`, `LIBVIRT_…`) are not your own. Where nothing says which addresses are the
host's own, what comes to it is taken to be for one of them; a finding that hangs on what rules translate to being
another host says so. Rules with one cause are one finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any

from policy.check import Check, Facts
from policy.check.connections import names, place
from policy.check.programs import LEFT_TO_USERS, chain_of, filled_by_program
from policy.check.traffic import bound
from policy.check.wording import shown
from policy.diagnostic import Diagnostic, Related, Severity
from policy.evaluate import decide
from policy.ir import (
    NOTHING,
    Allow,
    Field,
    Match,
    Not,
    Rewrite,
    Rule,
    Ruleset,
    Unknown,
    all_of,
    conjuncts,
    walk,
)
from policy.netfilter import TO_HOST
from policy.packet import INPUT, Intervals
from policy.packet.address import LOOPBACK
from policy.packet.text import set_text
from policy.reach import At, Disagreement, Flow
from policy.reach.ends import End
from policy.reach.first import first_packets
from policy.reach.way import below
from policy.sets.regions import Region


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield a finding for the rules that translate what rules at input would block, once for each cause."""
    translating = [at for at in facts.places if _translates(facts.rule(at))]
    if not translating or INPUT not in facts.hooks:
        return
    sets = facts.space(INPUT)
    within = _arriving(facts)
    away = _assumed(facts.ruleset)
    passing: Flow[Any, Any] = Flow(facts.ruleset, sets, within, away)
    filtered: Flow[Any, Any] = Flow(_untranslated(facts.ruleset), sets, within, away, passing=False)
    around = passing.allowed & filtered.blocked
    if not around:
        return
    found: dict[object, list[tuple[At, Any, End, End]]] = {}
    for at in translating:
        packets = passing.passing(at).surely & around
        if packets and not _is_filtered(facts, passing, passing.passing(at).surely):
            for blocker, lets in _causes(passing, filtered, packets):
                found.setdefault(blocker.decider, []).append((at, packets, blocker, lets))
    for alike in found.values():
        yield _finding(facts, alike, away)


def _arriving(facts: Facts) -> Any:
    """Return the packets that come to the host by an interface that may lead outside, and open connections."""
    sets = facts.space(INPUT)
    found = sets.of_match(all_of(first_packets(sets.layout), facts.outside.comes, Not(Field("dst", LOOPBACK))))
    if facts.outside.known or "in" not in sets.layout.fields:
        return found
    doubtful = (Region({"in": numbers}).match(sets.layout) for numbers in facts.outside.doubtful(sets.layout))
    return found & sets.union(map(sets.of_match, doubtful))


def _translates(rule: Rule) -> bool:
    """Does a rule send packets to another destination, which decides anew where they go?"""
    rewrites = [dict(action.changes) for action in rule.actions if isinstance(action, Rewrite)]
    return any("dst" in changes and "hook" in changes for changes in rewrites)


def _untranslated(ruleset: Ruleset) -> Ruleset:
    """Return the rules without those that translate destinations."""
    return replace(
        ruleset,
        policies={
            name: replace(
                policy,
                rules=tuple(replace(rule, match=NOTHING) if _translates(rule) else rule for rule in policy.rules),
            )
            for name, policy in ruleset.policies.items()
        },
    )


def _assumed(ruleset: Ruleset) -> dict[str, bool]:
    """Return what is taken for granted: what comes to the host is for it, and nothing is translated to the host."""
    routing = (policy for policy in ruleset.policies.values() if policy.implied)
    parts = (part for policy in routing for rule in policy.rules for part in walk(rule.match))
    return {TO_HOST: True} | {part.key: False for part in parts if isinstance(part, Unknown)}


def _is_filtered(facts: Facts, passing: Flow[Any, Any], packets: Any) -> bool:
    """Does a chain that is left to the operator block some of these packets?"""
    policies = facts.ruleset.policies
    own = {name for policy in policies if chain_of(policy) in LEFT_TO_USERS for name in below(policies, policy)}
    ends = [(end, some) for end, some in passing.by_end.items() if not end.allows and end.at is not None]
    return any(end.at is not None and end.at[0] in own and some & packets for end, some in ends)


def _causes(passing: Flow[Any, Any], filtered: Flow[Any, Any], packets: Any) -> Iterator[tuple[End, End]]:
    """Yield what would block some packets, with what lets them pass instead, where nobody chose that."""
    for blocker, some in filtered.by_end.items():
        mine = filtered.possible(some) & packets
        if blocker.allows or not mine:
            continue
        lets = [end for end, each in passing.by_end.items() if end.allows and passing.possible(each) & mine]
        unasked = [end for end in lets if not _is_chosen(end)]
        if unasked:
            yield blocker, unasked[0]


def _is_chosen(end: End) -> bool:
    """Is this a rule of the operator that names the port, or one host as the destination?"""
    if end.rule is None or end.at is None or not isinstance(end.action, Allow):
        return False
    return not filled_by_program(end.at[0]) and (names(end.rule, "dport") or bound(end.rule.match, "dst").size == 1)


def _finding(facts: Facts, alike: list[tuple[At, Any, End, End]], away: dict[str, bool]) -> Diagnostic:
    """Return one finding for the rules with one cause."""
    (at, packets, blocker, lets), *_ = alike
    _, *others = dict.fromkeys(facts.head(each) for each, *_ in alike)
    every = facts.space(INPUT).union(each for _, each, _, _ in alike)
    what = "another rule" if len(others) == 1 else f"{len(others)} others"
    message = "this rule takes" if not others else f"this rule and {what} take"
    sets = facts.space(INPUT)
    named = any(names(facts.rule(each), "dst") for each, *_ in alike)
    several = others or every.values("dport").size > 1
    care = sets.everything if named else sets.of_match(Field("dst", every.values("dst")))
    example = packets.example()
    assert example is not None
    if decide(facts.ruleset, example, assume=away, index=facts.index).verdict == "block":
        raise Disagreement(f"sets and evaluator disagree about {dict(example.values)}, which is let in")
    return CHECK.finding(
        facts.rule(at).span,
        f"{message} {_ports(every)} past the rules at input, which block "
        + ("them: they are forwarded instead" if several else "it: it is forwarded instead")
        + _condition(facts, [at for at, *_ in alike]),
        help="publish it on 127.0.0.1 only, or filter it where it passes: with Docker in `DOCKER-USER`",
        related=(
            Related(place(facts, blocker), "at input this would block it"),
            Related(place(facts, lets), "it is forwarded, and this lets it pass"),
            *shown(facts, [(other, "this one, too") for other in others]),
        ),
        region=facts.words(every, INPUT, _arriving(facts) & care),
        example=example,
    )


def _condition(facts: Facts, translating: list[At]) -> str:
    """Return under which condition the packets that rules translate are forwarded, where one is not known."""
    actions = (action for at in translating for action in facts.rule(at).actions if isinstance(action, Rewrite))
    to = [value for action in actions for name, value in action.changes if name == "dst"]
    targets = reduce(or_, (Intervals.of(each) for each in to if isinstance(each, int)), Intervals())
    targets = reduce(or_, (each for each in to if isinstance(each, Intervals)), targets)
    policies = (policy for policy in facts.ruleset.policies.values() if policy.implied)
    parts = [conjuncts(rule.match) for policy in policies for rule in policy.rules]
    asked = [parts[0].values for parts in parts if _asks_whose(parts) and isinstance(parts[0], Field)]
    doubtful = reduce(or_, (each for each in asked if isinstance(each, Intervals)), Intervals()) & targets
    if not doubtful:
        return ""
    text = set_text("dst", doubtful)
    none = f"{text} is not" if doubtful.size == 1 else f"none of {text} is"
    return f", if {none} an address of this host"


def _asks_whose(parts: Sequence[Match]) -> bool:
    """Does a rule of the routing hang on an address being the host's own?"""
    return any(isinstance(part, Unknown) and part.key.startswith("local:") for part in parts)


def _ports(packets: Any) -> str:
    """Return the ports that some packets are for, in words: `tcp/8080`, or `12 ports`."""
    ports: Intervals = packets.values("dport")
    return f"port {ports.first}" if ports.size == 1 else f"{ports.size:,} ports" if ports else "traffic"


CHECK = Check(
    code="FW412",
    name="nat-bypasses-filter",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80 ### FW412 "port 8080"
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
""",
        """
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 3306 -j DNAT --to-destination 192.168.122.10 ### FW412 "if none"
-A PREROUTING -i eth0 -p tcp -m tcp --dport 5432 -j DNAT --to-destination 192.168.122.11
-A POSTROUTING -s 192.168.122.0/24 ! -d 192.168.122.0/24 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:LIBVIRT_FWI - [0:0]
:LIBVIRT_FWO - [0:0]
-A INPUT -i eth0 -p tcp -m multiport --dports 3306,5432 -j DROP
-A FORWARD -d 192.168.122.0/24 -m state --state NEW,RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -j LIBVIRT_FWI
-A FORWARD -j LIBVIRT_FWO
-A LIBVIRT_FWI -d 192.168.122.0/24 -o virbr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A LIBVIRT_FWI -o virbr0 -j REJECT --reject-with icmp-port-unreachable
-A LIBVIRT_FWO -s 192.168.122.0/24 -i virbr0 -j ACCEPT
-A LIBVIRT_FWO -i virbr0 -j REJECT --reject-with icmp-port-unreachable
COMMIT
""",
    ),
    good=(
        """
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
-A DOCKER -d 127.0.0.1/32 ! -i docker0 -p tcp -m tcp --dport 9090 -j DNAT --to-destination 172.17.0.3:90
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER -d 172.17.0.3/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 90 -j ACCEPT
-A DOCKER-USER ! -s 10.0.0.0/8 -i eth0 -j DROP
-A DOCKER-USER -j RETURN
COMMIT
""",
        """
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 192.168.1.10
-A PREROUTING -i eth0 -p tcp -m tcp --dport 8443 -j DNAT --to-destination 192.168.1.11
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i eth0 -p tcp -m tcp --dport 8443 -j ACCEPT
-A FORWARD -d 192.168.1.10/32 -i eth0 -p tcp -m tcp --dport 443 -j ACCEPT
-A FORWARD -d 192.168.1.11/32 -i eth0 -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
