"""Case files: texts in a real language, with what is expected of each line in a comment at its end.

A file has chunks that are separated by lines `---`. An expectation is `### CODE "PATTERN"`, several are
separated by further `###`; PATTERN is a regular expression that the underlined text or the message
must contain, and may be left out. A chunk without any expectation is right. What is found but not
expected fails, and what is expected but not found.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from policy.app.checking import Checking, checked
from policy.app.load import facts, load
from policy.app.selection import selected
from policy.check import Check, Facts, Settings
from policy.check.example import EXPECTATION, files
from policy.diagnostic import Diagnostic, Mistakes
from policy.source import Source

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """A chunk without its expectations, and those: line, code, pattern."""

    name: str
    text: str
    expected: tuple[tuple[int, str, str], ...]

    def check(self, found: Iterable[Diagnostic]) -> None:
        """Fail unless *found* is what is expected."""
        left = list(found)
        missing = []
        for line, code, pattern in self.expected:
            fitting = [d for d in left if d.code == code and d.span.line == line and _fits(d, pattern)]
            if fitting:
                left.remove(fitting[0])
            else:
                missing.append(f"missing: line {line}: {code} {pattern}")
        unexpected = [f"unexpected: line {d.span.line}: {d.code} `{d.span.text}`: {d.message}" for d in left]
        assert not missing + unexpected, "\n".join([self.text, *missing, *unexpected])


def known(text: str, settings: Settings) -> list[Facts]:
    """Return what checks know of each file of an example; two are those of one host. Raises `Mistakes`."""
    found = [facts(load(Source(name or "rules", part)), settings=settings) for name, part in files(text).items()]
    for one, other in zip(found, reversed(found), strict=True):
        one.counterpart = None if one is other else other
    return found


def found(check: Check, text: str) -> list[Diagnostic]:
    """Return what a check finds in an example, or the mistakes in it."""
    try:
        files = known(text, check.settings)
    except Mistakes as mistakes:
        return mistakes.diagnostics
    if check.review:
        reviewed = [
            each for one in files for each in checked(Checking(one.ruleset.sources[0], one), selected()).reviewed
        ]
        return [each for each in reviewed if each.code == check.code]
    finds = [each for one in files if check.find for each in check.find(one)]
    return [each for each in finds if isinstance(each, Diagnostic)]


def _fits(diagnostic: Diagnostic, pattern: str) -> bool:
    return any(re.search(pattern, text) for text in (diagnostic.span.text, diagnostic.message, diagnostic.help or ""))


def cases(folder: str) -> Iterator[Case]:
    """Yield all cases of `tests/cases/FOLDER`."""
    for path in sorted((CASES / folder).glob("*.case")):
        for number, chunk in enumerate(re.split(r"^---\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE), 1):
            yield parsed(f"{path.stem}-{number}", chunk)


def parsed(name: str, chunk: str) -> Case:
    """Return a chunk without its expectations, and those."""
    lines, expected = [], []
    for at, line in enumerate(chunk.split("\n"), 1):
        lines.append(EXPECTATION.sub("", line).rstrip() if "###" in line else line)
        expected += [(at, code, pattern) for code, pattern in EXPECTATION.findall(line)]
    return Case(name, "\n".join(lines), tuple(expected))
