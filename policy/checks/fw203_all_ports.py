"""A rule lets all ports of TCP or UDP in from outside.

Whoever wrote it had one service in mind, and opened every other one with it: the database, the debugger, and what
the next update starts to listen with. The mistake is easily made: in most languages a protocol without ports means
all ports.

**What to do.** Name the ports of the services that the Internet is to reach.

**What is said exactly.** Reported is a rule that opens nearly all 65,536 ports of TCP or of UDP (all but
`wide-ports`, 1,000 if nothing else is configured) to everybody outside, and few other protocols. What counts is
what is really open: ports that earlier rules block are not among them, and what "outside" and "everybody" mean is
said at FW201. The services that are named in the message were looked for one by one. A rule that is reported here
is not reported by FW205 to FW213.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposed import Opening, among, extents, findings
from policy.check.exposure import ALL_PORTS, Exposure, Extent
from policy.diagnostic import Diagnostic, Severity
from policy.packet.fields import TCP, UDP
from policy.packet.names import protocol_name


def _find(facts: Facts) -> Iterator[Diagnostic]:
    def say(opening: Opening) -> str:
        what = f"all ports of {_protocols(facts, opening)}"
        return f"this rule lets {what} in from {opening.origin.name}{among(opening.services)}"

    return findings(CHECK, facts, extents(facts, Extent.PORTS), say, "name the ports of the services that are meant")


def _protocols(facts: Facts, opening: Opening) -> str:
    """Return the protocols of which nearly all ports are open, in words."""
    least = ALL_PORTS - facts.settings.wide_ports
    sizes = {protocol: facts.once(Exposure).ports(opening.packets, protocol).size for protocol in (TCP, UDP)}
    return " and ".join(protocol_name(protocol) for protocol, size in sizes.items() if size > least)


CHECK = Check(
    code="FW203",
    name="all-ports",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at forward {
    default block
    allow tcp to 10.2.0.5 ### FW203 "all ports of tcp in from the Internet, among it SSH"
    allow tcp/0-65535 to 10.2.0.6 ### FW203 "all ports of tcp"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 3306 -j DROP
-A INPUT -p udp -j ACCEPT ### FW203 "all ports of udp in from the Internet"
-A INPUT -p tcp -m state --state NEW -j ACCEPT ### FW203 "all ports of tcp"
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    allow tcp from 10.0.0.0/8 to 10.2.0.5
    allow tcp to 10.2.0.6 port https
    allow icmp
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -s 192.0.2.0/24 -p tcp -j ACCEPT
-A INPUT -p tcp -m limit --limit 5/sec -j ACCEPT
-A INPUT -p udp -m udp --sport 53 -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
