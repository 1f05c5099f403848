"""The kinds of traffic that rules tell apart: named services, and what rules say of protocols, ports and ICMP types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from policy.app.pieces import Piece, pieces
from policy.app.show import services_text
from policy.app.usual import in_words
from policy.ir import All, Definition, Field, Match, Policy, Unknown, all_of, walk
from policy.question.terms import service_match
from policy.sets import Exhausted
from policy.sets.truth import Algebra, Sets

MOST_KINDS = 24
ANYTHING_ELSE = "anything else"
ANYTHING = "anything"
_LONG = 60
_FIELDS = frozenset({"proto", "dport", "icmp_type", "icmp_code"})


def kinds(
    definitions: Sequence[Definition], policies: Iterable[Policy], sets: Sets[Any, Any], within: Algebra
) -> tuple[list[Piece[Any]], int]:
    """Return *within* as disjoint kinds of traffic, and how many services are not told apart from others.

    The named services come first, then what most rules speak of.
    """
    named = {d.name: service_match(d.value) for d in definitions if isinstance(d.value, tuple) and d.value}
    by_match = {match: name for name, match in named.items()}
    mentioned = Counter(
        asked for policy in policies for rule in policy.rules if (asked := _service(rule.match)) is not None
    )
    written = [(services_text(m, by_match), m) for m, _ in mentioned.most_common() if m not in by_match]
    said = [*named.items(), *written]
    cuts = [(name, sets.of_match(match) & within) for name, match in said]
    found, untold = pieces([(name, cut) for name, cut in cuts if cut], within, ANYTHING_ELSE, MOST_KINDS)
    if len(found) == 1:
        return [Piece(ANYTHING, found[0].value)], untold
    kept = {ANYTHING_ELSE, *(name for name, _ in cuts if len(name) <= _LONG)}
    return [each if each.name in kept else _renamed(each, sets, definitions) for each in found], untold


def _renamed(piece: Piece[Any], sets: Sets[Any, Any], definitions: Sequence[Definition]) -> Piece[Any]:
    """Return a piece by what it is, where that is shorter to say."""
    try:
        name = ", ".join(in_words(piece.value, sets.layout, definitions, 4, 4))
    except Exhausted:
        return piece
    shorter = len(name) < len(piece.name) and (" more" not in name or len(piece.name) > _LONG)
    return Piece(name, piece.value) if shorter else piece


def _service(match: Match) -> Match | None:
    """Return what a match asks of the kind of traffic, if anything."""
    parts = match.parts if isinstance(match, All) else (match,)
    asked = [part for part in parts if _is_service(part)]
    return all_of(*asked) if asked else None


def _is_service(part: Match) -> bool:
    leaves = [leaf for leaf in walk(part) if isinstance(leaf, Field | Unknown)]
    return bool(leaves) and all(isinstance(leaf, Field) and leaf.name in _FIELDS for leaf in leaves)
