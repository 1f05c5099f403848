"""Two rules overlap and do different things, and neither contains the other: their order matters.

What both match is decided by the rule that comes first. Whoever adds a rule in between, or sorts the rules, may
change what happens without noticing. Rules whose order does not matter are easier to keep. There are many such pairs
in ordinary rules, so this check is off unless it is asked for.

**What to do.** Leave what both match out of one of the two rules, or say in a note that the order is meant.

**What is said exactly.** Reported is a rule that surely matches packets which an earlier rule of the same policy
surely decides in another way (allow, block, or reject with a certain answer), where the earlier rule also matches
packets that this one does not. There is one finding a rule, with the first few of the others; the region is what the
rule has in common with all of them.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.wording import before, counted, shown, verb
from policy.diagnostic import Diagnostic, Severity


def find(facts: Facts) -> Iterator[Diagnostic]:
    for at in facts.places:
        others = [each for each in facts.opponents(at) if not each.inside]
        if not others:
            continue
        region, example = facts.common(at, others)
        yield CHECK.finding(
            facts.rule(at).span,
            f"the order matters between this rule and {counted(len(others), before(facts, at))} with another action",
            help="leave what both match out of one of the two rules",
            related=shown(facts, [(each.at, f"{verb(each.verdict)} what both match") for each in others]),
            region=region,
            example=example,
        )


CHECK = Check(
    code="FW106",
    name="correlation",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    block any from 10.1.9.0/24
    reject any to 10.2.0.9 ### FW106 "the order matters between this rule and an earlier rule"
    allow tcp/443 from 10.1.0.0/16 ### FW106 "2 earlier rules"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.1.0.0/16 -p tcp -j ACCEPT
-A INPUT -p tcp --dport 23 -j DROP ### FW106 "an earlier rule"
COMMIT
""",
    ),
    good=(
        """
policy border {
    default block
    block any from 10.1.9.0/24
    allow tcp/443 from 10.1.0.0/16 except 10.1.9.0/24
    allow tcp/22 from 10.1.0.0/24
}
""",
    ),
    find=find,
    off="Rules overlap in most policies, and are meant to.",
)
