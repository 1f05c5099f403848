"""Packets from outside that claim one of our own addresses pass.

Rules trust inside addresses: "ssh from the office" is a source address, and nothing in a packet proves it. If a
packet with an office address may arrive on the interface to the Internet and pass, the rule means "ssh from whoever
writes an office address". Over UDP one forged packet is enough; over TCP the answers go astray, which does not help a
service that is flooded, nor where the attacker sits on the way (RFC 2827; RFC 3704).

**What to do.** Block our own addresses first on the outer interface: `block any from 10.1.0.0/16 in eth0`. In Linux,
`net.ipv4.conf.*.rp_filter` = 1 makes the kernel drop such packets where the routes lead back by another interface; it
is not seen in the rules, is off for IPv6, and wants to be set.

**What is said exactly.** Looked at are the untrusted zones of the configuration that have interfaces, and the
addresses of all other zones and of the host itself (`--local`). A policy is reported, once for every hook, if packets
surely pass that arrive on such an interface, open a connection, and have one of these addresses as their source
(those of the zone where they arrive are its own). Where an unknown condition decides, such as a set or a rate limit,
it is undecided, and is said so. Without zones in the configuration nothing is said. No finding and nothing undecided
is a proof that the rules hold off such packets.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts, Settings, Undecided, Zone
from policy.check.arrivals import arrivals
from policy.check.judged import judged
from policy.check.sources import forged, outside, own
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Field
from policy.packet import HOOKS, Names
from policy.packet.address import parse_prefix
from policy.packet.text import set_text


def find(facts: Facts) -> Iterator[Diagnostic | Undecided]:
    zones = outside(facts.settings)
    addresses = own(facts.settings, facts.local)
    for each in arrivals(facts, forged(zones, addresses)) if zones and addresses else ():
        where = "" if each.hook is None else f" at {HOOKS[each.hook]}"
        names = ", ".join(set_text("in", zone.interfaces) for zone in zones if zone.interfaces is not None)
        if each.passed:
            sets = facts.space(each.hook)
            whose = [
                f"zone `{zone.name}`"
                for zone in facts.settings.zones
                if zone.addresses and not zone.untrusted and each.passed & sets.of_match(Field("src", zone.addresses))
            ]
            if facts.local and each.passed & sets.of_match(Field("src", facts.local)):
                whose.append("this host")
            yield CHECK.finding(
                each.policy,
                f"packets that arrive on {names} pass{where} if they claim an address of {' or '.join(whose)}",
                help="block our own addresses first on the outer interface",
                related=each.related,
                region=facts.words(each.passed, each.hook),
                example=judged(facts, each.passed, "allow"),
            )
        elif each.depends:
            yield Undecided(
                each.unknown,
                f"whether packets that arrive on {names} and claim one of our own addresses pass{where} "
                "hangs on a condition that is not known",
            )


CHECK = Check(
    code="FW303",
    name="spoofing-unproven",
    severity=Severity.WARNING,
    page=__doc__,
    find=find,
    settings=Settings(
        zones=(
            Zone("internet", Names.of("eth0"), untrusted=True),
            Zone("office", Names.of("eth1"), parse_prefix("10.1.0.0/16") | parse_prefix("2001:db8:1::/48")),
            Zone("guests", Names.of("eth2"), parse_prefix("192.168.20.0/24"), untrusted=True),
        )
    ),
    bad=(
        """
policy border at forward { ### FW303 "pass at forward if they claim an address of zone `office`"
    default block
    allow tcp/22 from 10.1.0.0/16
    allow tcp/443 from 192.168.20.0/24 in eth2
}
""",
        """
*filter
:INPUT DROP [0:0] ### FW303 "arrive on eth0, eth2 pass at input if they claim an address of zone `office`"
-A INPUT -p udp -m udp --dport 53 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
network office = 10.1.0.0/16, 2001:db8:1::/48
policy border at forward {
    default block
    block any from office in eth0, eth2
    allow tcp/22 from office
    allow tcp/443
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.1.0.0/16 -i eth1 -p udp -m udp --dport 53 -j ACCEPT
-A INPUT -s 192.168.20.0/24 -p udp -m udp --dport 53 -j ACCEPT
-A INPUT -p icmp -m limit --limit 5/sec -j ACCEPT
COMMIT
""",
    ),
)
