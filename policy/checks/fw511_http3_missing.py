"""HTTPS is open with TCP, and blocked with UDP, so HTTP/3 does not reach the server.

HTTP/3 (RFC 9114) runs over QUIC, UDP port 443. A server that offers it says so in its answers; browsers then try UDP,
wait, and go on with TCP. Nothing breaks, but pages are slower than they have to be, and a timeout is all that shows
it.

**What to do.** If the server speaks HTTP/3, allow `udp/443` to it too. If it does not, this is as it should be.

**What is said exactly.** Reported is a rule that asks for TCP port 443 and lets it in from everybody outside (what
that means is said at FW201), where all that begins with UDP port 443 instead, and may come from outside, alike in
addresses and interfaces, is blocked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policy.check import Check, Facts
from policy.check.exposure import Exposure
from policy.check.traffic import ranges, traffic
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Field, Match, all_of, conjuncts
from policy.packet import Intervals
from policy.packet.fields import TCP, UDP
from policy.reach import Flow
from policy.reach.first import first_packets

_HTTPS = 443
_SERVED = all_of(Field("proto", Intervals.of(TCP)), Field("dport", Intervals.of(_HTTPS)))
_QUIC = all_of(Field("proto", Intervals.of(UDP)), Field("dport", Intervals.of(_HTTPS)))
_ALIKE = ("src", "dst", "in", "out", "hook")


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules that open HTTPS with TCP where nothing opens it with UDP."""
    exposure = facts.once(Exposure)
    http3: dict[int | None, Flow[Any, Any]] = {}
    for at in exposure.candidates:
        match = facts.rule(at).match
        if not any((_HTTPS, _HTTPS) in ranges(t.dport) and t.is_protocol(TCP) for t in traffic(match)):
            continue
        packets = exposure.within(exposure.packets(at), _SERVED)
        for hook in packets.keys() - http3.keys():
            http3[hook] = _begins(facts, hook)
        if exposure.origin(packets) and all(_is_blocked(http3[hook], match) for hook in packets):
            yield CHECK.finding(
                facts.rule(at).span,
                "this rule opens HTTPS with tcp, but all packets of HTTP/3 (udp/443) are blocked",
                help="if the server speaks HTTP/3, allow udp/443 to it, too",
                region=exposure.region(packets),
                example=exposure.example(packets, at, _SERVED),
            )


def _begins(facts: Facts, hook: int | None) -> Flow[Any, Any]:
    """Return the first packets of HTTP/3 that may come from outside, through the rules."""
    sets = facts.space(hook)
    comes = facts.arriving(hook) if facts.outside.known else sets.of_match(first_packets(sets.layout))
    return Flow(facts.ruleset, sets, comes & sets.of_match(_QUIC), passing=False)


def _is_blocked(http3: Flow[Any, Any], match: Match) -> bool:
    """Are all of these packets blocked that are alike in addresses and interfaces?"""
    alike = (part for part in conjuncts(match) if isinstance(part, Field) and part.name in _ALIKE)
    asked = http3.within & http3.sets.of_match(all_of(*alike))
    return bool(asked) and bool(asked <= http3.blocked)


CHECK = Check(
    code="FW511",
    name="http3-missing",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
host web = 198.51.100.7
policy border at forward {
    default block
    block udp/443 from 203.0.113.0/24
    allow tcp/{80,443} to web ### FW511 "if the server speaks HTTP/3"
    allow udp/443 to 198.51.100.8
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p udp -m udp --dport 53 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT ### FW511 "opens HTTPS with tcp"
COMMIT
""",
    ),
    good=(
        """
host web = 198.51.100.7
policy border at forward {
    default block
    allow tcp/443 to web
    allow udp/443 to web
    block tcp/443
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -m limit --limit 5/sec -p udp -j ACCEPT
COMMIT
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i lo -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 8443 -j ACCEPT
COMMIT
""",
    ),
    find=find,
    off="HTTP/3 is an option: a server without it needs no more than TCP.",
)
