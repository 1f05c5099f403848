"""A rule lets requests through of which only some can be answered.

In rules that do not know connections, the way there and the way back are a pair. They drift apart: a network is added
to one of them, an address is changed in one of them. Then some clients are answered and others are not, which is harder
to find than a service that answers nobody (FW401).

**What to do.** Give both rules the same addresses and ports: what is the source of the one is the destination of the
other.

**What is said exactly.** Reported is a rule that lets TCP, UDP or ICMP echo requests through, where the replies to
some of them, but not to all, are blocked, whatever the unknown conditions are. The finding names those requests. To be
answered, it is enough that there is one client port, and one pair of interfaces, with which the reply comes through:
what clients with other ports miss is a matter of FW406. Not reported are

* replies that a rule blocks which names addresses: somebody wanted that;
* for a rule that names no protocol, the protocols with which nobody gets a reply;
* what FW401 leaves out too: services that are never answered, rules for replies themselves, multicast, broadcast and
  loopback addresses.
"""

from collections.abc import Iterator
from typing import Any

from policy.check import Check, Facts
from policy.check.connections import findings, judged, left_to_default, names, requests
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Field, Rule
from policy.packet import Intervals
from policy.packet.fields import ICMP, ICMP6, TCP, UDP
from policy.reach.replies import Replies


def find(facts: Facts) -> Iterator[Diagnostic]:
    for replies in judged(facts):
        some = [(rule, asked) for rule, asked in requests(replies) if not asked <= replies.blocked]
        yield from findings(
            CHECK,
            facts,
            replies,
            [(rule, lost) for rule, asked in some if (lost := _lost(replies, rule, asked))],
            "the replies to some of what this rule lets through are blocked, others are not",
            "let the way back have the addresses and ports of the way there",
        )


def _lost(replies: Replies[Any], rule: Rule, asked: Any) -> Any:
    lost = replies.without_answer(asked, "sport") & left_to_default(replies)
    for protocol in () if names(rule, "proto") else (TCP, UDP, ICMP, ICMP6):
        mine = replies.sets.of_match(Field("proto", Intervals.of(protocol)))
        if asked & mine <= replies.blocked:
            lost = lost - mine
    return lost


CHECK = Check(
    code="FW410",
    name="asymmetric-pair",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy filter at forward stateless {
    default block
    allow tcp/25 from 10.60.0.0/15 to 192.0.2.25 ### FW410 "the replies to some of what this rule lets through"
    allow tcp    from 192.0.2.25 port 25 to 10.60.0.0/16 flags ack/ack
}
""",
        """
network clients = 10.60.0.0/16

policy filter at forward stateless {
    default block
    allow tcp/25, tcp/587 from clients ### FW410
    allow tcp from any port 25 to clients flags ack/ack
}
""",
        """
*filter
:FORWARD DROP [0:0]
-A FORWARD -d 10.60.0.0/17 -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -s 10.60.0.0/16 -j ACCEPT ### FW410
COMMIT
""",
    ),
    good=(
        """
network clients = 10.60.0.0/16

policy filter at forward stateless {
    default block
    allow tcp/25 from clients to 192.0.2.25
    allow tcp    from 192.0.2.25 port 25 to clients port 49152-65535 flags ack/ack
    allow tcp/53, udp/53 from clients in eth0
    allow tcp, udp from any port 53 to clients out eth0
}
""",
        """
network clients = 10.60.0.0/16

policy filter at forward stateless {
    default block
    block any from 192.0.2.66
    allow any from clients
    allow tcp to clients flags ack/ack
}
""",
        """
*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -s 10.60.0.0/16 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
