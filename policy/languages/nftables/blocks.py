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


def stands_in(place: Span) -> Span | None:
    """Return the statement, or the beginning of a block, that a place stands in; None: in neither."""
    at = _at(place)
    if at is None:
        return None
    piece = pieces(place.source.text)[at]
    return Span(place.source, piece.start, piece.end)


def whole(place: Span) -> Span | None:
    """Return the statement that a place stands in, or the block that this begins, with its end; None: in neither."""
    at = _at(place)
    if at is None:
        return None
    found, depth = pieces(place.source.text), 0
    for number in range(at, len(found)):
        depth += (found[number].kind == "open") - (found[number].kind == "close")
        if not depth:
            return Span(place.source, found[at].start, found[number].end)
    return None


def _at(place: Span) -> int | None:
    """Return the number of the piece that a place stands in."""
    found = pieces(place.source.text)
    at = bisect_right(found, place.start, key=lambda piece: piece.start) - 1
    return at if at >= 0 and place.start < found[at].end else None
