"""A rule lets SSH in from everywhere.

Machines that answer on port 22 are found within minutes, and passwords are tried on them day and night. Keys in
place of passwords end the guessing, but not the holes: CVE-2024-6387 gave root on many servers to whoever could
connect. A port that only your own addresses reach gives nobody the chance.

**What to do.** Allow it from the addresses that you come from, or over a VPN. A jump host that must be reached from
everywhere deserves a comment: `# fwpolicy: ignore FW205: jump host, keys only`.

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
    return service_findings(CHECK, facts, "ssh", "allow it only from the addresses that you come from, or over a VPN")


CHECK = Check(
    code="FW205",
    name="ssh-exposed",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at input {
    default block
    allow tcp/22 ### FW205 "lets SSH .tcp/22. in from the Internet"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -i eth1 -j ACCEPT
-A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 22 -j DROP
-A INPUT -p tcp -m multiport --dports 22,80,443 -j ACCEPT ### FW205 "lets SSH .tcp/22. in from the Internet"
COMMIT
""",
        """
policy border at input {
    default block
    block tcp/22 from 10.0.0.0/8
    allow tcp/{22,443} from any except 192.0.2.0/24 ### FW205 "SSH"
}
""",
    ),
    good=(
        """
policy border at input {
    default block
    allow tcp/22 from 203.0.113.0/24
    block tcp/1-1023 from any except 10.0.0.0/8
    allow tcp/22
}
""",
        """
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m recent --update --seconds 60 --hitcount 4 --name ssh -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -o eth0 -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
