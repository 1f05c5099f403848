"""A rule lets requests through, and the replies to all of them are blocked.

A connection needs both ways. Where rules do not know connections, each packet is judged by itself: a rule for the
request says nothing of the reply, which comes back with addresses and ports turned round. If nothing allows it, the
connection never opens. The server sees the request, and may work on it; the client waits until it gives up. So the
mistake looks like a slow or broken server, and is looked for in the wrong place.

**What to do.** Let the replies through: a rule from the port of the service to the ports of clients (32768–65535), for
TCP with `flags ack/ack`, so that nobody can open connections that way. Better, where the firewall can do it, use one
that knows connections: take `stateless` away, or accept `ESTABLISHED,RELATED` before all else.

**What is said exactly.** Reported is a rule that lets TCP, UDP or ICMP echo requests through, where the reply to every
one of them is blocked, whatever the unknown conditions are. (Those from ports that no client has, below 32768, count
only where the rule lets no others through.) The reply is what `ask` means by it: addresses, ports and
interfaces turned round, state `established`, with TCP the flag ACK. Between single hosts only: what goes to multicast,
broadcast or loopback addresses is not counted. Not reported are

* what the rule itself answers, as between hosts of the network that it allows everything;
* services that are never answered (syslog, SNMP traps, NetFlow and the like, over UDP);
* rules for replies themselves: those from a few ports, or the well-known ones, to those of clients;
* rules of which only some connections get no reply (FW410), or those of some clients (FW406);
* files where no rule knows connections at all although the firewall could: FW402 says that once.

Where it is so of more than ten rules at one hook, they are counted in one finding.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.connections import findings, judged, requests
from policy.check.source_ports import left_out
from policy.diagnostic import Diagnostic, Severity


def find(facts: Facts) -> Iterator[Diagnostic]:
    narrow = [rule for rule in map(facts.rule, facts.places) if left_out(rule)]
    for replies in judged(facts):
        answered = replies.sets.union(replies.answered_by(rule.match) for rule in narrow) - replies.blocked
        found = [
            (rule, asked)
            for rule, asked in requests(replies)
            if asked <= replies.blocked and not asked.apart_from("sport") & answered
        ]
        yield from findings(
            CHECK,
            facts,
            replies,
            found,
            "the replies to what this rule lets through are all blocked",
            "let the replies through as well, or known connections before all else",
        )


CHECK = Check(
    code="FW401",
    name="reply-blocked",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
network clients = 10.60.0.0/16
host    mail    = 192.0.2.25

policy filter at forward stateless {
    default block
    allow tcp/25  from clients      to mail
    allow tcp/587 from clients      to mail ### FW401 "the replies to what this rule lets through are all blocked"
    allow tcp     from mail port 25 to clients port 1024-65535 flags ack/ack
    allow ping    from clients      to mail ### FW401
    block icmp    from mail
}
""",
        """
policy filter at forward stateless {
    default block
    allow any from 10.60.0.0/16 ### FW401
}
""",
        """
policy arrives at input stateless {
    default block
    allow tcp/22, tcp/443 ### FW401
}

policy leaves at output stateless {
    default block
    allow tcp/25 ### FW401
}
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -m state --state ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p udp -m udp --dport 53 -j ACCEPT ### FW401
-A OUTPUT -p tcp -m tcp --sport 22 -m state --state ESTABLISHED -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
policy filter at forward {
    default block
    allow tcp/25 from 10.60.0.0/16
}
""",
        """
network clients = 10.60.0.0/16

policy filter at forward stateless {
    default block
    allow tcp/25    from clients
    allow tcp       from any port 25 to clients flags ack/ack
    allow udp/514   from clients
    allow udp/5353  from clients to 224.0.0.251
    allow udp/53    from clients to 10.9.0.53
    allow udp       from 10.9.0.53 port 53 to clients port 1024-65535
    allow tcp/22    from clients with ttl 255
    allow ping      from clients
    allow icmp/0    to clients
}
""",
        """
policy arrives at input stateless {
    default block
    allow tcp/443
}
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -m state --state ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p udp -m udp --dport 53 -m limit --limit 5/s -j ACCEPT
-A OUTPUT -m state --state ESTABLISHED -m limit --limit 5/s -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
