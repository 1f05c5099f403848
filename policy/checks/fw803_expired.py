"""A rule is still there after the day that was set for its end.

Access for a migration, a test, an audit: it was meant to end, and somebody wrote down when. The rule does not end by
itself: it holds until it is taken out.

**What to do.** Remove the rule; or, where it is still needed, let whoever answers for it give it a new date.

**What is said exactly.** The rule has `until DATE`, and that day is over. In iptables the day is that of `--datestop`
(`-m time`): such a rule does end by itself, in UTC, and is then only in the way. The date of today is taken from the
command line, or from the clock of the machine on which `lint` runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from policy.check import Check, Facts, Settings
from policy.diagnostic import Diagnostic, Severity


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules that should be gone."""
    today = facts.settings.today
    if today is None:
        return
    for at in facts.places:
        rule = facts.rule(at)
        if rule.expires is not None and rule.expires < today and facts.is_live(at):
            owner = f", or let {rule.owner} give it a new date" if rule.owner else ", or give it a new date"
            yield CHECK.finding(rule.span, f"this rule should have gone after {rule.expires}", help=f"remove it{owner}")


CHECK = Check(
    code="FW803",
    name="expired",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border {
    allow tcp/22   from 192.168.7.0/24 until 2026-11-24 ### FW803 "should have gone after 2026-11-24"
    allow tcp/3389 from 192.168.8.0/24 until 2025-01-31 owner "the migration team" ### FW803 "let the migration"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 22 -m time --datestop 2026-03-31T18:00:00 -j ACCEPT ### FW803 "after 2026-03-31"
COMMIT
""",
    ),
    good=(
        """
policy border {
    allow tcp/22   from 192.168.7.0/24 until 2026-11-25
    allow tcp/3389 from 192.168.8.0/24
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 22 -m time --datestop 2027-03-31 -j ACCEPT
-A INPUT -p tcp --dport 23 -m time --timestart 08:00 --timestop 18:00 -j ACCEPT
COMMIT
""",
    ),
    find=find,
    settings=Settings(today=date(2026, 11, 25)),
)
