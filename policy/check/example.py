"""The examples of checks, and the marks in them that say what is found where: `### FW101 "PATTERN"`."""

import re

EXPECTATION = re.compile(r'###\s*(FW\d{3})(?:\s+"((?:[^"\\]|\\.)*)")?\s*')
"""A mark: the code, and a pattern that the underlined text, the message or the help contains."""


def shown(text: str) -> str:
    """Return an example for people: its marks as arrows, without empty lines around it."""
    return "\n".join(_arrows(line) for line in text.strip("\n").split("\n"))


def _arrows(line: str) -> str:
    codes = sorted({code for code, _ in EXPECTATION.findall(line)})
    rest = EXPECTATION.sub("", line).rstrip()
    return f"{rest}  # ← {', '.join(codes)}" if codes else rest
