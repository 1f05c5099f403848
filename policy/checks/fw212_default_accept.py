"""What no rule decides is allowed, and something from outside is.

With such a default the rules are a list of what is forbidden, and everything that nobody thought of is open: the
service that comes with the next update, the port that a developer opens for an afternoon. Rules that allow do
nothing then. Every guide says to block by default and to allow what is needed (NIST SP 800-41, 4.1; CIS Benchmarks
for Linux).

**What to do.** Allow what is needed, with established connections and `lo`, and then block the rest: `-P INPUT
DROP`, `default block`. Do it in this order, or you lock yourself out.

**What is said exactly.** Reported is a chain or policy at input or forward with a rule at least and with a default
that allows, if the packets that come to that default and pass all tables, whatever the unknown conditions are, open
more than `wide-ports` ports of TCP or of UDP (1,000 if nothing else is configured), or a notable service, to
everybody outside. What "outside" and "everybody" mean is said at FW201. So a chain whose last rule blocks the rest
is not reported, whatever its default is; nor is a chain without rules: whoever filters nothing does not rely on its
default.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposed import among
from policy.check.exposure import Exposure, Packets
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Allow
from policy.packet import HOOKS, OUTPUT
from policy.packet.fields import TCP, UDP


def _find(facts: Facts) -> Iterator[Diagnostic]:
    said = set()
    for hook in facts.hooks:
        for entry in facts.ruleset.at(hook):
            policy = facts.ruleset.policies[entry.policy]
            default = policy.default or entry.default
            span = policy.default_span or policy.span
            if hook == OUTPUT or not entry.main or not isinstance(default, Allow) or not policy.rules or span is None:
                continue
            found = _finding(facts, hook, policy.name)
            if found is not None and span not in said:
                said.add(span)
                message, packets = found
                yield CHECK.finding(
                    span,
                    message,
                    help="allow what is needed, then block the rest",
                    region=facts.once(Exposure).region(packets),
                    example=facts.once(Exposure).example(packets, None),
                )


def _finding(facts: Facts, hook: int | None, policy: str) -> tuple[str, Packets] | None:
    exposure, flow = facts.once(Exposure), facts.flow(hook)
    falling = [some for end, some in flow.by_end.items() if end.rule is None and end.policy == policy and end.allows]
    packets = exposure.sent(
        {hook: flow.possible(facts.space(hook).union(falling)) & flow.allowed & facts.reachable(hook)}
    )
    origin = exposure.origin(packets)
    if origin is None:
        return None
    services = exposure.services(packets)
    if not services and max(exposure.ports(packets, each).size for each in (TCP, UDP)) <= facts.settings.wide_ports:
        return None
    where = f"`{policy}`" if hook is None or policy.lower() == HOOKS[hook] else f"`{policy}` at {HOOKS[hook]}"
    return f"the default of {where} lets in from {origin.name} what no rule blocks{among(services)}", packets


CHECK = Check(
    code="FW212",
    name="default-accept",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at input {
    default allow ### FW212 "the default of `border` at input lets in from the Internet what no rule blocks, among it"
    block tcp/23
}
""",
        """
*filter
:INPUT ACCEPT [0:0] ### FW212 "the default of `INPUT` lets in from the Internet what no rule blocks, among it Remote"
:FORWARD ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j DROP
COMMIT
""",
    ),
    good=(
        """
policy border at input {
    default allow
    allow tcp/22 from 10.0.0.0/8
    block any from any except 10.0.0.0/8
}
""",
        """
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -i eth0 -j DROP
-A FORWARD -j DROP
-A OUTPUT -p tcp -m tcp --dport 25 -j DROP
COMMIT
""",
        """
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
COMMIT
""",
    ),
    find=_find,
)
