"""The baseline: findings that are known, and of which `lint` speaks no more.

A finding is known again by its check, its file, and the statement that it belongs to, not by its line or its message:
so a statement may move, and comments and blanks may change. Of equal ones the first count as known, as many as there
were.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from policy import source
from policy._record import dataclass
from policy.app.fingerprint import words
from policy.app.linted import Linted
from policy.app.whole import write_whole
from policy.diagnostic import Diagnostic, Mistakes
from policy.source import Source, Span

NAME = ".fwpolicy-baseline.json"
"""What the file is called where nobody says it."""

VERSION = 1

_BLANK = re.compile(r"\s+")

_ENTRY = "a finding here has `file`, `code`, `statement` and, where there are several, `count`"


class Known(NamedTuple):
    """What a finding is known by; *file* is its path from the folder of the baseline, with `/` between folders."""

    file: str
    code: str
    statement: str


@dataclass(slots=True)
class Baseline:
    """The findings that are known, how many of each, and the *path* of the file in which they stand."""

    path: str
    counts: Counter[Known] = field(default_factory=Counter)
    _names: dict[str, str] = field(default_factory=dict)

    def known(self, finding: Diagnostic) -> Known:
        """Return what a finding is known by."""
        return Known(self._relative(finding.span.source.name), finding.code, words(finding))

    def hide(self, linted: Linted) -> None:
        """Take the findings that are known out of what linting gave, and count those that are there no more."""
        left = Counter(self.counts)
        told: list[Diagnostic] = []
        for finding in linted.findings:
            known = self.known(finding)
            (linted.known if left[known] > 0 else told).append(finding)
            left[known] -= 1
        linted.findings[:] = told
        linted.baseline = self.path
        looked = self._looked(linted)
        linted.gone = sum(count for known, count in left.items() if count > 0 and looked(known))

    def renew(self, linted: Linted) -> None:
        """Make all findings known, and forget others; what was not looked for stays known."""
        looked = self._looked(linted)
        kept = {known: count for known, count in self.counts.items() if not looked(known)}
        self.counts = Counter(map(self.known, linted.findings))
        self.counts.update(kept)

    def _looked(self, linted: Linted) -> Callable[[Known], bool]:
        """Say whether what is known would have been found, if it were still there."""
        codes = {
            self._relative(name): {check.code for check in linted.checked.get(name, linted.checks)}
            for name in linted.files
        }
        undecided = {(self._relative(each.span.source.name), each.check.code) for each in linted.undecided}

        def looked(known: Known) -> bool:
            if known.file in codes:
                return known.code in codes[known.file] and (known.file, known.code) not in undecided
            return not known.file.startswith("<") and not Path(self.path).parent.joinpath(known.file).exists()

        return looked

    def _relative(self, name: str) -> str:
        if name not in self._names:
            here = os.path.realpath(Path(self.path).parent)
            place = name if name.startswith("<") else os.path.relpath(os.path.realpath(name), here)
            self._names[name] = place.replace(os.sep, "/")
        return self._names[name]


Hide = Callable[[Linted], None]
"""Takes out of what linting gave the findings that are known."""


def hiding(path: str | None, renewed: bool) -> Hide:
    """Return what hides the findings that the baseline at *path* knows: none without one.

    One that is *renewed* knows all that is found, and is written; it need not be there before. Raises
    `source.Unreadable` and `Mistakes`.
    """
    if path is None and not renewed:
        return lambda _: None
    path = path or NAME
    baseline = Baseline(path) if renewed and not Path(path).exists() else read(path)

    def hide(linted: Linted) -> None:
        if renewed:
            baseline.renew(linted)
            write(baseline)
        baseline.hide(linted)

    return hide


def read(path: str) -> Baseline:
    """Return the baseline at *path*; raises `source.Unreadable` and `Mistakes`."""
    return parsed(source.read(path))


def parsed(text: Source) -> Baseline:
    """Return the baseline that a text is; raises `Mistakes` with the place of what is wrong."""
    try:
        document = json.loads(text.text)
    except json.JSONDecodeError as error:
        _wrong(text, error.pos, f"this is no JSON: {error.msg[:1].lower()}{error.msg[1:]}")
    except (ValueError, RecursionError):
        _wrong(text, 0, "this is no JSON that could be read")
    if not isinstance(document, dict) or document.keys() != {"version", "findings"}:
        _wrong(text, 0, "a baseline has `version` and `findings`, and nothing else")
    if document["version"] != VERSION:
        _wrong(text, text.text.find('"version"'), f"a baseline of version {VERSION} is wanted here")
    if not isinstance(document["findings"], list):
        _wrong(text, text.text.find('"findings"'), "`findings` is a list")
    baseline = Baseline(text.name)
    for number, entry in enumerate(document["findings"]):
        known, count = _read_entry(entry) or _wrong(text, _place(text.text, number), _ENTRY)
        baseline.counts[known] += count
    return baseline


def _read_entry(entry: Any) -> tuple[Known, int] | None:
    match entry:
        case {"file": str(file), "code": str(code), "statement": str(statement), **rest}:
            count = rest.pop("count", 1)
            if not rest and type(count) is int and count > 0:
                return Known(file, code, statement), count
    return None


def _place(text: str, number: int) -> int:
    """Return where an entry of `findings` begins, as far as that can be told."""
    decoder = json.JSONDecoder()
    try:
        at = text.index("[", text.index('"findings"')) + 1
        for _ in range(number):
            at = text.index(",", decoder.raw_decode(text, _begin(text, at))[1]) + 1
    except ValueError:
        return 0
    return _begin(text, at)


def _begin(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def write(baseline: Baseline) -> None:
    """Write a baseline, as a whole or not at all; raises `CannotAnswer`."""
    lines = ",".join(f"\n    {json.dumps(_entry(*each))}" for each in sorted(baseline.counts.items()))
    text = f'{{\n  "version": {VERSION},\n  "findings": [{lines}\n  ]\n}}\n'
    write_whole(baseline.path, text)


def _entry(known: Known, count: int) -> dict[str, Any]:
    return {**known._asdict(), **({"count": count} if count > 1 else {})}


def _wrong(text: Source, at: int, message: str) -> NoReturn:
    at = max(at, 0)
    end = text.text.find("\n", at)
    span = Span(text, at, len(text.text) if end < 0 else end)
    raise Mistakes([Diagnostic("FW001", message, span, "correct it, or remove the file and write it anew")])
