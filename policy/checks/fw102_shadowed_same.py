"""A rule never acts, because an earlier rule takes all its packets and does the same with them.

The rule changes nothing, but it is read, kept and trusted: whoever removes the earlier rule one day does not know that
this one comes to life. The finding names the one rule that takes the packets (the first, if there are several).

**What to do.** Remove the rule. If it is the narrower one that was meant, remove the other instead.
"""

from collections.abc import Iterator

from policy.check import Check, Facts, Undecided
from policy.check.dead import all_do, causes, dead_rules, takes
from policy.diagnostic import Diagnostic, Severity
from policy.reach import At, Kind, Standing


def _find(facts: Facts) -> Iterator[Diagnostic | Undecided]:
    return dead_rules(CHECK, facts, lambda s: s.kind is Kind.COVERED and s.same is True, _say)


def _say(facts: Facts, at: At, standing: Standing[At]) -> tuple[str, str]:
    taker, where = all_do(facts, standing.by), causes(facts, at, standing)
    message = f"this rule never acts: {takes(facts, at, standing)} and {taker} as well"
    return message, f"remove it; or, if {where} lets through or stops more than is meant, remove that"


CHECK = Check(
    code="FW102",
    name="shadowed-same",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
network office = 10.1.0.0/16
policy border {
    default block
    allow tcp/1-1023 from office
    allow tcp/443 from 10.1.2.0/24 ### FW102 "line 4 takes all its packets first and allows them as well"
}
""",
        """
*filter
:FORWARD DROP [0:0]
-A FORWARD -i eth+ -p udp -j ACCEPT
-A FORWARD -i eth0 -p udp -m udp --dport 53 -j ACCEPT ### FW102 "line 3"
COMMIT
""",
    ),
    good=(
        """
network office = 10.1.0.0/16
policy border {
    default block
    allow tcp/443 from 10.1.2.0/24 log
    allow tcp/1-1023 from office
}
""",
    ),
    find=_find,
)
