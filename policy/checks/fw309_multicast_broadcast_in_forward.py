"""A rule that lets multicast or broadcast packets through, where such packets are not sent on.

A broadcast to 255.255.255.255 stays in its network (RFC 1812, 5.3.5.1), and so does multicast to 224.0.0.0/24 and
ff02::/16 (RFC 5771, 4; RFC 4291, 2.7). Other multicast goes through a host only where it is a multicast router, with
a daemon that says so. A rule in FORWARD for DHCP, mDNS or SSDP therefore opens nothing: the service that should work
across networks does not, and wants a relay or a reflector.

**What to do.** Take the rule out, or move it to INPUT, where the packets are. On a multicast router it may be right.

**What is said exactly.** Reported is a rule that allows, that only packets at forward come to, and all destinations
of which are multicast (224.0.0.0/4, ff00::/8) or the limited broadcast; not where rules rewrite destinations.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.diagnostic import Diagnostic, Severity
from policy.evaluate.index import bound
from policy.ir import Allow
from policy.packet import FORWARD
from policy.packet.address import BROADCAST, MULTICAST
from policy.packet.text import set_text
from policy.reach.effects import changed_fields, deciding


def find(facts: Facts) -> Iterator[Diagnostic]:
    if "dst" in changed_fields(map(facts.rule, facts.places)):
        return
    for at in facts.places:
        rule = facts.rule(at)
        addresses = bound(rule.match, "dst")
        if not addresses or not (MULTICAST | BROADCAST).covers(addresses) or facts.met.get(at[0]) != (FORWARD,):
            continue
        if isinstance(deciding(rule), Allow) and facts.is_live(at):
            yield CHECK.finding(
                rule.span,
                f"packets to {set_text('dst', addresses)} are not forwarded, unless this is a multicast router",
                help="take the rule out, or move it to where packets to this host are looked at",
                region=facts.region(facts.matched(at), rule.match),
                example=facts.replayed(facts.matched(at).values(), [rule]),
            )


CHECK = Check(
    code="FW309",
    name="multicast-broadcast-in-forward",
    severity=Severity.INFO,
    page=__doc__,
    find=find,
    off="Such a rule does no harm, and on a multicast router it is right.",
    bad=(
        """
policy border at forward {
    default block
    allow udp/5353 to 224.0.0.251 ### FW309 "packets to 224.0.0.251 are not forwarded"
    allow udp/67 to 255.255.255.255 in eth0 ### FW309 "255.255.255.255"
    allow udp/5353 to ff02::fb ### FW309 "ff02::fb"
}
""",
        """
*filter
:FORWARD DROP [0:0]
-A FORWARD -d 239.255.255.250/32 -p udp -m udp --dport 1900 -j ACCEPT ### FW309 "239.255.255.250"
COMMIT
""",
    ),
    good=(
        """
policy server at input {
    default block
    allow udp/5353 to 224.0.0.251
}
policy border at forward {
    default block
    block any to 224.0.0.0/4
    allow udp/5353 to 10.1.0.0/16
}
""",
        """
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A INPUT -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
-A FORWARD -d 224.0.0.0/4 -j DROP
COMMIT
""",
    ),
)
