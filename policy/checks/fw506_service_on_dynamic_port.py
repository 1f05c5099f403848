"""A rule opens a single port of the dynamic range, where services cannot be registered.

Ports 49152-65535 are for connections of the moment (RFC 6335, 6), and systems give them to clients: Linux from 32768
to 60999, Windows and macOS from 49152. A service that has its port there finds it taken, some day, by a connection that
went out first, and does not start. And what a rule opens for a program that is gone meets whatever has the port now.

**What to do.** Give the service a port below 32768, or keep its port from being given away
(`net.ipv4.ip_local_reserved_ports`).

**What is said exactly.** Reported is a rule that asks for one destination port from 49152 on, or for several single
ones, not for a source port, and that lets connections to it be opened from elsewhere. Programs whose usual port lies
there (WireGuard and a few others) are no findings.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.opening import about, opening
from policy.check.tables import rows
from policy.check.traffic import single_ports, traffic
from policy.diagnostic import Diagnostic, Severity
from policy.packet.names import PORT_CATEGORIES

_FIRST = PORT_CATEGORIES["dynamic"][0]


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules that open single dynamic ports."""
    usual = {int(port) for port, *_ in rows("dynamic.tsv")}
    for at in facts.places:
        found = [
            port
            for each in traffic(facts.rule(at).match)
            if each.sport is None
            for port in single_ports(each.dport)
            if port >= _FIRST and port not in usual
        ]
        if not found or not (packets := opening(facts, at, served=True)):
            continue
        message = f"this rule opens port {found[0]} of the dynamic range, which the system gives to clients, too"
        help = "give the service a port below 32768, or reserve this one on the server"
        yield about(CHECK, facts, at, packets, message, help)


CHECK = Check(
    code="FW506",
    name="service-on-dynamic-port",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
policy border at input {
    default block
    allow tcp/55555 ### FW506 "port 55555 of the dynamic range"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m multiport --dports 80,60022 -j ACCEPT ### FW506 "60022"
COMMIT
""",
    ),
    good=(
        """
policy border at input {
    default block
    allow udp/51820, tcp/dynamic
    block tcp/55555
}
policy own at output {
    default block
    allow tcp/55555
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p udp -m udp --sport 53 --dport 55555 -j ACCEPT
-A INPUT -p tcp -m conntrack --ctstate ESTABLISHED -m tcp --dport 55555 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 49151 -j ACCEPT
COMMIT
""",
    ),
    find=find,
    off="A port there is often chosen on purpose, by an administrator or by the makers of a program.",
)
