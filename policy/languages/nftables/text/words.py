"""Words, texts and times of script texts."""

from __future__ import annotations

import re

from policy.languages.nftables.ast.expression import Word

_BARE = re.compile(r"[A-Za-z0-9_./+-]+\Z|[0-9A-Fa-f.:]+\Z|\*\Z")
"""What needs no quotes: names and numbers, addresses, `*`."""


def word(tree: Word) -> str:
    """Return a word as text, in quotes where it had them or cannot be without."""
    return tree.text if not tree.quoted and _BARE.match(tree.text) else quoted(tree.text)


def quoted(text: str) -> str:
    """Return a text in quotes; script texts have no way to write a quote or the end of a line in them."""
    return '"' + " ".join(text.replace('"', "'").splitlines()) + '"'


_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def duration(milliseconds: int) -> str:
    """Return a time as nft writes it: `1d2h3m4s5ms`."""
    parts = []
    for unit, size in _UNITS:
        number, milliseconds = divmod(milliseconds, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
