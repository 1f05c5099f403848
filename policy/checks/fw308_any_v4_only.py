"""0.0.0.0/0 where any address was meant: the rule says nothing of IPv6.

`0.0.0.0/0` is every IPv4 address, and none of IPv6. In a file of both IP versions it is a trap, because it is what
people have written for "any" for thirty years. Where it blocks, IPv6 goes past the rule: telnet is shut over IPv4,
and open over IPv6, and a host that has both is reached over the one that is open. Where it allows, half of the users
cannot come in.

**What to do.** Write `any`, or leave the address out. If IPv4 alone is meant, say what happens to IPv6 in a rule of
its own, with `::/0`.

**What is said exactly.** Looked at are files of both IP versions that say something of IPv6, and in them the rules at
a hook that allow, block or reject and have `0.0.0.0/0`, or a name for it, as their source or destination. Such a rule
is reported if the same traffic over IPv6, when it opens connections, surely ends otherwise, all of it. Where other
rules let a part of it end likewise, somebody has thought of IPv6, and nothing is said; nor if there is no such
traffic, because the other side has IPv4 addresses only.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.families import speaks_of_v6, whole_v4
from policy.check.judged import judged
from policy.check.wording import verb
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Allow, Field, Match, all_of, conjuncts
from policy.packet.address import V6
from policy.reach import At, Flow
from policy.reach.effects import deciding
from policy.reach.first import first_packets
from policy.sets.truth import Algebra

_OTHERWISE = {"allow": "allowed", "block": "blocked"}


def find(facts: Facts) -> Iterator[Diagnostic]:
    if not speaks_of_v6(facts.ruleset):
        return
    found: set[At] = set()
    for hook in facts.hooks:
        sets = facts.space(hook)
        opening = sets.of_match(first_packets(sets.layout))
        twins = {at: sets.of_match(_over_v6(facts.rule(at).match)) & opening for at in _candidates(facts, hook)}
        if not twins:
            continue
        flow = Flow(facts.ruleset, sets, sets.union(twins.values()), passing=False)
        for at, packets in twins.items():
            allows = isinstance(deciding(facts.rule(at)), Allow)
            if packets and at not in found and packets <= (flow.blocked if allows else flow.allowed):
                found.add(at)
                yield _finding(facts, at, packets, hook)


def _candidates(facts: Facts, hook: int | None) -> Iterator[At]:
    """Yield the rules where packets enter that decide about any IPv4 address."""
    entries = {entry.policy for entry in facts.ruleset.at(hook)}
    for at in facts.places:
        rule = facts.rule(at)
        if at[0] in entries and deciding(rule) is not None and whole_v4(rule.match) and facts.is_live(at):
            yield at


def _finding(facts: Facts, at: At, packets: Algebra, hook: int | None) -> Diagnostic:
    verdict = deciding(facts.rule(at))
    assert verdict is not None
    other = "block" if isinstance(verdict, Allow) else "allow"
    return CHECK.finding(
        facts.rule(at).span,
        f"this rule {verb(verdict)} IPv4 alone: `0.0.0.0/0` is not any address, "
        f"and the same traffic over IPv6 is {_OTHERWISE[other]}",
        help="write `any`, or say in a rule with `::/0` what is meant for IPv6",
        region=facts.words(packets, hook),
        example=judged(facts, packets, other),
    )


def _over_v6(match: Match) -> Match:
    """Return the same traffic over IPv6."""
    sides = whole_v4(match)
    parts = (
        Field(part.name, V6) if isinstance(part, Field) and part.name in sides else part for part in conjuncts(match)
    )
    return all_of(*parts)


CHECK = Check(
    code="FW308",
    name="any-v4-only",
    severity=Severity.WARNING,
    page=__doc__,
    find=find,
    bad=(
        """
network office  = 10.1.0.0/16, 2001:db8:1::/48
network servers = 10.2.0.0/24, 2001:db8:2::/64
policy border {
    default block
    allow tcp/443 from 0.0.0.0/0 to servers ### FW308 "allows IPv4 alone: .* over IPv6 is blocked"
    allow tcp/22 from office to servers
}
""",
        """
host me = 192.0.2.10, 2001:db8:10::10
network world = 0.0.0.0/0
policy server at input {
    default allow
    block tcp/23 from 0.0.0.0/0 to me ### FW308 "blocks IPv4 alone: .* over IPv6 is allowed"
    reject udp/161 from world ### FW308 "rejects IPv4 alone"
}
""",
    ),
    good=(
        """
network servers = 10.2.0.0/24, 2001:db8:2::/64
host    mail    = 10.2.0.25
policy border {
    default block
    allow tcp/443 from any to servers
    allow tcp/25 from 0.0.0.0/0 to mail
    allow tcp/22 from 0.0.0.0/0 to servers
    allow tcp/22 from 2001:db8::/32 to servers
    allow icmp/echo-request from 0.0.0.0/0
    block any from 0.0.0.0/0
}
""",
        """
policy border {
    default block
    allow tcp/443 from 0.0.0.0/0 to 10.2.0.0/24
    allow tcp/80 from 0.0.0.0/0
}
""",
        """
# Generated by iptables-save v1.8.9
*filter
:INPUT DROP [0:0]
-A INPUT -s 0.0.0.0/0 -p tcp --dport 443 -j ACCEPT
COMMIT
""",
    ),
)
