"""A rule expects an address behind an interface where, as the configuration says, there are others.

The configuration says which addresses a zone has, and behind which interfaces it lies. A rule that lets 203.0.113.5
in through an interface of the office, which has 10.1.0.0/16, is wrong in one of the two: the interface is another
one, the address is mistyped or has moved, or the zone has grown and the configuration has not. While it stands, a
host in that zone may take such an address and is let in.

**What to do.** Correct the rule, or the zone.

**What is said exactly.** Looked at are rules that allow and name an interface together with addresses: source
addresses with an input interface, destinations with an output interface. Where zones of the configuration lie behind
the interface (one without interfaces may lie behind any), not all of them untrusted, and all have addresses, a rule
is reported if a whole range of its addresses lies outside of all of them, in an IP version of which they have any.
Link-local, multicast, broadcast and loopback addresses, and those of hosts that have none yet (0.0.0.0, ::), are in
every network. Without zones in the configuration nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policy.check import Check, Facts, Settings, Zone
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Allow, Field, Rule, conjuncts
from policy.packet import EMPTY, Intervals, Names
from policy.packet.address import BROADCAST, UNSPECIFIED, V4, V6, parse_prefix
from policy.packet.special import of_kind
from policy.packet.text import set_text
from policy.reach.effects import deciding

_EVERYWHERE = of_kind("linklocal", "multicast", "loopback") | UNSPECIFIED | BROADCAST
_SIDES = (("in", "src"), ("out", "dst"))


def find(facts: Facts) -> Iterator[Diagnostic]:
    zones = facts.settings.zones
    inner = any(zone.interfaces and zone.addresses and not zone.untrusted for zone in zones)
    for at in facts.places if inner else ():
        rule = facts.rule(at)
        for interface, address in _SIDES if isinstance(deciding(rule), Allow) else ():
            names, addresses = _of(rule, interface), _of(rule, address)
            if names is None or addresses is None:
                continue
            assert isinstance(names.values, Names)
            assert isinstance(addresses.values, Intervals)
            here = [zone for zone in zones if zone.interfaces is None or zone.interfaces.covers(names.values)]
            stray = _outside(addresses.values, here)
            if stray and facts.is_live(at):
                named = " and ".join(f"`{zone.name}`" for zone in here)
                lies = "lies" if len(here) == 1 else "lie"
                yield CHECK.finding(
                    addresses.span or rule.span,
                    f"{set_text(address, stray)} is not in {named}, which {lies} behind "
                    f"{set_text(interface, names.values)}",
                    help="correct the interface or the address, or the zone in the configuration",
                    region=set_text(address, stray),
                )


def _of(rule: Rule, name: str) -> Field | None:
    """Return the condition of a rule on a field, if it is one on its values."""
    wanted = Names if name in ("in", "out") else Intervals
    parts = (part for part in conjuncts(rule.match) if isinstance(part, Field) and part.name == name)
    return next((part for part in parts if isinstance(part.values, wanted)), None)


def _outside(addresses: Intervals, zones: Sequence[Zone]) -> Intervals:
    """Return the ranges of some addresses that lie outside of all zones, in the families that these have."""
    if all(zone.untrusted for zone in zones) or any(zone.addresses is None for zone in zones):
        return EMPTY
    inside = Intervals.of(*(pair for zone in zones if zone.addresses for pair in zone.addresses.ranges))
    families = [family for family in (V4, V6) if family.meets(inside)]
    ranges = [pair for family in families for pair in (addresses & family).ranges]
    return Intervals.of(*(pair for pair in ranges if not Intervals.of(pair).meets(inside | _EVERYWHERE)))


CHECK = Check(
    code="FW311",
    name="public-ip-in-internal-zone",
    severity=Severity.WARNING,
    page=__doc__,
    find=find,
    settings=Settings(
        zones=(
            Zone("office", Names.of("eth1"), parse_prefix("10.1.0.0/16") | parse_prefix("2001:db8:1::/48")),
            Zone("internet", Names.of("eth0"), untrusted=True),
        )
    ),
    bad=(
        """
network partner = 203.0.113.0/24
policy border at forward {
    default block
    allow tcp/443 from 203.0.113.5 in eth1 ### FW311 "203.0.113.5 is not in `office`, which lies behind eth1"
    allow tcp/22 from 10.1.0.7, 10.2.0.7 in eth1 ### FW311 "10.2.0.7 is not in"
    allow tcp/25 from any to partner out eth1 ### FW311 "203.0.113.0/24"
}
""",
        """
*filter
:FORWARD DROP [0:0]
-A FORWARD -s 203.0.113.5/32 -i eth1 -p tcp -m tcp --dport 443 -j ACCEPT ### FW311 "203.0.113.5"
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    allow tcp/443 from 203.0.113.5 in eth0
    allow tcp/443 from 10.1.0.0/16, 2001:db8:1::7, fe80::/10 in eth1
    allow tcp/22 from 10.0.0.0/8 in eth1
    block any from any except 10.1.0.0/16, 2001:db8:1::/48 in eth1
}
""",
        """
*filter
:FORWARD DROP [0:0]
-A FORWARD ! -s 10.1.0.0/16 -i eth1 -j DROP
-A FORWARD -s 10.1.4.0/24 -i eth1 -j ACCEPT
COMMIT
""",
    ),
)
