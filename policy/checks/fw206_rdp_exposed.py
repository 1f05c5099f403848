"""A rule lets Remote Desktop in from everywhere.

This is the door that most ransomware comes through: passwords are guessed or bought, and holes in the service let
anybody in without one (BlueKeep, CVE-2019-0708). Microsoft itself says not to expose it.

**What to do.** Allow it from the addresses that you come from, or put it behind a VPN or a Remote Desktop gateway
(tcp/443).

**What is said exactly.** Reported is a rule of which this is true of the packets of such a service that come to it,
match it, and pass all tables, whatever the unknown conditions are: they open connections, come from outside, and
come from at least half of the public addresses of IPv4 or of IPv6. What earlier rules block does not count, so a
block list of a few addresses changes nothing, and a rule behind one that blocks the port is not reported; nor is a
rule with a rate limit, of which nobody knows whether it lets a packet in. What "outside" means is said at FW201.
The services are known by their usual ports alone: what listens on another port is not seen, and whether anything
listens at all is not known. A rule that opens much more is reported by FW201, FW203, FW204 or FW213 instead.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposed import service_findings
from policy.diagnostic import Diagnostic, Severity


def _find(facts: Facts) -> Iterator[Diagnostic]:
    return service_findings(
        CHECK, facts, "rdp", "put it behind a VPN or a gateway, or allow it only from the addresses that you come from"
    )


CHECK = Check(
    code="FW206",
    name="rdp-exposed",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
service desktop = tcp/3389, udp/3389
policy border at forward {
    default block
    allow desktop to 10.2.0.5 ### FW206 "Remote Desktop .tcp/3389. and Remote Desktop .udp/3389. in"
}
""",
        """
*filter
:FORWARD DROP [0:0]
-A FORWARD -d 192.0.2.10/32 -p tcp -m tcp --dport 3389 -j ACCEPT ### FW206 "Remote Desktop"
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    allow tcp/3389 from 10.1.0.0/16 to 10.2.0.5
    block tcp/3389 from 0.0.0.0/0
    allow tcp/3389 from 0.0.0.0/0 to 10.2.0.5
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 203.0.113.7/32 -p tcp -m tcp --dport 3389 -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
