"""The ways of packets through the built-in chains, also where rules rewrite addresses.

Where they do, a packet that arrived may go elsewhere than it seemed: it is routed behind the nat table, and goes on at
the hook where it then is. So may a packet of a known connection, without a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import or_

from policy.host import Host, Route
from policy.ir import Action, Allow, Entry, Field, Not, Policy, Rewrite, Rule, Set, conjuncts
from policy.languages.iptables.tables import TableState
from policy.netfilter import ARRIVING, MAIN_TABLE, TRANSLATES, WAY, Stage
from policy.packet import FORWARD, INPUT, OUTPUT, ROUTING, Intervals, Names
from policy.packet.address import V4, V4_BASE, V6, bits
from policy.routing import errors, routing

Entries = dict[int | None, tuple[Entry, ...]]


def ways(states: Mapping[str, TableState], policies: dict[str, Policy], host: Host) -> Entries:
    """Return the chains that packets go through, by their hook as they arrive; *policies* gets what routing needs."""
    nat = states.get("nat")
    rules = [] if nat is None else [rule for chain in nat.chains.values() for rule in chain.rules]
    rules += [] if nat is None else [rule for policy in nat.context.implied.values() for rule in policy.rules]
    if nat is None or not any(_rewrites(action) for rule in rules for action in rule.actions):
        arriving = tuple(_entries(ARRIVING, policies))
        return {hook: (*(() if hook == OUTPUT else arriving), *_entries(way, policies)) for hook, way in WAY.items()}
    known = host | Host(routes=tuple(_told(rules)))
    targets = [target for rule in rules if rule.actions for target in _targets(rule, nat.context.family)]
    given = (_given(action, "src", nat.context.family) for rule in rules for action in rule.actions)
    # Replies that are not tracked come back to these, but to those that MASQUERADE gives, which are the host's own.
    targets += [source for source in given if source and not source.covers(V4 if nat.context.family == 4 else V6)]
    for chain in ("PREROUTING", "OUTPUT"):
        name = f"routing:{chain}"
        policies[name] = routing(name, chain == "OUTPUT", known, targets, nat.span)
    arrived = (*_entries(ARRIVING, policies, nat=True), *_errors(rules, policies, nat), _routed("PREROUTING"))
    then = tuple(entry for hook in (INPUT, FORWARD) for entry in _entries(WAY[hook], policies, hook, nat=True))
    # The chains of OUTPUT see the interface that was chosen before, whatever becomes of the packet (nf_hook_state).
    first, behind = (tuple(stage for stage in WAY[OUTPUT] if (stage[1] == "OUTPUT") is here) for here in (True, False))
    sent = (*_entries(first, policies, nat=True), _routed("OUTPUT"), *_entries(behind, policies, nat=True))
    return {INPUT: arrived + then, OUTPUT: sent, FORWARD: arrived + then}


def _errors(rules: Iterable[Rule], policies: dict[str, Policy], nat: TableState) -> Iterator[Entry]:
    """Yield what translates ICMP errors about connections that rules translate.

    They come to an address that a connection got as its source, or that it went to before it got another destination:
    of the latter those of the host are looked at.
    """
    family, local = nat.context.family, nat.context.host.local
    whole = V4 if family == 4 else V6
    actions = [action for rule in rules for action in rule.actions]
    sources = reduce(or_, (_given(action, "src", family) for action in actions), Intervals())
    # What MASQUERADE gives is an address of the host, whatever these are.
    sent = Intervals() if local is None and sources.covers(whole) else sources
    here = whole if any(_given(action, "dst", family) for action in actions) else sources
    for hook, given in ((INPUT, here), (FORWARD, sent)):
        if given:
            name = f"routing:errors:{'INPUT' if hook == INPUT else 'FORWARD'}"
            policies[name] = errors(name, family, given, nat.span)
            yield Entry(name, Allow(), main=False, table="routing", hook=hook, point="prerouting")


def _given(action: Action, field: str, family: int) -> Intervals:
    """Return the addresses that an action may put in a field."""
    match action:
        case Rewrite(changes):
            values = dict(changes).get(field)
            if isinstance(values, int):
                return Intervals.of(values)
            return values if isinstance(values, Intervals) else Intervals()
        case Set(name, int(value), mask) if name == field:
            base = V4_BASE if family == 4 else 0
            return Intervals.of((base + value, base + (value | ~mask & ((1 << bits(family)) - 1))))
    return Intervals()


def _routed(chain: str) -> Entry:
    return Entry(f"routing:{chain}", Allow(), main=False, table="routing", hook=ROUTING, point="routing")


def _entries(
    way: tuple[Stage, ...], policies: dict[str, Policy], hook: int | None = None, nat: bool = False
) -> Iterator[Entry]:
    """Yield the chains of a way that may do something: with *nat* those where connection tracking rewrites, too."""
    for table, chain in way:
        main = table == MAIN_TABLE
        name = chain if main else f"{table}:{chain}"
        translates = TRANSLATES.get((table, chain)) if nat else None
        if translates:
            policies.setdefault(name, Policy(name, (), Allow()))
        policy = policies.get(name)
        if policy is not None and (main or policy.rules or translates):
            default = policy.default or Allow()
            yield Entry(name, default, False, main, table, hook, translates, point=chain.lower())


def _rewrites(action: Action) -> bool:
    return isinstance(action, Rewrite) or (isinstance(action, Set) and action.field in ("src", "dst"))


def _targets(rule: Rule, family: int) -> Iterator[Intervals]:
    """Yield what a rule makes of destinations, where the routing has to say where that is."""
    for action in rule.actions:
        if not isinstance(action, Rewrite) or ("hook", ROUTING) in action.changes:
            target = _given(action, "dst", family)
            if target:
                yield target


def _told(rules: list[Rule]) -> Iterator[Route]:
    """Yield what rules tell of networks: what is masqueraded wherever it leaves but by an interface, is behind that."""
    for rule in rules:
        source, way = None, None
        for part in conjuncts(rule.match):
            match part:
                case Field("src", Intervals() as values):
                    source = values
                case Not(Field("out", Names(exact, prefixes, negated))) if len(exact) == 1 and not (
                    prefixes or negated
                ):
                    (way,) = exact
        masquerades = any(
            isinstance(action, Rewrite) and any(name == "src" for name, _ in action.changes) for action in rule.actions
        )
        if masquerades and source is not None and way is not None:
            yield Route(source, way)
