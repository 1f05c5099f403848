"""A rule contains earlier rules that do something else: they are its exceptions.

That is how exceptions are written, so it is no mistake, and this check is off unless it is asked for. It shows which
rules belong together: none of the exceptions may be moved behind the rule, for there it would do nothing.

**What to do.** Nothing, if the exceptions are meant. If not, remove them.

**What is said exactly.** Reported is a rule with earlier rules of the same policy that have another action (allow,
block, or reject with a certain answer), whose packets all lie inside this rule whatever is not known, and that surely
decide some. There is one finding a rule, with the number of its exceptions and the first few of them.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.wording import before, shown, verb
from policy.diagnostic import Diagnostic, Severity


def find(facts: Facts) -> Iterator[Diagnostic]:
    for at in facts.places:
        others = [each for each in facts.opponents(at) if each.inside]
        if not others:
            continue
        region, example = facts.common(at, others)
        count = f"{len(others)} exceptions" if len(others) > 1 else "an exception"
        yield CHECK.finding(
            facts.rule(at).span,
            f"this rule has {count} among the {before(facts, at)} rules",
            help="keep the exceptions where they are: on the other side of this rule they would do nothing",
            related=shown(facts, [(each.at, f"{verb(each.verdict)} a part of its packets") for each in others]),
            region=region,
            example=example,
        )


CHECK = Check(
    code="FW105",
    name="generalisation",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
policy border {
    default allow
    allow tcp/443 from 10.1.0.0/16
    allow tcp/22 from 10.1.0.0/16
    block any from 10.0.0.0/8 ### FW105 "2 exceptions"
}
""",
        """
*filter
:INPUT ACCEPT [0:0]
-A INPUT -s 10.1.2.3 -p tcp --dport 22 -j ACCEPT
-A INPUT -p tcp --dport 22 -j REJECT ### FW105 "an exception"
COMMIT
""",
    ),
    good=(
        """
policy border {
    default allow
    allow tcp/443 from 10.1.0.0/16
    allow any from 10.0.0.0/8
    block tcp/443 from 10.1.0.0/16
}
""",
    ),
    find=find,
    off="An exception before a general rule is how most policies are meant to be written.",
)
