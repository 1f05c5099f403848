"""A rule lets a UDP service in from everywhere that is used to flood others.

UDP does not prove who sends. Whoever forges the address of a victim lets the service send its answer there, and the
answers of these services are many times as large as the questions: with 15 bytes to memcached an attacker sends
750,000. The victim is somebody else, but it is your line that is full, and your address that gets blocked.

**What to do.** Close the port to the Internet, or allow it from the addresses that use it.

**What is said exactly.** Reported is a rule of which this is true of the packets of such a service that come to it,
match it, and pass all tables, whatever the unknown conditions are: they open connections, come from outside, and
come from at least half of the public addresses of IPv4 or of IPv6. What earlier rules block does not count, so a
block list of a few addresses changes nothing, and a rule behind one that blocks the port is not reported; nor is a
rule with a rate limit, of which nobody knows whether it lets a packet in. What "outside" means is said at FW201.
What is sent to multicast or broadcast addresses does not come from the Internet. The services are known by their
usual ports alone: what listens on another port is not seen, and whether anything listens at all is not known. A
rule that opens much more is reported by FW201, FW203, FW204 or FW213 instead.

The services: echo (udp/7), quote of the day (udp/17), chargen (udp/19), portmapper (udp/111), CLDAP (udp/389), RIP
version 1 (udp/520), SSDP (udp/1900), WS-Discovery (udp/3702), multicast DNS (udp/5353), memcached (udp/11211). SNMP
is with FW207, NetBIOS with FW209, TFTP with FW210. DNS (udp/53) and NTP (udp/123) amplify as well, but many servers
are there for everybody on purpose, and rules do not say how they answer. Such a server should limit the rate of its
answers, not answer recursive questions of others (RFC 5358), and not answer `monlist`.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposed import service_findings
from policy.diagnostic import Diagnostic, Severity


def _find(facts: Facts) -> Iterator[Diagnostic]:
    return service_findings(CHECK, facts, "amplifier", "allow it only from the addresses that use it")


CHECK = Check(
    code="FW211",
    name="amplification-service",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at input {
    default block
    allow udp/11211 ### FW211 "memcached .udp/11211. in from the Internet"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p udp -m multiport --dports 19,1900 -j ACCEPT ### FW211 "chargen .udp/19. and SSDP .udp/1900."
COMMIT
""",
    ),
    good=(
        """
policy border at input {
    default block
    allow udp/{53,123}
    allow tcp/19
    allow udp/1900 from 192.168.1.0/24
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
-A INPUT -d 239.255.255.250/32 -p udp -m udp --dport 1900 -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
