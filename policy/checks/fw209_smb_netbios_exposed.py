"""A rule lets file sharing or Windows RPC in from everywhere.

WannaCry, NotPetya and Blaster spread through these ports, and worms still do. They also say much about a network to
whoever asks. Many providers block them, which is no reason to open them.

**What to do.** Share files over a VPN, or allow it only from your own networks.

**What is said exactly.** Reported is a rule of which this is true of the packets of such a service that come to it,
match it, and pass all tables, whatever the unknown conditions are: they open connections, come from outside, and
come from at least half of the public addresses of IPv4 or of IPv6. What earlier rules block does not count, so a
block list of a few addresses changes nothing, and a rule behind one that blocks the port is not reported; nor is a
rule with a rate limit, of which nobody knows whether it lets a packet in. What "outside" means is said at FW201.
The services are known by their usual ports alone: what listens on another port is not seen, and whether anything
listens at all is not known. A rule that opens much more is reported by FW201, FW203, FW204 or FW213 instead.

The services: portmapper (tcp/111), Windows RPC (tcp/135), NetBIOS (udp/137-138), NetBIOS sessions (tcp/139), SMB
(tcp/445), SMB (udp/445), AFP (tcp/548), NFS (tcp/2049), NFS (udp/2049).
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposed import service_findings
from policy.diagnostic import Diagnostic, Severity


def _find(facts: Facts) -> Iterator[Diagnostic]:
    return service_findings(CHECK, facts, "file-sharing", "allow it only from your own networks, or over a VPN")


CHECK = Check(
    code="FW209",
    name="smb-netbios-exposed",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
policy border at input {
    default block
    allow tcp/445 ### FW209 "SMB .tcp/445. in from the Internet: files and much more"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p udp -m udp --dport 137:138 -j ACCEPT ### FW209 "NetBIOS .udp/137-138."
COMMIT
""",
    ),
    good=(
        """
policy border at input {
    default block
    allow tcp/445 from 192.168.1.0/24
    reject tcp/{135,139,445}
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i br-lan -p tcp -m tcp --dport 445 -j ACCEPT
-A INPUT -d 192.168.1.255/32 -s 192.168.1.0/24 -p udp -m udp --dport 137:138 -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
