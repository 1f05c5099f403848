"""The ways of packets through the built-in chains, also where rules rewrite addresses.

Where they do, a packet that arrived may go elsewhere than it seemed: it is routed behind the nat table, and goes on at
the hook where it then is. So may a packet of a known connection, without a rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policy.host import Host
from policy.ir import Allow, Entry, Policy
from policy.languages.iptables.tables import TableState
from policy.nat import rewrites, sources, targets, told
from policy.netfilter import ARRIVING, MAIN_TABLE, TRANSLATES, WAY, Stage, priority_of
from policy.packet import FORWARD, INPUT, OUTPUT, ROUTING
from policy.routing import looking_at_errors, routing

Entries = dict[int | None, tuple[Entry, ...]]


def ways(states: Mapping[str, TableState], policies: dict[str, Policy], host: Host) -> Entries:
    """Return the chains that packets go through, by their hook as they arrive; *policies* gets what routing needs."""
    nat = states.get("nat")
    rules = [] if nat is None else [rule for chain in nat.chains.values() for rule in chain.rules]
    rules += [] if nat is None else [rule for policy in nat.context.implied.values() for rule in policy.rules]
    if nat is None or not any(rewrites(action) for rule in rules for action in rule.actions):
        arriving = tuple(_entries(ARRIVING, policies))
        return {hook: (*(() if hook == OUTPUT else arriving), *_entries(way, policies)) for hook, way in WAY.items()}
    known = host | Host(routes=tuple(told(rules)))
    family = nat.context.family
    new = [target for rule in rules for target in (*targets(rule, family), *sources(rule, family))]
    for chain in ("PREROUTING", "OUTPUT"):
        name = f"routing:{chain}"
        policies[name] = routing(name, chain == "OUTPUT", known, new, nat.span)
    actions = [action for rule in rules for action in rule.actions]
    looking = looking_at_errors(actions, family, nat.context.host, policies, nat.span)
    arrived = (*_entries(ARRIVING, policies, nat=True), *looking, _routed("PREROUTING"))
    then = tuple(entry for hook in (INPUT, FORWARD) for entry in _entries(WAY[hook], policies, hook, nat=True))
    # The chains of OUTPUT see the interface that was chosen before, whatever becomes of the packet (nf_hook_state).
    first, behind = (tuple(stage for stage in WAY[OUTPUT] if (stage[1] == "OUTPUT") is here) for here in (True, False))
    sent = (*_entries(first, policies, nat=True), _routed("OUTPUT"), *_entries(behind, policies, nat=True))
    return {INPUT: arrived + then, OUTPUT: sent, FORWARD: arrived + then}


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
            yield Entry(
                name, default, False, main, table, hook, translates, chain.lower(), priority=priority_of(table, chain)
            )
