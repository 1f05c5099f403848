"""A rule is marked as temporary or unfinished.

`TODO`, `TEMP`, `remove after the migration`: whoever wrote it wanted to come back. Such rules stay for years, because
nobody dares to remove what somebody needed once; audits of firewalls find most of what is too open among them.

**What to do.** Finish it, or remove it. If it is still needed for a while, say until when: in the native language
`until 2027-01-31`; then FW804 and FW803 remind of it, and this check is content.

**What is said exactly.** A note, a label, a `--comment` of iptables, or a comment in the lines of a rule or definition
or right above it has one of these as whole words: `TODO`, `XXX`, `HACK`, `TEMP`, `TMP` in capital letters; in any case
`FIXME`, `temporary` (but for temporary addresses), `remove after` and the like. A rule with a date of its own is not
reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.comments import remarks, remarks_at
from policy.check.markers import marker
from policy.diagnostic import Diagnostic, Severity
from policy.source import Span


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules and definitions that are marked."""
    if not any(marker(source.text) for source in facts.ruleset.sources):
        return
    comments = facts.once(remarks)
    for definition in facts.ruleset.definitions:
        for comment in remarks_at(comments, definition.span):
            if word := marker(comment.text):
                yield _finding(definition.span, word, f"the {definition.kind} `{definition.name}`")
                break
    for at in facts.places:
        rule = facts.rule(at)
        if rule.expires is None:
            texts = [rule.note, rule.label, *(each.text for each in remarks_at(comments, rule.span))]
            word = next((word for text in texts if text and (word := marker(text))), None)
            if word is not None and facts.is_live(at):
                yield _finding(rule.span, word, "this rule")


def _finding(span: Span, word: str, what: str) -> Diagnostic:
    return CHECK.finding(
        span,
        f"{what} is marked `{word}`",
        help="finish it, or remove it" + (", or say until when it is needed" if what == "this rule" else ""),
    )


CHECK = Check(
    code="FW810",
    name="temporary-marker",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
network vendor = 203.0.113.0/24  # TODO: the real address ### FW810 "the network `vendor` is marked `TODO`"

policy border {
    allow tcp/22   from vendor    note "temporary access for the migration" ### FW810 "marked `temporary`"
    # remove after the audit
    allow tcp/3389 from vendor ### FW810 "marked `remove after`"
    allow tcp/443  from vendor as temp-portal  # FIXME ### FW810 "marked `FIXME`"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 22 -m comment --comment "TEMP: vendor, ask Ana" -j ACCEPT ### FW810 "marked `TEMP`"
# XXX why is this open?
-A INPUT -p tcp --dport 8080 -j ACCEPT ### FW810 "marked `XXX`"
COMMIT
""",
    ),
    good=(
        """
# TODO: more rules, one day

network sensors = 10.9.0.0/24  # temp. and humidity

policy border {
    allow tcp/22   from sensors until 2027-01-31 note "temporary access for the migration"
    allow tcp/443  from sensors as template      note "temporary addresses of IPv6 are no servers"
    # permitir todo
    allow udp/5683 from sensors
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 22 -m comment --comment "template, xxx.example.org" -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
