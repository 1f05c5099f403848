"""Earlier rules decide some of the packets of a rule the other way.

A rule that allows some traffic does so only for what earlier rules have left: what they block stays blocked. Where
the rule lies partly behind them it looks as if it said more than it does. The same holds for a rule that blocks
behind rules that allow.

**What to do.** If the packets in question should be decided by this rule, move it up; if not, say so in its match,
for instance with `except`. Moved or not, the rules then mean what they seem to mean.

**What is said exactly.** Reported are rules with packets that an earlier rule of the same policy surely decides, and
that the rule matches for sure, where one of the two allows and the other blocks or rejects. The finding names these
packets, all of them, and the earlier rules. Packets that hang on a rate limit or another unknown condition do not
count. Not reported are

* exceptions: earlier rules whose own packets all lie inside this rule (an `allow` before the `block any` that ends
  a policy). FW105 lists them;
* the usual beginning of a policy: rules whose packets all belong to known connections or are invalid, as a rule for
  established and related ones, and rules for `lo` alone;
* rules that no packet reaches (FW101, FW103);
* calls: only rules that decide by themselves are compared, and none that look at a field which other rules change.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.wording import before, counted, shown, verb
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Allow
from policy.reach.effects import deciding


def find(facts: Facts) -> Iterator[Diagnostic]:
    for at in facts.places:
        others = [each for each in facts.opponents(at) if each.opposite and not each.inside]
        others = [each for each in others if not facts.is_preamble(each.at)]
        verdict = deciding(facts.rule(at))
        if not others or verdict is None or facts.is_preamble(at):
            continue
        region, example = facts.common(at, others)
        where = before(facts, at)
        theirs = "block" if isinstance(verdict, Allow) else "allow"
        yield CHECK.finding(
            facts.rule(at).span,
            f"{counted(len(others), where)} {theirs}{'s' if len(others) == 1 else ''} some of the packets that this "
            f"rule {verb(verdict)}",
            help=f"move this rule before the {where} one if its packets matter, or leave them out of its match",
            related=shown(facts, [(each.at, f"{verb(each.verdict)} some of them first") for each in others]),
            region=region,
            example=example,
        )


CHECK = Check(
    code="FW104",
    name="partially-shadowed",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
network guests = 10.1.9.0/24
network office = 10.1.0.0/16

policy border {
    default block
    block any from guests to 10.2.0.0/24
    allow tcp/443 from office ### FW104 "an earlier rule blocks some of the packets that this rule allows"
}
""",
        """
*filter
:FORWARD DROP [0:0]
-A FORWARD -s 10.1.9.0/24 -d 10.2.0.0/24 -j REJECT
-A FORWARD -d 10.3.0.1 -p tcp -j DROP
-A FORWARD -s 10.1.0.0/16 -p tcp --dport 443 -j ACCEPT ### FW104 "2 earlier rules block some"
COMMIT
""",
        """
policy border last-match {
    default block
    allow tcp/443 from 10.1.0.0/16 ### FW104 "a later rule blocks some"
    block any to 10.2.0.0/24
}
""",
    ),
    good=(
        """
network guests = 10.1.9.0/24
network office = 10.1.0.0/16

policy border {
    default allow
    allow tcp/443 from office except guests
    block any
}
""",
        """
*filter
:FORWARD DROP [0:0]
-A FORWARD -s 10.1.9.0/24 -d 10.2.0.0/24 -m limit --limit 1/s -j DROP
-A FORWARD -s 10.1.0.0/16 -p tcp --dport 443 -j ACCEPT
COMMIT
""",
    ),
    find=find,
    off="What is special stands before what is general: most policies are written so, and mean it.",
)
