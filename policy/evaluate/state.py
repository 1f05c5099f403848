"""Where a walk is, and how it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from policy._record import dataclass
from policy.evaluate.trace import Implicit
from policy.evaluate.truth import Atom, Case
from policy.ir import (
    Action,
    Change,
    Copy,
    Entry,
    Goto,
    Jump,
    Log,
    Note,
    Policy,
    Rewrite,
    Rule,
    Ruleset,
    Set,
    Unknown,
    UnknownAction,
    walk,
)
from policy.packet import FIELDS, ROUTING, Intervals, Packet, Value, has, single
from policy.packet.address import V4_BASE, whole
from policy.packet.fields import HOOK_FIELDS, PORT_CLASSES, losing


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the walk is in a policy: before the rule at *at* of its *order*."""

    policy: Policy
    order: tuple[int, ...] | range
    at: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """What one way through an entry came to."""

    allows: bool
    action: Action
    rule: Rule | None
    implicit: Implicit | None
    policy: str | None
    main: bool = True
    last: UnknownAction | None = None

    @property
    def weight(self) -> tuple[bool, bool]:
        return self.main, self.rule is not None


ADDRESSES = ("src", "dst")

Done = tuple[tuple["Atom | UnknownAction", "bool | str"], ...]
"""What was decided on the way, in order."""


@dataclass(frozen=True, slots=True)
class State:
    """One way that the walk may have come so far."""

    entry: int
    frames: tuple[Frame, ...]
    case: Case
    returned: bool = False
    allowed: End | None = None
    done: Done = ()
    rewritten: frozenset[str] = frozenset()

    def key(self) -> object:
        """What the rest of the walk depends on."""
        frames = tuple((f.policy.name, f.order[f.at] if f.at < len(f.order) else -1) for f in self.frames)
        allowed = self.allowed and (id(self.allowed.rule), self.allowed.implicit, self.allowed.policy)
        known = frozenset(self.case.known.items())
        return self.entry, frames, self.returned, self.case.packet.key(), known, allowed, self.rewritten


def difference(one: Done, two: Done) -> tuple[Atom | UnknownAction, ...]:
    """Return what two ways decided behind the point where they part, each once."""
    same = 0
    while same < min(len(one), len(two)) and one[same] == two[same]:
        same += 1
    found: list[Atom | UnknownAction] = []
    for atom, _ in (*one[same:], *two[same:]):
        if atom not in found:
            found.append(atom)
    return tuple(found)


def harmless(action: Action) -> bool:
    """Does the walk go on the same way whether this action is done or not?"""
    return isinstance(action, Log | Note)


def changed(state: State, action: Change) -> State:
    """Return *state* with fields of the packet changed; a value that is not known becomes all values."""
    frames = tuple(_without_index(frame) for frame in state.frames)
    if isinstance(action, Rewrite):
        changes = dict(action.changes)
        hook = changes.pop("hook", None)
        if action.alike and (port := state.case.packet.get("sport")) is not None:
            changes["sport"] = _alike(port)
        if action.status:
            changes |= _translated(state.case.packet, changes, action.status)
        state = replace(
            state,
            frames=frames,
            rewritten=state.rewritten.union(name for name, _ in action.changes if name not in ("hook", "ttl")),
        )
        return _with_values(state if hook is None else _moved(state, hook), changes)
    if isinstance(action, Copy):
        if (copied := _copied(state.case.packet, action)) is None:
            return state
        return _with_values(replace(state, frames=frames), {action.field: copied})
    if action.field in ADDRESSES:
        state = replace(state, frames=frames, rewritten=state.rewritten | {action.field})
        return _with_values(state, {action.field: _mapped(state.case.packet, action)})
    old = state.case.packet.get(action.field)
    domain, most = _numbers(action.field)
    new: int | Intervals = domain
    if action.value is not None:
        if action.mask & most == most:
            old = 0
        if isinstance(old, int):
            new = old & ~action.mask ^ action.value if action.xor else old & ~action.mask | action.value
    changed = _with_values(state, {action.field: new})
    return _in_state(changed, new) if action.field == "state" else changed


def _alike(port: Value) -> Value:
    """Return the ports that the kernel may choose instead of some others."""
    old = Intervals.of(port) if isinstance(port, int) else port
    assert isinstance(old, Intervals)
    return Intervals.of(*(pair for each in PORT_CLASSES if each.meets(old) for pair in each.ranges))


def _translated(packet: Packet, changes: Mapping[str, Value], status: int) -> Mapping[str, Value]:
    """Return what becomes of the status of a connection where fields of its first packet get new values."""
    old = packet.get("ctstatus")
    answers = {_differs(before, new) for name, new in changes.items() if (before := packet.get(name)) is not None}
    if old is None or not answers - {False}:
        return {}
    before = Intervals.of(old) if isinstance(old, int) else old
    assert isinstance(before, Intervals)
    numbers = [number for low, high in before.ranges for number in range(low, high + 1)]
    kept = () if True in answers else numbers
    return {"ctstatus": single(Intervals.of(*(number | status for number in numbers), *kept))}


def _differs(old: Value, new: Value) -> bool | None:
    """Is a new value another one than the old; None: perhaps."""
    if isinstance(old, int | str) and isinstance(new, int | str):
        return old != new
    one, other = (Intervals.of(value) if isinstance(value, int) else value for value in (old, new))
    assert isinstance(one, Intervals)
    assert isinstance(other, Intervals)
    return None if one.meets(other) else True


def _copied(packet: Packet, action: Copy) -> Value | None:
    """Return what `Copy` makes of a field, None where it does nothing."""
    old, source = packet.get(action.field), packet.get(action.source)
    if old is None or source is None:
        return None
    (domain, most), (_, highest) = _numbers(action.field), _numbers(action.source)
    if action.mask & most == most:
        if action.taken & highest == highest <= most:
            return source
        old = 0
    if isinstance(old, int) and isinstance(source, int):
        return (old & ~action.mask ^ source & action.taken) & most
    return domain


def _numbers(name: str) -> tuple[Intervals, int]:
    """Return the values of a field, and the largest."""
    domain = FIELDS[name].domain
    assert isinstance(domain, Intervals)
    return domain, domain.ranges[-1][1]


def _in_state(state: State, new: int | Intervals) -> State:
    """Return *state* with what packets in another connection state have."""
    packet = state.case.packet
    lost = losing(new) if isinstance(new, int) else ()
    kept = {name: value for name, value in packet.values.items() if name not in lost}
    return replace(state, case=replace(state.case, packet=Packet(kept)))


def rewritten(packet: Packet, actions: Iterable[Action]) -> Packet:
    """Return *packet* behind the actions of a rule that it matches, up to the first that ends the rule."""
    state = State(0, (), Case(True, packet, {}, ()))
    for action in actions:
        match action:
            case Set() | Copy() | Rewrite():
                state = changed(state, action)
            case Log() | Note() | UnknownAction():
                continue
            case _:
                break
    return state.case.packet


def _mapped(packet: Packet, action: Set) -> Value:
    """Return an address of which bits are changed: the packet's own, whose family has as many bits as the mask."""
    old = packet.values[action.field]
    size, base = (32, V4_BASE) if packet.family == 4 else (128, 0)
    if action.value is None:
        return whole(packet.family)
    if isinstance(old, int):
        number = old - base
        return base + (number & ~action.mask ^ action.value if action.xor else number & ~action.mask | action.value)
    free = (1 << size) - 1 & ~action.mask
    if action.xor or free & (free + 1):  # no range
        return whole(packet.family)
    return Intervals.of((base + action.value, base + action.value | free))


def _moved(state: State, hook: Value) -> State:
    """Return *state* with the packet at another hook, where it has the fields that packets have there.

    While its way is to be decided (`ROUTING`) it keeps those that it had. Of a field that is new nothing is known.
    """
    values = {**state.case.packet.values, "hook": hook}
    if hook != ROUTING:
        for name in HOOK_FIELDS[1:]:
            if not has(values, name):
                values.pop(name, None)
            elif name not in values:
                values[name] = FIELDS[name].domain  # type: ignore[assignment] # no domain is a mask
    known = {
        key: answer for key, answer in state.case.known.items() if isinstance(key, str) or key[0] not in HOOK_FIELDS
    }
    return replace(state, case=replace(state.case, packet=Packet(values), known=known))


def _with_values(state: State, changes: Mapping[str, Value]) -> State:
    """Return *state* with the fields of *changes*, where the packet has them, and nothing known of their old values."""
    changes = {name: value for name, value in changes.items() if state.case.packet.get(name) is not None}
    known = {key: answer for key, answer in state.case.known.items() if isinstance(key, str) or key[0] not in changes}
    return replace(state, case=replace(state.case, packet=state.case.packet.with_values(changes), known=known))


def _without_index(frame: Frame) -> Frame:
    """Return the frame over all rules of its policy: its candidates were those of another packet."""
    everything = range(len(frame.policy.rules))
    everything = everything[::-1] if frame.policy.last_match else everything
    last = frame.order[frame.at - 1] if frame.at else None
    return Frame(frame.policy, everything, 0 if last is None else everything.index(last) + 1)


def shared_keys(ruleset: Ruleset, entries: tuple[Entry, ...]) -> frozenset[str]:
    """Return the keys of pure unknowns that one walk may meet more than once."""
    visits: dict[str, int] = {}
    waiting = [entry.policy for entry in entries]
    met: dict[str, int] = {}
    while waiting:
        name = waiting.pop()
        visits[name] = visits.get(name, 0) + 1
        if visits[name] > 2:
            continue
        for rule in ruleset.policies[name].rules:
            waiting += [action.policy for action in rule.actions if isinstance(action, Jump | Goto)]
            for part in walk(rule.match):
                if isinstance(part, Unknown) and part.pure:
                    met[part.key] = met.get(part.key, 0) + 1
    return frozenset(key for key, times in met.items() if times > 1)
