"""A rule lets a service that administers machines in from everywhere.

Whoever gets into one of these has the machine, or the whole cluster. Some ask for no password at all (the Docker
API on 2375), some have lost their passwords to anybody who asked (Winbox, CVE-2018-14847; IPMI gives out hashes of
them by design).

**What to do.** Allow it from the network of the administrators only, or over a VPN.

**What is said exactly.** Reported is a rule of which this is true of the packets of such a service that come to it,
match it, and pass all tables, whatever the unknown conditions are: they open connections, come from outside, and
come from at least half of the public addresses of IPv4 or of IPv6. What earlier rules block does not count, so a
block list of a few addresses changes nothing, and a rule behind one that blocks the port is not reported; nor is a
rule with a rate limit, of which nobody knows whether it lets a packet in. What "outside" means is said at FW201.
The services are known by their usual ports alone: what listens on another port is not seen, and whether anything
listens at all is not known. A rule that opens much more is reported by FW201, FW203, FW204 or FW213 instead.

The services: IPMI (tcp/623), IPMI (udp/623), SNMP (udp/161), Docker API (tcp/2375), Docker API with TLS (tcp/2376),
etcd (tcp/2379-2380), Cisco Smart Install (tcp/4786), VNC (tcp/5900-5909), WinRM (tcp/5985-5986), Kubernetes API
(tcp/6443), kubelet API (tcp/10250), kubelet API, read only (tcp/10255), MikroTik Winbox (tcp/8291), MikroTik API
(tcp/8728-8729), Webmin (tcp/10000).
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposed import service_findings
from policy.diagnostic import Diagnostic, Severity


def _find(facts: Facts) -> Iterator[Diagnostic]:
    return service_findings(
        CHECK, facts, "admin", "allow it only from the network of the administrators, or over a VPN"
    )


CHECK = Check(
    code="FW207",
    name="admin-exposed",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at forward {
    default block
    allow tcp/{443,6443} to 10.2.0.5 ### FW207 "Kubernetes API .tcp/6443. in from the Internet: commands"
    allow udp/161 to 10.2.0.6 ### FW207 "SNMP"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 5901 -j ACCEPT ### FW207 "VNC .tcp/5901."
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    allow tcp/6443 from 10.1.0.0/16 to 10.2.0.5
    allow tcp/161 to 10.2.0.6
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i tun0 -p tcp -m tcp --dport 5901 -j ACCEPT
-A INPUT -i docker0 -p tcp -m tcp --dport 2375 -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
