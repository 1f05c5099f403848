"""What the statements of a rule do, one behind the other, as rules of the IR.

A rule goes on from statement to statement as long as each holds; what one changes, those behind it see. A rule of the
IR has one condition, and then does something. So where a statement asks behind one that has changed a packet, or where
maps send packets different ways, one rule as written becomes several (`ir.Rule.part`), or goes on in an implied policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from policy._record import dataclass
from policy.ir import (
    EVERYTHING,
    NOTHING,
    Action,
    Allow,
    Any,
    Block,
    Copy,
    Field,
    Goto,
    Jump,
    Match,
    Note,
    Reject,
    Return,
    Rewrite,
    Set,
    Unknown,
    UnknownAction,
    all_of,
    either_of,
    walk,
)
from policy.packet import Intervals


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways that a statement may take: under a condition it does something. Those of one statement are
    disjoint; where none holds the rule is passed over."""

    match: Match = EVERYTHING
    actions: tuple[Action, ...] = ()


GOES_ON = (Way(),)
"""A statement that does nothing and always holds."""


def only(match: Match) -> tuple[Way, ...]:
    """Return the ways of a statement that is a condition."""
    return (Way(match),)


def does(*actions: Action) -> tuple[Way, ...]:
    """Return the ways of a statement that always does the same."""
    return (Way(EVERYTHING, actions),)


class Layout:
    """The rules that those of one chain become.

    *name* is that of the chain; *changing* are the fields that any chain of its table changes. *policies* gets those
    that are not in the text: a rule goes on there, or goes different ways.
    """

    def __init__(self, name: str, changing: frozenset[str]) -> None:
        self.name = name
        self.policies: dict[str, tuple[Way, ...]] = {}
        self.returning = False
        """Does the rule that was laid out last return from the chain in a policy of its own?

        Then its ways end with a `Goto` to `rest`, where the rules behind it have to be.
        """
        self._changing = changing
        self._called = 0
        self._rests = 0

    @property
    def rest(self) -> str:
        """The name of the policy that the next rules are to be in, if the chain has to be parted."""
        return f"{self.name}:rest-{self._rests + 1}"

    def rule(self, statements: Sequence[tuple[Way, ...]]) -> tuple[Way, ...]:
        """Return the rules for the statements of one rule."""
        self.returning = False
        found = self._laid_out(statements)
        if not found:
            return (Way(NOTHING, tuple(action for ways in statements if len(ways) == 1 for action in ways[0].actions)),)
        if self.returning:
            found = (*found, Way(EVERYTHING, (Goto(self.rest),)))
            self._rests += 1
        return found

    def _laid_out(self, statements: Sequence[tuple[Way, ...]]) -> tuple[Way, ...]:
        found: list[Way] = []
        open_: list[Way] = [Way()]
        done: list[Way] = []
        for number, ways in enumerate(statements):
            asks = any(not isinstance(way.match, Any) for way in ways)
            if asks and any(way.actions for way in open_):
                if not self._may_be_flushed(open_, done):
                    return (*found, *self._continued(done, open_, statements[number:]))
                flushed = [way for way in open_ if any(not isinstance(each, Note) for each in way.actions)]
                found += self._ordered([*done, *flushed])
                open_, done = [Way(_united(way.match for way in open_))], []
            going: dict[tuple[Action, ...], list[Match]] = {}
            for before in open_:
                for way in ways:
                    match, actions = _both(before.match, way.match), (*before.actions, *way.actions)
                    if match == NOTHING:
                        continue
                    if actions and ends(actions[-1]):
                        done.append(Way(match, actions))
                    else:
                        going.setdefault(actions, []).append(match)
            open_ = [Way(_united(matches), actions) for actions, matches in going.items()]
            if not open_:
                break
        return (*found, *self._ordered([*done, *open_]))

    def _may_be_flushed(self, open_: Sequence[Way], done: Sequence[Way]) -> bool:
        """May what open ways do stand in rules of their own, and their conditions be asked again behind these?"""
        if all(isinstance(action, Note) for way in open_ for action in way.actions) and not done:
            return True
        if not all(_is_certain(way.match) for way in open_):
            return False
        changed: set[str] = set()
        for way in open_:
            each = changes(way.actions)
            if each is None:
                return False
            changed |= each
        if any(isinstance(way.actions[-1], Jump) for way in done):
            changed |= self._changing
        return not any(changed & looks(way.match) for way in open_)

    def _continued(self, done: list[Way], open_: list[Way], statements: Sequence[tuple[Way, ...]]) -> tuple[Way, ...]:
        """Return ways that go on with *statements* in a policy of its own."""
        inner = self._laid_out(statements)
        call: Action
        if self.returning or any(isinstance(action, Return | Goto) for way in inner for action in way.actions):
            self.returning = True
            call = Goto(self._kept((*inner, Way(EVERYTHING, (Goto(self.rest),)))))
        else:
            call = Jump(self._kept(inner))
        return self._ordered([*done, *(Way(way.match, (*way.actions, call)) for way in open_)])

    def _kept(self, ways: tuple[Way, ...]) -> str:
        self._called += 1
        name = f"{self.name}:part-{self._called}"
        self.policies[name] = ways
        return name

    def _ordered(self, ways: list[Way]) -> tuple[Way, ...]:
        """Return disjoint ways one behind the other, those first behind which nothing follows.

        Where what one does may make the condition of a later one true, they stand in a policy that each leaves.
        """
        leaving: dict[tuple[Action, ...], list[Match]] = {}
        staying: dict[tuple[Action, ...], list[Match]] = {}
        for way in ways:
            to = leaving if way.actions and leaves(way.actions[-1]) else staying
            to.setdefault(way.actions, []).append(way.match)
        first = [Way(_united(matches), actions) for actions, matches in leaving.items()]
        rest = [Way(_united(matches), actions) for actions, matches in staying.items()]
        if first or len(rest) > 1:  # what does nothing needs no rule of its own
            rest = [way for way in rest if way.actions]
        if self._is_safe(rest):
            return (*first, *rest)
        inner = self._kept(tuple(Way(way.match, _leaving(way.actions)) for way in rest))
        return (*first, Way(EVERYTHING, (Jump(inner),)))

    def _is_safe(self, rest: Sequence[Way]) -> bool:
        """Can what one of some ways does not make another one's condition true?"""
        for number, way in enumerate(rest[:-1]):
            later = frozenset[str]().union(*(looks(each.match) for each in rest[number + 1 :]))
            found = changes(each for each in way.actions if not isinstance(each, Jump))
            if found is None:
                return False
            if any(isinstance(each, Jump) for each in way.actions):
                found |= self._changing
            if found & later:
                return False
        return True


def ends(action: Action) -> bool:
    """Is no statement of the rule done behind an action?"""
    if isinstance(action, UnknownAction):
        return "continue" not in action.outcomes
    return isinstance(action, Allow | Block | Reject | Jump | Goto | Return)


def _both(one: Match, other: Match) -> Match:
    return NOTHING if NOTHING in (one, other) else all_of(one, other)


def _is_certain(match: Match) -> bool:
    """Is a condition true twice, or twice false?"""
    return all(part.pure for part in walk(match) if isinstance(part, Unknown))


def looks(match: Match) -> frozenset[str]:
    """Return the fields that a condition asks for."""
    return frozenset(part.name for part in walk(match) if isinstance(part, Field))


def changes(actions: Iterable[Action]) -> frozenset[str] | None:
    """Return the fields that actions change, with those that packets may lose by that; None: nobody knows."""
    found: set[str] = set()
    for action in actions:
        match action:
            case Set("state"):
                found |= {"state", "direction", "ctmark", "ctstatus"}
            case Set(field) | Copy(field):
                found.add(field)
            case Rewrite() | UnknownAction() | Jump() | Goto():
                return None
    return frozenset(found)


def leaves(action: Action) -> bool:
    """Does no later rule of the chain see the packet behind this action?"""
    if isinstance(action, UnknownAction):
        return "continue" not in action.outcomes
    return isinstance(action, Allow | Block | Reject | Goto | Return)


def _leaving(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    if actions and isinstance(actions[-1], Jump):
        return (*actions[:-1], Goto(actions[-1].policy, span=actions[-1].span))
    return (*actions, Return())


def _united(matches: Iterable[Match]) -> Match:
    """Return the disjunction; ranges of one field are one range."""
    fields: dict[str, Intervals] = {}
    found: list[Match] = []
    for match in matches:
        if isinstance(match, Field) and isinstance(match.values, Intervals):
            if match.name in fields:
                fields[match.name] |= match.values
                continue
            fields[match.name] = match.values
        found.append(match)
    return either_of(*(_widened(match, fields) for match in found))


def _widened(match: Match, fields: Mapping[str, Intervals]) -> Match:
    if isinstance(match, Field) and isinstance(match.values, Intervals):
        return replace(match, values=fields[match.name])
    return match
