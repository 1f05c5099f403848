"""Nothing limits what this host may send.

A program that does not belong here needs a way out: to fetch its next part, to take orders, to carry data away.
Where only known destinations and services are allowed it has none, and it shows. To keep such a list up to date is
work, which is why most hosts have none; for servers that hold much, it is worth it.

**What to do.** Allow what the host needs (names, time, updates, its databases), and block the rest at output.

**What is said exactly.** Reported is a rule, or the default of a chain or policy at output, that lets new
connections of most of the 256 protocols out, with nearly all ports of TCP or of UDP (all but `wide-ports`), to at
least half of the public addresses of IPv4 or of IPv6, whatever the unknown conditions are. What is only forwarded
is not looked at, nor are policies that hold at every hook alike.
"""

from collections.abc import Iterator
from typing import Any

from policy.check import Check, Facts
from policy.check.exposure import Exposure
from policy.check.opening import opening
from policy.diagnostic import Diagnostic, Severity
from policy.ir import EVERYTHING, Allow, Match
from policy.packet import OUTPUT
from policy.reach import At
from policy.reach.first import first_packets
from policy.source import Span


def _find(facts: Facts) -> Iterator[Diagnostic]:
    if OUTPUT not in facts.hooks:
        return
    for at in facts.places:
        if OUTPUT in facts.met.get(at[0], ()) and (packets := opening(facts, at).get(OUTPUT)):
            rule = facts.rule(at)
            yield from _said(facts, rule.span, "this rule lets everything out", packets, at, rule.match)
    for entry in facts.ruleset.at(OUTPUT):
        policy = facts.ruleset.policies[entry.policy]
        span = policy.default_span or policy.span
        if entry.main and span is not None and isinstance(policy.default or entry.default, Allow):
            sets, flow = facts.space(OUTPUT), facts.flow(OUTPUT)
            falling = [some for end, some in flow.by_end.items() if end.rule is None and end.policy == policy.name]
            packets = flow.possible(sets.union(falling)) & flow.allowed & sets.of_match(first_packets(sets.layout))
            yield from _said(
                facts, span, f"the default of `{policy.name}` lets everything out", packets, None, EVERYTHING
            )


def _said(facts: Facts, span: Span, message: str, some: Any, at: At | None, match: Match) -> Iterator[Diagnostic]:
    exposure = facts.once(Exposure)
    packets: dict[int | None, Any] = {OUTPUT: some}
    if exposure.is_everything(packets):
        yield CHECK.finding(
            span,
            message,
            help="allow what this host needs, and block the rest",
            region=facts.region(packets, match),
            example=exposure.example(packets, at),
        )


CHECK = Check(
    code="FW215",
    name="egress-any",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
policy machine at output {
    default block
    allow any out lo
    allow any ### FW215 "this rule lets everything out"
}
""",
        """
*filter
:OUTPUT ACCEPT [0:0] ### FW215 "the default of `OUTPUT` lets everything out"
-A OUTPUT -p tcp -m tcp --dport 25 -j DROP
COMMIT
""",
    ),
    good=(
        """
policy machine at output {
    default block
    allow any out lo
    allow any to 10.0.0.0/8
    allow tcp/443
}
""",
        """
*filter
:OUTPUT ACCEPT [0:0]
-A OUTPUT -o lo -j ACCEPT
-A OUTPUT -p udp -m udp --dport 53 -j ACCEPT
-A OUTPUT -j REJECT
COMMIT
""",
    ),
    find=_find,
    off="Nearly every host may send what it likes.",
)
