"""What fixes do to texts: who touches what, and the texts that come of it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policy.change import Edit, Fix
from policy.diagnostic import Diagnostic
from policy.source import Source, Span, real


@dataclass(frozen=True, slots=True)
class Offer:
    """A finding and the fix that it has."""

    finding: Diagnostic
    fix: Fix


def offers(findings: Iterable[Diagnostic], unsafe: bool) -> list[Offer]:
    """Return the fixes of findings, each once; *unsafe* ones only if they are wanted."""
    found: dict[object, Offer] = {}
    for finding in findings:
        fix = finding.fix
        if fix is not None and fix.edits and (fix.safe or unsafe):
            key = tuple((real(e.span.source.name), e.span.start, e.span.end, e.text) for e in fix.edits)
            found.setdefault(key, Offer(finding, fix))
    return list(found.values())


def edited(chosen: Iterable[Offer], texts: Mapping[str, str]) -> dict[str, str]:
    """Return *texts*, which stand for the files at these paths, with the edits of fixes that do not meet."""
    by_file: dict[str, list[Edit]] = {}
    sources: dict[str, Source] = {}
    for offer in chosen:
        for edit in offer.fix.edits:
            name = real(edit.span.source.name)
            by_file.setdefault(name, []).append(edit)
            sources[name] = edit.span.source
    return {**texts, **{name: applied(sources[name].text, edits) for name, edits in by_file.items()}}


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Return a text with edits that do not meet; raises ValueError where they do."""
    parts: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda each: (each.span.start, each.span.end)):
        if edit.span.start < at:
            raise ValueError("edits meet")
        parts += (text[at : edit.span.start], edit.text)
        at = edit.span.end
    return "".join((*parts, text[at:]))


@dataclass(slots=True)
class _Touched:
    """The stretches of one file that are edited, which do not meet, and where something begins that has to stay."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    resting: list[int] = field(default_factory=list)


def compatible(wanted: Iterable[Offer]) -> tuple[list[Offer], list[Offer]]:
    """Return those fixes, taken in order, that do not meet and leave alone what others rest on; and the others."""
    files: dict[str, _Touched] = {}
    chosen: list[Offer] = []
    left: list[Offer] = []
    for offer in wanted:
        (chosen if _take(offer.fix, files) else left).append(offer)
    return chosen, left


def _take(fix: Fix, files: dict[str, _Touched]) -> bool:
    edits = [(_file(edit.span, files), edit.span) for edit in fix.edits]
    rests = [(_file(span, files), span) for span in fix.rests]
    if any(_meets(file, span) or _disturbs(file, span) for file, span in edits):
        return False
    if any(_meets(file, Span(span.source, span.start, span.start)) for file, span in rests):
        return False
    for file, span in edits:
        insort(file.starts, span.start)
        insort(file.ends, span.end)
    for file, span in rests:
        insort(file.resting, span.start)
    return True


def _file(span: Span, files: dict[str, _Touched]) -> _Touched:
    return files.setdefault(real(span.source.name), _Touched())


def _meets(file: _Touched, span: Span) -> bool:
    """Does a stretch have a character, or a place between two, in common with one that is edited?"""
    before = bisect_left(file.starts, max(span.end, span.start + 1))
    return before > 0 and (file.ends[before - 1] > span.start or file.starts[before - 1] == span.start)


def _disturbs(file: _Touched, span: Span) -> bool:
    """Does anything begin in a stretch that has to stay?"""
    return bisect_right(file.resting, span.end - 1) > bisect_left(file.resting, span.start)
