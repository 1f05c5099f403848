"""A rule for replies leaves out ports that clients have.

Rules that do not know connections let replies in by the ports of the clients. Which port a client takes, its system
decides: Linux 32768–60999 (`ip_local_port_range`), Windows and macOS 49152–65535 (RFC 6335, section 6). A rule for one
of these ranges works for some clients and not for others, or, where the ranges overlap, now and then. 1025–5000 is what
Windows had until 2008.

**What to do.** Let replies go to 32768–65535, or to 1024–65535 where clients are behind NAT that takes other ports. For
TCP add a condition that only packets of open connections meet, as `flags ack/ack`.

**What is said exactly.** Reported is a rule that allows what comes from a few ports, or from well-known ones, to at
least 1,000 ports above 1023, where requests pass from client ports in 32768–65535, and the replies, which this rule
would match but for their destination port, are blocked, whatever the unknown conditions are.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.connections import blockers, judged
from policy.check.source_ports import left_out
from policy.diagnostic import Diagnostic, Severity
from policy.ir import with_values
from policy.packet.connection import DYNAMIC_PORTS, LINUX_PORTS
from policy.packet.text import set_text

_SYSTEMS = (("Linux", LINUX_PORTS), ("most others", DYNAMIC_PORTS))


def find(facts: Facts) -> Iterator[Diagnostic]:
    narrow = [(at, missing) for at in facts.places if (missing := left_out(facts.rule(at))) and facts.is_live(at)]
    for replies in judged(facts) if narrow else ():
        passing = replies.first.allowed & replies.blocked
        for at, missing in narrow:
            rule = facts.rule(at)
            wider = with_values(rule.match, "dport", missing)
            lost = replies.sets.nothing if wider is None else passing & replies.answered_by(wider)
            if lost:
                systems = [f"{name} {set_text('dport', ports)}" for name, ports in _SYSTEMS if ports.meets(missing)]
                yield CHECK.finding(
                    rule.span,
                    f"replies to ports {set_text('dport', missing)} of clients are blocked",
                    help=f"let this rule have all ports that clients have: {', '.join(systems)}",
                    related=blockers(facts, replies, lost),
                    region=facts.words(lost, within=replies.asked),
                    example=replies.example(lost),
                )


CHECK = Check(
    code="FW406",
    name="ephemeral-too-narrow",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
network clients = 10.60.0.0/16

policy filter at forward stateless {
    default block
    allow tcp/25 from clients      to 192.0.2.25
    allow tcp    from 192.0.2.25 port 25 to clients port dynamic flags ack/ack ### FW406 "ports 32768-49151"
    allow udp/53 from clients port 1024-65535
    allow udp    from any port 53  to clients port 32768-60999 ### FW406 "61000-65535"
}
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --sport 443 --dport 1024:4999 ! --syn -j ACCEPT ### FW406 "32768-65535"
-A INPUT -p udp -m udp --sport 53 --dport 1024:65535 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
network clients = 10.60.0.0/16

policy filter at forward stateless {
    default block
    allow tcp/25 from clients      to 192.0.2.25
    allow tcp    from 192.0.2.25 port 25 to clients port 32768-65535 flags ack/ack
    allow udp/53 from clients port dynamic
    allow udp    from any port 53 to clients port dynamic
    allow tcp/30000-40000 from clients port 30000-40000
}
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --sport 443 --dport 49152:65535 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
