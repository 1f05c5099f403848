"""A rule lets every protocol and port in from outside, to some destinations.

The rule says who may be reached, but not by what. So every service of these machines is open, not only the one that
somebody had in mind, and so are tunnels (GRE, IP in IP, SCTP) that carry anything past this firewall.

**What to do.** Name the services that the Internet is to reach.

**What is said exactly.** Reported is a rule that opens most of the 256 protocols, and nearly all ports of TCP or of
UDP, to everybody outside, but only to some destinations: addresses, or an output interface. (To all destinations it
is FW201.) What counts is what is really open: what earlier rules block is not among it, and what "outside" and
"everybody" mean is said at FW201. To private addresses packets of the Internet come only where something leads them:
address translation (DNAT), the provider, or a neighbour on the same network, as with the bridges of containers. The
rule lets them through then, so it is reported, and the help says this. A rule that is reported here is not
reported by FW205 to FW213.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposed import Opening, among, extents, findings
from policy.check.exposure import Extent
from policy.diagnostic import Diagnostic, Severity


def _find(facts: Facts) -> Iterator[Diagnostic]:
    def say(opening: Opening) -> str:
        return f"this rule lets every protocol in from {opening.sender} to some destinations{among(opening.services)}"

    return findings(CHECK, facts, extents(facts, Extent.PROTOCOLS), say, "name the services that are meant")


CHECK = Check(
    code="FW204",
    name="no-protocol",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at forward {
    default block
    allow any to 10.2.0.5 ### FW204 "every protocol in from the Internet to some destinations, among it SSH"
}
""",
        """
*filter
:FORWARD DROP [0:0]
-A FORWARD -d 192.0.2.10/32 -j ACCEPT ### FW204 "every protocol"
-A FORWARD -o docker0 -j ACCEPT ### FW204 "every protocol"
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    allow any from 10.0.0.0/8 to 10.2.0.5
    allow tcp/443 to 10.2.0.5
    block tcp to 10.2.0.6
    block udp to 10.2.0.6
    allow any to 10.2.0.6
}
""",
        """
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A FORWARD -o eth0 -j ACCEPT
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A INPUT -d 224.0.0.0/4 -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
