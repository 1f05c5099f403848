"""Lint what belongs together: one text with what it includes, or two that are a host's rules for both IP versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from policy._record import dataclass
from policy.app.linted import SECONDS, Linted, Treatment, Unsettled
from policy.app.load import facts, load
from policy.check import Check, Facts, Review, Undecided
from policy.check.silence import Silence
from policy.diagnostic import Diagnostic, Mistakes, unreadable
from policy.ir import Ruleset
from policy.sets import Budget, Exhausted
from policy.source import Source, Span, Unreadable

Watch = Callable[[str, str], None]
"""Is told which file is being looked at, and what is being done with it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Texts that are linted in one go, each with how it is treated."""

    texts: tuple[tuple[Source, Treatment], ...]

    @property
    def size(self) -> int:
        """How many characters there are."""
        return sum(len(text.text) for text, _ in self.texts)


def lint_unit(unit: Unit, seconds: float, watch: Watch | None = None) -> Linted:
    """Return what the checks find in texts that belong together; for each, they may take so many *seconds*."""
    result = Linted(())
    loaded = [(text, how, _loaded(text, how, result, watch)) for text, how in unit.texts]
    read = [(text, how, _facts(ruleset, how, seconds)) for text, how, ruleset in loaded if ruleset is not None]
    for (*_, one), (*_, other) in pairwise((*read, *read[:1])) if len(read) > 1 else ():
        one.counterpart = other
    for text, how, known in read:
        _run(text, known, how, result, watch)
    return result


def _facts(ruleset: Ruleset, how: Treatment, seconds: float) -> Facts:
    return facts(ruleset, _budget(seconds), how.local, how.settings)


def _loaded(text: Source, how: Treatment, result: Linted, watch: Watch | None) -> Ruleset | None:
    """Return the rules of a text; None, with what is wrong with it among the errors, where it cannot be read."""
    if watch:
        watch(text.name, "reading")
    try:
        ruleset = _read(text, how)
    except Unreadable as error:
        result.errors.append(unreadable(error))
        return None
    except Mistakes as mistakes:
        result.errors += mistakes.diagnostics
        return None
    result.files |= {source.name for source in ruleset.sources} | {text.name}
    return ruleset


def _run(text: Source, known: Facts, how: Treatment, result: Linted, watch: Watch | None) -> None:
    """Add what the checks find in one set of rules: first each by itself, then those that look at what was found."""
    silence = Silence(known.ruleset)
    ran: set[str] = set()
    for check in how.checks:
        if watch:
            watch(text.name, f"{check.code} {check.name}")
        try:
            if check.find:
                _take(check, check.find(known), silence, result)
                ran.add(check.code)
        except Exhausted as limit:
            result.undecided.append(Unsettled(check, Span(text, 0, 0), f"it would take more than {limit}"))
        except RecursionError:
            result.undecided.append(Unsettled(check, Span(text, 0, 0), "it is nested too deeply"))
        except MemoryError:
            result.undecided.append(Unsettled(check, Span(text, 0, 0), "there is not enough memory"))
            # What had been found out takes the memory.
            counterpart = known.counterpart
            known = facts(known.ruleset, known.budget, how.local, how.settings)
            known.counterpart = counterpart
    for check in how.checks:
        if check.review:
            review = Review(frozenset(ran), frozenset(silence.used))
            _take(check, check.review(known, review), silence, result)


def _read(text: Source, how: Treatment) -> Ruleset:
    try:
        ruleset = load(text, how.language, how.local)
    except RecursionError:
        raise Unreadable(text.name, "is nested too deeply", "write it with fewer levels") from None
    except MemoryError:
        raise Unreadable(text.name, "is too large for the memory that there is", "split it") from None
    if not ruleset.policies and not ruleset.definitions:
        raise Unreadable(text.name, "has no rules", "say its `--language`, if it is not native")
    return ruleset


def _budget(seconds: float) -> Budget:
    """Return a budget of so many seconds; more of them than usual allow for more work too."""
    usual = Budget().steps
    return Budget(seconds, steps=max(usual, round(usual * seconds / SECONDS)))


def _take(check: Check, finds: Iterable[Diagnostic | Undecided], silence: Silence, result: Linted) -> None:
    """Add what one check finds."""
    for found in finds:
        if isinstance(found, Undecided):
            result.undecided.append(Unsettled(check, found.span, found.reason))
        elif silence.covers(found):
            result.silenced.append(found)
        else:
            result.findings.append(found)
