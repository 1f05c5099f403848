"""Read a file of rules in any language."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

from policy import source
from policy.host import UNKNOWN_HOST, Host
from policy.ir import Ruleset
from policy.languages import front_end, sniff
from policy.packet import Intervals
from policy.source import Source

if TYPE_CHECKING:
    from policy.check import Facts, Settings
    from policy.sets import Budget

STANDARD_INPUT = "-"
STDIN = "<stdin>"
"""What the text of standard input is called."""


def read_source(path: str) -> Source:
    """Return the text at *path*, `-` for standard input; raises `source.Unreadable`."""
    if path == STANDARD_INPUT:
        kept = source.replacement(STDIN)
        return kept or source.decode(STDIN, sys.stdin.buffer.read(source.MAX_BYTES + 1))
    return source.read(path)


def load(text: Source, language: str | None = None, host: Host = UNKNOWN_HOST) -> Ruleset:
    """Return the rules of *text*; the language is sniffed when it is not said.

    *host* is what is known of the host beside its rules. Raises `diagnostic.Mistakes` with everything that is wrong.
    """
    return front_end(language or sniff(text.text)).read(text, host=host)


def facts(
    ruleset: Ruleset, budget: Budget | None = None, local: Intervals | None = None, settings: Settings | None = None
) -> Facts:
    """Return what checks know of a set of rules; they can then write rules in its language, too."""
    from policy.check import Facts

    return Facts(ruleset, budget, local, front_end(ruleset.language), settings)


def open_lines(path: str) -> BinaryIO:
    """Return the bytes at *path*, `-` for standard input, to be read line by line; raises `source.Unreadable`."""
    return sys.stdin.buffer if path == STANDARD_INPUT else source.opened(path)
