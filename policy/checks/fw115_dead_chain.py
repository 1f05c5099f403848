"""No packet comes to a chain or policy, because nothing calls it, or only rules that never match.

Its rules look as if they were in force, and are not. They get no findings of their own: if the chain comes to life,
they may all be right. Built-in chains of iptables and policies that are bound to a hook are never reported.

**What to do.** Call it, correct the rule that should call it (the finding names it, and it has one of its own), or
remove it.

**What is said exactly.** Reported is a chain that has rules and that no packet comes to. Not reported are

* empty chains: scripts and distributions leave them for later, and nothing in them looks as if it were in force;
* chains that only such chains call: what is to be corrected is there;
* files that name no built-in chain, as those of ufw: they add chains that other files call;
* scripts of nftables whose rules look something up in a map that is empty: what fills it may say `jump`;
* chains that tools write whether they are called or not, or that a program calls when it starts, such as `DOCKER-USER`
  (`policy/check/data/chains.tsv` has them all, with the reason).
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from policy.change import RemovePolicy
from policy.check import Check, Facts
from policy.check.fixes import offer
from policy.check.programs import chain_of
from policy.check.tables import rows
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Ruleset
from policy.packet import Intervals
from policy.reach.way import calls


def _find(facts: Facts) -> Iterator[Diagnostic]:
    gone = facts.standings.not_entered
    if not gone or _only_adds(facts.ruleset) or _looks_up_later(facts.ruleset):
        return
    for name in gone:
        policy = facts.ruleset.policies[name]
        if not policy.rules or _of_tool(name):
            continue
        callers = [at for at in facts.places if name in calls(facts.rule(at))]
        if any(at[0] in gone for at in callers):
            continue
        yield CHECK.finding(
            policy.span or policy.rules[0].span,
            f"no packet comes to `{name}`: " + ("only rules that never act call it" if callers else "no rule calls it"),
            help="call it, or remove it" if not callers else "correct what calls it, or remove it",
            related=tuple(Related(facts.rule(at).span, "this rule never acts") for at in callers),
            fix=None if callers else offer(facts, f"remove `{name}`", RemovePolicy(policy), safe=False),
        )


def _only_adds(ruleset: Ruleset) -> bool:
    """Are the policies where packets enter neither named nor filled in the file?"""
    entries = {entry.policy for found in ruleset.entries.values() for entry in found}
    return not any(ruleset.policies[name].span or ruleset.policies[name].rules for name in entries)


def _looks_up_later(ruleset: Ruleset) -> bool:
    """Do rules look something up in a map that is filled while the host runs?"""
    return any(each.kind == "map" and each.value == Intervals() and each.uses for each in ruleset.definitions)


def _of_tool(name: str) -> bool:
    """Does a tool write this chain whether something calls it or not?"""
    chain = chain_of(name)
    return any(fnmatchcase(chain, pattern) for pattern, *_ in rows("chains.tsv"))


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
