"""Edits that leave the rest of a text as it is, for languages whose statements are lines.

Comments stay: one behind a statement that is removed becomes a line of its own. What silences checks for the statement
goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from policy.change import Edit
from policy.ir import ItemList
from policy.source import Span
from policy.written import Suppression

Comments = Callable[[str], Iterable[tuple[int, int]]]
"""Says where the comments of a text are that begins at the beginning of a line."""


def lines_of(span: Span) -> Span:
    """Return the whole lines that a span stands in, with the end of the last one."""
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", max(span.end - 1, span.start))
    return Span(span.source, start, len(text) if end < 0 else end + 1)


def comments_in(span: Span, comments: Comments) -> list[Span]:
    """Return the comments in a span that begins at the beginning of a line."""
    return [Span(span.source, span.start + start, span.start + end) for start, end in comments(span.text)]


def removed(span: Span, suppressions: Sequence[Suppression], comments: Comments) -> tuple[Edit, ...] | None:
    """Return the edits that take a statement out; None where it has a comment inside and shares its lines."""
    text, lines = span.source.text, lines_of(span)
    own = {(each.span.start, each.span.end) for each in suppressions}
    found = comments_in(lines, comments)
    kept = [each for each in found if (each.start, each.end) not in own]
    before = text[lines.start : span.start]
    if not _is_alone(span, found):
        return None if any(span.start < each.start < span.end for each in found) else (_cut(span),)
    mark, indent = before[: before.rfind("\ufeff") + 1], before[before.rfind("\ufeff") + 1 :]
    ending = "\r\n" if lines.text.endswith("\r\n") else "\n"
    rows = mark + "".join(f"{indent}{each.text}{ending}" for each in kept)
    above = [each.span for each in suppressions if each.span.end <= lines.start and each.span.source is span.source]
    return (*(Edit(lines_of(each), "") for each in above), Edit(lines, rows))


def merged(
    spans: Sequence[Span], text: str, comments: Comments, ended: Callable[[Span], Span] = lambda span: span
) -> tuple[Edit, ...] | None:
    """Return the edits that write *text* instead of statements; None where comments would lose what they are about.

    *ended* says what of the text goes with a statement: the sign behind it.
    """
    source, lines = spans[0].source, [lines_of(span) for span in spans]
    if any(span.source is not source for span in spans) or any(one.end > two.start for one, two in pairwise(spans)):
        return None
    between = [Span(source, one.end, two.start) for one, two in pairwise(lines) if one.end < two.start]
    if any(comments_in(each, comments) for each in between):
        return None
    edits = [Edit(spans[0], text)]
    about = [each.text for each in comments_in(lines[0], comments)]
    for span in _side_by_side([ended(each) for each in spans[1:]]):
        row = lines_of(span)
        found = comments_in(row, comments)
        if any(span.start < each.start < span.end for each in found):
            return None
        if not _is_alone(span, found):
            edits.append(_cut(span))
        elif [each.text for each in found] == about:
            edits.append(Edit(row, ""))
        else:
            return None
    return tuple(edits)


def _side_by_side(spans: Sequence[Span]) -> list[Span]:
    """Return stretches of text, those between which there is only space as one."""
    found: list[Span] = []
    for span in spans:
        if found and not span.source.text[found[-1].end : span.start].strip(" \t"):
            found[-1] = found[-1].to(span)
        else:
            found.append(span)
    return found


def _is_alone(span: Span, comments: Sequence[Span]) -> bool:
    """Is there nothing but *comments* beside a statement in its lines?"""
    text, lines = span.source.text, lines_of(span)
    before, after = text[lines.start : span.start], text[span.end : lines.end]
    for each in reversed(comments):
        if each.start >= span.end:
            after = after[: each.start - span.end] + after[each.end - span.end :]
    return not before.strip(" \t\ufeff") and not after.strip()


def _cut(span: Span) -> Edit:
    """Take out a statement that shares its line, with the space behind it if it is the first there, else before it."""
    text, start, end = span.source.text, span.start, span.end
    if text[lines_of(span).start : start].strip(" \t\ufeff"):
        while text[start - 1] in " \t":
            start -= 1
    else:
        while text[end : end + 1] in (" ", "\t"):
            end += 1
    return Edit(Span(span.source, start, end), "")


def without_item(of: ItemList, place: Span, comments: Comments) -> tuple[Edit, ...] | None:
    """Return the edits that take an item out of a list with commas; None where its comments are in the way."""
    excepted = any(each.span == place for each in of.excepted)
    items = [each.span for each in (of.excepted if excepted else of.items)]
    at = items.index(place)
    source, left, right = place.source, items[at - 1] if at else None, items[at + 1] if at + 1 < len(items) else None
    before = None if left is None else Span(source, left.end, place.start)
    after = None if right is None else Span(source, place.end, right.start)
    if before is not None and "\n" not in before.text:
        return (Edit(before.to(place), ""),)
    if after is not None:
        if not _comments(after, comments):
            return (Edit(Span(source, place.start, after.end), ""),)
        return _first_of_its_line(place, after, before is None, comments)
    if before is not None:
        return _last(before, place, comments)
    return _excepted(place) if excepted else None


def _first_of_its_line(place: Span, after: Span, first: bool, comments: Comments) -> tuple[Edit, ...] | None:
    """Take out an item behind whose comma a comment stands."""
    found = _comments(after, comments)
    if not first:
        return (Edit(Span(place.source, place.start, found[0].start), ""),)
    lines = lines_of(place)
    indent = lines.text[: len(lines.text) - len(lines.text.lstrip())]
    ending = "\r\n" if lines.text.endswith("\r\n") else "\n"
    rows = "".join(f"{indent}{each.text}{ending}" for each in found)
    above = Span(place.source, lines.start, lines.start)
    return (Edit(above, rows), Edit(Span(place.source, place.start, after.end), ""))


def _last(before: Span, place: Span, comments: Comments) -> tuple[Edit, ...] | None:
    """Take out the last item, which begins a line."""
    found = _comments(before, comments)
    if not found:
        return (Edit(before.to(place), ""),)
    lines = lines_of(place)
    rest = Span(place.source, place.end, lines.end)
    said = _comments(rest, comments)
    if rest.text[: said[0].start - rest.start if said else None].strip():
        return None  # what follows would be part of the comment before it
    comma = Span(place.source, before.start + before.text.index(","), before.start + before.text.index(",") + 1)
    return (Edit(comma, ""), Edit(place, "") if said else Edit(lines, ""))


def _excepted(place: Span) -> tuple[Edit, ...] | None:
    """Take out the only exception, with the word before it."""
    before = place.source.text[: place.start].rstrip()
    if not before.endswith("except"):
        return None
    start = len(before.removesuffix("except").rstrip())
    return (Edit(Span(place.source, start, place.end), ""),)


def _comments(span: Span, comments: Comments) -> list[Span]:
    """Return the comments of a span that begins anywhere outside of one."""
    lines = Span(span.source, lines_of(Span(span.source, span.start, span.start)).start, span.end)
    return [each for each in comments_in(lines, comments) if each.start >= span.start]
