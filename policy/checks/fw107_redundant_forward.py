"""Without this rule nothing would change: what follows decides its packets in the same way.

Rules that do nothing make a policy longer than what it says, and they mislead: whoever removes the *other* rule, the
one that seems to be enough, does not see that this one keeps its packets alive.

**What to do.** Remove one of the rules, or keep the rule with a note if it states on purpose what the default does
anyway. Remove one at a time: each finding holds for the rules as they are now, and of two that are redundant because
of each other one has to stay.

**What is said exactly.** Reported is a rule that some packet reaches, for which holds: at every hook, each packet that
may come to it and match it ends, without the rule, with the same verdict, by the same action (a reject is no block),
and whatever the unknown conditions are; and that none of them is logged or remembered that was not before, as where the
rule keeps noise out of a log. Chains, returns, `goto` and several tables are followed. The finding names the
later rules that then decide, or says that the default does; of more than ten rules of a policy that only repeat its
default, one finding speaks. Not reported are

* rules that log, note or change something, calls and returns;
* rules with a note (in iptables a comment): somebody has said why they are there;
* habits that do no harm: a last rule for all packets that repeats the default, rules for known connections, invalid
  packets or `lo`;
* rules whose packets only a dead rule would take: that is then the needless one.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from policy.change import Fix
from policy.check import Check, Facts
from policy.check.fixes import removal, removals
from policy.check.wording import MOST_ALIKE, counted, others_too, shown, verb
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import conjuncts
from policy.reach import At
from policy.reach.effects import deciding
from policy.reach.redundant import Redundant


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules that could as well be missing."""
    by_default: dict[str, list[tuple[At, Redundant[Any]]]] = {}
    for at in facts.places:
        found = _redundant(facts, at)
        if found is not None and found.deciders:
            yield _finding(facts, at, found)
        elif found is not None:
            by_default.setdefault(at[0], []).append((at, found))
    for alike in by_default.values():
        if len(alike) > MOST_ALIKE:
            yield _counted(facts, alike)
        else:
            yield from (_finding(facts, at, found) for at, found in alike)


def _redundant(facts: Facts, at: At) -> Redundant[Any] | None:
    rule = facts.rule(at)
    if deciding(rule) is None or rule.note is not None or not conjuncts(rule.match) or not facts.is_whole(at):
        return None
    found = facts.redundant(at)
    return None if found is None or facts.is_preamble(at) else found


def _finding(facts: Facts, at: At, found: Redundant[Any]) -> Diagnostic:
    others = counted(len(found.deciders), "other") if found.deciders else ""
    who = " and ".join([*([others] if others else []), *(["the default"] if found.default else [])])
    does = _does(facts, at, several=len(found.deciders) + found.default > 1)
    return _said(
        facts,
        (at, found),
        f"without this rule {who} {does} the same packets",
        help="remove the rule, or keep it with a note that says why it stands here",
        related=shown(facts, [(each, f"{_does(facts, each)} them otherwise") for each in found.deciders]),
        fix=removal(facts, at, safe=True, rests=found.deciders),
    )


def _counted(facts: Facts, alike: Sequence[tuple[At, Redundant[Any]]]) -> Diagnostic:
    """Return one finding for many rules that the default makes redundant."""
    places = [at for at, _ in alike]
    others = len(places) - 1
    return _said(
        facts,
        alike[0],
        f"without this rule the default {_does(facts, places[0])} the same packets{others_too(others, places[0][0])}",
        help="remove them, or keep them with notes that say why they stand here",
        related=shown(facts, [(at, "this one, too") for at in places[1:]]),
        fix=removals(facts, places, safe=True),
    )


def _said(
    facts: Facts,
    about: tuple[At, Redundant[Any]],
    message: str,
    help: str,
    related: tuple[Related, ...],
    fix: Fix | None,
) -> Diagnostic:
    at, found = about
    rule = facts.rule(at)
    return CHECK.finding(
        rule.span,
        message,
        help=help,
        related=related,
        region=facts.region(found.packets, rule.match),
        example=facts.replayed(found.packets.values(), [rule], facts.usual(found.packets, rule.match)),
        fix=fix,
    )


def _does(facts: Facts, at: At, several: bool = False) -> str:
    verdict = deciding(facts.rule(at))
    assert verdict is not None
    return verb(verdict, several)


CHECK = Check(
    code="FW107",
    name="redundant-forward",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    allow tcp/443 from 10.1.2.0/24 ### FW107 "another rule allows the same packets"
    block udp/69 ### FW107 "the default blocks the same packets"
    allow tcp/443 from 10.1.0.0/16
}
""",
        """
*filter
:INPUT ACCEPT [0:0]
:web - [0:0]
-A INPUT -p tcp -j web
-A INPUT -s 10.0.0.0/8 -j ACCEPT
-A INPUT -j DROP
-A web -s 10.1.0.0/16 -p tcp --dport 80 -j ACCEPT ### FW107 "another rule allows"
-A web -s 192.0.2.1 -p tcp -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
policy border {
    default block
    allow tcp/443 from 10.1.2.0/24
    block tcp from 10.1.0.0/16
    allow tcp/443 from 10.0.0.0/8
    reject tcp/113
    block udp/69 log
    block udp/137 note "never wanted"
    block any
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.1.2.0/24 -p tcp --dport 22 -j ACCEPT
-A INPUT -p tcp --dport 22 -m limit --limit 3/min -j ACCEPT
COMMIT
""",
        """
*filter
:INPUT DROP [0:0]
:quiet - [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m state --state INVALID -j DROP
-A INPUT -p tcp --dport 113 -j DROP
-A INPUT -p udp -j quiet
-A INPUT -j LOG
-A INPUT -j DROP
-A quiet -p udp --dport 137 -j DROP
COMMIT
""",
    ),
    find=find,
)
