"""Many rules in a row that only decide: what each of them gets, without following what is left from rule to rule.

What is left after a thousand rules is a large set, and to change it a thousand times is dear. The rules are halved
instead: the second half gets what the first leaves, and of each half only the packets that its rules ask for matter.
So most sets stay small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from policy.evaluate.state import harmless
from policy.ir import Allow, Block, Reject, Rule, Verdict
from policy.sets.truth import S, Truth


def decision(rule: Rule) -> Verdict | bool:
    """Return the verdict of a rule that only decides; else whether it does nothing."""
    for action in rule.actions:
        if isinstance(action, Allow | Block | Reject):
            return action
        if not harmless(action):
            return False
    return True


@dataclass(frozen=True, slots=True)
class Half(Generic[S]):
    """Some rules in a row: the packets that any of them *asks* for, those that are *gone* behind them if unknowns
    want it (*may*) or for sure (*must*), and the two halves, or the number of the only rule."""

    asks: S
    may: S
    must: S
    parts: tuple[Half[S], Half[S]] | int


def halves(truths: Sequence[Truth[S]], ends: Sequence[bool], nothing: S, first: int = 0) -> Half[S]:
    """Return rules, of which some *end* the walk, as halves of halves."""
    if len(truths) == 1:
        (may, must), (end,) = truths[0], ends
        return Half(may, may if end else nothing, must if end else nothing, first)
    middle = len(truths) // 2
    one = halves(truths[:middle], ends[:middle], nothing, first)
    two = halves(truths[middle:], ends[middle:], nothing, first + middle)
    may = one.may | two.may
    asks = may if one.asks is one.may and two.asks is two.may else one.asks | two.asks
    must = may if one.may is one.must and two.may is two.must else one.must | two.must
    return Half(asks, may, must, (one, two))


def deal(half: Half[S], packets: S, sure: S, got: Callable[[int, S, S], None]) -> None:
    """Call *got* for each rule with what comes to it of the packets that it asks for, and what surely does.

    *sure* are those of *packets* that come here whatever the unknowns are.
    """
    same = sure is packets
    packets = packets & half.asks
    if not packets:
        return
    sure = packets if same else sure & half.asks
    if isinstance(half.parts, int):
        got(half.parts, packets, sure)
        return
    one, two = half.parts
    deal(one, packets, sure, got)
    rest, left = after(one, packets, sure)
    deal(two, rest, left, got)


def after(half: Half[S], packets: S, sure: S) -> tuple[S, S]:
    """Return what is left of *packets*, and of those that are *sure* to come, behind some rules."""
    rest = packets - half.must
    if sure is packets and half.may is half.must:
        return rest, rest
    return rest, sure - (packets & half.may)
