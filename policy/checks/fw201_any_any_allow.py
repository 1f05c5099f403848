"""A rule lets everything in from outside: any protocol, from any source, to any destination.

Such a rule turns the firewall off. It is often the last line of an afternoon in which something did not work, or a
rule for a trusted interface that lost its interface. Scanners visit every IPv4 address many times a day, so
whatever listens behind the rule, now or after the next update, is found within hours.

**What to do.** Say what is meant: the interface (`-i lo`), the sources, or the services that the Internet is to
reach. If this machine is not to filter at all, silence the check here, with the reason.

**What is said exactly.** Reported is a rule of which this is true of the packets that come to it, match it, and
pass all tables, whatever the unknown conditions are: they open connections; they come from outside; they come from
at least half of the public addresses of IPv4 or of IPv6, and they go to at least half of those, too; most of the
256 protocols are among them, and nearly all ports of TCP or of UDP (all but `wide-ports`, 1,000 if nothing else is
configured). What earlier rules block does not count. Outside are the zones that the configuration calls untrusted.
Without such a zone, outside are interfaces called `wan…`, `ppp…` and the like; where no rule names such a one,
nobody knows which interface leads outside, and what is said here is true whichever it is, apart from `lo` and those
whose names say that they lie inside (`docker0`, `tun…`, `lan…`). So a rule for `eth1` alone is never reported
without a zone. Rules that trust source ports are left to FW407. A rule that is reported here is not reported by
FW202 to FW213.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposed import Opening, among, extents, findings
from policy.check.exposure import Extent
from policy.diagnostic import Diagnostic, Severity


def _find(facts: Facts) -> Iterator[Diagnostic]:
    def say(opening: Opening) -> str:
        return f"this rule lets everything in from {opening.origin.name}{among(opening.services)}"

    return findings(
        CHECK, facts, extents(facts, Extent.EVERYTHING), say, "say which interface, sources or services are meant"
    )


CHECK = Check(
    code="FW201",
    name="any-any-allow",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
policy border at input {
    default block
    allow tcp/443
    allow any ### FW201 "lets everything in from the Internet, among it SSH, Remote Desktop"
}
""",
        """
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j DROP
-A INPUT -j ACCEPT ### FW201 "among it Remote Desktop, IPMI"
COMMIT
""",
    ),
    good=(
        """
policy border at input {
    default block
    allow any in lo
    allow any from 10.0.0.0/8
    allow any state established
}
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -i eth1 -j ACCEPT
-A INPUT ! -i eth0 -m state --state NEW -j ACCEPT
-A OUTPUT -j ACCEPT
COMMIT
""",
        """
*filter
:INPUT ACCEPT [0:0]
:ok - [0:0]
-A INPUT -p tcp -m tcp --dport 443 -j ok
-A INPUT -j DROP
-A ok -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
