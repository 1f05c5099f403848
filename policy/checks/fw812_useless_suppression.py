"""A comment silences something that is not found.

What was wrong here once is no longer, and the comment stays behind: it will silence the next finding of that kind,
which nobody has looked at. Or it never worked: the name of the check has a typing mistake, or the comment stands where
it belongs to nothing.

**What to do.** Take the comment out, or the checks that the finding names; correct a name; put the comment where it
belongs: in the line of a rule, definition or policy, or above it.

**What is said exactly.** Only checks count that have run and left nothing undecided: what is silenced of a check that
is off, was not selected, or was cut short is never called useless. A comment that names no check is useless where all
checks that are on by default have run, and none that has run has found anything for it to silence. In iptables a
comment that cannot be read is reported here, because iptables-restore loads the file; so is one whose rule a later line
deletes. A comment in a file that several others include has to be useless with all of them. A comment silences this
check only if it names it.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts, Review
from policy.check.silence import suppressions
from policy.diagnostic import CODES, Diagnostic, Severity, did_you_mean
from policy.written import Suppression


def review(facts: Facts, review: Review) -> Iterator[Diagnostic]:
    """Yield the comments that silence nothing, and the checks that a comment silences in vain."""
    for stray in facts.ruleset.stray:
        help = "let it stand in the line of a rule, definition or policy, or above it, as `fwpolicy: ignore FW205: why`"
        yield CHECK.finding(stray.span, f"this comment silences nothing: {stray.reason}", help=help)
    for suppression in suppressions(facts.ruleset):
        yield from _of(suppression, review)


def _of(suppression: Suppression, review: Review) -> Iterator[Diagnostic]:
    where = "in this file" if suppression.whole_file else "here"
    for word in suppression.checks:
        if review.code(word) is None:
            yield _unknown(suppression, word, review)
    useless = review.useless(suppression)
    names = " and ".join(f"`{word}`" for word in useless)
    if useless:
        alone = len(useless) == len(suppression.checks)
        verb = "finds" if len(useless) == 1 else "find"
        message = f"this comment silences {'nothing' if alone else 'too much'}: {names} {verb} nothing {where}"
        yield CHECK.finding(suppression.span, message, help="take it out" if alone else f"take {names} out")
    elif not suppression.checks and review.in_vain(suppression):
        message = f"this comment silences nothing: no check finds anything {where}"
        yield CHECK.finding(suppression.span, message, help="take it out")


def _unknown(suppression: Suppression, word: str, review: Review) -> Diagnostic:
    if word in CODES or word in CODES.values():
        message, help = f"`{word}` is a mistake, and nothing silences mistakes", "take it out"
    else:
        words = [each for check in review.checks for each in (check.code, check.name)]
        message = f"this comment silences a check that there is not: `{word}`"
        help = did_you_mean(word, words) or "`fwpolicy explain` knows all checks"
    return CHECK.finding(suppression.span, message, help=help)


CHECK = Check(
    code="FW812",
    name="useless-suppression",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    allow tcp/22 from 10.0.0.0/8 # fwpolicy: ignore FW101: it was behind a block ### FW812 "^# fwpolicy: ignore FW101"
    # fwpolicy: ignore FW108, FW101: the ticket is NET-7 ### FW812 "too much: `FW101` finds nothing here"
    allow tcp/22 from 10.0.0.0/8
    allow udp/53 # fwpolicy: ignore shadowed-conflct: as agreed ### FW812 "did you mean `shadowed-conflict`?"
} # fwpolicy: ignore FW104: the whole policy ### FW812 "belongs to no rule, definition or policy"
""",
        """
# fwpolicy: ignore-file FW109: the vendor writes it so ### FW812 "`FW109` finds nothing in this file"
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "ssh; fwpolicy: ignore FW101: NET-1" -j ACCEPT ### FW812 "NET-1"
# fwpolicy: ignroe FW101 ### FW812 "it cannot be read"
-A INPUT -p udp -m udp --dport 53 -j ACCEPT
# fwpolicy: ignore FW101: it was here ### FW812 "it belongs to no rule"
COMMIT
""",
    ),
    good=(
        """
# fwpolicy: ignore-file duplicate-rule: the vendor writes each rule twice
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
# fwpolicy: ignore FW101: until NET-12 is done
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j DROP
-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "ssh, fwpolicy: ignore FW108, FW812: to be safe" -j ACCEPT
COMMIT
""",
        """
policy border {
    default block
    allow tcp/22 from 10.0.0.0/8
    # fwpolicy: ignore FW106: a check that is off says nothing of its suppressions
    allow udp/53 from 10.0.0.0/8
    allow tcp/22 from 10.0.0.0/8 # fwpolicy: ignore: the next release has it elsewhere
}
""",
    ),
    review=review,
)
