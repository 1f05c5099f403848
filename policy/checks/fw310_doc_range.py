"""An address that is for examples only: 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32, 3fff::/20.

These addresses belong to nobody (RFC 5737, 3849 and 9637), so that manuals can use them. In rules that are in use
they are what was left when a template was copied: the rule for "the monitoring host" lets nobody in, and the
monitoring is dark, or somebody opens it for all until it works.

**What to do.** Put the real address there.

**What is said exactly.** Reported are definitions, and rules that name addresses without a definition, where a whole
range of the addresses lies inside one of these prefixes. Rules that block or reject are not reported, nor definitions
that only such rules use: lists of addresses that must not appear have them on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.owners import Owners
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Block, Definition, Field, Reject, Rule, conjuncts
from policy.packet import Intervals
from policy.packet.special import of_kind
from policy.packet.text import set_text
from policy.reach.effects import deciding
from policy.source import Span

_HELP = "put the real address there"


def find(facts: Facts) -> Iterator[Diagnostic]:
    owners = Owners(facts.ruleset)
    named: dict[Span, list[Span]] = {}
    for definition in facts.ruleset.definitions:
        found = _examples(definition.value)
        users = [(use, owners.of(use)) for use in definition.uses]
        for use, owner in users:
            if isinstance(owner, Rule):
                named.setdefault(owner.span, []).append(use)
        if found and not (users and all(_blocks(owner) for _, owner in users)):
            text = f"`{definition.name}` has addresses that are for examples only: {set_text('src', found)}"
            yield CHECK.finding(definition.span, text, help=_HELP, region=set_text("src", found))
    for at in facts.places:
        rule = facts.rule(at)
        if _blocks(rule):
            continue
        for part in conjuncts(rule.match):
            found = _examples(part.values if isinstance(part, Field) and part.name in ("src", "dst") else None)
            span = part.span if isinstance(part, Field) and part.span else rule.span
            uses = named.get(rule.span, ())
            if found and not any(span.start <= use.start < span.end for use in uses) and facts.is_live(at):
                text = f"{set_text('src', found)} is for examples only: no host has such an address"
                yield CHECK.finding(span, text, help=_HELP, region=set_text("src", found))


def _examples(values: object) -> Intervals:
    """Return the ranges of some addresses that are for examples only."""
    examples = of_kind("documentation")
    if not isinstance(values, Intervals) or not values.meets(examples):
        return Intervals()
    return Intervals.of(*(pair for pair in values.ranges if examples.covers(Intervals.of(pair))))


def _blocks(owner: Rule | Definition | None) -> bool:
    return isinstance(owner, Rule) and isinstance(deciding(owner), Block | Reject)


CHECK = Check(
    code="FW310",
    name="doc-range",
    severity=Severity.WARNING,
    page=__doc__,
    find=find,
    off="Examples, and files of rules to copy, use such addresses on purpose.",
    bad=(
        """
network office  = 10.1.0.0/16, 2001:db8:1::/48 ### FW310 "`office` has addresses that are for examples only: 2001:db8"
network nowhere = 192.0.2.0/24, 203.0.113.0/24
policy border {
    default block
    block any from nowhere
    allow tcp/22 from office
    allow tcp/9100 from 198.51.100.32/28 to 10.2.0.5 ### FW310 "198.51.100.32/28 is for examples only"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 203.0.113.7/32 -p tcp -m tcp --dport 22 -j ACCEPT ### FW310 "203.0.113.7"
COMMIT
""",
    ),
    good=(
        """
network office = 10.1.0.0/16, 2001:db9:1::/48
network bogons = 10.0.0.0/8, 192.0.2.0/24, 2001:db8::/32
policy border {
    default block
    block any from bogons
    allow tcp/22 from office
    allow tcp/443 from 0.0.0.0/0
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 203.0.113.0/24 -j DROP
-A INPUT -s 192.0.0.0/16 -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
""",
    ),
)
