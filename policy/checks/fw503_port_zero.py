"""A rule allows traffic to or from port 0, which is none that a service has.

Port 0 is reserved (RFC 6335, 6; IANA's registry). A program that asks for it gets another one (ip(7)), so nothing
listens there, and packets with it are probes: how a system answers to them tells which one it is. A rule that allows
port 0 opens nothing that was meant. It comes from a form in which 0 stood for "any", from a variable that was not set,
or from a digit that was lost.

**What to do.** Write the port that was meant, or leave the port out if it is any.

**What is said exactly.** Reported is port 0 where it stands by itself in a rule that allows. Ranges that begin with it
(0-1023, 0-65535) are common and mean "up to"; so is a UDP source port 0, which says that no reply is wanted (RFC 768).
Rules that block port 0 are right.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.traffic import place, ranges, traffic
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Allow
from policy.packet.fields import TCP
from policy.reach.effects import deciding
from policy.source import Span


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the places where port 0 is allowed, each once."""
    seen: set[Span] = set()
    for at in facts.places:
        rule = facts.rule(at)
        if not isinstance(deciding(rule), Allow):
            continue
        for each in traffic(rule.match):
            for field in (each.dport, each.sport if each.is_protocol(TCP) else None):
                where = place(rule, field)
                if (0, 0) in ranges(field) and where not in seen and facts.is_live(at):
                    seen.add(where)
                    yield CHECK.finding(
                        where,
                        "port 0 is reserved: no service listens there, and no connection comes from it",
                        help="write the port that was meant, or leave the port out if it is any",
                    )


CHECK = Check(
    code="FW503",
    name="port-zero",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
service web = tcp/{0,80} ### FW503 "0,80"
policy border {
    default block
    allow tcp/0 ### FW503 "port 0 is reserved"
    allow web from 10.0.0.0/8
    allow web from 10.1.0.0/16 port dynamic
    allow tcp/25 from any port 0 ### FW503 "no connection comes from it"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 0 -j ACCEPT ### FW503 "--dport 0"
-A INPUT -p udp -m multiport --dports 0,53 -j ACCEPT ### FW503 "leave the port out"
COMMIT
""",
    ),
    good=(
        """
policy border stateless {
    default block
    block tcp/0
    allow udp/514 from any port 0
    allow tcp/well-known, udp/0-65535 from 10.0.0.0/8
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 0 -j DROP
-A INPUT -p tcp -m tcp --dport 0:1023 -j ACCEPT
-A INPUT -p udp -m udp ! --dport 0 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
