"""A rule never acts, because several earlier rules together take all its packets, though none of them takes all.

No comparison of two rules finds this. The finding names rules that suffice and of which none can be missed: without
any of them packets could come to the rule, if only the others that are named did what they do. It is an error if
any of them does something else with the packets than the rule would, as with FW101; if all do the same, the rule is
superfluous.

**What to do.** If the rule is meant as an exception, move it before the rules that are named; else remove it.
"""

from collections.abc import Iterator
from dataclasses import replace

from policy.check import Check, Facts, Undecided
from policy.check.dead import causes, dead_rules, move, others_do
from policy.diagnostic import Diagnostic, Severity
from policy.reach import At, Kind, Standing


def _find(facts: Facts) -> Iterator[Diagnostic | Undecided]:
    for found in dead_rules(CHECK, facts, lambda s: s.kind is Kind.COVERED_TOGETHER and s.same is True, _say_same):
        yield replace(found, severity=Severity.WARNING) if isinstance(found, Diagnostic) else found
    for found in dead_rules(CHECK, facts, lambda s: s.kind is Kind.COVERED_TOGETHER and s.same is not True, _say):
        if isinstance(found, Diagnostic):
            yield found


def _say_same(facts: Facts, at: At, standing: Standing[At]) -> tuple[str, str]:
    message = f"this rule never acts: {causes(facts, at, standing)} together take all its packets first and do the same"
    return message, "remove it"


def _say(facts: Facts, at: At, standing: Standing[At]) -> tuple[str, str]:
    if not standing.by:
        message = f"this rule never acts: earlier rules take all its packets; to find out which took {standing.reason}"
        return message, "remove it, or give `--budget` more time to find out which rules they are"
    message = (
        f"this rule never acts: {causes(facts, at, standing)} together take all its packets first, "
        f"and {others_do(facts, standing)}"
    )
    return message, f"{move(facts, at, standing)} if it is meant as an exception, or remove it"


CHECK = Check(
    code="FW103",
    name="union-shadowed",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    allow tcp/80 from 10.1.0.0/17
    allow udp
    block tcp/80 from 10.1.128.0/17
    allow tcp/80 from 10.1.0.0/16 ### FW103 "line 3 and line 5 together take all its packets first, and some of"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 0:1023 -j DROP
-A INPUT -p tcp -m tcp --dport 1024:65535 -j DROP
-A INPUT -s 192.0.2.0/24 -p tcp ! -f -j DROP ### FW103 "line 3 and line 4 together take all its packets first and do"
-A INPUT -s 198.51.100.7/32 -p tcp ! -f -j ACCEPT ### FW103 "take all its packets first, and each blocks them"
COMMIT
""",
    ),
    good=(
        """
policy border {
    default block
    allow tcp/80 from 10.1.0.0/17
    block tcp/80 from 10.1.128.0/18
    allow tcp/80 from 10.1.0.0/16
}
""",
    ),
    find=_find,
)
