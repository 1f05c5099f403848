"""Anyone outside may send packets of a protocol in which nothing says who they are.

GRE, IP in IP and IPv6 in IPv4 carry packets of others, and nothing in them proves who sent them (the key of GRE is a
number in plain sight). A host that takes them from anywhere takes whatever is inside: in January 2025 more than four
million hosts were found that did, and could be used to enter their networks and to hide where an attack comes from
(CERT/CC VU#199397). Routing protocols tell routers the way to other networks, and speak with neighbours only. Some
protocols nobody runs any more.

**What to do.** Name the other end of the tunnel, or the neighbours, as the source. Carry tunnels in WireGuard or
IPsec.

**What is said exactly.** Reported is a rule for such a protocol by name or number, if packets of it pass from
everybody outside by that rule (what that means is said at FW201). ESP and AH are not among the protocols: they are
there to authenticate packets. Nor are IGMP, VRRP and PIM, which do not leave their link.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposure import Exposure
from policy.check.tables import rows
from policy.check.traffic import ranges, traffic
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Field
from policy.packet import Intervals


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules that let such a protocol in from everywhere."""
    known = {int(number): (wrong, source) for number, wrong, source in rows("protocols.tsv")}
    exposure = facts.once(Exposure)
    for at in exposure.candidates:
        asked = [pair for each in traffic(facts.rule(at).match) for pair in ranges(each.proto)]
        for number in (low for low, high in asked if low == high and low in known):
            match = Field("proto", Intervals.of(number))
            packets = exposure.within(exposure.packets(at), match)
            if packets and exposure.origin(packets):
                wrong, source = known[number]
                yield CHECK.finding(
                    facts.rule(at).span,
                    f"this rule lets protocol {number} in from {exposure.sender(packets)}: {wrong} ({source})",
                    help="allow it from the addresses of the other end only",
                    region=exposure.region(packets),
                    example=exposure.example(packets, at, match),
                )
                break


CHECK = Check(
    code="FW512",
    name="legacy-protocol",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at input {
    default block
    allow gre ### FW512 "GRE has no authentication"
    allow proto 41, esp from any ### FW512 "addresses of the other end only"
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
