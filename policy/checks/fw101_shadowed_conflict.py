"""A rule never acts, because an earlier rule takes all its packets and does something else with them.

Whoever wrote the rule wanted these packets to be treated differently: an exception that stands behind the rule that it
is an exception from, or a block that is meant to be in force and is not. This is why it is an error.

The finding names the one rule that takes the packets (the first, if there are several), wherever it stands: in the
same policy, in one that was called before, or in one that packets meet earlier. That rule suffices, whatever the others
do and whatever the conditions that cannot be known here turn out to be. Where some of the packets end, or may end,
before they come to it, it is said to take those "that other rules leave". What packets get in the end counts as the
action: to allow, to block or to reject them. Logs and notes do not count; a rule that only logs and never sees a packet
is reported here, too.

**What to do.** Move the rule before the one that is named, if it is meant as an exception; else remove it.
"""

from collections.abc import Iterator

from policy.check import Check, Facts, Undecided
from policy.check.dead import all_do, dead_rules, move, takes
from policy.diagnostic import Diagnostic, Severity
from policy.reach import At, Kind, Standing


def _find(facts: Facts) -> Iterator[Diagnostic | Undecided]:
    return dead_rules(CHECK, facts, lambda s: s.kind is Kind.COVERED and s.same is False, _say)


def _say(facts: Facts, at: At, standing: Standing[At]) -> tuple[str, str]:
    taker = all_do(facts, standing.by)
    message = f"this rule never acts: {takes(facts, at, standing)} and {taker}"
    return message, f"{move(facts, at, standing)} if it is meant as an exception, or remove it"


CHECK = Check(
    code="FW101",
    name="shadowed-conflict",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    allow tcp/22 from 10.0.0.0/8
    block tcp/22 from 10.1.9.0/24 ### FW101 "line 3 takes all its packets first and allows them"
}
""",
        """
*filter
:INPUT DROP [0:0]
:ssh - [0:0]
-A INPUT -p tcp --dport 22 -j ssh
-A INPUT -s 192.0.2.7/32 -p tcp --dport 22 -j ACCEPT ### FW101 "line 6 takes all its packets first and blocks them"
-A ssh -s 192.0.2.0/24 -j DROP
-A ssh -s 198.51.100.0/24 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
policy border {
    default block
    block tcp/22 from 10.1.9.0/24
    allow tcp/22 from 10.0.0.0/8
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 22 -m limit --limit 5/min -j ACCEPT
-A INPUT -p tcp --dport 22 -j DROP
COMMIT
""",
    ),
    find=_find,
)
