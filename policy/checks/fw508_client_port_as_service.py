"""A rule for new connections has the port of a service as its source port: source and destination are swapped.

A client that connects to a web server has any port from 1024 on, and the server has 443. A rule that says "from port
443" for a connection that begins matches no client. What it was to allow does not work; what it does allow is whoever
chooses that port as the source, to every port behind it.

**What to do.** Move the port to the destination. Where replies are meant, say that they are replies: allow established
connections.

**What is said exactly.** Reported is a rule that asks for a TCP source port of a server whose clients never use it
(SSH, SMTP, HTTPS, databases …), and for no destination port, if it lets connections begin, and if no packet of an
established connection comes to it: so it is no rule for replies. If it lets them in from everybody outside, FW407 says
what that means.
"""

from collections.abc import Iterator
from typing import Any

from policy.check import Check, Facts
from policy.check.exposure import Exposure
from policy.check.opening import about, opening
from policy.check.traffic import single_ports, traffic
from policy.check.transports import one_transport
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Field
from policy.packet import ESTABLISHED, RELATED, Intervals
from policy.packet.fields import TCP

_SERVERS = {80: "HTTP", 443: "HTTPS"}
_KNOWN = Field("state", Intervals.of(ESTABLISHED, RELATED))


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules whose source port is that of a server."""
    names = _SERVERS | {each.port: each.name for each in one_transport().values() if each.transport == TCP}
    for at in facts.places:
        found = [
            port
            for each in traffic(facts.rule(at).match)
            if each.is_protocol(TCP) and each.dport is None
            for port in single_ports(each.sport)
            if port in names
        ]
        if not found or not (packets := opening(facts, at)) or facts.once(Exposure).by_source_port(at):
            continue
        if any(_replies(facts, hook, some) for hook, some in facts.matched(at).items()):
            continue
        port, name = found[0], names[found[0]]
        message = f"this rule is for connections that come from port {port}, which {name} servers have, not clients"
        help = f"make {port} the destination port, or remove the rule: replies do not come to it"
        yield about(CHECK, facts, at, packets, message, help)


def _replies(facts: Facts, hook: int | None, packets: Any) -> bool:
    """May some packets be of connections that are known? They may where nothing looks at that."""
    sets = facts.space(hook)
    return "state" not in sets.layout.fields or bool(packets & sets.of_match(_KNOWN))


CHECK = Check(
    code="FW508",
    name="client-port-as-service",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
host db = 10.2.0.5
policy border at forward {
    default block
    allow tcp from 10.1.0.0/16 port 5432 to db ### FW508 "make 5432 the destination port"
}
""",
        """
*filter
:OUTPUT DROP [0:0]
-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A OUTPUT -d 10.2.0.5 -p tcp -m tcp --sport 443 -j ACCEPT ### FW508 "which HTTPS servers have"
-A OUTPUT -p tcp -m conntrack --ctstate NEW -m tcp --sport 25 -j ACCEPT ### FW508 "SMTP"
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    allow tcp from 10.1.0.0/16 port 20 to 10.2.0.5 in lan0
    allow tcp/22 from 10.1.0.0/16 port 22 to 10.2.0.5 in lan0
    allow udp from 10.1.0.0/16 port 123 to 10.2.0.5 in lan0
    allow tcp from any port 443 to 10.2.0.5
}
""",
        """
*filter
:OUTPUT DROP [0:0]
-A OUTPUT -p tcp -m tcp --sport 443 -j ACCEPT
-A OUTPUT -p tcp -m tcp --sport 22 -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
