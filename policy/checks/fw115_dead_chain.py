"""No packet comes to a chain or policy, because nothing calls it, or only rules that never match.

Its rules look as if they were in force, and are not. They get no findings of their own: if the chain comes to life,
they may all be right. Built-in chains of iptables and policies that are bound to a hook are never reported.

**What to do.** Call it, correct the rule that should call it (the finding names it, and it has one of its own), or
remove it. For a file that only adds chains for other files to call, leave this check out.
"""

from collections.abc import Iterator

from policy.change import RemovePolicy
from policy.check import Check, Facts
from policy.check.fixes import offer
from policy.diagnostic import Diagnostic, Related, Severity
from policy.reach.entered import calls


def _find(facts: Facts) -> Iterator[Diagnostic]:
    for name in facts.standings.not_entered:
        policy = facts.ruleset.policies[name]
        span = policy.span or (policy.rules[0].span if policy.rules else None)
        if span is None:
            continue
        callers = [facts.rule(at) for at in facts.places if name in calls(facts.rule(at))]
        yield CHECK.finding(
            span,
            f"no packet comes to `{name}`: " + ("only rules that never act call it" if callers else "no rule calls it"),
            help="call it, or remove it" if not callers else "correct what calls it, or remove it",
            related=tuple(Related(rule.span, "this rule never acts") for rule in callers),
            fix=None if callers else offer(facts, f"remove `{name}`", RemovePolicy(policy), safe=False),
        )


CHECK = Check(
    code="FW115",
    name="dead-chain",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
*filter
:INPUT DROP [0:0]
:web - [0:0] ### FW115 "no rule calls it"
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A web -p tcp -m tcp --dport 443 -j ACCEPT
-A web -p tcp -m tcp --dport 443 -j DROP
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    call web tcp/80, tcp/443
}
policy web {
    allow tcp/443
}
""",
    ),
    find=_find,
)
