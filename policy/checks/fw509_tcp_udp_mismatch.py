"""A rule opens a port with UDP whose service exists with TCP only, or the other way round.

IANA gives most services their port with both protocols, whether they use it or not, so tables of services do not tell.
SSH, SMTP or PostgreSQL speak TCP; NTP, TFTP or WireGuard UDP. With the wrong one the rule does not do what it is there
for, and opens a port for whatever else comes to listen there.

**What to do.** Change the protocol.

**What is said exactly.** Reported is a single destination port of a curated list (with the document that says which
protocol the service has), in a rule for the other protocol alone that lets connections begin, unless some rule of the
file allows the port with the right protocol: to allow both is a habit that does little harm.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.opening import about, opening
from policy.check.traffic import ranges, traffic
from policy.check.transports import OneTransport, one_transport
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Allow, Block, Reject
from policy.packet import Intervals
from policy.packet.fields import TCP, UDP
from policy.packet.names import protocol_name
from policy.reach import At
from policy.reach.effects import deciding
from policy.source import Span


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules for a port with a protocol that its service does not have."""
    seen: set[Span] = set()
    asked = _asked(facts)
    for at in facts.places:
        rule = facts.rule(at)
        wrong = _wrong(facts, at, asked)
        if not wrong or rule.span in seen or not (packets := opening(facts, at)):
            continue
        seen.add(rule.span)
        first = wrong[0]
        has, other = (protocol_name(number) for number in (first.transport, TCP + UDP - first.transport))
        message = f"this rule opens {other} port {first.port}, but {first.name} exists with {has} only"
        yield about(CHECK, facts, at, packets, message, f"did you mean {has}? {first.source} says which it is")


def _asked(facts: Facts) -> dict[int, Intervals]:
    """Return the destination ports that rules which do not block ask for, by TCP and UDP."""
    found: dict[int, list[tuple[int, int]]] = {TCP: [], UDP: []}
    for at in facts.places:
        if not isinstance(deciding(facts.rule(at)), Block | Reject):
            for each in traffic(facts.rule(at).match):
                for protocol, some in found.items():
                    if each.may_be(protocol):
                        some.extend(ranges(each.dport))
    return {protocol: Intervals.of(*some) for protocol, some in found.items()}


def _wrong(facts: Facts, at: At, asked: dict[int, Intervals]) -> list[OneTransport]:
    """Return the services whose port a rule asks for with the wrong protocol, where no rule has the right one."""
    if not isinstance(deciding(facts.rule(at)), Allow):
        return []
    known = one_transport()
    return [
        known[low]
        for each in traffic(facts.rule(at).match)
        for low, high in ranges(each.dport)
        if low == high and low in known
        for right in (known[low].transport,)
        if each.is_protocol(TCP + UDP - right) and low not in asked[right]
    ]


CHECK = Check(
    code="FW509",
    name="tcp-udp-mismatch",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    allow udp/22 from 10.0.0.0/8 ### FW509 "SSH exists with tcp only"
    allow tcp/{80,123} ### FW509 "did you mean udp\\? RFC 5905"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p udp -m udp --dport 3306 -j ACCEPT ### FW509 "MySQL"
-A INPUT -p tcp -m multiport --dports 69,80 -j ACCEPT ### FW509 "TFTP exists with udp only"
COMMIT
""",
    ),
    good=(
        """
service ssh = tcp/22, udp/22
policy border {
    default block
    allow ssh, tcp/53, udp/{53,69,443}, tcp/3389, udp/3389
    allow udp/1-100
    block tcp/123, udp/25
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p udp -m udp --dport 25 -j ACCEPT
-A INPUT -p tcp -m multiport --dports 22:25 -j ACCEPT
-A INPUT -p tcp -m conntrack --ctstate ESTABLISHED -m tcp --dport 123 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
