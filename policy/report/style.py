"""Colours, and text made safe to show on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from unicodedata import category, east_asian_width

_LOOKS: dict[str, dict[str, Any]] = {
    "good": {"fg": "green", "bold": True},
    "bad": {"fg": "red", "bold": True},
    "open": {"fg": "yellow", "bold": True},
    "name": {"bold": True},
    "faint": {"dim": True},
    "mark": {"fg": "cyan", "bold": True},
}

VERDICT_LOOKS = {"allow": "good", "block": "bad", "depends": "open", "mixed": "open"}


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Style:
    """Paints words when colour is wanted, and leaves them as they are when it is not.

    *columns*: so many has the terminal (None: nobody counts them).
    """

    def __init__(self, color: bool = False, columns: int | None = None) -> None:
        self.color = color
        self.columns = columns

    def __call__(self, text: str, look: str) -> str:
        """Return *text* with a look: `good`, `bad`, `open`, `name`, `faint` or `mark`."""
        if not self.color or not text:
            return text
        from click import style

        return style(text, **_LOOKS[look])


PLAIN = Style()


def clean(text: str) -> str:
    """Return *text* on one line and without characters that would steer a terminal or turn the text around."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    if character < " ":
        return chr(0x2400 + ord(character))
    return " " if category(character) == "Zs" else "\ufffd"


def width(text: str) -> int:
    """Return how many columns of a terminal a clean text takes."""
    return len(text) if text.isascii() else sum(map(columns, text))


def folded(text: str, most: int, hanging: int = 4) -> str:
    """Return *text* with its longer lines broken between words; what goes on stands further in, by *hanging* columns.

    Colours take no room.
    """
    return "\n".join(piece for line in text.split("\n") for piece in _pieces(line, most, hanging))


def _pieces(line: str, most: int, hanging: int) -> Iterator[str]:
    if _seen(line) <= most:
        yield line
        return
    indent = " " * (len(line) - len(line.lstrip(" ")) + hanging)
    kept, begun = "", False
    for word in re.findall(r" *[^ ]+", line):
        if begun and _seen(kept + word) > most:
            yield kept
            kept = indent + word.lstrip(" ")
        else:
            kept += word
            begun = True
    yield kept


def _seen(text: str) -> int:
    return width(_COLOUR.sub("", text))


def columns(character: str) -> int:
    """Return how many columns a character takes: 0 where it joins the one before, 2 where it is wide."""
    if category(character) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(character) in ("W", "F") else 1


def shortened(text: str, most: int, tail: int = 0) -> str:
    """Return *text* with single spaces, cut to *most* columns with `…` before its last *tail* characters."""
    text = clean(" ".join(text.split()))
    if width(text) <= most:
        return text
    end = text[len(text) - tail :].lstrip() if tail else ""
    left = most - (2 if end else 1) - width(end)
    kept = 0
    for character in text:
        left -= columns(character)
        if left < 0:
            break
        kept += 1
    return f"{text[:kept].rstrip()}…{' ' if end else ''}{end}"
