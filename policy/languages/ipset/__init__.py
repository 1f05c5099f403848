"""The reader of what `ipset save` writes, and `ipset restore` reads: named sets, which rules ask for packets.

The judge of what loads is ipset 7.17; docs/languages/ipset.md says what is exact.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Mapping

from policy.diagnostic import Collector
from policy.ipset import NamedSet
from policy.source import Source

_LINE = re.compile(
    r"(?:-exist[ \t]+|-![ \t]+)?"
    r"(?:(?:create|new|n|-N|--create)[ \t]+\S+[ \t]+(?:(?:hash|bitmap|list):\w|[a-z]+(?:hash|map)\b|setlist)"
    r"|(?:add|-A|--add)[ \t]+(?!INPUT|FORWARD|OUTPUT)\S+[ \t]+[0-9a-fA-F:.]+[0-9a-fA-F/,:.\w-]*(?:[ \t]|\r?$))",
    re.MULTILINE,
)


def read(sources: Iterable[Source]) -> Mapping[str, NamedSet]:
    """Return the sets of files for `ipset restore`, which are loaded one after another.

    Raises `Mistakes` with all that is wrong with them.
    """
    from policy.languages.ipset.parse import FileParser

    collecting = gc.isenabled()
    gc.disable()
    try:
        mistakes = Collector()
        parser = FileParser(mistakes)
        for source in sources:
            parser.parse(source)
        mistakes.check()
        return {name: making.known for name, making in parser.sets.items()}
    finally:
        if collecting:
            gc.enable()


def looks_like(text: str) -> bool:
    """Is this text a file for `ipset restore`? Its first line that is no comment says so."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return _LINE.match(line.lstrip()) is not None
    return False
