"""Dead rules of whole rulesets and their covers by trying every packet in every world, rule by rule."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from hypothesis import reject

from policy.ir import (
    Allow,
    Block,
    Field,
    Goto,
    Jump,
    Log,
    Match,
    Note,
    Reject,
    Return,
    Rewrite,
    Rule,
    Ruleset,
    Set,
    Unknown,
    UnknownAction,
    walk,
)
from policy.packet import has
from policy.packet.fields import REQUIRES
from policy.reach import At
from policy.reach.products import Scope
from tests import oracle, reach_brute

MOST_WORLDS = 200
MOST_PACKETS = 2000

Values = dict[str, int | str]


@dataclass
class Walk(oracle.Walk):
    """A walk that notes which rules match, and in which each rule of *open* may be done or not."""

    open: Collection[At] = ()
    matched: set[At] = field(default_factory=set)

    def policy(self, name: str) -> str:
        policy = self.ruleset.policies[name]
        numbers = range(len(policy.rules))
        for number in reversed(numbers) if policy.last_match else numbers:
            at, rule = (name, number), policy.rules[number]
            if not oracle.matches(rule.match, self.values, self.world.holds):
                continue
            self.matched.add(at)
            if at in self.open and not self.world.choose((True, False)):
                continue
            if (found := self.do(rule.actions)) is not None:
                return found
        return (policy.default and self.do((policy.default,))) or "return"


def decides(rule: Rule) -> bool:
    return not all(isinstance(action, Jump | Set | Rewrite | Log | Note) for action in rule.actions)


@dataclass
class Brute:
    """A ruleset with one packet of every class that its rules can tell apart, at all *hooks*."""

    ruleset: Ruleset
    hooks: Sequence[int | None]

    def __post_init__(self) -> None:
        self.covers: dict[tuple[frozenset[At], At], bool] = {}
        self.places = [(name, n) for name, p in self.ruleset.policies.items() for n in range(len(p.rules))]
        self.deciding = {at for at in self.places if decides(self.rule(at))}
        self.leaves = [leaf for at in self.places for leaf in walk(self.rule(at).match) if isinstance(leaf, Field)]
        changed: set[str] = set()
        for at in self.places:
            for action in self.rule(at).actions:
                if isinstance(action, Set):
                    changed.add(action.field)
                elif isinstance(action, Rewrite):
                    changed.update(name for name, _ in action.changes)
        self.changed = sorted(changed)
        self.packets = [packet for hook in self.hooks for packet in self._classes(hook)]

    def rule(self, at: At) -> Rule:
        return self.ruleset.policies[at[0]].rules[at[1]]

    def _classes(self, hook: int | None) -> list[Values]:
        names = {leaf.name for leaf in self.leaves} | {"state"} | {*self.changed}
        names |= {n for name in names for parts in REQUIRES.get(name, ()) for n, _ in parts}
        found: dict[object, Values] = {}
        for count, packet in enumerate(_packets(names - {"hook"}, hook, self.ruleset.families)):
            if count > MOST_PACKETS:
                reject()
            tests = [oracle.matches(leaf, packet) for leaf in self.leaves]
            key = tuple(tests), packet["state"] in (1, 2), packet["state"] == 3, tuple(map(packet.get, self.changed))
            found.setdefault(key, packet)
        return [*found.values()]

    def matched(self, open_: Collection[At] = (), until: At | None = None) -> set[At]:
        """Return the rules that some packet comes to and matches in some world; not all, once *until* is found."""
        found: set[At] = set()
        for packet in self.packets:
            world = oracle.World((), {})
            for _ in range(MOST_WORLDS):
                one = Walk(self.ruleset, dict(packet), world, open_)
                one.verdict()
                found |= one.matched
                if until in found:
                    return found
                plan = world.next_plan()
                if plan is None:
                    break
                world = oracle.World(plan, {})
            else:
                reject()
        return found

    def is_cover(self, by: Collection[At], at: At) -> bool:
        """Is a rule dead whatever the rules do that are not in *by*?"""
        key = frozenset(by), at
        if key not in self.covers:
            self.covers[key] = at not in self.matched(self.deciding - {*by}, at)
        return self.covers[key]

    def in_scope(self, scope: Scope) -> list[Values]:
        """Return the packets of a scope."""
        return [
            packet
            for packet in self.packets
            if packet.get("hook", scope.hooks.first) in reach_brute.numbers(scope.hooks)
            and packet["state"] in reach_brute.numbers(scope.states)
        ]

    def truths(self, match: Match, packets: Sequence[Values]) -> list[frozenset[tuple[object, bool]]]:
        """Return for each packet the truths that a match may have, by those of the pure unknowns of the ruleset."""
        keys = sorted(
            {u.key for at in self.places for u in walk(self.rule(at).match) if isinstance(u, Unknown) and u.pure}
        )
        found = []
        for packet in packets:
            mine: set[tuple[object, bool]] = set()
            for answers in product((True, False), repeat=len(keys)):
                world = oracle.World((), dict(zip(keys, answers, strict=True)))
                while True:
                    mine.add((answers, oracle.matches(match, packet, world.holds)))
                    plan = world.next_plan()
                    if plan is None:
                        break
                    world = oracle.World(plan, world.assume)
            found.append(frozenset(mine))
        return found


def ends_surely(rule: Rule) -> bool:
    """Does a policy end for the packets that match?"""
    for action in rule.actions:
        match action:
            case Allow() | Block() | Reject() | Return() | Goto():
                return True
            case UnknownAction(outcomes=outcomes):
                if "continue" not in outcomes:
                    return True
            case Jump():
                return False
            case _:
                continue
    return False


def _packets(names: set[str], hook: int | None, families: Collection[int]) -> Iterator[Values]:
    """Yield packets with all values of the fields *names* that matter."""
    deciders = {"proto": 6, "fragment": 0, "state": 0}
    choices = [reach_brute.VALUES[name] if name in names else [usual] for name, usual in deciders.items()]
    for family in sorted(families):
        sides = reach_brute.ADDRESSES[family]
        ends = [sides if name in names else sides[:1] for name in ("src", "dst")]
        for decided in product(*choices, *ends):
            given: Values = dict(zip((*deciders, "src", "dst"), decided, strict=True))
            if hook is not None:
                given["hook"] = hook
            present = [name for name in sorted(names - {*given}) if has(given, name)]
            for rest in product(*(reach_brute.VALUES[name] for name in present)):
                yield {**given, **dict(zip(present, rest, strict=True))}
