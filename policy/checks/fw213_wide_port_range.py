"""A rule lets many ports in from outside.

A range of thousands of ports is opened for programs that pick their ports themselves (passive FTP, calls, RPC), and
it opens whatever else listens there: databases, consoles and debuggers live above 1023 as well.

**What to do.** Let the program use a small range, and open that; or let the firewall follow the connections
(helpers, `related`).

**What is said exactly.** Reported is a rule that opens more than `wide-ports` ports of TCP or of UDP to everybody
outside (1,000 if nothing else is configured), but not nearly all of them, which is FW203, and not just all
well-known ones, which is FW507. What counts is what is really open: ports that earlier rules block are not among
them, and what "outside" and "everybody" mean is said at FW201. A rule that is reported here is not reported by
FW205 to FW211.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.categories import all_well_known
from policy.check.exposed import Opening, among, extents, findings
from policy.check.exposure import Exposure, Extent
from policy.diagnostic import Diagnostic, Severity
from policy.packet.fields import TCP, UDP
from policy.packet.names import protocol_name


def _find(facts: Facts) -> Iterator[Diagnostic]:
    def say(opening: Opening) -> str:
        return f"this rule lets {_ports(facts, opening)} in from {opening.origin.name}{among(opening.services)}"

    wide = extents(facts, Extent.MANY_PORTS)
    openings = (each for each in wide if not all_well_known(facts.rule(each.at).match))
    return findings(CHECK, facts, openings, say, "open a smaller range, or the ports that are really used")


def _ports(facts: Facts, opening: Opening) -> str:
    """Return how many ports are open, in words."""
    sizes = {protocol: facts.once(Exposure).ports(opening.packets, protocol).size for protocol in (TCP, UDP)}
    return " and ".join(f"{size:,} ports of {protocol_name(protocol)}" for protocol, size in sizes.items() if size)


CHECK = Check(
    code="FW213",
    name="wide-port-range",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at forward {
    default block
    allow tcp/1024-65535 to 10.2.0.5 ### FW213 "lets 64,512 ports of tcp in from the Internet, among it"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p udp -m udp --dport 10000:20000 -j ACCEPT ### FW213 "10,001 ports of udp"
-A INPUT -p tcp -m multiport --dports 80,443,5000:9999 -j ACCEPT ### FW213 "5,002 ports of tcp"
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    allow tcp/1024-65535 from 10.0.0.0/8
    allow tcp/8000-8999
    block tcp/2000-9999
    allow tcp/1900-10050
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 60000:60999 -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
