"""With the first match instead of the last, or the other way round, these rules would mean something else.

In `last-match` policies, as in pf without `quick`, the last rule that matches decides. Whoever reads them as most
firewalls do, from the top to the first match, reads something else. Policies that mean the same both ways can be read
either way, and moved to any firewall.

**What to do.** Nothing, if all who read the rules know how they are read. Else order them so that broad rules come
last, and leave `last-match` out.

**What is said exactly.** Reported is a `last-match` policy where packets enter, with the packets that would have
another verdict, whatever the unknown conditions are, if its first match decided.
"""

from collections.abc import Iterator
from dataclasses import replace

from policy.check import Check, Facts
from policy.diagnostic import Diagnostic, Severity
from policy.packet import HOOKS
from policy.reach import Flow


def find(facts: Facts) -> Iterator[Diagnostic]:
    said = set[str]()
    for hook in facts.hooks:
        for entry in facts.ruleset.at(hook):
            policy = facts.ruleset.policies[entry.policy]
            if not policy.last_match or policy.span is None or entry.policy in said:
                continue
            first = replace(policy, last_match=False)
            read = replace(facts.ruleset, policies={**facts.ruleset.policies, policy.name: first})
            now, then = facts.flow(hook), Flow(read, facts.space(hook), passing=False)
            let_in, kept_out = now.allowed & then.blocked, now.blocked & then.allowed
            if let_in or kept_out:
                said.add(entry.policy)
                yield CHECK.finding(
                    policy.span,
                    f"`{policy.name}` would mean something else{_at(hook)} if its first match decided",
                    help="if that may mislead, put broad rules last and leave `last-match` out",
                    region=facts.words(let_in | kept_out, hook),
                    example=facts.proven(let_in, "allow") or facts.proven(kept_out, "block"),
                )


def _at(hook: int | None) -> str:
    return "" if hook is None else f" at {HOOKS[hook]}"


CHECK = Check(
    code="FW819",
    name="depends-on-match-mode",
    severity=Severity.INFO,
    page=__doc__,
    off="Whoever writes `last-match` means it, and nearly every such policy depends on it.",
    bad=(
        """
policy border last-match { ### FW819 "`border` would mean something else if its first match decided"
    default block
    block any
    allow tcp/443 from 10.0.0.0/8
}
""",
    ),
    good=(
        """
policy border last-match {
    default block
    allow tcp/443 from 10.0.0.0/8
    block udp
}
""",
        """
policy border {
    default block
    allow tcp/443 from 10.0.0.0/8
    block any from 10.1.0.0/16
}
""",
    ),
    find=find,
)
