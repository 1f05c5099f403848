"""Statements that count, in rules and behind the elements of sets, as text."""

from __future__ import annotations

from policy.languages.nftables.ast.statement import ConnectionCount, Limit, Quota, Silent


def stateful(tree: Limit | Quota | ConnectionCount | Silent) -> str:
    """Return a statement that counts as text."""
    match tree:
        case Limit():
            return f"limit rate {'over ' if tree.over else ''}{tree.rate}"
        case Quota():
            return f"quota {'over ' if tree.over else ''}{tree.size}"
        case ConnectionCount():
            return f"ct count {'over ' if tree.over else ''}{tree.count}"
    return tree.text
