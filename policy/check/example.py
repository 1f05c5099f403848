"""The examples of checks, and the marks in them that say what is found where: `### FW101 "PATTERN"`.

An example of several files that are linted together has a line `#### NAME` before each.
"""

import re

EXPECTATION = re.compile(r'###\s*(FW\d{3})(?:\s+"((?:[^"\\]|\\.)*)")?\s*')
"""A mark: the code, and a pattern that the underlined text, the message or the help contains."""


_FILE = re.compile(r"^#### (\S+)$", re.MULTILINE)


def files(text: str) -> dict[str, str]:
    """Return the files of an example by name, each behind empty lines where the others stand; one has no name."""
    marks = [*_FILE.finditer(text)]
    if not marks:
        return {"": text}
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    blanks = ["\n" * text.count("\n", 0, mark.start()) for mark in marks]
    return {mark[1]: blank + text[mark.start() : end] for mark, blank, end in zip(marks, blanks, ends, strict=True)}


def shown(text: str) -> str:
    """Return an example for people: its marks as arrows, without empty lines around it."""
    return "\n".join(_arrows(line) for line in _FILE.sub(r"# \1", text).strip("\n").split("\n"))


def _arrows(line: str) -> str:
    codes = sorted({code for code, _ in EXPECTATION.findall(line)})
    rest = EXPECTATION.sub("", line).rstrip()
    return f"{rest}  # ← {', '.join(codes)}" if codes else rest
