"""What address translation does to packets, and what that tells of the way that they then take.

Sources: the kernel's nf_nat_core.c (get_unique_tuple), nf_nat_redirect.c, nf_nat_masquerade.c, xt_NETMAP.c. What the
kernel chooses is a set of values: an address or a port of a range, the address that a masquerading host takes, and the
source port, which it keeps if no other connection has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from policy._record import dataclass
from policy.host import Host, Route
from policy.ir import EVERYTHING, Action, Allow, Field, Match, Not, Policy, Rewrite, Rule, Set, conjuncts
from policy.packet import INPUT, ROUTING, Intervals, Masked, Names, Value, ValueSet, single
from policy.packet.address import LOOPBACK, V4_BASE, bits, parse_address, whole
from policy.packet.fields import DESTINATION_TRANSLATED, SOURCE_TRANSLATED

ANY_PORT = Intervals.of((0, 65535))
NEW_WAY = ("hook", ROUTING)
"""The change that has the routing decide anew where a packet goes."""

REWRITES = frozenset({"pass", "block", "continue"})
"""What may become of a packet that something rewrites in a way that is not modelled."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an address becomes: any of *addresses* with any of *ports*; None: it stays as it is."""

    addresses: Intervals | None = None
    ports: Intervals | None = None


def destination(target: Target) -> tuple[Action, ...]:
    """Return what DNAT does."""
    way = () if target.addresses is None else (NEW_WAY,)
    changes = (*_values(("dst", target.addresses), ("dport", target.ports)), *way)
    return (Rewrite(changes, DESTINATION_TRANSLATED), Allow())


def source(target: Target, alike: bool = True) -> tuple[Action, ...]:
    """Return what SNAT does.

    A port that the kernel chooses is *alike* the old one, if no other connection from the same address and port has got
    one that a rule gives: that is then taken again (find_appropriate_src).
    """
    changes = _values(("src", target.addresses), ("sport", target.ports or ANY_PORT))
    return (Rewrite(changes, SOURCE_TRANSLATED, alike=alike and not target.ports), Allow())


def masquerade(host: Host, family: int, ports: Intervals | None, alike: bool = True) -> tuple[Action, ...]:
    """Return what masquerading does: SNAT to an address of the host."""
    return source(Target(_own(host, family), ports), alike)


def to_loopback(family: int, ports: Intervals | None) -> tuple[Action, ...]:
    """Return what a redirection does to packets that the host sends."""
    loopback = parse_address("127.0.0.1" if family == 4 else "::1")
    changes = _values(("dst", Intervals.of(loopback)), ("dport", ports))
    return (Rewrite((*changes, NEW_WAY), DESTINATION_TRANSLATED), Allow())


def to_own(host: Host, family: int, ports: Intervals | None) -> tuple[Action, ...]:
    """Return what a redirection does to packets that arrive."""
    own = _own(host, family)
    changes = _values(("dst", own - LOOPBACK or own), ("dport", ports))
    return (Rewrite((*changes, ("hook", INPUT)), DESTINATION_TRANSLATED), Allow())


def network(to: ValueSet, family: int, arrives: bool) -> tuple[tuple[Match, tuple[Action, ...]], ...]:
    """Return what the translation of a network into another one, *to*, does: what is done on which condition.

    The destination is what changes of packets that have come (*arrives*), or that the host sends, else the source.
    """
    value, mask = _under_mask(to, family)
    side, bit = ("dst", DESTINATION_TRANSLATED) if arrives else ("src", SOURCE_TRANSLATED)
    # One that is in the network already stays as it is; so the kernel sets no bit, if the port does not change.
    kept = Rewrite((NEW_WAY,) if arrives else _values(("sport", ANY_PORT)), bit, alike=not arrives)
    change = Set(side, value, mask)
    return (
        (Field(side, to), (change, kept, Allow())),
        (EVERYTHING, (change, Set("ctstatus", bit, bit), kept, Allow())),
    )


def _values(*fields: tuple[str, Intervals | None]) -> tuple[tuple[str, Value], ...]:
    return tuple((name, single(values)) for name, values in fields if values is not None)


def _own(host: Host, family: int) -> Intervals:
    """Return the addresses that the host may have: all, where they are not known."""
    mine = whole(family) if host.local is None else host.local & whole(family)
    return mine or whole(family)


def _under_mask(values: ValueSet, family: int) -> tuple[int, int]:
    """Return a network as its number and its mask."""
    size, base = bits(family), V4_BASE if family == 4 else 0
    most = (1 << size) - 1
    if isinstance(values, Masked):
        return values.value & most, values.mask & most
    assert isinstance(values, Intervals)
    return values.first - base, most & ~(values.size - 1)


def any_ports(policies: Mapping[str, Policy]) -> dict[str, Policy]:
    """Return policies in which any source port may be chosen, where any of their rules gives one.

    The kernel may give it to other connections of the same sender, too (nf_nat_core.c, find_appropriate_src).
    """
    actions = (action for policy in policies.values() for rule in policy.rules for action in rule.actions)
    if not any(isinstance(each, Rewrite) and "sport" in dict(each.changes) and not each.alike for each in actions):
        return {**policies}
    return {name: _with_any_port(policy) for name, policy in policies.items()}


def _any_port(action: Action) -> Action:
    return replace(action, alike=False) if isinstance(action, Rewrite) else action


def _with_any_port(policy: Policy) -> Policy:
    if not any(isinstance(each, Rewrite) and each.alike for rule in policy.rules for each in rule.actions):
        return policy
    rules = (replace(rule, actions=tuple(map(_any_port, rule.actions))) for rule in policy.rules)
    return replace(policy, rules=tuple(rules))


def rewrites(action: Action) -> bool:
    """Does an action give packets other addresses or ports?"""
    return isinstance(action, Rewrite) or (isinstance(action, Set) and action.field in ("src", "dst"))


def targets(rule: Rule, family: int) -> Iterator[Intervals]:
    """Yield what a rule for an IP version makes of destinations, where the routing has to say where that is."""
    for action in rule.actions:
        if not isinstance(action, Rewrite) or NEW_WAY in action.changes:
            target = given(action, "dst", family)
            if target:
                yield target


def sources(rule: Rule, family: int) -> Iterator[Intervals]:
    """Yield the sources that a rule gives: replies that are not tracked come back to these.

    Those that a masquerading host gives are its own, and not among them.
    """
    for action in rule.actions:
        found = given(action, "src", family) & whole(family)
        if found and not found.covers(whole(family)):
            yield found


def given(action: Action, field: str, family: int) -> Intervals:
    """Return the addresses that an action in a rule for an IP version may put in a field."""
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


def _is_any(network: Intervals) -> bool:
    return network.covers(whole(4)) or network.covers(whole(6))


def told(rules: Iterable[Rule]) -> Iterator[Route]:
    """Yield what rules tell of networks: what is masqueraded wherever it leaves but by an interface, is behind that."""
    for rule in rules:
        network, way = None, None
        for part in conjuncts(rule.match):
            match part:
                case Field("src", Intervals() as values):
                    network = values if network is None else network & values
                case Not(Field("out", Names(exact, prefixes, negated))) if len(exact) == 1 and not (
                    prefixes or negated
                ):
                    (way,) = exact
        masquerades = any(
            isinstance(action, Rewrite) and any(name == "src" for name, _ in action.changes) for action in rule.actions
        )
        if masquerades and network is not None and way is not None and not _is_any(network):
            yield Route(network, way)
