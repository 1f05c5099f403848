"""A second opinion on verdicts: no steps, no states, no boxes, nothing shared with the evaluator but the IR.

Packets are dictionaries of single values, the rules are followed by recursion, and whatever cannot be
known is asked of a `World`. `verdicts` goes through all worlds, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeVar, assert_never

from hypothesis import reject

from policy.ir import (
    Action,
    All,
    Allow,
    Any,
    Block,
    Copy,
    Either,
    Entry,
    Field,
    Goto,
    Jump,
    Log,
    Match,
    Not,
    Note,
    Reject,
    Return,
    Rewrite,
    Ruleset,
    Set,
    Unknown,
    UnknownAction,
)
from policy.packet import Intervals, Masked, Names, Packet
from policy.packet.address import V4_BASE

Option = TypeVar("Option")

MOST_WORLDS = 2000
BITS = 3
"""A field that is set to something not known has every value of so many bits."""


@dataclass
class World:
    """One truth assignment: the answers in *plan*, in the order of the questions, then always the first one."""

    plan: Sequence[int]
    assume: Mapping[str, bool]
    taken: list[tuple[int, int]] = field(default_factory=list)
    pure: dict[str, bool] = field(default_factory=dict)

    def choose(self, options: Sequence[Option]) -> Option:
        number = len(self.taken)
        pick = self.plan[number] if number < len(self.plan) else 0
        self.taken.append((pick, len(options)))
        return options[pick]

    def holds(self, unknown: Unknown) -> bool:
        """Pure unknowns have one truth for each key, impure ones another whenever they are asked for."""
        if unknown.key in self.assume:
            return self.assume[unknown.key]
        if not unknown.pure:
            return self.choose((True, False))
        if unknown.key not in self.pure:
            self.pure[unknown.key] = self.choose((True, False))
        return self.pure[unknown.key]

    def outcome(self, action: UnknownAction) -> str:
        outcomes = action.outcomes
        match self.assume.get(action.key):
            case True:
                outcomes = outcomes & {"continue"} or outcomes - {"block"} or outcomes
            case False:
                outcomes = outcomes & {"block"} or outcomes
        return self.choose(sorted(outcomes))

    def next_plan(self) -> list[int] | None:
        """Return the plan of the world that comes after this one."""
        picks = list(self.taken)
        while picks and picks[-1][0] + 1 == picks[-1][1]:
            picks.pop()
        return [pick for pick, _ in picks[:-1]] + [picks[-1][0] + 1] if picks else None


@dataclass
class Walk:
    """One packet in one world. Policies and actions come to `allow`, `block`, `pass`, `return`, or nothing (None)."""

    ruleset: Ruleset
    values: dict[str, int | str]
    world: World

    def verdict(self) -> str:
        hook = self.values.get("hook")
        for entry in self.ruleset.at(hook if isinstance(hook, int) else None):
            if entry.family not in (None, self.version):
                continue
            found = self.entry(entry)
            if found != "allow":
                return "allow" if found == "pass" else "block"
        return "allow"

    @property
    def version(self) -> int:
        """The IP version of the packet."""
        source = self.values["src"]
        assert isinstance(source, int)
        return 4 if source >= V4_BASE else 6

    def entry(self, entry: Entry) -> str:
        state = self.values["state"]
        if entry.stateful and state in (1, 2, 3):
            return "block" if state == 3 else "allow"
        found = self.policy(entry.policy)
        if found == "return":
            default = self.ruleset.policies[entry.policy].default or entry.default
            return "allow" if isinstance(default, Allow) else "block"
        return found

    def policy(self, name: str) -> str:
        policy = self.ruleset.policies[name]
        last = None
        for rule in policy.rules:
            if matches(rule.match, self.values, self.world.holds):
                found = self.do(rule.actions)
                if found is not None and not policy.last_match:
                    return found
                last = found or last
        return last or (policy.default and self.do((policy.default,))) or "return"

    def do(self, actions: tuple[Action, ...]) -> str | None:
        for action in actions:
            match action:
                case Allow():
                    return "allow"
                case Block() | Reject():
                    return "block"
                case Return():
                    return "return"
                case Jump(name):
                    found = self.policy(name)
                    return None if found == "return" else found
                case Goto(name):
                    return self.policy(name)
                case Set():
                    self.set(action)
                case Copy():
                    self.copy(action)
                case Rewrite():
                    self.rewrite(action)
                case Log() | Note():
                    pass
                case UnknownAction():
                    outcome = self.world.outcome(action)
                    if outcome != "continue":
                        return outcome
                case _:
                    assert_never(action)
        return None

    def rewrite(self, action: Rewrite) -> None:
        for name, value in action.changes:
            assert isinstance(value, int | str)
            if name in self.values:
                self.values[name] = value

    def copy(self, action: Copy) -> None:
        old, other = self.values.get(action.field), self.values.get(action.source)
        if isinstance(old, int) and isinstance(other, int):
            bits = 16 if action.field in ("sport", "dport") else 32
            self.values[action.field] = (old & ~action.mask ^ other & action.taken) % (1 << bits)

    def set(self, action: Set) -> None:
        old = self.values.get(action.field)
        if isinstance(old, int):
            value = self.world.choose(range(1 << BITS)) & action.mask if action.value is None else action.value
            kept = old & ~action.mask
            self.values[action.field] = kept ^ value if action.xor else kept | value
        if self.values.get("state") in (3, 4):
            for name in ("direction", "ctmark", "ctstatus"):
                self.values.pop(name, None)


def matches(match: Match, values: Mapping[str, int | str], holds: Callable[[Unknown], bool] = bool) -> bool:
    """Does a packet with single *values* match, where *holds* says which unknowns do?"""
    match match:
        case Any():
            return True
        case All(parts):
            return all(matches(part, values, holds) for part in parts)
        case Either(parts):
            return any(matches(part, values, holds) for part in parts)
        case Not(part):
            return not matches(part, values, holds)
        case Field(name, wanted):
            return name in values and contains(wanted, values[name])
        case Unknown():
            return holds(match)
        case _:
            assert_never(match)


def contains(values: Intervals | Masked | Names, value: int | str) -> bool:
    """Is *value* in the set? Said once more, without the methods of the sets."""
    match values:
        case Intervals(ranges):
            return any(low <= value <= high for low, high in ranges if isinstance(value, int))
        case Masked(wanted, mask):
            return isinstance(value, int) and value & mask == wanted
        case Names(exact, prefixes, negated):
            found = isinstance(value, str) and (value in exact or value.startswith(tuple(prefixes)))
            return found != negated
        case _:
            assert_never(values)


def verdicts(ruleset: Ruleset, packet: Packet, assume: Mapping[str, bool] | None = None) -> set[str]:
    """Return the verdicts of *packet* in all worlds; a test in which that takes too long gives up."""
    found = set()
    world = World((), assume or {})
    for _ in range(MOST_WORLDS):
        found.add(Walk(ruleset, single_values(packet), world).verdict())
        plan = world.next_plan()
        if plan is None:
            return found
        world = World(plan, world.assume)
    return reject()


def verdict(ruleset: Ruleset, packet: Packet, assume: Mapping[str, bool] | None = None) -> str:
    """Return `allow` or `block` where all worlds agree, else `depends`."""
    found = verdicts(ruleset, packet, assume)
    return found.pop() if len(found) == 1 else "depends"


def single_values(packet: Packet) -> dict[str, int | str]:
    return {name: value for name, value in packet.values.items() if isinstance(value, int | str)}


def members(box: Packet, names: Sequence[str]) -> Iterator[Packet]:
    """Yield every packet of a box of few, with *names* as all interfaces that there are."""
    choices: list[list[tuple[str, int | str]]] = []
    for field_name, value in box.values.items():
        match value:
            case Intervals(ranges):
                choices.append([(field_name, n) for low, high in ranges for n in range(low, high + 1)])
            case Names():
                choices.append([(field_name, name) for name in names if contains(value, name)])
            case _:
                choices.append([(field_name, value)])
    for chosen in product(*choices):
        yield Packet(dict(chosen))
