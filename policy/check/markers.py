"""Words that mark what is not meant to stay (`data/markers.tsv`)."""

from __future__ import annotations

import re
from functools import cache

from policy.check.tables import rows

_WORD = r"[^\W_]"
"""What a word is made of: `_` parts words here."""


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(_alternative(*row) for row in rows("markers.tsv")))


def _alternative(words: str, case: str, followers: str) -> str:
    text = r"[\s_-]+".join(map(re.escape, words.split()))
    exact = text if case == "exact" else f"(?i:{text})"
    other = "|".join(map(re.escape, followers.split()))
    not_then = rf"(?![\s_-]+(?i:{other})(?!{_WORD}))" if other else ""
    return f"(?<!{_WORD}){exact}(?!{_WORD}){not_then}"


def marker(text: str) -> str | None:
    """Return the first such word in a text, as it stands there.

    >>> marker("TEMP: for the migration"), marker("template"), marker("temporary addresses of IPv6")
    ('TEMP', None, None)
    """
    found = _pattern().search(text)
    return found[0] if found else None
