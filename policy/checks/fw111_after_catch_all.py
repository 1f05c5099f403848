"""A rule never acts, because it stands behind a rule of its policy that takes every packet.

All rules behind `block any`, or a `-j DROP` without conditions, are dead, whatever they say. It is what happens when
rules are added at the end of a list that has its last rule already.

**What to do.** Move the rules before the one that is named, or remove them.
"""

from collections.abc import Iterator

from policy.check import Check, Facts, Undecided
from policy.check.dead import causes, dead_rules, does, move
from policy.diagnostic import Diagnostic, Severity
from policy.reach import At, Kind, Standing


def _find(facts: Facts) -> Iterator[Diagnostic | Undecided]:
    return dead_rules(CHECK, facts, lambda s: s.kind is Kind.AFTER_CATCH_ALL, _say)


def _say(facts: Facts, at: At, standing: Standing[At]) -> tuple[str, str]:
    taker = does(facts.rule(standing.by[0])).replace("them", "all packets")
    return (
        f"this rule never acts: {causes(facts, at, standing)} {taker} that come here",
        f"{move(facts, at, standing)}, or remove it",
    )


CHECK = Check(
    code="FW111",
    name="after-catch-all",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border {
    allow tcp/443
    block any
    allow tcp/22 from 10.0.0.0/8 ### FW111 "line 3 blocks all packets that come here"
}
""",
        """
*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -j DROP
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT ### FW111 "line 4"
COMMIT
""",
        """
policy border last-match {
    default block
    block tcp/25 ### FW111 "line 4 allows all packets"
    allow any
}
""",
    ),
    good=(
        """
policy border {
    allow tcp/443
    allow tcp/22 from 10.0.0.0/8
    block any
}
""",
    ),
    find=_find,
)
