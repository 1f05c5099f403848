"""A rule could stand further up without changing any verdict.

Packets are compared with one rule after the other, so rules that match often should stand early. This check says how
far each rule may be moved; it is off unless it is asked for, for nearly every rule may be moved a little.

**What to do.** Nothing. If the counters of the firewall say that a rule matches often, move it up as far as is said
here, and ask again: each answer holds for the rules as they are.

**What is said exactly.** A rule may be moved past the rules that, for every packet that may come to them, either do
not match what it matches, or do exactly the same: one verdict, no log, no note, no change. Rules that count (rate
limits and their like), call, return or do anything else are only passed where they match none of its packets. The
finding names the rule that it must stay behind. In last-match policies the same is said of moving it down.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.wording import before
from policy.diagnostic import Diagnostic, Related, Severity


def find(facts: Facts) -> Iterator[Diagnostic]:
    for at in facts.places:
        if not (facts.is_whole(at) and facts.is_live(at)):
            continue
        name, number = at
        policy = facts.ruleset.policies[name]
        limit = facts.room(at)
        start = len(policy.rules) if policy.last_match else -1
        past = abs(number - (start if limit is None else limit)) - 1
        if past <= 0:
            continue
        way = "down" if policy.last_match else "up"
        rules = f"the {past} rules" if past > 1 else "the rule"
        side = "behind" if policy.last_match else "before"
        packets = facts.matched(at)
        yield CHECK.finding(
            facts.rule(at).span,
            f"this rule can move {way} past {rules} {side} it without changing a verdict",
            help="if the rule matches often, move it so that packets meet it sooner",
            related=()
            if limit is None
            else (Related(facts.rule((name, limit)).span, f"must stay {before(facts, at)}"),),
            region=facts.region(packets, facts.rule(at).match),
            example=facts.replayed(packets.values(), [facts.rule(at)], facts.usual(packets, facts.rule(at).match)),
        )


CHECK = Check(
    code="FW114",
    name="order-swap-free",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    allow tcp/443 from 10.1.0.0/16
    block udp/69 ### FW114 "up past the rule before it"
    allow tcp/22 from 10.1.0.0/16 ### FW114 "up past the 2 rules before it"
    block any from 10.1.9.0/24
    allow tcp/25
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m limit --limit 9/s -j ACCEPT
-A INPUT -p udp --dport 53 -j ACCEPT ### FW114 "past the rule before it"
-A INPUT -p tcp --dport 80 -j ACCEPT ### FW114 "past the rule before it"
COMMIT
""",
    ),
    good=(
        """
policy border {
    default block
    block tcp from 10.1.9.0/24
    allow tcp/25
    block tcp/25-80
}
""",
    ),
    find=find,
    off="That a rule could stand elsewhere is no reason to move it, unless speed matters.",
)
