"""Names for findings that stay when other lines come and go."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from policy.source import Span

Place = tuple[str, PurePath, Span]
"""A code, the path of a file, and what is underlined there."""


def fingerprints(places: Sequence[Place]) -> Iterator[str]:
    """Yield a name for each place, in their order: no two are the same.

    It is made from the code, the path, and the words that are underlined, not from where they stand nor from what a
    message says of other lines. What has all that in common is numbered.
    """
    seen: Counter[str] = Counter()
    for code, path, span in places:
        words = " ".join(span.text.split())
        what = f"{code}\0{path.as_posix()}\0{words}"
        seen[what] += 1
        text = f"{what}\0{seen[what]}"
        yield hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]
