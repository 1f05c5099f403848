"""Statements that elements of sets have, too, as text: what counts and limits."""

from __future__ import annotations

from policy.languages.nftables.ast.statement import ConnectionCount, Limit, Quota, Silent


def stateful(tree: object) -> str | None:
    """Return a statement that counts or limits as text, None where it is another."""
    match tree:
        case Limit(rate, over):
            return f"limit rate {'over ' if over else ''}{rate}"
        case Quota(size, over):
            return f"quota {'over ' if over else ''}{size}"
        case ConnectionCount(count, over):
            return f"ct count {'over ' if over else ''}{count}"
        case Silent(text):
            return text
    return None
