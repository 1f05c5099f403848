"""Packets come in from the Internet with sources that the Internet does not have.

No host of the Internet has a private address (10.1.2.3, fd00::1), a documentation address, or one that is reserved. A
packet that arrives from there with such a source is forged, or comes from a network that leaks. Its sender gets no
answer, and needs none: it takes what rules give to "inside" addresses, hides who floods a service, or turns the
host's answers against an inside machine (RFC 2827, and RFC 3704 for what networks should do about it).

**What to do.** Block these sources first on the outer interface: `block any from 10.0.0.0/8, 172.16.0.0/12, … in
eth0`. The list is that of IANA's special-purpose addresses. In Linux `net.ipv4.conf.*.rp_filter` drops packets whose
source lies behind another interface, but not those that nobody has, where a default route leads outside; there is
none for IPv6.

**What is said exactly.** Looked at are the untrusted zones of the configuration that have interfaces, and no
addresses of their own: without them it is not known what is outside. A policy is reported, once for every hook, if it
surely lets packets pass that arrive there, open a connection and have a source that is private, documentation,
reserved or (IPv4) link-local. The finding names the kinds and the rules. The addresses of our own zones are left to
FW303.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts, Settings, Zone
from policy.check.arrivals import Arrivals, arrivals
from policy.check.judged import judged
from policy.check.sources import BOGONS, forged, outside, own
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Field
from policy.packet import HOOKS, Names
from policy.packet.address import parse_prefix
from policy.packet.special import of_kind
from policy.packet.text import set_text

_KINDS = {"private": "private", "linklocal": "link-local", "documentation": "documentation", "reserved": "reserved"}


def find(facts: Facts) -> Iterator[Diagnostic]:
    zones = [zone for zone in outside(facts.settings) if zone.addresses is None]
    sources = BOGONS - own(facts.settings, facts.local)
    for each in arrivals(facts, forged(zones, sources)) if zones else ():
        if each.passed:
            names = ", ".join(set_text("in", zone.interfaces) for zone in zones if zone.interfaces is not None)
            where = "" if each.hook is None else f" at {HOOKS[each.hook]}"
            yield CHECK.finding(
                each.policy,
                f"packets that arrive on {names} pass{where} with sources that the Internet does not have: "
                f"{', '.join(_kinds(facts, each))} ones",
                help="block such sources first on the outer interface",
                related=each.related,
                region=facts.words(each.passed, each.hook),
                example=judged(facts, each.passed, "allow"),
            )


def _kinds(facts: Facts, each: Arrivals) -> Iterator[str]:
    sets = facts.space(each.hook)
    for kind, word in _KINDS.items():
        if each.passed & sets.of_match(Field("src", of_kind(kind))):
            yield word


CHECK = Check(
    code="FW301",
    name="bogon-inbound",
    severity=Severity.INFO,
    page=__doc__,
    find=find,
    settings=Settings(
        zones=(
            Zone("internet", Names.of("eth0"), untrusted=True),
            Zone("office", Names.of("eth1"), parse_prefix("10.1.0.0/16")),
        )
    ),
    bad=(
        """
policy border at forward { ### FW301 "on eth0 pass at forward .*: private, link-local, documentation, reserved"
    default block
    allow tcp/443 to 10.1.0.0/16
}
""",
        """
*filter
:INPUT DROP [0:0] ### FW301 "pass at input .*: documentation, reserved ones"
:FORWARD DROP [0:0]
-A INPUT -s 10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16 -i eth0 -j DROP
-A INPUT -i eth0 -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
network bogons = 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/29, 192.0.2.0/24,
                 192.168.0.0/16, 198.18.0.0/15, 198.51.100.0/24, 203.0.113.0/24, 240.0.0.0/4,
                 ::ffff:0:0/96, 64:ff9b:1::/48, 100::/63, 2001:2::/48, 2001:db8::/32, 3fff::/20, 5f00::/16, fc00::/7,
                 fec0::/10
policy border at forward {
    default block
    block any from bogons in eth0
    allow tcp/443 to 10.1.0.0/16
    allow any from 10.1.0.0/16 in eth1
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i eth1 -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -s 198.51.100.7/32 -i eth0 -p tcp -m set --match-set who src -m tcp --dport 22 -j ACCEPT
-A INPUT -s 1.1.1.0/24 -i eth0 -p udp -j ACCEPT
COMMIT
""",
    ),
)
