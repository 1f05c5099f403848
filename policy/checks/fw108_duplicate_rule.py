"""A rule never acts, because an earlier rule of the same policy has the same packets and the same action.

Rules are compared by what they mean: `tcp/80, tcp/443` is the same as `tcp/{443,80}`, and two networks side by side are
the same as the one that they make up. The same packets with another action are FW101. Two rules with a rate limit, or
another condition that is fresh for each rule, are no duplicates.

**What to do.** Remove one of the two.
"""

from collections.abc import Iterator

from policy.check import Check, Facts, Undecided
from policy.check.dead import causes, dead_rules
from policy.diagnostic import Diagnostic, Severity
from policy.reach import At, Kind, Standing


def _find(facts: Facts) -> Iterator[Diagnostic | Undecided]:
    return dead_rules(CHECK, facts, lambda s: s.kind is Kind.DUPLICATE, _say)


def _say(facts: Facts, at: At, standing: Standing[At]) -> tuple[str, str]:
    return f"this rule says the same as {causes(facts, at, standing)}", "remove one of the two"


CHECK = Check(
    code="FW108",
    name="duplicate-rule",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    allow tcp/80, tcp/443 from 10.0.0.0/24, 10.0.1.0/24
    allow udp/53
    allow tcp/{443,80} from 10.0.0.0/23 ### FW108 "the same as line 3"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p icmp -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m multiport --dports 22 -m comment --comment "ssh" -j ACCEPT ### FW108 "the same as line 4"
COMMIT
""",
    ),
    good=(
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p icmp -m limit --limit 1/sec -j ACCEPT
-A INPUT -p icmp -m limit --limit 1/sec -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
