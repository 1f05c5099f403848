"""At which hooks a question is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from policy.app.problem import CannotAnswer
from policy.evaluate.looks import looks_at_hook
from policy.host import Host
from policy.ir import Allow, Ruleset
from policy.netfilter import LANGUAGES, LO
from policy.packet import FIELDS, FORWARD, HOOKS, INPUT, OUTPUT, Intervals, Value, has, single
from policy.packet.address import LOOPBACK
from policy.question.boxes import Part, Question

_AT_SOME = ("in", "out", "mac", "uid", "gid")
"""The fields that a packet has at some hooks only."""


class Hooks:
    """Which hooks of a rule set packets may be at; made once and asked for many packets.

    *pair*: the rule sets of the host, which ask together.
    """

    def __init__(self, ruleset: Ruleset, host: Host, pair: Sequence[Ruleset] = ()) -> None:
        self._host = host
        self._linux = ruleset.language in LANGUAGES
        self._known = host.local is not None
        self._own = LOOPBACK if host.local is None else LOOPBACK | host.local
        self._all = host.heard - self._own
        self._here = {"src": self._own, "dst": host.heard if self._known else LOOPBACK}
        self._all_alike = None in ruleset.entries and not looks_at_hook(ruleset)
        self._filtered = tuple(
            hook for hook in (INPUT, OUTPUT, FORWARD) if any(filters(each, hook) for each in pair or (ruleset,))
        )

    def asked(self, values: Mapping[str, Value], named: tuple[int, ...] = ()) -> tuple[int | None, ...]:
        """Return the hooks that packets are asked at; None alone where the rules do not look at the hook.

        What is *named* comes first, then which hooks give a packet the fields of *values* (nothing goes out
        at input), then the host's own addresses; else every hook that has rules or does not simply allow.
        Raises `CannotAnswer` where the fields leave no hook.
        """
        said = [name for name in _AT_SOME if name in values]
        possible = tuple(
            hook for hook in named or (INPUT, OUTPUT, FORWARD) if all(has({"hook": hook}, name) for name in said)
        )
        if not possible:
            titles = " and ".join(FIELDS[name].title for name in said)
            where = " or ".join(HOOKS[hook] for hook in named) or "any hook"
            raise CannotAnswer(f"there is no such packet: at {where} none has {titles}")
        if named:
            return possible
        if self._all_alike:
            return (None,)
        if (told := self._by_address(values)) is not None:
            return tuple(hook for hook in told if hook in possible) or possible
        return tuple(hook for hook in possible if hook in self._filtered) or possible

    def _by_address(self, values: Mapping[str, Value]) -> tuple[int, ...] | None:
        """Return the hooks that follow from which addresses are the host's own; None where that is not known.

        What comes in by an interface is not what the host sends, whatever its source says.
        """
        to, by = (_inside(values[side], self._here[side]) is True for side in ("dst", "src"))
        if not (self._known or to or by):
            return None
        by = by and "in" not in values
        to = to and not (by and _inside(values["dst"], self._own) is False)  # what it sends to all of a network
        return (*((INPUT,) if to else ()), *((OUTPUT,) if by else ()), *(() if to or by else (FORWARD,)))

    def answered(self, part: Part) -> Part:
        """Return a part of which nobody answers from where it is sent to, broadcast or multicast, as one packet."""
        return replace(part, alone=True) if _inside(part.values["dst"], self._all) else part

    def arriving(self, part: Part, hook: int | None) -> Part:
        """Return *part* with the interface that its packets come by at *hook*, where that is known and not said.

        Loopback addresses come by `lo`: Linux takes none from outside, if it is not told to (`without_martians`).
        """
        by_lo = hook == INPUT and self._linux and "in" not in part.values and _is_loopback(part)
        return replace(part, values={**part.values, "in": LO}) if by_lo else part

    def leaving(self, part: Part, hook: int | None) -> Part:
        """Return *part* with the interface that its packets leave by at *hook*, where that is known and not said."""
        way = self._host.way(part.values["dst"]) if hook in (OUTPUT, FORWARD) and "out" not in part.values else None
        return part if way is None else replace(part, values={**part.values, "out": way})

    def pieces(self, part: Part) -> Iterator[Part]:
        """Yield *part* cut where only some of its addresses are the host's own.

        Without the traffic of the host with itself, and what comes in by an interface from its own addresses, unless
        that is all, or `lo` or a loopback address is named.
        """
        values = part.values
        looped = _is_loopback(part)
        if self._all_alike or not (self._known or looped):
            yield part
            return
        cut = [_cut(values["src"], self._own), _cut(values["dst"], self._own, *((self._all,) if self._known else ()))]
        whole = looped or "lo" in (values.get("in"), values.get("out")) or max(map(len, cut)) == 1
        comes = "in" in values and len(cut[0]) > 1  # Linux takes nothing with its own address from outside
        for source, destination in product(*cut):
            own = _inside(source, self._own)
            if whole or not (own and (comes or _inside(destination, self._own))):
                yield replace(part, values={**values, "src": source, "dst": destination})


_SIDES = ("src", "dst")


def _is_loopback(part: Part) -> bool:
    return any(_inside(part.values[side], LOOPBACK) for side in _SIDES)


def _cut(value: Value, *addresses: Intervals) -> list[Value]:
    """Return the addresses of a packet that are in each of *addresses*, and the others, where there are such."""
    assert isinstance(value, int | Intervals)
    found, rest = [], Intervals.of(value) if isinstance(value, int) else value
    for each in addresses:
        found.append(rest & each)
        rest = rest - each
    return [single(some) for some in (*found, rest) if some]


def parts_by_hook(hooks: Hooks, question: Question, parts: Iterable[Part]) -> Mapping[int | None, tuple[Part, ...]]:
    """Return the hooks that a question is asked at, and its packets at each."""
    found: dict[int | None, tuple[Part, ...]] = {}
    for part in map(hooks.answered, parts):
        for piece in (part,) if question.hooks else map(hooks.answered, hooks.pieces(part)):
            for hook in hooks.asked(piece.values, question.hooks):
                here = piece if question.hooks else hooks.leaving(piece, hook)
                found[hook] = (*found.get(hook, ()), hooks.arriving(here, hook))
    return found


def filters(ruleset: Ruleset, hook: int) -> bool:
    """May packets at *hook* not pass: has its main entry rules, or any entry a default other than allow?"""
    return any(
        entry.stateful
        or (entry.main and ruleset.policies[entry.policy].rules)
        or not isinstance(ruleset.policies[entry.policy].default or entry.default, Allow)
        for entry in ruleset.at(hook)
    )


def _inside(value: Value, addresses: Intervals) -> bool | None:
    """Are all (True), none (False) or some (None) of a packet's addresses in *addresses*?"""
    if isinstance(value, int):
        return value in addresses
    assert isinstance(value, Intervals)
    return True if addresses.covers(value) else None if addresses.meets(value) else False
