"""Lint what belongs together: one text with what it includes, or two that are a host's rules for both IP versions."""

from __future__ import annotations

import gc
from collections.abc import Callable

from policy._record import dataclass
from policy.app.checking import checked
from policy.app.linted import SECONDS, Linted, Treatment
from policy.app.load import facts, load
from policy.check import Check, Facts
from policy.diagnostic import Mistakes, unreadable
from policy.ir import Ruleset
from policy.sets import Budget
from policy.source import Source, Unreadable

Watch = Callable[[str, str], None]
"""Is told which file is being looked at, and what is being done with it."""


BOTH = 2
"""So many texts are the rules of one host, for the two IP versions."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Texts that are linted in one go, each with how it is treated: one, or the `BOTH` of a host."""

    texts: tuple[tuple[Source, Treatment], ...]

    @property
    def size(self) -> int:
        """How many characters there are."""
        return sum(len(text.text) for text, _ in self.texts)


def lint_unit(unit: Unit, seconds: float, watch: Watch | None = None) -> Linted:
    """Return what the checks find in texts that belong together; for each, they may take so many *seconds*."""
    result = _looked_at(unit, seconds, watch)
    gc.collect()  # what is known of rules refers to itself, and holds tables of many MB: of 1,000 files 20 GB
    return result


def _looked_at(unit: Unit, seconds: float, watch: Watch | None) -> Linted:
    result = Linted(())
    read: list[tuple[Source, Treatment, Facts]] = []
    for text, how in unit.texts:
        ruleset = _loaded(text, how, result, watch)
        if ruleset is not None:
            result.files.update({source.name for source in ruleset.sources} | {text.name})
            read.append((text, how, facts(ruleset, _budget(seconds), how.local, how.settings)))
    if len(read) == BOTH:
        (*_, one), (*_, other) = read
        one.counterpart, other.counterpart = other, one
    gc.freeze()  # the rules stay until the end: to look through them for garbage again and again takes long
    try:
        for text, how, known in read:
            result.add(checked(text, known, how.checks, _telling(text, watch)))
    finally:
        gc.unfreeze()
    return result


def _telling(text: Source, watch: Watch | None) -> Callable[[Check], None]:
    return lambda check: watch(text.name, f"{check.code} {check.name}") if watch else None


def _loaded(text: Source, how: Treatment, result: Linted, watch: Watch | None) -> Ruleset | None:
    """Return the rules of a text; None, with what is wrong with it among the errors, where it cannot be read."""
    if watch:
        watch(text.name, "reading")
    try:
        return _read(text, how)
    except Unreadable as error:
        result.errors.append(unreadable(error))
    except Mistakes as mistakes:
        result.errors += mistakes.diagnostics
    return None


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
