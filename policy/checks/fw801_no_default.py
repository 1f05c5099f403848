"""A policy does not say what happens to packets that no rule decides.

Where packets enter, a policy without `default` blocks what is left over. That is the safe way, but whoever reads the
rules has to know it, and whoever moves them to another firewall gets what is usual there, which is often to allow.

**What to do.** Write `default block`, or `default allow` if that is what is meant.

**What is said exactly.** Reported is a policy where packets enter (bound to a hook, or one that nobody calls), without
`default`, that some packet gets through without any rule deciding, whatever the unknown conditions are. Policies that
are only called return, and need none; those that end with a rule for all packets have said it. In dumps of iptables a
chain always has a policy: if the file does not say it, it is ACCEPT (FW212 speaks of that).
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.unnamed import unnamed
from policy.check.wording import verb
from policy.diagnostic import Diagnostic, Severity
from policy.evaluate import decide
from policy.ir import EVERYTHING
from policy.packet import Packet
from policy.reach.effects import deciding
from policy.sets.simple import packet_of


def find(facts: Facts) -> Iterator[Diagnostic]:
    said = set()
    for hook in facts.hooks:
        for entry in facts.ruleset.at(hook):
            policy = facts.ruleset.policies[entry.policy]
            if policy.default is not None or policy.span is None or entry.policy in said:
                continue
            if any(rule.match == EVERYTHING and deciding(rule) is not None for rule in policy.rules):
                continue
            packet = _left(facts, hook, entry.policy)
            if packet is not None:
                said.add(entry.policy)
                yield CHECK.finding(
                    policy.span,
                    f"`{policy.name}` has no `default`: what no rule decides it {verb(entry.default)}",
                    help=f"say so: `default {verb(entry.default, several=True)}`",
                    example=packet,
                )


def _left(facts: Facts, hook: int | None, name: str) -> Packet | None:
    """Return a packet that a policy leaves to its default."""
    packet = packet_of(unnamed(facts.ruleset), facts.space(hook).layout)
    if packet is not None and _is_left(facts, packet, name):
        return packet
    ends = facts.flow(hook).by_end.items()
    left = [packets for end, packets in ends if end.implicit == "default" and end.policy == name]
    packet = next((each.example() for each in left if each), None)
    return packet if packet is not None and _is_left(facts, packet, name) else None


def _is_left(facts: Facts, packet: Packet, name: str) -> bool:
    decision = decide(facts.ruleset, packet, index=facts.index)
    return decision.implicit == "default" and decision.policy == name


CHECK = Check(
    code="FW801",
    name="no-default",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border { ### FW801 "`border` has no `default`: what no rule decides it blocks"
    allow tcp/443
    call admins from 10.0.0.0/8
}

policy admins {
    allow tcp/22
}
""",
        """
policy border at forward last-match { ### FW801 "say so: `default block`"
    block any from 192.0.2.0/24
    allow tcp/443
}
""",
    ),
    good=(
        """
policy border {
    allow tcp/443
    default block
    call admins from 10.0.0.0/8
}

policy admins {
    allow tcp/22
}
""",
        """
policy border {
    allow tcp/443
    reject any
}
""",
        """
policy border {
    allow any from 0.0.0.0/0
    block any from ::/0
}
""",
        """
*filter
:INPUT DROP [0:0]
:admins - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j admins
-A admins -s 10.0.0.0/8 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
