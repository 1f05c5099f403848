"""A rule lets a service in from everywhere that sends passwords or commands unencrypted.

Everybody on the way can read and change what is sent, and needs no hole in the service for it. All of them have had
successors for many years: SSH for telnet and the r-commands, SFTP or HTTPS for FTP, IMAP and POP3 with TLS from the
first byte on ports 993 and 995 (RFC 8314), LDAPS on 636, syslog over TLS on 6514 (RFC 5425).

**What to do.** Offer the successor, and close the old port. Where the server enforces STARTTLS the port may stay
open: silence the check there, with that reason.

**What is said exactly.** Reported is a rule of which this is true of the packets of such a service that come to it,
match it, and pass all tables, whatever the unknown conditions are: they open connections, come from outside, and
come from at least half of the public addresses of IPv4 or of IPv6. What earlier rules block does not count, so a
block list of a few addresses changes nothing, and a rule behind one that blocks the port is not reported; nor is a
rule with a rate limit, of which nobody knows whether it lets a packet in. What "outside" means is said at FW201.
The services are known by their usual ports alone: what listens on another port is not seen, and whether anything
listens at all is not known. A rule that opens much more is reported by FW201, FW203, FW204 or FW213 instead.

The services: FTP (tcp/21), Telnet (tcp/23), TFTP (udp/69), POP3 (tcp/110), IMAP (tcp/143), LDAP (tcp/389), rexec
(tcp/512), rlogin (tcp/513), rsh (tcp/514), syslog (udp/514), MQTT (tcp/1883). HTTP on port 80 is not among them:
redirects to HTTPS live there, and the proofs by which certificates are given out (RFC 8555, 8.3). Nor is SMTP on
port 25, which mail exchangers have to offer.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposed import service_findings
from policy.diagnostic import Diagnostic, Severity


def _find(facts: Facts) -> Iterator[Diagnostic]:
    return service_findings(CHECK, facts, "plaintext", "offer the encrypted successor instead")


CHECK = Check(
    code="FW210",
    name="plaintext-service",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at forward {
    default block
    allow tcp/23 to 10.2.0.5 ### FW210 "Telnet .tcp/23. in from the Internet"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT ### FW210 "FTP"
-A INPUT -p udp -m udp --dport 514 -j ACCEPT ### FW210 "syslog .udp/514. in from the Internet: anybody can write"
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    allow tcp/{25,80,443,993} to 10.2.0.5
    allow tcp/23 from 10.1.0.0/16
    allow udp/23
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.0.0.0/8 -p udp -m udp --dport 514 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -m state --state RELATED -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
