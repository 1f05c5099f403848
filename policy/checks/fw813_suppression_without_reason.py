"""A comment silences a check, and does not say why.

Whoever reads the rules next cannot know whether the finding was judged, or only in the way; nor whether what was
judged still holds. Auditors ask for it, too: PCI DSS 4.0, requirement 1.2.5, wants a business need for every service,
protocol and port that is allowed.

**What to do.** Write the reason behind a colon, best with the ticket or the name of who decided:
`# fwpolicy: ignore FW205: jump host, NET-12`.

**What is said exactly.** A comment that silences nothing (FW812) needs no reason, but has to go.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts, Review
from policy.check.silence import suppressions
from policy.diagnostic import Diagnostic, Severity


def review(facts: Facts, review: Review) -> Iterator[Diagnostic]:
    """Yield the suppressions without a reason, but for those that silence nothing."""
    for suppression in suppressions(facts.ruleset):
        if suppression.reason is None and not review.in_vain(suppression):
            what = " and ".join(f"`{word}`" for word in suppression.checks) or "all checks"
            message = f"this comment silences {what} and does not say why"
            yield CHECK.finding(
                suppression.span, message, help="write the reason behind a colon: `…: jump host, NET-12`"
            )


CHECK = Check(
    code="FW813",
    name="suppression-without-reason",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    allow tcp/443 from 10.0.0.0/8
    allow tcp/443 from 10.0.0.0/8 # fwpolicy: ignore FW108 ### FW813 "^# fwpolicy: ignore FW108$"
    # fwpolicy: ignore: ### FW813 "silences all checks and does not say why"
    block tcp/443 from 10.1.0.0/16
}
""",
        """
# fwpolicy: ignore-file FW101, duplicate-rule ### FW813 "`FW101` and `duplicate-rule`"
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -m comment --comment "web; fwpolicy: ignore FW101" -j DROP ### FW813 "^.web; fw"
COMMIT
""",
    ),
    good=(
        """
policy border {
    default block
    allow tcp/22 from 10.0.0.0/8 # fwpolicy: ignore FW205: jump host, NET-12
    allow udp/53 # names, for everybody
}
""",
        """
*filter
# fwpolicy: ignore FW402: the host filters with nftables
:INPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "ssh (fwpolicy: ignore FW205: jump host)" -j ACCEPT
COMMIT
""",
    ),
    review=review,
)
