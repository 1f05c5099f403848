"""A rule is about to reach the day that was set for its end.

Now there is time to ask whether it is still needed, and by whom. On the day itself the choice is between access that
nobody has renewed and a service that stops.

**What to do.** Ask whoever answers for the rule. Remove it, or give it a new date.

**What is said exactly.** The rule has `until DATE` (in iptables: `--datestop` of `-m time`), and that day is today or
one of the days that follow: 30 of them, unless the configuration has another number (`expiry-days`). Rules whose day is
over are FW803.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from policy.check import Check, Facts, Settings
from policy.diagnostic import Diagnostic, Severity


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules whose end is near."""
    today = facts.settings.today
    if today is None:
        return
    last = today + timedelta(days=facts.settings.expiry_days)
    for at in facts.places:
        rule = facts.rule(at)
        if rule.expires is not None and today <= rule.expires <= last and facts.is_live(at):
            days = (rule.expires - today).days
            when = "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"
            asked = rule.owner or "whoever answers for it"
            yield CHECK.finding(
                rule.span,
                f"this rule should go after {rule.expires}: {when}",
                help=f"ask {asked} whether it is still needed",
            )


CHECK = Check(
    code="FW804",
    name="expiring-soon",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
policy border {
    allow tcp/22   from 192.168.7.0/24 until 2026-11-25 ### FW804 "today"
    allow tcp/3389 from 192.168.8.0/24 until 2026-12-09 owner "the migration team" ### FW804 "in 14 days"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 22 -m time --datestop 2026-12-01T18:00:00 -j ACCEPT ### FW804 "in 6 days"
COMMIT
""",
    ),
    good=(
        """
policy border {
    allow tcp/22   from 192.168.7.0/24 until 2026-12-10
    allow tcp/3389 from 192.168.8.0/24 until 2026-11-24
    allow tcp/443
}
""",
    ),
    find=find,
    settings=Settings(expiry_days=14, today=date(2026, 11, 25)),
)
