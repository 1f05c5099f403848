"""What findings are known by, when other lines come and go."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from policy.diagnostic import Diagnostic

_BLANK = re.compile(r"\s+")
_COMMENT = re.compile(r'("[^"\n]*")|(?<!\S)#[^\n]*')
_COUNTERS = re.compile(r"\[\d+:\d+\]")
"""What iptables-save writes of a chain: it changes with every packet."""


def words(finding: Diagnostic) -> str:
    """Return the statement that a finding belongs to, or what is underlined, without comments, blanks and counters."""
    text = finding.span.text if finding.statement is None else finding.statement
    if "\n" in text:
        text = _COMMENT.sub(r"\1", text)
    return _BLANK.sub(" ", _COUNTERS.sub("", text)).strip()


def fingerprints(known: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield a name for each of what is *known*, in its order, all different: what is equal is numbered."""
    seen: Counter[tuple[str, ...]] = Counter()
    for each in known:
        seen[each] += 1
        text = "\0".join((*each, str(seen[each])))
        yield hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]
