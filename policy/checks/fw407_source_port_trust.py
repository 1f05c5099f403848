"""A rule lets in whatever comes from a certain source port.

A source port says nothing of who sends: everybody chooses his own (`nmap -g 53`, `nc -p 20`). Rules that let in what
comes *from* port 53, 20, 67, 80 or 443 were meant for answers of name servers, FTP servers or web servers. They
open every port of every host behind them to anyone who sends from that port. It is one of the oldest holes of firewalls
that there are (nmap's manual, `--source-port`).

**What to do.** Let replies in because they are replies: accept `ESTABLISHED,RELATED`, or take `stateless` away. Where
rules cannot know connections, name the server's address and the ports of clients as destination, and for TCP ask that
the packet opens no connection (`flags ack/ack`, `! --syn`).

**What is said exactly.** Reported is a rule that allows packets by their source port, a few ports or well-known ones,
and does not ask for the destination port (or leaves all well-known ones in), where new connections from outside
surely pass by it, from half of the addresses there at least. Not reported are rules for known connections alone.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposure import HALF, Exposure
from policy.diagnostic import Diagnostic, Severity


def find(facts: Facts) -> Iterator[Diagnostic]:
    exposure = facts.once(Exposure)
    for at in exposure.may_open(HALF):
        packets = exposure.by_source_port(at)
        if exposure.origin(packets):
            yield CHECK.finding(
                facts.rule(at).span,
                f"this rule lets everybody in from {exposure.sender(packets)} who chooses the right source port",
                help="let replies in because they belong to known connections, not because of their source port",
                region=exposure.region(packets),
                example=exposure.example(packets, at),
            )


CHECK = Check(
    code="FW407",
    name="source-port-trust",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
policy filter at input stateless {
    default block
    allow udp from any port 53 ### FW407 "lets everybody in from the Internet who chooses"
    allow tcp from any port {20,80} flags syn ### FW407
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p udp -m udp --sport 53 -j ACCEPT ### FW407
-A INPUT -p tcp -m tcp --sport 80 --dport 0:65535 -j ACCEPT ### FW407
COMMIT
""",
    ),
    good=(
        """
policy filter at input stateless {
    default block
    allow udp from 10.0.0.53 port 53
    allow udp from any port 53 to any port 1024-65535
    allow tcp from any port 80 flags ack/ack
    allow udp from any port 67 to any port 68
    allow tcp from any port 1024-65535
}
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -i lo -p udp -m udp --sport 53 -j ACCEPT
-A INPUT -p udp -m udp --sport 53 -m state --state ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --sport 80 ! --syn -j ACCEPT
-A INPUT -p udp -m udp --sport 67 --dport 68 -j ACCEPT
-A OUTPUT -p tcp -m tcp --sport 22 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
