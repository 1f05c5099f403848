"""Whole statements, commands and blocks around a place in a script."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

from policy.languages.nftables.split import Piece, split
from policy.source import Span


@lru_cache(maxsize=4)
def pieces(text: str) -> tuple[Piece, ...]:
    """Return the pieces of a script without its comments, in order."""
    return tuple(piece for piece in split(text) if piece.kind != "comment")


def whole(place: Span) -> Span | None:
    """Return the statement that a place stands in, or the block that this begins, with its end; None: in neither."""
    found = pieces(place.source.text)
    at = bisect_right(found, place.start, key=lambda piece: piece.start) - 1
    if at < 0 or found[at].end <= place.start:
        return None
    first, depth = found[at], 0
    for piece in found[at:]:
        depth += (piece.kind == "open") - (piece.kind == "close")
        if not depth:
            return Span(place.source, first.start, piece.end)
    return None
