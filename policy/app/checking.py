"""What checks find in one set of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field

from policy._record import dataclass
from policy.app.load import facts
from policy.check import Check, Facts, Review, Undecided
from policy.check.silence import Silence
from policy.diagnostic import Diagnostic
from policy.sets import Exhausted
from policy.source import Source, Span

Finds = Iterator[Diagnostic | Undecided] | Iterator[Diagnostic]


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What a check could not decide: where, and why not."""

    check: Check
    span: Span
    reason: str


@dataclass(slots=True)
class Found:
    """What checks have found in one set of rules, as they found it.

    *reviewed* are findings about what others found, *silenced* those that comments silence.
    """

    findings: list[Diagnostic] = field(default_factory=list)
    reviewed: list[Diagnostic] = field(default_factory=list)
    silenced: list[Diagnostic] = field(default_factory=list)
    undecided: list[Unsettled] = field(default_factory=list)


def check(
    text: Source,
    known: Facts,
    checks: Sequence[Check],
    every: tuple[Check, ...],
    watch: Callable[[Check], None] = lambda _: None,
) -> Found:
    """Return what *checks* find: first each by itself, then those that look at what was found.

    *every* are all checks that there are; *watch* is told which one is at work. A check that fails fails alone: it is
    undecided for the whole *text*.
    """
    run = _Run(text, known, Silence(known.ruleset))
    ran: set[str] = set()
    for each in checks:
        if each.find:
            watch(each)
            if run.take(each, each.find, run.found.findings):
                ran.add(each.code)
    review = Review(every, frozenset(ran), frozenset(run.silence.used))
    for each in checks:
        if each.review:
            watch(each)
            run.take(each, _reviewing(each.review, review), run.found.reviewed)
    return run.found


def _reviewing(look: Callable[[Facts, Review], Iterator[Diagnostic]], review: Review) -> Callable[[Facts], Finds]:
    return lambda known: look(known, review)


@dataclass(slots=True)
class _Run:
    text: Source
    known: Facts
    silence: Silence
    found: Found = field(default_factory=Found)

    def take(self, check: Check, finds: Callable[[Facts], Finds], into: list[Diagnostic]) -> bool:
        """Add what a check finds; was everything decided?"""
        before = len(self.found.undecided)
        try:
            for one in finds(self.known):
                if isinstance(one, Undecided):
                    self.found.undecided.append(Unsettled(check, one.span, one.reason))
                elif self.silence.covers(one):
                    self.found.silenced.append(one)
                else:
                    into.append(one)
        except Exhausted as limit:
            self._fails(check, f"it would take more than {limit}")
        except RecursionError:
            self._fails(check, "it is nested too deeply")
        except MemoryError:
            self._fails(check, "there is not enough memory")
            # What had been found out takes the memory.
            known = self.known
            self.known = facts(known.ruleset, known.budget, known.local, known.settings)
            self.known.counterpart = known.counterpart
        except Exception as error:  # noqa: BLE001 (whatever is wrong with one check, the others have things to say)
            what = " ".join([type(error).__name__, *str(error).split()][:40])
            self._fails(check, f"an error in the check itself: {what}")
        return len(self.found.undecided) == before

    def _fails(self, check: Check, reason: str) -> None:
        self.found.undecided.append(Unsettled(check, Span(self.text, 0, 0), reason))
