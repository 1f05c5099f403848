"""What checks find in one set of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from policy._record import dataclass
from policy.app.linted import Linted, Unsettled
from policy.app.load import facts
from policy.check import Check, Facts, Review, Undecided
from policy.check.silence import Silence
from policy.checks import checks
from policy.diagnostic import Diagnostic
from policy.sets import Exhausted
from policy.source import Source, Span

Finds = Iterator[Diagnostic | Undecided] | Iterator[Diagnostic]


def checked(
    text: Source, known: Facts, run: Sequence[Check], watch: Callable[[Check], None] = lambda _: None
) -> Linted:
    """Return what the checks that are *run* find: first each by itself, then those that look at what was found.

    *watch* is told which one is at work. A check that fails fails alone: it is undecided for the whole *text*.
    """
    checking = _Checking(text, known, Silence(known.ruleset), Linted(()))
    ran: set[str] = set()
    for check in run:
        if check.find:
            watch(check)
            if checking.take(check, check.find, checking.result.findings):
                ran.add(check.code)
    review = Review(checks(), frozenset(ran), frozenset(checking.silence.used))
    for check in run:
        if check.review:
            watch(check)
            checking.take(check, _reviewing(check.review, review), checking.result.reviewed)
    return checking.result


def _reviewing(look: Callable[[Facts, Review], Iterator[Diagnostic]], review: Review) -> Callable[[Facts], Finds]:
    return lambda known: look(known, review)


@dataclass(slots=True)
class _Checking:
    text: Source
    known: Facts
    silence: Silence
    result: Linted

    def take(self, check: Check, finds: Callable[[Facts], Finds], into: list[Diagnostic]) -> bool:
        """Add what a check finds; was everything decided?"""
        before = len(self.result.undecided)
        try:
            for one in finds(self.known):
                if isinstance(one, Undecided):
                    self.result.undecided.append(Unsettled(check, one.span, one.reason))
                elif self.silence.covers(one):
                    self.result.silenced.append(one)
                else:
                    into.append(replace(one, statement=self.silence.statement(one)))
        except Exhausted as limit:
            self._fails(check, f"it would take more than {limit}")
        except RecursionError:
            self._fails(check, "it is nested too deeply")
        except MemoryError:
            self._fails(check, "there is not enough memory")
            # What had been found out takes the memory.
            known = self.known
            self.known = facts(known.ruleset, known.budget, known.local, known.settings)
            if known.counterpart is not None:
                self.known.counterpart, known.counterpart.counterpart = known.counterpart, self.known
        except Exception as error:  # noqa: BLE001 (whatever is wrong with one check, the others have things to say)
            what = " ".join([type(error).__name__, *str(error).split()][:40])
            self._fails(check, f"an error in the check itself: {what}")
        return len(self.result.undecided) == before

    def _fails(self, check: Check, reason: str) -> None:
        self.result.undecided.append(Unsettled(check, Span(self.text, 0, 0), reason))
