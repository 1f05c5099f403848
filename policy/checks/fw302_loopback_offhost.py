"""Loopback addresses are accepted on any interface, not on `lo` alone.

`-s 127.0.0.1 -j ACCEPT` means "the host may talk to itself", and says "whoever claims to be 127.0.0.1 may come in,
from wherever". Services that ask for no password because only the host itself can reach them rely on the difference.
Linux drops packets with loopback addresses from outside as martians, but not IPv4 ones where `route_localnet` is set,
as kube-proxy did: neighbours could then reach services bound to 127.0.0.1 (CVE-2020-8558). Other systems leave it to
the rules altogether.

**What to do.** Allow everything on `lo`, and block loopback addresses elsewhere: `allow any in lo`, then `block any
from 127.0.0.0/8, ::1` (iptables: `-A INPUT -i lo -j ACCEPT`, `-A INPUT -s 127.0.0.0/8 -j DROP`).

**What is said exactly.** Reported is, once for every policy, a rule that allows and that says a loopback address
(127.0.0.0/8 or ::1) for its source or destination, if it lets packets to this host pass that arrive on another
interface than `lo`; what earlier rules decide is not among them. Rules that allow any source are not reported, though
they allow this one too: one finding for every rule would help nobody. A rule that allows on other interfaces *only*
is a case for FW110.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policy.check import Check, Facts
from policy.check.wording import counted, shown
from policy.diagnostic import Diagnostic, Severity
from policy.evaluate.index import bound
from policy.ir import Allow, Field, Match
from policy.packet import INPUT, Names
from policy.packet.address import LOOPBACK
from policy.reach import At
from policy.reach.effects import deciding

_LO = Field("in", Names.of("lo"))


def find(facts: Facts) -> Iterator[Diagnostic]:
    found: dict[str, list[tuple[At, int | None, Any]]] = {}
    for at in facts.places:
        rule = facts.rule(at)
        if not isinstance(deciding(rule), Allow) or not _says_loopback(rule.match):
            continue
        for hook, packets in facts.opened(at).items():
            sets = facts.space(hook)
            outside = packets - sets.of_match(_LO)
            if hook in (INPUT, None) and outside and ("in" not in sets.layout.fields or outside != packets):
                found.setdefault(at[0], []).append((at, hook, outside))
                break
    for (at, hook, outside), *others in found.values():
        yield CHECK.finding(
            facts.rule(at).span,
            f"this rule{_and(len(others))} loopback addresses on any interface, so from other hosts too",
            help="say that the packets arrive on `lo`, and block loopback addresses on other interfaces",
            related=shown(facts, [(other, "and so does this") for other, *_ in others]),
            region=facts.words(outside, hook),
            example=facts.replayed([outside], [facts.rule(at)]),
        )


def _and(others: int) -> str:
    return f" and {counted(others, 'other')} accept" if others else " accepts"


def _says_loopback(match: Match) -> bool:
    sides = (bound(match, side) for side in ("src", "dst"))
    return any(addresses and LOOPBACK.covers(addresses) for addresses in sides)


CHECK = Check(
    code="FW302",
    name="loopback-offhost",
    severity=Severity.INFO,
    page=__doc__,
    find=find,
    bad=(
        """
policy server at input {
    default block
    allow any from 127.0.0.0/8, ::1 ### FW302 "accepts loopback addresses on any interface"
    allow tcp/22 in eth0
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 127.0.0.1/32 -j ACCEPT ### FW302 "say that the packets arrive on `lo`"
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
policy server at input {
    default block
    allow any in lo
    block any from 127.0.0.0/8, ::1
    allow tcp/8080 to 127.0.0.0/8 in lo
    allow tcp/22
}
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT ! -i lo -s 127.0.0.0/8 -j DROP
-A INPUT -s 127.0.0.0/8 -j ACCEPT
-A INPUT -s 10.0.0.0/8 -d 10.0.0.1 -j ACCEPT
-A OUTPUT -d 127.0.0.1/32 -j ACCEPT
COMMIT
""",
    ),
)
