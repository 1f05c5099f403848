"""Lint what belongs together: one text with what it includes, or two that are a host's rules for both IP versions."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping

from policy._record import dataclass
from policy.app.checking import Checking, checked
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

    @property
    def name(self) -> str:
        """The name of the first text."""
        return self.texts[0][0].name


def lint_unit(unit: Unit, seconds: float, watch: Watch | None = None) -> Linted:
    """Return what the checks find in texts that belong together; for each, they may take so many *seconds*."""
    result = _looked_at(unit, seconds, watch)
    gc.collect()  # what is known of rules refers to itself, and holds tables of many MB: of 1,000 files 20 GB
    return result


def _looked_at(unit: Unit, seconds: float, watch: Watch | None) -> Linted:
    if watch:
        watch(unit.name, "reading")
    reading = read(unit, seconds)
    result = reading.linted
    gc.freeze()  # the rules stay until the end: to look through them for garbage again and again takes long
    try:
        for number, checking in reading.checkings.items():
            text, how = unit.texts[number]
            result.add(checked(checking, how.checks, _telling(text, watch)))
    finally:
        gc.unfreeze()
    return result


def _telling(text: Source, watch: Watch | None) -> Callable[[Check], None]:
    return lambda check: watch(text.name, f"{check.code} {check.name}") if watch else None


@dataclass(frozen=True, slots=True)
class Reading:
    """What comes of reading a unit: its files and errors, and *checkings* for those texts that have rules."""

    linted: Linted
    checkings: Mapping[int, Checking]


def read(unit: Unit, seconds: float) -> Reading:
    """Read texts that belong together; for the checks of each there are so many *seconds*."""
    result = Linted(())
    known: dict[int, Facts] = {}
    for number, (text, how) in enumerate(unit.texts):
        ruleset = _loaded(text, how, result)
        if ruleset is not None:
            result.files.update({source.name for source in ruleset.sources} | {text.name})
            known[number] = facts(ruleset, _budget(seconds), how.host.local, how.settings)
    if len(known) == BOTH:
        one, other = known.values()
        one.counterpart, other.counterpart = other, one
    return Reading(result, {number: Checking(unit.texts[number][0], each) for number, each in known.items()})


def _loaded(text: Source, how: Treatment, result: Linted) -> Ruleset | None:
    """Return the rules of a text; None, with what is wrong with it among the errors, where it cannot be read."""
    try:
        return _read(text, how)
    except Unreadable as error:
        result.errors.append(unreadable(error))
    except Mistakes as mistakes:
        result.errors += mistakes.diagnostics
    return None


def _read(text: Source, how: Treatment) -> Ruleset:
    try:
        ruleset = load(text, how.language, how.host)
    except RecursionError:
        raise Unreadable(text.name, "is nested too deeply", "write it with fewer levels") from None
    except MemoryError:
        raise Unreadable(text.name, "is too large for the memory that there is", "split it") from None
    if not ruleset.policies and not ruleset.definitions and ruleset.language == "native":
        raise Unreadable(text.name, "has no rules", "say its `--language`, if it is not native")
    return ruleset


def _budget(seconds: float) -> Budget:
    """Return a budget of so many seconds; more of them than usual allow for more work too."""
    usual = Budget().steps
    return Budget(seconds, steps=max(usual, round(usual * seconds / SECONDS)))
