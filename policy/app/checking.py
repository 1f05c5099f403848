"""What checks find in one set of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace

from policy._record import dataclass
from policy.app.linted import Linted, Unsettled
from policy.app.load import facts
from policy.check import Check, Facts, Review, Undecided
from policy.check.silence import Silence
from policy.checks import checks
from policy.diagnostic import Diagnostic
from policy.sets import Exhausted
from policy.source import Source, Span
from policy.written import Place

Finds = Iterator[Diagnostic | Undecided] | Iterator[Diagnostic]


@dataclass(slots=True)
class Found:
    """What checks have found: *ran* are the codes of those that left nothing undecided, *used* the suppressions."""

    linted: Linted = field(default_factory=lambda: Linted(()))
    ran: set[str] = field(default_factory=set)
    used: set[tuple[Place, str]] = field(default_factory=set)

    def add(self, other: Found) -> None:
        """Add what other checks have found."""
        self.linted.add(other.linted)
        self.ran |= other.ran
        self.used |= other.used


def checked(checking: Checking, run: Sequence[Check], watch: Callable[[Check], None] = lambda _: None) -> Linted:
    """Return what the checks find that are *run*: first each by itself, then those that look at what was found.

    *watch* is told which one is at work.
    """
    found = Found()
    for check in run:
        watch(check)
        found.add(checking.find(check))
    for check in run:
        found.linted.add(checking.review(check, found))
    return found.linted


class Checking:
    """Checks at work on what is *known* of a set of rules.

    One that fails fails alone: it is undecided for the whole *text*.
    """

    def __init__(self, text: Source, known: Facts) -> None:
        self.text = text
        self.known = known
        self._silence = Silence(known.ruleset)

    def find(self, check: Check) -> Found:
        """Return what a check finds by itself."""
        found = Found()
        if check.find:
            self._take(check, check.find, found.linted, found.linted.findings)
            found.used = self._silence.used
            if not found.linted.undecided:
                found.ran.add(check.code)
        return found

    def review(self, check: Check, found: Found) -> Linted:
        """Return what a check says about what all have *found*."""
        result = Linted(())
        look = check.review
        if look:
            review = Review(checks(), frozenset(found.ran), frozenset(found.used))
            self._take(check, lambda known: look(known, review), result, result.reviewed)
        return result

    def _take(self, check: Check, finds: Callable[[Facts], Finds], result: Linted, into: list[Diagnostic]) -> None:
        try:
            for one in finds(self.known):
                if isinstance(one, Undecided):
                    result.undecided.append(Unsettled(check, one.span, one.reason))
                elif self._silence.covers(one):
                    result.silenced.append(one)
                else:
                    into.append(replace(one, statement=self._silence.statement(one)))
        except Exhausted as limit:
            result.undecided.append(self._failed(check, f"it would take more than {limit}"))
        except RecursionError:
            result.undecided.append(self._failed(check, "it is nested too deeply"))
        except MemoryError:
            result.undecided.append(self._failed(check, "there is not enough memory"))
            # What had been found out takes the memory.
            known = self.known
            self.known = facts(known.ruleset, known.budget, known.local, known.settings)
            if known.counterpart is not None:
                self.known.counterpart, known.counterpart.counterpart = known.counterpart, self.known
        except Exception as error:  # noqa: BLE001 (whatever is wrong with one check, the others have things to say)
            what = " ".join([type(error).__name__, *str(error).split()][:40])
            result.undecided.append(self._failed(check, f"an error in the check itself: {what}"))

    def _failed(self, check: Check, reason: str) -> Unsettled:
        return Unsettled(check, Span(self.text, 0, 0), reason)
