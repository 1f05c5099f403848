"""Trying fixes out: the texts are changed in memory, all rules that they are part of are read again, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from policy.change import Announced
from policy.diagnostic import Mistakes
from policy.fix.proof import Difference, prove
from policy.fix.texts import Offer, edited
from policy.ir import Ruleset
from policy.reach import Disagreement
from policy.sets import Budget, Exhausted
from policy.source import Source, Unreadable, real, replaced

LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Root:
    """Rules as they are: the text that they are read from, and how it is *read* with what it includes."""

    text: Source
    ruleset: Ruleset
    read: Callable[[Source], Ruleset]

    @property
    def files(self) -> frozenset[str]:
        """The files that they are read from."""
        return frozenset(real(each.name) for each in (self.text, *self.ruleset.sources))


class Attempt:
    """Tries fixes of some *roots*; *texts* stand for files that have been changed already. All share the budget."""

    def __init__(self, roots: Sequence[Root], texts: Mapping[str, str], budget: Budget) -> None:
        self.roots = roots
        self.texts = texts
        self.budget = budget

    def __call__(self, chosen: Sequence[Offer]) -> Difference | str | None:
        """Return why some fixes cannot be made together, None where it is proved that they do what they say."""
        touched = {real(edit.span.source.name) for offer in chosen for edit in offer.fix.edits}
        announced = [offer.fix.announced for offer in chosen if offer.fix.announced is not None]
        roots = [root for root in self.roots if root.files & touched]
        after = edited(chosen, self.texts)
        return compared(roots, after, announced, self.budget, labels=all(offer.fix.safe for offer in chosen))


def compared(
    roots: Iterable[Root],
    texts: Mapping[str, str],
    announced: Sequence[Announced],
    budget: Budget,
    labels: bool,
    exactly: bool = True,
) -> Difference | str | None:
    """Return what is in the way of putting *texts* in the place of files; None: nothing.

    *labels*: are all of them to stay? For *exactly* see `prove`.
    """
    for root in roots:
        try:
            new = again(root, texts)
            if labels and (lost := _labels(root.ruleset) - _labels(new)):
                return f"the label `{min(lost)}` would be lost, which expectations may use"
            difference = prove(root.ruleset, new, announced, _some(budget), exactly)
        except Mistakes as mistakes:
            first = mistakes.diagnostics[0]
            return f"`{root.text.name}` could not be read any more: {first.message}"
        except Unreadable as error:
            return f"`{error.name}` {error}"
        except Exhausted as limit:
            return f"to prove that it changes nothing else would take more than {limit}"
        except RecursionError:
            return "it is nested too deeply to be compared"
        except MemoryError:
            return "there is not enough memory to compare"
        except Disagreement as error:
            return str(error)
        if difference is not None:
            return difference
    return None


def again(root: Root, texts: Mapping[str, str]) -> Ruleset:
    """Return the rules of a root with *texts* in the place of files; raises `Mistakes` and `Unreadable`."""
    with replaced(texts):
        return root.read(Source(root.text.name, texts.get(real(root.text.name), root.text.text)))


def _labels(ruleset: Ruleset) -> set[str]:
    return {rule.label for policy in ruleset.policies.values() for rule in policy.rules if rule.label is not None}


def _some(budget: Budget) -> Budget:
    """Return half of what is left, so that something remains where it does not suffice."""
    budget.check()
    seconds = budget.remaining
    half = None if seconds is None else max(seconds / 2, LEAST_SECONDS)
    return Budget(half, budget.nodes, budget.boxes, budget.steps, budget.ways)
