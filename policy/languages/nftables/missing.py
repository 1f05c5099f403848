"""Says that a value is missing where the next statement, or the end, stands in its place."""

from __future__ import annotations

from lark.exceptions import UnexpectedInput, UnexpectedToken

from policy.diagnostic import Diagnostic
from policy.source import Span

_VALUES = frozenset({"NUMBER", "STRING", "VARIABLE", "LBRACE"})
_NEXT = frozenset({
    "$END", "ACCEPT", "DROP", "CONTINUE", "RETURN", "JUMP", "GOTO", "COUNTER", "LOG", "LIMIT", "QUOTA", "REJECT",
    "QUEUE", "MASQUERADE", "NOTRACK", "TPROXY", "DUP", "FWD", "SYNPROXY", "META", "META_KEY", "CT", "TH", "FIB",
    "SOCKET", "COMMENT", "ADD", "UPDATE", "DELETE", "METER", "FLOW", "XT",
})  # fmt: skip


def missing_value(error: UnexpectedInput, place: Span) -> Diagnostic | None:
    """Return what is wrong with a statement that lacks a value; None where something else is wrong."""
    if not isinstance(error, UnexpectedToken) or error.token.type not in _NEXT:
        return None
    if not error.interactive_parser.choices().keys() >= _VALUES:  # type: ignore[no-untyped-call]
        return None
    end = len(place.text) if error.token.type == "$END" else error.token.start_pos or 0
    before = place.text[:end].split()
    if not before:
        return None
    at = place.start + place.text[:end].rindex(before[-1])
    where = Span(place.source, at, at + len(before[-1]))
    help = "write it there" if error.token.type == "$END" else f"write it before `{error.token}`"
    return Diagnostic("FW001", f"a value is missing behind `{where.text}`", where, help)
