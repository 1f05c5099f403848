"""Words that several checks share."""

from __future__ import annotations

from collections.abc import Sequence

from policy.check.facts import Facts
from policy.diagnostic import Related
from policy.ir import Allow, Block, Reject, Verdict
from policy.reach import At

MOST_ALIKE = 10
"""Of more rules than these in which the same is wrong, one finding speaks, and counts them."""

SHOWN_RULES = 3
"""So many other rules are shown with a finding."""


def verb(verdict: Verdict, several: bool = False) -> str:
    """Return `allows`, `blocks` or `rejects`; of *several* without the s."""
    match verdict:
        case Allow():
            word = "allow"
        case Block():
            word = "block"
        case Reject():
            word = "reject"
    return word if several else f"{word}s"


def counted(count: int, adjective: str) -> str:
    """Return `an earlier rule`, `another rule`, or `3 earlier rules`."""
    if count > 1:
        return f"{count} {adjective} rules"
    return f"a{'n' if adjective[0] in 'aeiou' else ''}{'' if adjective == 'other' else ' '}{adjective} rule"


def others_too(count: int, policy: str | None = None) -> str:
    """Return the end of a message that speaks of one rule for many: `, and so it is with 12 other rules`."""
    return f", and so it is with {count:,} other rules" + (f" of `{policy}`" if policy else "")


def before(facts: Facts, at: At) -> str:
    """Return where the rules stand that packets meet before a rule: *earlier*, in last-match policies *later*."""
    return "later" if facts.ruleset.policies[at[0]].last_match else "earlier"


def shown(facts: Facts, rules: Sequence[tuple[At, str]]) -> tuple[Related, ...]:
    """Return the first of some rules with what there is to say of each."""
    found = [Related(facts.rule(at).span, message) for at, message in rules[:SHOWN_RULES]]
    more = len(rules) - SHOWN_RULES
    if more > 0:
        found.append(Related(facts.rule(rules[SHOWN_RULES][0]).span, f"and {more} more, of which this is the first"))
    return tuple(found)
