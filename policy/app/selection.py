"""Which checks run: by codes, beginnings of codes, or names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policy.app.problem import CannotAnswer
from policy.check import Check
from policy.checks import checks
from policy.diagnostic import CODES, did_you_mean

DEFAULT = "default"
"""Means the checks that are on by default."""


def selected(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> tuple[Check, ...]:
    """Return the checks that *select* means, those that are on by default without it, less those of *ignore*.

    A word is a code (`FW101`), the beginning of codes (`FW1`) or a name (`jump-cycle`), in any case, or `default`;
    a text may have several, parted by commas. Raises `CannotAnswer` for one that means no check.
    """
    wanted, unwanted = _meant(select or (DEFAULT,)), _meant(ignore)
    return tuple(check for check in checks() if check.code in wanted - unwanted)


def _meant(texts: Iterable[str]) -> set[str]:
    words = [word.strip() for text in texts for word in text.split(",")]
    return {check.code for word in words for check in checks_of(word)}


def checks_of(word: str) -> list[Check]:
    """Return the checks that a word means, at least one; raises `CannotAnswer`."""
    code, name = word.upper(), word.lower()
    if name == DEFAULT:
        return [check for check in checks() if check.enabled]
    found = [check for check in checks() if name == check.name or (code[:2] == "FW" and check.code.startswith(code))]
    if found:
        return found
    if code in CODES:
        what = f"{code} ({CODES[code]}) is a mistake that makes a file unreadable"
        raise CannotAnswer(f"`{word}` is no check: {what}", "mistakes are always reported")
    known = [each for check in checks() for each in (check.code, check.name)]
    raise CannotAnswer(f"there is no check `{word}`", did_you_mean(word, known) or "docs/checks lists them all")
