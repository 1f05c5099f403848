"""A sequence of packets as text for Mermaid (sequenceDiagram), which many wikis and forges draw."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from policy.report.sequence import Arrow, Heading, Item, Pause, Picture, Stop, Tag

_SPECIAL = re.compile(r'["#$%&;<>\\{}]|(?<=wrap):')
"""What Mermaid would read as something else than text; `wrap:` is an order to it."""


def sequence_mermaid(picture: Picture) -> str:
    """Return a sequence of packets as a text for Mermaid; hosts are called h0, h1 …"""
    lines = ["---", f"title: {json.dumps(picture.title, ensure_ascii=False)}", "---", "sequenceDiagram"]
    lines += (f"    participant h{number} as {escaped(lane.name)}" for number, lane in enumerate(picture.lanes))
    lines += (f"    {_note(f'h{number}', *lane.about)}" for number, lane in enumerate(picture.lanes) if lane.about)
    if picture.lanes:
        everyone = "h0" if len(picture.lanes) == 1 else f"h0,h{len(picture.lanes) - 1}"
        lines += (f"    {line}" for item in picture.items for line in _item(item, everyone))
        lines.append(f"    {_note(everyone, picture.closing)}")
    return "\n".join([*lines, ""])


def escaped(text: str) -> str:
    """Return a text as Mermaid is to show it.

    >>> escaped("a; b")
    'a#59; b'
    """
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)


def _note(over: str, *lines: str) -> str:
    return f"Note over {over}: {'<br/>'.join(map(escaped, lines))}"


def _item(item: Item, everyone: str) -> Iterator[str]:
    match item:
        case Heading():
            yield _note(everyone, *_heading(item))
        case Arrow():
            yield from _arrow(item)
        case Tag(lane, text):
            yield _note(f"h{lane}", text)
        case Pause(text):
            yield _note(everyone, f"… {text}")


def _heading(heading: Heading) -> Iterator[str]:
    held = ", as expected" if heading.held else ""
    result = f": {heading.result}{held}" if heading.result else ""
    yield f"{heading.number}. {heading.text}{result}"
    if heading.note is not None:
        yield heading.note
    for each in heading.missed:
        yield f"not as expected: {each}"


def _arrow(arrow: Arrow) -> Iterator[str]:
    first = arrow.stops[0]
    if not arrow.legs:
        yield _note(f"h{first.lane}", f"{arrow.time}: {arrow.label}{_told(first)}")
    for number, leg in enumerate(arrow.legs):
        start, end = arrow.stops[number], arrow.stops[number + 1]
        head = "x" if end.end else ">>"
        line = "--" if arrow.repeated else "-"
        words = [arrow.label, leg.ends]
        text = " ".join(word for word in words if word) + (_told(start) if number == 0 else "") + _told(end)
        time = f"{arrow.time}: " if number == 0 else ""
        yield f"h{start.lane}{line}{head}h{end.lane}: {escaped(time + text)}"


def _told(stop: Stop) -> str:
    return f" ({stop.text})" if stop.text else ""
