"""What sets of packets come to: at each rule, and at the end of a hook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal

from policy.evaluate import Implicit
from policy.ir import Action, Allow, Rule
from policy.sets.truth import N, S, Sets

At = tuple[str, int]
"""A rule by its place: the name of its policy, and its number there. (Two rules may be equal.)"""


@dataclass(frozen=True, slots=True)
class End:
    """What one way through the rules came to; *at* is the place of the *rule* that decided."""

    action: Action
    at: At | None
    rule: Rule | None
    implicit: Implicit | None
    policy: str | None
    main: bool = True

    @property
    def allows(self) -> bool:
        """Does the packet pass?"""
        return isinstance(self.action, Allow)

    def outweighs(self, later: End) -> bool:
        """Is this the end that is named, and not one of a later entry? As in the evaluator."""
        return self is not NO_ENTRY and (self.main, self.rule is not None) > (later.main, later.rule is not None)

    @property
    def decider(self) -> tuple[At | None, Implicit | None, str | None]:
        """What decided, without how."""
        return self.at, self.implicit, self.policy


@dataclass(frozen=True, slots=True)
class Passing(Generic[S]):
    """The packets of one rule, as they arrived, over all ways that lead to it.

    *matched*: those that may come to the rule and match it; *surely*: those that come to it and match whatever the
    unknowns are, on one of the ways. (That they do so on one way or another, as the unknowns turn out, is not seen: the
    last set may be too small, never too large.)
    """

    matched: S
    surely: S


Verdict = Literal["allow", "block", "depends"]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[S]):
    """Packets with one verdict; *end* is what decides for all of them, None where several rules may.

    *among*: where unknowns decide, the ends that each of the packets may come to; empty where those are not told apart.
    """

    verdict: Verdict
    packets: S
    end: End | None
    among: tuple[End, ...] = ()


NO_ENTRY = End(Allow(), None, None, "default", None)
"""What packets come to that go through no entry."""


def combined(sets: Sets[S, N], before: Mapping[End, S] | None, after: Mapping[End, S], away: S) -> dict[End, S]:
    """Return the packets of each allowing end, once they have been through one more entry, or *away* past it.

    The end that is named is the later one, unless the earlier has more weight.
    """
    if before is None:
        return dict(after) | ({NO_ENTRY: away} if away else {})
    found: dict[End, S] = {}
    for end, packets in before.items():
        lighter = sets.union(others for other, others in after.items() if end.outweighs(other))
        if both := packets & (lighter | away):
            found[end] = both
    for end, packets in after.items():
        if both := packets & sets.union(others for other, others in before.items() if not other.outweighs(end)):
            found[end] = found[end] | both if end in found else both
    return found
