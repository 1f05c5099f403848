"""At which hooks a question is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policy.app.problem import CannotAnswer
from policy.ir import Allow, Field, Ruleset, walk
from policy.packet import FORWARD, INPUT, OUTPUT, Intervals, Value
from policy.packet.address import LOOPBACK
from policy.question.boxes import Part, Question

_NEEDS_HOOK = ("hook", "in", "out", "mac", "uid", "gid")


class Hooks:
    """Which hooks of a rule set packets may be at; made once and asked for many packets."""

    def __init__(self, ruleset: Ruleset, local: Intervals | None) -> None:
        self._local = local
        self._all_alike = None in ruleset.entries and not looks_at_hook(ruleset)
        self._filtered = tuple(hook for hook in (INPUT, OUTPUT, FORWARD) if _filters(ruleset, hook))

    def asked(
        self, packets: Iterable[Mapping[str, Value]], named: tuple[int, ...], arrives: bool, leaves: bool
    ) -> tuple[int | None, ...]:
        """Return the hooks that *packets* are asked at; None alone where the rules do not look at the hook.

        What is *named* comes first, then whether an input (*arrives*) or an output interface (*leaves*)
        is named (nothing goes out at input), then the host's own addresses; else every hook that has
        rules or does not simply allow. Raises `CannotAnswer` where the interfaces leave no hook.
        """
        possible = named or (INPUT, OUTPUT, FORWARD)
        if arrives:
            possible = tuple(hook for hook in possible if hook != OUTPUT)
        if leaves:
            possible = tuple(hook for hook in possible if hook != INPUT)
        if not possible:
            raise CannotAnswer("there is no such packet: nothing goes out at input, and nothing comes in at output")
        if named:
            return possible
        if self._all_alike:
            return (None,)
        if (told := _by_address(packets, self._local)) is not None:
            return tuple(hook for hook in possible if hook in told) or possible
        return tuple(hook for hook in possible if hook in self._filtered) or possible


def hooks_asked(
    ruleset: Ruleset, question: Question, parts: Iterable[Part], local: Intervals | None
) -> tuple[int | None, ...]:
    """Return the hooks that a question is asked at (`Hooks.asked`)."""
    packets = [part.values for part in parts]
    return Hooks(ruleset, local).asked(packets, question.hooks, question.names("in"), question.names("out"))


def looks_at_hook(ruleset: Ruleset) -> bool:
    """Does any rule ask for the hook, or for a field that a packet has at some hooks only?"""
    return any(
        isinstance(part, Field) and part.name in _NEEDS_HOOK
        for policy in ruleset.policies.values()
        for rule in policy.rules
        for part in walk(rule.match)
    )


def _filters(ruleset: Ruleset, hook: int) -> bool:
    """Is there a main entry at *hook* with rules, or with a default other than allow?"""
    return any(
        entry.stateful or ruleset.policies[entry.policy].rules or not isinstance(entry.default, Allow)
        for entry in ruleset.at(hook)
        if entry.main
    )


def _by_address(packets: Iterable[Mapping[str, Value]], local: Intervals | None) -> tuple[int, ...] | None:
    """Return the hooks that follow from which addresses are the host's own; None where that is not known."""
    found: set[int] = set()
    here = LOOPBACK if local is None else LOOPBACK | local
    for values in packets:
        to, by = _inside(values["dst"], here), _inside(values["src"], here)
        if local is None and not (to or by):
            return None
        if to is None or by is None:
            raise CannotAnswer(
                "only some of these addresses are the host's own", "say `at input`, `at output` or `at forward`"
            )
        found.update((INPUT,) if to else (), (OUTPUT,) if by else (), () if to or by else (FORWARD,))
    return tuple(sorted(found))


def _inside(value: Value, addresses: Intervals) -> bool | None:
    """Are all (True), none (False) or some (None) of a packet's addresses in *addresses*?"""
    if isinstance(value, int):
        return value in addresses
    assert isinstance(value, Intervals)
    return True if addresses.covers(value) else None if addresses.meets(value) else False
