"""A whole policy allows every packet, or blocks every packet, although its rules say both.

Then it is no filter: its rules are there, and do nothing. It is how a long history of exceptions ends, or one rule that
was meant to be narrower, or was there for a test.

**What to do.** Look for the rule that decides too much: what decides most is named. If the policy is to allow, or to
block, everything, say so with its default alone.

**What is said exactly.** Reported is a policy where packets enter, at a hook where all packets that come to it have the
same verdict, whatever the unknown conditions are, although a rule of it, or of a policy that it calls, has the other
one (or all are allowed, and the default is to block). Not counted are packets on `lo`, rules for these, and what the
table of connections decides before the rules. Where one rule decides everything, or the default, that is said by
others: FW111, FW201, FW212.
"""

from collections.abc import Iterator
from typing import Any

from policy.check import Check, Facts
from policy.check.connections import place
from policy.check.unnamed import unnamed
from policy.diagnostic import Diagnostic, Related, Severity
from policy.evaluate import decide
from policy.evaluate.walk import IMPLICIT
from policy.ir import Allow, Block, Entry, Field, Reject, Rule, either_of, walk
from policy.packet import HOOKS, Names
from policy.reach import At, Flow
from policy.reach.way import below
from policy.sets.simple import packet_of

_LO = Names.of("lo")
_ON_LO = either_of(Field("in", _LO), Field("out", _LO))
_PROBES = 100


def find(facts: Facts) -> Iterator[Diagnostic]:
    said = set[str]()
    for hook in facts.hooks:
        main = [entry for entry in facts.ruleset.at(hook) if entry.main]
        for entry in main if len(main) == 1 and main[0].policy not in said else ():
            flow = _constant(facts, hook, entry)
            if flow is not None:
                said.add(entry.policy)
                yield _finding(facts, hook, entry, flow)


def _constant(facts: Facts, hook: int | None, entry: Entry) -> Flow[Any, Any] | None:
    """Return the packets that come to a policy through its rules, where all of them have one verdict."""
    default = facts.ruleset.policies[entry.policy].default or entry.default
    reached = below(facts.ruleset.policies, entry.policy)
    places = [at for at in facts.places if at[0] in reached and not _is_about_lo(facts.rule(at))]
    said = {verdict for at in places for verdict in _verdicts(facts.rule(at))}
    if not said or len(said | {isinstance(default, Allow)}) == 1 or _differ(facts, hook, places):
        return None
    sets = facts.space(hook)
    before = [match for match, _ in IMPLICIT] if entry.stateful else []
    within = sets.everything - sets.union(sets.of_match(match) for match in (_ON_LO, *before))
    flow = Flow(facts.ruleset, sets, within, passing=False)
    if not within or not (within <= flow.allowed or within <= flow.blocked):
        return None
    allows = bool(flow.allowed)
    says_otherwise = (not allows) in said or (allows and not isinstance(default, Allow))
    return flow if says_otherwise and not any(within <= packets for packets in flow.by_end.values()) else None


def _finding(facts: Facts, hook: int | None, entry: Entry, flow: Flow[Any, Any]) -> Diagnostic:
    policy = facts.ruleset.policies[entry.policy]
    what = "allows" if flow.allowed else "blocks"
    outcomes = [each for each in flow.outcomes() if each.end is not None and each.end.rule is not None]
    outcomes.sort(key=lambda each: -each.packets.count())
    where = "" if hook is None else f" at {HOOKS[hook]}"
    span = policy.span or facts.rule((policy.name, 0)).span
    return CHECK.finding(
        span,
        f"`{policy.name}` {what} every packet{where}, although its rules say otherwise",
        help="find the rule that decides too much; if it is meant so, the default alone says it",
        related=tuple(Related(place(facts, each.end), f"this {what} many") for each in outcomes[:3] if each.end),
        example=facts.proven(flow.within, "allow" if flow.allowed else "block"),
    )


def _is_about_lo(rule: Rule) -> bool:
    return any(
        isinstance(part, Field) and part.name in ("in", "out") and part.values == _LO for part in walk(rule.match)
    )


def _verdicts(rule: Rule) -> Iterator[bool]:
    for action in rule.actions:
        if isinstance(action, Allow | Block | Reject):
            yield isinstance(action, Allow)


def _differ(facts: Facts, hook: int | None, places: list[At]) -> bool:
    """Have some packets that rules ask for, or that none does, different verdicts? (A no means: it is not known.)"""
    found = set()
    layout = facts.space(hook).layout
    for match in (unnamed(facts.ruleset), *(facts.rule(at).match for at in (*places[:_PROBES], *places[-_PROBES:]))):
        packet = packet_of(match, layout)
        if packet is not None and "lo" not in (packet.get("in"), packet.get("out")):
            decision = decide(facts.ruleset, packet, index=facts.index)
            if decision.implicit != "state":
                found.add(decision.verdict)
            if len(found) > 1:
                return True
    return False


CHECK = Check(
    code="FW817",
    name="constant-policy",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border { ### FW817 "`border` allows every packet, although its rules say otherwise"
    default block
    allow any  from 10.0.0.0/8
    allow tcp, udp
    allow any  to 0.0.0.0/0
    allow any  to ::/0
}
""",
        """
*filter
:INPUT DROP [0:0] ### FW817 "`INPUT` allows every packet at input"
:FORWARD DROP [0:0] ### FW817 "`FORWARD` blocks every packet at forward"
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 0.0.0.0/1 -j ACCEPT
-A INPUT -s 128.0.0.0/1 -j ACCEPT
-A FORWARD -s 0.0.0.0/1 -j REJECT
-A FORWARD -s 128.0.0.0/1 -j REJECT
-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
policy border {
    default block
    allow tcp/443
}
""",
        """
policy border at forward {
    default block
    block tcp/23
}
""",
        """
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A FORWARD -j LOG
-A FORWARD -j REJECT
-A OUTPUT -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
""",
        """
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
-A INPUT -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j DROP
-A FORWARD -j REJECT
COMMIT
""",
        """
*filter
:INPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p tcp -m limit --limit 1/s -j DROP
COMMIT
""",
    ),
    find=find,
)
