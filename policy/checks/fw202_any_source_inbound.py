"""A rule lets something in from everywhere outside.

What the Internet is to reach has such a rule, so this is a list rather than a warning: the public face of a
network, rule by rule. Each line of it should be known to somebody.

**What to do.** Go through the list now and then (`fwpolicy lint --select FW2`), and limit the sources of what is
not meant for everybody.

**What is said exactly.** Reported is a rule that lets something in from at least half of the public addresses of
IPv4 or of IPv6, and of which no other check says more: it opens few ports, and no notable service. What counts is
what is really open, and what "outside" means is said at FW201.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposed import few, findings
from policy.diagnostic import Diagnostic, Severity


def _find(facts: Facts) -> Iterator[Diagnostic]:
    return findings(
        CHECK,
        facts,
        few(facts),
        lambda opening: f"this rule lets packets in from {opening.sender}",
        "limit the sources, if this is not meant for everybody",
    )


CHECK = Check(
    code="FW202",
    name="any-source-inbound",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
policy border at forward {
    default block
    allow tcp/{80,443} to 10.2.0.5 ### FW202 "lets packets in from the Internet"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT ### FW202
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT ### FW202
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    allow tcp/22 to 10.2.0.5
    allow tcp/443 from 10.1.0.0/16 to 10.2.0.5
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i eth1 -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -s 0.0.0.0/2 -p tcp -m tcp --dport 80 -j ACCEPT
-A INPUT -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
COMMIT
""",
    ),
    find=_find,
    off="Web servers, mail servers and many others are there for everybody.",
)
