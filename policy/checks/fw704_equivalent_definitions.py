"""Two names for the same addresses, or for the same services.

Whoever changes the one forgets the other: then rules that were meant to speak of the same thing no longer do. Or one of
the two was copied from the other, and its value never written.

**What to do.** Keep one of the names; or, where both are wanted, define one by the other: `network staff = office`.
Then they stay the same.

**What is said exactly.** The values are compared as sets: `10.0.0.0/24` and `10.0.0.0-10.0.0.255` are the same. A name
that is defined as another one is not reported, nor one that no rule uses (FW702). Nor are names of the same single
machines (`host`): one machine often has several roles, and a name for each. In iptables names have no values.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from policy.check import Check, Facts
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Definition
from policy.packet import Intervals
from policy.reach.items import line_of


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each name whose value an earlier one has."""
    names = {(each.kind == "service", each.name) for each in facts.ruleset.definitions}
    first: dict[Hashable, list[Definition]] = {}
    for each in facts.ruleset.definitions:
        if not each.value or (facts.places and not each.uses) or (each.kind == "service", each.text) in names:
            continue
        same = first.setdefault(_value(each), [])
        others = [other for other in same if not each.kind == other.kind == "host"]
        same.append(each)
        if others:
            other = others[0]
            message = f"`{each.name}` is the same as `{other.name}`"
            help = f"keep one of them, or write `{each.kind} {each.name} = {other.name}`, so that they stay the same"
            related = (Related(other.span, "the same value"),)
            yield CHECK.finding(each.span, message, help=help, related=related)


def _value(definition: Definition) -> Hashable:
    value = definition.value
    return ("addresses", value) if value is None or isinstance(value, Intervals) else ("services", line_of(value))


CHECK = Check(
    code="FW704",
    name="equivalent-definitions",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
network office = 10.1.0.0/16
network guests = 10.1.0.0-10.1.255.255 ### FW704 "the same as `office`"
service web    = tcp/80, tcp/443
service portal = tcp/443, tcp/80 ### FW704 "the same as `web`"

policy border {
    allow web    from office
    allow portal from guests
}
""",
    ),
    good=(
        """
network office = 10.1.0.0/16
network staff  = office
host    dns    = 10.1.0.5
host    ntp    = 10.1.0.5
service web    = tcp/443
service quic   = udp/443

policy border {
    allow web, quic from staff
    allow udp/53    from office to dns
    allow udp/123   from office to ntp
}
""",
    ),
    find=find,
)
