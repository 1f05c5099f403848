"""Spaces for tests: small budgets, and both kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from policy.ir import Match, Ruleset
from policy.packet import Packet
from policy.sets import BoxSpace, Budget, Space
from policy.sets.truth import Sets

SMALL = Budget(seconds=None, nodes=1 << 18)

Kind = Callable[..., Sets[Any, Any]]


def space_of(*rulesets: Ruleset, hook: int | None = None, questions: Iterable[Match | Packet] = ()) -> Space:
    return Space(rulesets, questions, hook, SMALL)


def boxes_of(*rulesets: Ruleset, hook: int | None = None, questions: Iterable[Match | Packet] = ()) -> BoxSpace:
    return BoxSpace(rulesets, questions, hook, Budget(seconds=None, boxes=2000))


KINDS: tuple[Kind, ...] = (space_of, boxes_of)
each_kind = pytest.mark.parametrize("kind", KINDS)


def hook_of(packet: Packet) -> int | None:
    hook = packet.get("hook")
    assert hook is None or isinstance(hook, int)
    return hook
