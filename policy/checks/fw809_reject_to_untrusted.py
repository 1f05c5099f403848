"""A rule rejects packets of an untrusted zone, where it could drop them.

A reject answers. Who scans a network learns at once that the address is in use and filtered, and forged senders get the
answers that they did not ask for. A drop says nothing.

**What to do.** Drop what comes from there, and reject only what comes from inside, where an answer saves people from
waiting.

**What is said exactly.** A zone is declared untrusted in the configuration; without one nothing is said. The rule is
sure to match, and so to reject, some first packets of connections from there.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.change import Announced, Fix, WriteAction
from policy.check import Check, Facts, Settings, Zone
from policy.check.fixes import offer
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Block, Reject, Rule
from policy.packet import Names


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules that reject what comes from untrusted zones."""
    if facts.settings.untrusted is None:
        return
    for at in facts.places:
        rule = facts.rule(at)
        if not any(isinstance(action, Reject) for action in rule.actions):
            continue
        packets = {ground.sets.hook: ground.surely(at) & facts.arriving(ground.sets.hook) for ground in facts.grounds}
        packets = {hook: some for hook, some in packets.items() if some}
        if packets:
            yield CHECK.finding(
                rule.span,
                "this rule answers untrusted senders",
                help="block these packets silently",
                region=facts.region(packets),
                example=facts.replayed(packets.values(), [rule]),
                fix=_silent(facts, rule),
            )


def _silent(facts: Facts, rule: Rule) -> Fix | None:
    """Return the fix that blocks what a rule rejects, from wherever it comes."""
    if rule.action_span is None:
        return None
    change = WriteAction(rule.action_span, Block())
    announced = Announced(rule.match, Block(), rules=(rule.span,))
    return offer(facts, "block these packets, and all others of the rule", change, safe=False, announced=announced)


CHECK = Check(
    code="FW809",
    name="reject-to-untrusted",
    severity=Severity.INFO,
    off="An old dispute: a drop makes scans slower, a reject keeps the mistakes of honest people short.",
    page=__doc__,
    bad=(
        """
policy border at input {
    default block
    allow  tcp/443
    reject tcp/113 ### FW809 "answers untrusted senders"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i eth1 -j ACCEPT
-A INPUT -p tcp -j REJECT --reject-with tcp-reset ### FW809 "answers untrusted senders"
COMMIT
""",
    ),
    good=(
        """
policy border at input {
    default block
    allow  tcp/443
    reject tcp/113 in eth1
    block  tcp/113
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i eth0 -j DROP
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
COMMIT
""",
    ),
    find=find,
    settings=Settings(zones=(Zone("internet", Names.of("eth0"), untrusted=True),)),
)
