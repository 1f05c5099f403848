"""A rule that is commented out.

Nobody knows whether it was to come back. The next one who reads the file wonders whether it should be in force, and
somebody will take the sign away again. What has been is kept by version control.

**What to do.** Remove the line. If it is an example for others, say so in words.

**What is said exactly.** The text behind the `#` of a comment is a whole rule of its language: in the native language
one that uses no name which the file does not define (`# allow web from office` may be a sentence), in iptables a line
`-A` or `-I`. A comment that repeats a rule of the file word for word describes it. Rows of such comments are one
finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.comments import disabled
from policy.diagnostic import Diagnostic, Severity
from policy.source import Span


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rows of rules that are commented out."""
    for row in _rows(disabled(facts)):
        first = row[0]
        what = f"{len(row)} rules are commented out here" if len(row) > 1 else "this rule is commented out"
        yield CHECK.finding(first, what, help="remove it; version control keeps what has been")


def _rows(spans: tuple[Span, ...]) -> list[list[Span]]:
    rows: list[list[Span]] = []
    for span in spans:
        if rows and rows[-1][-1].source is span.source and rows[-1][-1].line == span.line - 1:
            rows[-1].append(span)
        else:
            rows.append([span])
    return rows


CHECK = Check(
    code="FW805",
    name="disabled-rule",
    severity=Severity.INFO,
    off="In files that are made to be adapted, a rule behind a `#` is an offer, and most that are found are just that.",
    page=__doc__,
    bad=(
        """
network office = 10.1.0.0/16

policy border {
    allow tcp/443 from office
    # allow tcp/8080 from office ### FW805 "2 rules are commented out"
    # allow tcp/8081 from office
    allow tcp/53 from office
    allow tcp/25 from office  # block tcp/25 ### FW805 "this rule"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 443 -j ACCEPT
#-A INPUT -p tcp --dport 80 -j ACCEPT ### FW805 "this rule"
COMMIT
""",
    ),
    good=(
        """
network office = 10.1.0.0/16

policy border {
    # allow ssh from the office, and block mail
    # allow tcp/22 from office
    allow tcp/22 from office
    # block smtp
    block tcp/25
}
""",
        """
*filter
:INPUT DROP [0:0]
# -A INPUT is for packets to this host
-A INPUT -p tcp --dport 443 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
