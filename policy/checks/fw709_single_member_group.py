"""A name that stands for one other name alone.

It is one more place to look for whoever wants to know what a rule allows, and says no more than the name that it stands
for.

**What to do.** Use the other name; or keep it, if more members will follow.

**What is said exactly.** A network, host or service whose whole value is one other name of the file. In iptables names
have no values.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.diagnostic import Diagnostic, Related, Severity


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the names that are defined as one other name."""
    known = {(each.kind == "service", each.name): each for each in facts.ruleset.definitions}
    for each in facts.ruleset.definitions:
        other = known.get((each.kind == "service", each.text)) if each.value is not None else None
        if other is not None:
            related = (Related(other.span, "the only member"),)
            message = f"`{each.name}` is `{other.name}` and nothing else"
            yield CHECK.finding(each.span, message, help=f"use `{other.name}`, or add members", related=related)


CHECK = Check(
    code="FW709",
    name="single-member-group",
    severity=Severity.INFO,
    off="Groups begin with one member, and a name of its own for a role is good practice.",
    page=__doc__,
    bad=(
        """
host    db        = 10.2.0.5
network databases = db ### FW709 "`databases` is `db` and nothing else"
service web       = tcp/80, tcp/443
service portal    = web ### FW709 "portal"

policy border {
    allow tcp/5432 from any to databases
    allow portal   from any to databases
}
""",
    ),
    good=(
        """
host    db        = 10.2.0.5
host    replica   = 10.2.0.6
network databases = db, replica
network others    = 10.2.0.0/24 except databases

policy border {
    allow tcp/5432 from others to databases
}
""",
    ),
    find=find,
)
