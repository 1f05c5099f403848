"""A range of ports spans two of the categories of RFC 6335.

Ports 0-1023 are well-known: on most systems only root may listen there, and each has its service. 1024-49151 are
registered, 49152-65535 dynamic: nobody has them for long, and connections that go out take their own port from there.
A range like 1000-1100 is mostly one for the upper part, and opens the well-known ports below it by a rounded number;
one like 49000-49200 mixes services with the ports of clients.

**What to do.** Write the range that is meant, or two.

**What is said exactly.** Reported is every range that spans parts of two categories in a rule that allows, but for
those that are habits: all ports but 0, from 1023, 1024 or 1025 to the end, all well-known ports and 1024, and what
Linux gives to clients (from 32768).
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.categories import touched
from policy.check.traffic import place, ranges, traffic
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Allow
from policy.packet.names import PORT_CATEGORIES
from policy.reach.effects import deciding
from policy.source import Span


def _is_usual(low: int, high: int) -> bool:
    """Is it a range that people write by habit?"""
    return low in (1023, 1024, 1025, 32768) or (low in (0, 1) and high in (1024, 65535))


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the ranges that span parts of two categories, each once."""
    seen: set[tuple[Span, int]] = set()
    for at in facts.places:
        rule = facts.rule(at)
        if not isinstance(deciding(rule), Allow):
            continue
        for field in (field for each in traffic(rule.match) for field in (each.sport, each.dport)):
            for low, high in ranges(field):
                categories = touched(low, high)
                where = place(rule, field)
                if len(categories) < 2 or _is_usual(low, high) or (where, low) in seen or not facts.is_live(at):
                    continue
                seen.add((where, low))
                begins = PORT_CATEGORIES[categories[-1]][0]
                yield CHECK.finding(
                    where,
                    f"the range {low}-{high} spans {' and '.join(categories)} ports",
                    help=f"write {low}-{begins - 1} or {begins}-{high}, if one of them is meant",
                )


CHECK = Check(
    code="FW505",
    name="range-crosses-category",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    allow tcp/1000-1100 ### FW505 "write 1000-1023 or 1024-1100"
    allow udp from any port 49000-49200 ### FW505 "registered and dynamic"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 500:60000 -j ACCEPT ### FW505 "well-known and registered and dynamic"
-A INPUT -p udp -m multiport --dports 53,49000:50000 -j ACCEPT ### FW505 "49000-50000"
COMMIT
""",
    ),
    good=(
        """
policy border {
    default block
    block tcp/1000-1100
    allow tcp/1024-65535, udp/1-65535, tcp/well-known, tcp/1-1024
    allow tcp from any port 32768-60999
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --sport 1024:65535 --dport 1024:49151 -j ACCEPT
-A INPUT -p udp -m udp --dport 32768: -j ACCEPT
COMMIT
""",
    ),
    find=find,
    off="Such ranges are often meant: ports of passive FTP or of media streams are chosen by hand.",
)
