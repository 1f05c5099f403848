"""Where packets enter the chains: the base chains of each hook in the kernel's order, with the routing between them.

Sources: the kernel's nf_nat_core.c (nf_nat_inet_fn: chains that translate are asked one behind the other, until one has
translated), ip_input.c, ip_forward.c, ip_output.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from policy._record import dataclass
from policy.host import Host
from policy.ir import EVERYTHING, Allow, Entry, Field, Jump, Opaque, Policy, Rule, Set, UnknownAction
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.ast.command import Hook
from policy.languages.nftables.chains import NAT_PRIORITIES, Base, by_point, verdicts
from policy.languages.nftables.guards import IPV4, IPV6
from policy.languages.nftables.state import ChainState, State, TableState
from policy.nat import rewrites, sources, targets, told
from policy.netfilter import TRANSLATES
from policy.packet import FORWARD, INPUT, OUTPUT, ROUTING, Names
from policy.routing import looking_at_errors, routing
from policy.source import Span

_FRAMES = frozenset({"ingress", "egress"})

Entries = dict[int | None, tuple[Entry, ...]]

_GUARDS = {4: IPV4, 6: IPV6}
_OWN = {INPUT: "input", OUTPUT: "output", FORWARD: "forward"}
_WAYS = {
    INPUT: ("prerouting", "input"),
    OUTPUT: ("output", "postrouting"),
    FORWARD: ("prerouting", "forward", "postrouting"),
}
_SIDES = {point.lower(): side for (_, point), side in TRANSLATES.items()}


@dataclass(frozen=True, slots=True)
class _Group:
    """The chains that translate packets at a hook, one behind the other, for one IP version or (None) both alike."""

    family: int | None
    chains: tuple[Base, ...]


class Entering:
    """How packets meet base chains; *families* are the IP versions that these see."""

    def __init__(self, found: Sequence[Base], host: Host) -> None:
        self._host = host
        self._by_point = by_point(found)
        self._nat = [base for base in found if base.type == "nat"]
        self.families = frozenset(version for base in found for version in base.versions) or frozenset({4, 6})
        self._groups = {point: self._grouped(point) for point in NAT_PRIORITIES}
        self.accepted = {
            base.name: f"{base.name}:accepted"
            for groups in self._groups.values()
            for group in groups
            for base in (group.chains if len(group.chains) > 1 else ())
        }
        """The base chains behind which others may translate a packet that they accept, and the policy for that."""

    def _grouped(self, point: str) -> tuple[_Group, ...]:
        translated = {version for base in self._nat for version in base.versions} & self.families
        chains = [base for base in self._by_point[point] if base.type == "nat"]
        of = {version: tuple(base for base in chains if version in base.versions) for version in sorted(translated)}
        if len({tuple(base.name for base in some) for some in of.values()}) == 1 and translated == self.families:
            return (_Group(None, next(iter(of.values()))),)
        return tuple(_Group(version, some) for version, some in of.items())

    def entries(self, state: State, policies: dict[str, Policy]) -> Entries:
        """Return the entries by the hook where packets arrive; *policies* gets what these need besides."""
        found = self._entries(state, policies)
        for table in state.tables.values():
            for chain in table.chains.values() if not table.dormant else ():
                if chain.hook is not None and chain.hook.hook in _FRAMES and may_block(table, chain):
                    policy = _frames(table, chain, chain.hook)
                    policies[policy.name] = policy
                    of = f"{table.family} {table.name}"
                    entry = Entry(policy.name, Allow(), main=False, table=of, point=chain.hook.hook)
                    for hook, way in found.items():
                        if chain.hook.hook == "ingress":
                            found[hook] = way if hook == OUTPUT else (entry, *way)
                        elif hook != INPUT:
                            found[hook] = (*way, replace(entry, hook=hook))
        return found

    def _entries(self, state: State, policies: dict[str, Policy]) -> Entries:
        self._going_on(policies)
        rules = [rule for policy in policies.values() for rule in policy.rules]
        if not any(rewrites(action) for rule in rules for action in rule.actions):
            return {hook: tuple(self._way(hook, points, policies)) for hook, points in _WAYS.items()}
        known = self._host | Host(routes=tuple(told(rules)))
        new = [target for rule in rules for target in targets(rule, _family(rule))]
        new += [source for rule in rules for version in sorted(self.families) for source in sources(rule, version)]
        span = self._nat[0].chain.span if self._nat else Span(state.sources[0], 0, 0)
        for chain in ("PREROUTING", "OUTPUT"):
            name = f"routing:{chain}"
            policies[name] = routing(name, chain == "OUTPUT", known, new, span)
        found: Entries = {}
        looking = [*self._errors(rules, policies, span)]
        for hook in (INPUT, FORWARD):
            found[hook] = (
                *self._way(hook, ("prerouting",), policies, nat=True),
                *looking,
                _routed("PREROUTING"),
                *self._way(hook, ("input",), policies, at=INPUT, nat=True),
                *self._way(hook, ("forward", "postrouting"), policies, at=FORWARD, nat=True),
            )
        # The chains of output see the interface that was chosen before, whatever becomes of the packet (nf_hook_state).
        found[OUTPUT] = (
            *self._way(OUTPUT, ("output",), policies, nat=True),
            _routed("OUTPUT"),
            *self._way(OUTPUT, ("postrouting",), policies, nat=True),
        )
        return found

    def _errors(self, rules: Sequence[Rule], policies: dict[str, Policy], span: Span) -> Iterator[Entry]:
        """Yield what translates ICMP errors about connections that rules translate."""
        actions = [action for rule in rules for action in rule.actions]
        versions = sorted({version for base in self._nat for version in base.versions})
        for version in versions:
            mine = [each for each in actions if not isinstance(each, Set) or _version(each) == version]
            for entry in looking_at_errors(mine, version, self._host, policies, span):
                yield entry if len(self.families) == 1 else replace(entry, family=version)

    def _going_on(self, policies: dict[str, Policy]) -> None:
        """Add the policies for what one of several chains that translate has accepted."""
        for groups in self._groups.values():
            behind: dict[str, list[Rule]] = {}
            for group in groups:
                guard = EVERYTHING if group.family is None else _GUARDS[group.family]
                for base, following in zip(group.chains, (*group.chains[1:], None), strict=False):
                    some = behind.setdefault(base.name, [])
                    if following is not None:
                        some.append(Rule(guard, (Jump(following.name),), span=following.chain.span))
            for base in self._nat:
                if base.name in behind and base.name in self.accepted:
                    to, span = self.accepted[base.name], base.chain.span
                    rules = (*behind[base.name], Rule(EVERYTHING, (Allow(),), span=span))
                    policies[to] = Policy(to, rules, implied=True, span=span)

    def _way(
        self,
        hook: int,
        points: Iterable[str],
        policies: dict[str, Policy],
        at: int | None = None,
        nat: bool = False,
    ) -> Iterator[Entry]:
        main = self._main(hook)
        for point in points:
            chains: list[tuple[tuple[int, int], Base | None]] = [
                (base.order, base) for base in self._by_point[point] if base.type != "nat"
            ]
            if self._nat and point in NAT_PRIORITIES:
                first = min(base.chain.order for base in self._nat)
                chains.append(((NAT_PRIORITIES[point], -first), None))
            for _, base in sorted(chains, key=lambda item: item[0]):
                if base is None:
                    yield from self._translating(point, policies, at, nat)
                    continue
                policy = policies[base.name]
                family = None if {*base.versions} >= self.families else base.versions[0]
                yield Entry(
                    base.name,
                    policy.default or Allow(),
                    main=base.name in main,
                    table=f"{base.table.family} {base.table.name}",
                    hook=at,
                    point=point,
                    family=family,
                    priority=base.chain.priority,
                )

    def _translating(self, point: str, policies: dict[str, Policy], at: int | None, nat: bool) -> Iterator[Entry]:
        """Yield the entries of the chains that translate, and of what connection tracking does where there are none."""
        for group in self._groups[point]:
            name = group.chains[0].name if group.chains else f"nat {point}"
            if not group.chains:
                if not nat:
                    continue
                policies.setdefault(name, Policy(name, (), Allow(), implied=True))
            table = " ".join(name.split()[:2]) if group.chains else "nat"
            side = _SIDES[point] if nat else None
            yield Entry(
                name,
                Allow(),
                main=False,
                table=table,
                hook=at,
                translates=side,
                point=point,
                family=group.family,
                priority=NAT_PRIORITIES[point],
            )

    def _main(self, hook: int) -> frozenset[str]:
        """Return the names of the base chains that decide what passes at a hook."""
        found: set[str] = set()
        for version in self.families:
            seen = [
                base
                for point in _WAYS[hook]
                for base in self._by_point[point]
                if version in base.versions and base.type != "nat"
            ]
            own = [base for base in seen if base.point == _OWN[hook]]
            found |= {base.name for base in (
                [base for base in own if blocks_rest(base.chain)]
                or [base for base in own if decides(base.table, base.chain)]
                or [base for base in seen if blocks_rest(base.chain) or decides(base.table, base.chain, {"drop"})]
                or own[:1]
            )}  # fmt: skip
        return frozenset(found)


def may_block(table: TableState, chain: ChainState) -> bool:
    """May packets end in a chain, or go elsewhere?"""
    others = (each for rule in chain.rules for each in rule.statements if isinstance(each, s.Other | s.Queue))
    return chain.drops or decides(table, chain, {"drop", "queue"}) or any(True for _ in others)


def _frames(table: TableState, chain: ChainState, hook: Hook) -> Policy:
    """Return a policy for a chain that sees frames on their devices: it may drop packets, nobody knows which."""
    name = f"{table.family} {table.name} {chain.name}"
    devices = [each.text for each in hook.devices if isinstance(each, e.Word)]
    side = "in" if hook.hook == "ingress" else "out"
    match = Field(side, Names(frozenset(devices))) if devices else EVERYTHING
    action = UnknownAction(
        f"`{name}`, which sees frames at {hook.hook}, may drop it",
        f"chain:{name.replace(' ', ':')}",
        frozenset({"block", "continue"}),
        opaque=Opaque("chain", name),
    )
    return Policy(name, (Rule(match, (action,), span=chain.span),), Allow(), span=chain.span)


def _routed(chain: str) -> Entry:
    return Entry(f"routing:{chain}", Allow(), main=False, table="routing", hook=ROUTING, point="routing")


def _family(rule: Rule) -> int:
    """Return the IP version of a rule that changes bits of addresses: prefixes of IPv6 are above those of IPv4."""
    return 6 if any(_version(each) == 6 for each in rule.actions if isinstance(each, Set)) else 4


def _version(action: Set) -> int:
    return 6 if action.field in ("src", "dst") and action.mask >> 32 else 4


def blocks_rest(chain: ChainState) -> bool:
    """Does a chain block what no rule of it lets pass: by its policy, or with its last rule?"""
    if chain.drops:
        return True
    said = [] if not chain.rules else [x for x in chain.rules[-1].statements if not isinstance(x, s.Silent | s.Log)]
    match said:
        case [e.Verdict("drop")]:
            return True
        case [s.Reject(kind)]:
            return kind != "tcp reset"
    return False


def decides(
    table: TableState, chain: ChainState, kinds: frozenset[str] | set[str] = frozenset({"accept", "drop"})
) -> bool:
    """Is there a verdict of one of some kinds in a chain, or in one that it calls?"""
    waiting, seen = [chain.name], {chain.name}
    while waiting:
        for rule in table.chains[waiting.pop()].rules:
            for statement in rule.statements:
                if isinstance(statement, s.Reject):
                    return True
                for verdict in verdicts(table, statement):
                    if verdict.kind in kinds:
                        return True
                    name = verdict.chain.text if isinstance(verdict.chain, e.Word) else None
                    if name in table.chains and name not in seen:
                        seen.add(name)
                        waiting.append(name)
    return False
