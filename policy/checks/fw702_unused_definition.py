"""A name that no rule uses: of a network, host or service, in nftables of a set, map or variable.

A name without a use is often what is left of a rule that is gone; then it only misleads whoever looks for what is
allowed. Or it was meant to be used: the rule that should name it has the numbers of something else, or is missing.

**What to do.** Remove it, or use it.

**What is said exactly.** A name is used when a rule names it, or when it is part of a name that is used. Reported are
the names of the file itself, not of the files that it includes: those may serve other files, too. A file that has no
rule is such a library, and nothing in it is reported. In iptables only chains have names; those that nothing calls are
FW115, in nftables, too. There a name is used where anything mentions it, and a variable that is defined several times
is one name. A program may fill a set, or add rules that ask for it: to remove one is no safe fix.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from policy.change import RemoveDefinition
from policy.check import Check, Facts
from policy.check.fixes import offer
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Definition, Ruleset
from policy.source import Source

_KINDS = frozenset({"set", "map", "variable"})
"""The kinds of names of nftables, whose values the rules are told with."""


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the names of the file itself that no rule uses."""
    ruleset = facts.ruleset
    if not facts.places or not ruleset.sources:
        return
    for definition in _unused(ruleset):
        if definition.span.source is ruleset.sources[0]:
            kind, name = definition.kind, definition.name
            only = "only names that no rule uses have it" if definition.uses else "no rule uses it"
            # What stands in other names goes once these are gone.
            safe = kind not in ("set", "map")
            fix = None if definition.uses else offer(facts, f"remove `{name}`", RemoveDefinition(definition), safe=safe)
            message = f"the {kind} `{name}` has no use: {only}"
            yield CHECK.finding(definition.span, message, help="remove it, or use it", fix=fix)


def _unused(ruleset: Ruleset) -> list[Definition]:
    """Return the names that no rule uses, neither by itself nor by way of others."""
    kept = {(each.kind, each.name) for each in ruleset.definitions if each.uses}
    loose = [e for e in ruleset.definitions if e.kind in _KINDS and (e.kind, e.name) not in kept]
    values = [each for each in ruleset.definitions if each.value is not None and each.kind not in _KINDS]
    members = _members(ruleset, values)
    used: set[int] = set()
    todo: list[int | None] = [None]
    while todo:
        new = members.get(todo.pop(), set()) - used
        used |= new
        todo += new
    return [*loose, *(each for number, each in enumerate(values) if number not in used)]


def _members(ruleset: Ruleset, values: list[Definition]) -> dict[int | None, set[int]]:
    """Return the numbers of the definitions that stand in each definition, by its number; None: in rules."""
    starts: dict[Source, list[tuple[int, int | None]]] = {}
    for number, each in enumerate(values):
        starts.setdefault(each.span.source, []).append((each.span.start, number))
    for policy in ruleset.policies.values():
        for rule in policy.rules:
            starts.setdefault(rule.span.source, []).append((rule.span.start, None))
    for places in starts.values():
        places.sort(key=lambda place: place[0])
    found: dict[int | None, set[int]] = {}
    for number, each in enumerate(values):
        for use in each.uses:
            places = starts[use.source]
            user = places[bisect_right(places, use.start, key=lambda place: place[0]) - 1][1]
            found.setdefault(user, set()).add(number)
    return found


CHECK = Check(
    code="FW702",
    name="unused-definition",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
network office = 10.1.0.0/16
network old    = 10.9.0.0/16 ### FW702 "no rule uses it"
network lab    = 10.8.0.0/16 ### FW702 "only names that no rule uses"
network both   = office, lab ### FW702 "no rule uses it"
service web    = tcp/80, tcp/443 ### FW702 "the service `web`"

policy border {
    allow tcp/443 from office
}
""",
        """
define lan = 10.1.0.0/16
define old = 10.9.0.0/16 ### FW702 "the variable `old`"
table inet filter {
    set admins { type ipv4_addr; elements = { 10.1.0.7, 10.1.0.9 }; } ### FW702 "the set `admins`"
    set banned { type ipv4_addr; flags dynamic; }
    chain input {
        type filter hook input priority filter; policy drop;
        ip saddr @banned drop
        ip saddr $lan tcp dport 22 accept
    }
}
""",
    ),
    good=(
        """
network office = 10.1.0.0/16
network guests = 10.7.0.0/16
network inside = office, guests
service web    = tcp/80, tcp/443

policy border {
    allow web from any to inside except guests
}
""",
        """
# a library of names, for other files to include
network office = 10.1.0.0/16
network guests = 10.7.0.0/16
""",
        """
*filter
:INPUT DROP [0:0]
:web - [0:0]
-A INPUT -p tcp -j web
-A web -p tcp --dport 443 -j ACCEPT
COMMIT
""",
        """
define wan = eth0
define bans = { 192.0.2.1, 192.0.2.7 }
define first = -5
redefine first = 5
table inet filter {
    set banned { type ipv4_addr; elements = $bans; }
    map ports { type inet_service : verdict; elements = { 22 : accept, 443 : accept }; }
    chain input {
        type filter hook input priority $first; policy drop;
        iifname $wan ip saddr @banned drop
        tcp dport vmap @ports
    }
}
""",
    ),
    find=find,
)
