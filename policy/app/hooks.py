"""At which hooks a question is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policy.app.problem import CannotAnswer
from policy.ir import Allow, Field, Ruleset, walk
from policy.packet import FORWARD, INPUT, OUTPUT, Intervals, Value
from policy.packet.address import LOOPBACK
from policy.question import Question

_NEEDS_HOOK = ("hook", "in", "out", "mac", "uid", "gid")


def hooks_asked(
    ruleset: Ruleset, question: Question, parts: Iterable[Mapping[str, Value]], local: Intervals | None
) -> tuple[int | None, ...]:
    """Return the hooks that a question is asked at; None alone where the rules do not look at the hook.

    What the question says comes first, then the interfaces that it names (nothing goes out at input),
    then the host's own addresses; else every hook that has rules or does not simply allow. Raises
    `CannotAnswer` where the interfaces leave no hook.
    """
    possible = question.hooks or (INPUT, OUTPUT, FORWARD)
    if question.names_input:
        possible = tuple(hook for hook in possible if hook != OUTPUT)
    if question.names_output:
        possible = tuple(hook for hook in possible if hook != INPUT)
    if not possible:
        raise CannotAnswer("there is no such packet: nothing goes out at input, and nothing comes in at output")
    if question.hooks:
        return possible
    if None in ruleset.entries and not looks_at_hook(ruleset):
        return (None,)
    if (told := _by_address(parts, local)) is not None:
        return tuple(hook for hook in possible if hook in told) or possible
    return tuple(hook for hook in possible if _filters(ruleset, hook)) or possible


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


def _by_address(parts: Iterable[Mapping[str, Value]], local: Intervals | None) -> tuple[int, ...] | None:
    """Return the hooks that follow from which addresses are the host's own; None where that is not known."""
    found: set[int] = set()
    for values in parts:
        here = LOOPBACK if local is None else LOOPBACK | local
        to, by = _inside(values.get("dst"), here), _inside(values.get("src"), here)
        if local is None and not (to or by):
            return None
        if to is None or by is None:
            raise CannotAnswer("only some of these addresses are the host's own", "say `at input`, `at output` or `at forward`")
        found.update((INPUT,) if to else (), (OUTPUT,) if by else (), () if to or by else (FORWARD,))
    return tuple(sorted(found))


def _inside(value: Value | None, addresses: Intervals) -> bool | None:
    """Are all (True), none (False) or some (None) of a packet's addresses in *addresses*?"""
    if value is None:
        return None
    if isinstance(value, int):
        return value in addresses
    assert isinstance(value, Intervals)
    return True if addresses.covers(value) else None if addresses.meets(value) else False
