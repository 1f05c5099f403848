"""Read a file of rules in any language."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from policy import source
from policy.host import UNKNOWN_HOST, Host
from policy.ir import Ruleset
from policy.languages import front_end, ipset, sniff
from policy.packet import Intervals
from policy.source import Source, Unreadable

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
    if language is None and ipset.looks_like(text.text):
        raise Unreadable(
            text.name, "has sets, not rules", "give it with `--ipset`, beside the rules that ask for its sets"
        )
    return front_end(language or sniff(text.text)).read(text, host=host)


def load_sets(paths: Sequence[str]) -> Host:
    """Return the host that has the sets of some files, as `ipset save` writes them; without any it has none or some.

    Raises `source.Unreadable`, and `diagnostic.Mistakes` with everything that is wrong with them.
    """
    return Host(sets=ipset.read(source.read(path) for path in paths)) if paths else UNKNOWN_HOST


def facts(
    ruleset: Ruleset, budget: Budget | None = None, local: Intervals | None = None, settings: Settings | None = None
) -> Facts:
    """Return what checks know of a set of rules; they can then write rules in its language, too."""
    from policy.check import Facts

    return Facts(ruleset, budget, local, front_end(ruleset.language), settings)


def open_lines(path: str) -> BinaryIO:
    """Return the bytes at *path*, `-` for standard input, to be read line by line; raises `source.Unreadable`."""
    return sys.stdin.buffer if path == STANDARD_INPUT else source.opened(path)
