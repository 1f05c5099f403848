"""Which of many fixes can be made together: all that can be proved, found by halves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from policy.fix.proof import Difference
from policy.fix.texts import Offer, compatible

Trial = Callable[[Sequence[Offer]], "Difference | str | None"]
"""Says why some fixes cannot be made together: what would be different, or is in the way; None: they are proved."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A fix that is not made, and why."""

    offer: Offer
    why: Difference | str


@dataclass(slots=True)
class Settled:
    """The fixes that are proved together, and those that cannot be made at all; of the others nothing is known yet."""

    accepted: list[Offer] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def settle(wanted: Sequence[Offer], trial: Trial) -> Settled:
    """Return which fixes can be made together. Where some cannot, their halves are tried."""
    result = Settled()
    chosen, _ = compatible(wanted)
    left = [chosen] if chosen else []
    while left:
        group = left.pop()
        why = trial([*result.accepted, *group])
        if why is None:
            result.accepted += group
        elif len(group) > 1:
            middle = len(group) // 2
            left += [group[middle:], group[:middle]]
        elif not result.accepted or (why := trial(group)) is not None:
            result.refused.append(Refusal(group[0], why))
    return result
