"""Two networks that overlap, and neither contains the other.

Networks are parts of a plan, and no address belongs to two of them: either one lies inside the other, or they have
nothing in common. A range that has grown into its neighbour, or a list that still has a part that was moved to
another one, is a mistake in the plan, and rules for the one let in or shut out hosts of the other: which of two rules
decides then depends on their order alone.

**What to do.** Correct the ranges. If they really share a part, give it a name of its own and use that in both
definitions.

**What is said exactly.** Compared are the definitions of networks (`network`, not `host`: that is for lists of
machines, which are members of networks). Two are reported at the second if they have addresses in common, each has
others besides, and not all of the common ones come from names that the definitions use: then it is those that
overlap. Networks inside one another are often meant, an office inside of a company, and are not reported; two names
for the same are another matter (FW704). Lists that have all addresses of an IP version but for some (`any except
office`) are not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from policy.check import Check, Facts
from policy.check.owners import parts
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Definition
from policy.packet import Intervals
from policy.packet.address import V4, V6
from policy.packet.text import set_text


def find(facts: Facts) -> Iterator[Diagnostic]:
    networks = [(each, each.value) for each in facts.ruleset.definitions if isinstance(each.value, Intervals)]
    used = parts(facts.ruleset)
    values = {each.name: value for each, value in networks}
    networks = [(each, value) for each, value in networks if each.kind == "network" and not _is_rest(each)]
    for (one, mine), (other, theirs) in combinations(networks, 2):
        facts.budget.spend(1)
        common = mine & theirs
        if not common or common in (mine, theirs):
            continue
        for first, second in product(used[one.name], used[other.name]):
            if (first, second) != (one.name, other.name):
                common -= values[first] & values[second]
        if common:
            text = set_text("src", common)
            yield CHECK.finding(
                other.span,
                f"`{other.name}` and `{one.name}` overlap, and neither contains the other: both have {text}",
                help="correct one of them, or give the common part a name of its own and use that in both",
                related=(Related(one.span, f"`{one.name}`"),),
                region=text,
            )


def _is_rest(definition: Definition) -> bool:
    """Is it everything but something?"""
    items = [item.values for each in definition.lists for item in each.items]
    return any(isinstance(values, Intervals) and (values.covers(V4) or values.covers(V6)) for values in items)


CHECK = Check(
    code="FW306",
    name="overlapping-networks",
    severity=Severity.INFO,
    page=__doc__,
    find=find,
    bad=(
        """
network office = 10.1.0.0-10.1.9.255
network guests = 10.1.9.0-10.1.12.255 ### FW306 "`guests` and `office` overlap.* both have 10.1.9.0/24"
network branch = 10.3.0.0/16, 10.4.0.0/16
network berlin = 10.4.0.0/16, 10.5.0.0/16 ### FW306 "`berlin` and `branch`"
policy border {
    default block
    allow tcp/443 from office, branch, berlin
    block any from guests
}
""",
    ),
    good=(
        """
network company  = 10.0.0.0/8
network office   = 10.1.0.0/16
network labs     = 10.9.0.0/16
network research = office, labs
network sales    = office, 10.8.0.0/16
network outside  = any except company
network strange  = 9.0.0.0/8, 10.7.0.0/16, company
host    admins   = 10.1.0.7, 10.20.0.7
policy border {
    default block
    allow tcp/443 from research, sales
    allow tcp/22 from admins
    allow tcp/25 from outside
    block any from strange
}
""",
    ),
)
