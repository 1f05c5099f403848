"""Anyone outside may send packets of a protocol in which nothing says who they are.

GRE, IP in IP and IPv6 in IPv4 carry packets of others, and have no keys. A host that takes them from anywhere takes
whatever is inside: in January 2025 more than four million hosts were found that did, and could be used to enter their
networks and to hide where an attack comes from (CERT/CC VU#199397). Routing protocols tell routers the way to other
networks, and speak with neighbours only. Some protocols nobody runs any more.

**What to do.** Name the other end of the tunnel, or the neighbours, as the source. Carry tunnels in WireGuard or
IPsec.

**What is said exactly.** Reported is a rule for such a protocol by name or number, in which nothing says what the
source address is, if packets from outside pass by it. ESP and AH are not among the protocols: they authenticate every
packet.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.opening import about
from policy.check.tables import rows
from policy.check.traffic import ranges, traffic
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Field, walk


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules that let such a protocol in from anywhere."""
    known = {int(number): (name, wrong, source) for number, name, wrong, source in rows("protocols.tsv")}
    for at in facts.places:
        rule = facts.rule(at)
        found = [
            low for each in traffic(rule.match) for low, high in ranges(each.proto) if low == high and low in known
        ]
        if not found or any(isinstance(part, Field) and part.name == "src" for part in walk(rule.match)):
            continue
        if packets := facts.exposed(at):
            name, wrong, source = known[found[0]]
            message = f"this rule lets in protocol {found[0]} from anywhere: {name} {wrong} ({source})"
            yield about(CHECK, facts, at, packets, message, "allow it from the addresses of the other end only")


CHECK = Check(
    code="FW512",
    name="legacy-protocol",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at input {
    default block
    allow gre ### FW512 "GRE is a tunnel that takes packets from anyone"
    allow proto 41, esp from any ### FW512 "addresses of the other end"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p ospf -j ACCEPT ### FW512 "OSPF"
-A INPUT -p 4 -j ACCEPT ### FW512 "IP in IP"
COMMIT
""",
    ),
    good=(
        """
policy border at input {
    default block
    block gre
    allow gre from 198.51.100.7
    allow esp, ah, igmp, vrrp
    allow gre in br-lan
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 198.51.100.7/32 -p gre -j ACCEPT
-A INPUT -p esp -j ACCEPT
-A INPUT -p gre -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
