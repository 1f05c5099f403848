"""Where everything of a sequence of packets stands in a drawing: no text meets another one, or the edge.

Lanes are as far apart as what stands between them needs. How wide a text is, is estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from textwrap import wrap

from policy._record import dataclass
from policy.report.sequence import Arrow, Heading, Item, Lane, Leg, Pause, Picture, Tag
from policy.report.style import width

LETTERS = {"": 7.4, "faint": 6.7, "strong": 8.2, "title": 11.9, "ends": 6.8, "rewritten": 7.2, "tag": 6.7, "rule": 6.9}
"""About how wide a letter is, by the look of its text: in DejaVu Sans, which is wide."""

MARGIN, GUTTER, PAD = 24.0, 66.0, 12.0
LINE, BOX, TAG, LOOP = 18.0, 26.0, 20.0, 14.0
_NEAREST, _NARROWEST, _WIDEST_HEADING = 120.0, 640.0, 860.0


def measure(text: str, look: str = "") -> float:
    """Return about how wide a text is, in pixels."""
    return width(text) * LETTERS[look]


@dataclass(frozen=True, slots=True)
class Hop:
    """A leg of an arrow between the stops *start* and *end* (numbers), in the row *line* of that arrow.

    *label* is written above it, *ends* below; a leg that starts where it ends is a *loop*.
    """

    start: int
    end: int
    line: int
    label: str
    ends: str
    leg: Leg


@dataclass(frozen=True, slots=True)
class Laid:
    """An arrow with its legs in rows: a packet that turns back goes on in the next one.

    *lines*: in which row each stop is told. *heights*: how much room each row needs.
    """

    arrow: Arrow
    hops: tuple[Hop, ...]
    lines: tuple[int, ...]
    heights: tuple[float, ...]

    def is_loop(self, hop: Hop) -> bool:
        """Does a leg start where it ends? It has a row for itself."""
        return self.arrow.stops[hop.start].lane == self.arrow.stops[hop.end].lane

    def beside(self, hop: Hop) -> str:
        """Return what is said beside a loop of the stops of its row."""
        told = (stop for stop, line in zip(self.arrow.stops, self.lines, strict=True) if line == hop.line)
        return ", ".join(stop.text for stop in told if stop.text)

    def half(self, number: int) -> float:
        """Return how far what is said below a stop reaches to each side of its lane."""
        text = self.arrow.stops[number].text
        looped = any(hop.line == self.lines[number] and self.is_loop(hop) for hop in self.hops)
        return measure(text, "rule") / 2 + 4 if text and not looped else 8.0


Row = Heading | Laid | tuple[Tag, ...] | Pause


@dataclass(frozen=True, slots=True)
class Layout:
    """The *rows* of a drawing, where the *lanes* are, and how *wide* it is."""

    rows: tuple[Row, ...]
    lanes: tuple[float, ...]
    wide: float


def laid_out(picture: Picture) -> Layout:
    """Return where everything of a picture stands."""
    rows = tuple(_rows(picture.items))
    count = len(picture.lanes)
    needs = [need for need in _needs(picture, rows) if need[2] > 0]
    gaps = [_NEAREST / 3] + [_NEAREST] * max(0, count - 1) + [_NEAREST / 3]
    if not count:
        gaps = [_NARROWEST]
    for first, last, room in sorted(needs, key=lambda each: (each[1] - each[0], each)):
        missing = room - sum(gaps[first:last])
        # The edges are as far from the lanes as they must be; what is between lanes stretches.
        inner = [at for at in range(first, last) if 0 < at < count] or [*range(first, last)]
        for at in inner if missing > 0 else ():
            gaps[at] += missing / len(inner)
    lanes, x = [], MARGIN + GUTTER
    for gap in gaps[:-1]:
        x += gap
        lanes.append(x)
    return Layout(rows, tuple(lanes), x + gaps[-1] + MARGIN)


# Rows


def _rows(items: Iterable[Item]) -> Iterator[Row]:
    """Yield the rows; tags that follow one another at different lanes share one."""
    tags: list[Tag] = []
    for item in items:
        if tags and not (isinstance(item, Tag) and all(item.lane != tag.lane for tag in tags)):
            yield tuple(tags)
            tags = []
        if isinstance(item, Tag):
            tags.append(item)
        else:
            yield laid(item) if isinstance(item, Arrow) else item
    if tags:
        yield tuple(tags)


def laid(arrow: Arrow) -> Laid:
    """Return an arrow with its legs in rows."""
    hops: list[Hop] = []
    line, way = 0, 0
    lines = [0] * len(arrow.stops)
    for number, leg in enumerate(arrow.legs):
        start, end = arrow.stops[number].lane, arrow.stops[number + 1].lane
        now = (end > start) - (end < start)
        if number and (now != way or not now):
            line += 1
        told = not number or line != hops[-1].line
        label = arrow.label if told or leg.rewritten else ""
        ends = leg.ends if told or leg.rewritten else ""
        if not now:
            label, ends = "  ".join(each for each in (label, ends) if each), ""
        hops.append(Hop(number, number + 1, line, label, ends, leg))
        lines[number] = lines[number + 1] = line
        way = now
    heights = [_height(arrow, [hop for hop in hops if hop.line == each], lines, each) for each in range(line + 1)]
    return Laid(arrow, tuple(hops), tuple(lines), tuple(heights))


def _height(arrow: Arrow, hops: Sequence[Hop], lines: Sequence[int], line: int) -> float:
    """Return how much room a row of an arrow needs; what stands below its line needs some, and a loop does."""
    told = any(stop.text for stop, at in zip(arrow.stops, lines, strict=True) if at == line)
    if any(arrow.stops[hop.start].lane == arrow.stops[hop.end].lane for hop in hops):
        return 27.0 + LOOP + 6.0
    return 42.0 if told or any(hop.ends for hop in hops) else 27.0


# Room: what must be between two lanes. Lanes count from 1; 0 is the left edge, and one more than all the right edge.

_Need = tuple[int, int, float]


def _needs(picture: Picture, rows: Sequence[Row]) -> Iterator[_Need]:
    edge = len(picture.lanes) + 1
    yield from _beside([(lane, lane_width(each)) for lane, each in enumerate(picture.lanes)], edge)
    yield 0, edge, _NARROWEST - 2 * MARGIN - GUTTER
    for row in rows:
        match row:
            case Heading():
                room = heading_width(row) + 2 * PAD - GUTTER
                yield 0, edge, min(room, _WIDEST_HEADING)
            case Laid():
                yield from _arrow_needs(row, edge)
            case Pause(text):
                yield 0, edge, measure(text, "faint") + 2 * PAD
            case _:
                yield from _beside([(tag.lane, tag_width(tag)) for tag in row], edge)


def lane_width(lane: Lane) -> float:
    """Return how wide the box of a host is."""
    texts = [measure(lane.name, "strong"), *(measure(text, "faint") for text in lane.about)]
    return max(texts) + 2 * PAD


def tag_width(tag: Tag) -> float:
    """Return how wide a tag is."""
    return measure(tag.text, "tag") + 18


def heading_width(heading: Heading) -> float:
    """Return how wide a heading is on one line."""
    return 34 + measure(heading.text, "strong") + 30 + measure(heading.result) + (22 if heading.held else 0)


def heading_lines(heading: Heading, room: float) -> tuple[list[str], bool]:
    """Return the text of a heading in lines, and whether its result stands in the first one, too."""
    if heading_width(heading) <= room:
        return [heading.text], True
    return wrapped(heading.text, room - 46, "strong"), False


def wrapped(text: str, room: float, look: str = "") -> list[str]:
    """Return a text in lines that are not wider than *room*."""
    most = max(8, int(room / LETTERS[look]))
    if width(text) != len(text):
        most = max(8, most // 2)
    return wrap(text, most) or [""]


def _beside(widths: Sequence[tuple[int, float]], edge: int) -> Iterator[_Need]:
    """Say how much room things need that stand side by side, each in the middle of its lane."""
    ordered = sorted(widths)
    for (one, first), (other, second) in pairwise(ordered):
        yield one + 1, other + 1, (first + second) / 2 + PAD
    for lane, wide in ordered:
        yield 0, lane + 1, wide / 2
        yield lane + 1, edge, wide / 2


def _arrow_needs(laid: Laid, edge: int) -> Iterator[_Need]:
    stops = laid.arrow.stops
    halves = [laid.half(number) for number in range(len(stops))]
    for stop, half in zip(stops, halves, strict=True):
        yield 0, stop.lane + 1, half
        yield stop.lane + 1, edge, half
    for hop in laid.hops:
        one, other = sorted((stops[hop.start].lane, stops[hop.end].lane))
        if laid.is_loop(hop):
            yield (
                one + 1,
                min(one + 2, edge),
                44 + max(measure(hop.label, "strong"), measure(laid.beside(hop), "rule")) + PAD,
            )
            continue
        yield one + 1, other + 1, measure(hop.label, "strong") + 3 * PAD
        beside = sum(halves[each] for each in (hop.start, hop.end) if laid.lines[each] == hop.line)
        yield one + 1, other + 1, beside + measure(hop.ends, ends_look(hop)) + 2 * PAD
    if not laid.hops:
        lane = stops[0].lane
        yield lane + 1, min(lane + 2, edge), 20 + measure(laid.arrow.label, "strong") + PAD


def ends_look(hop: Hop) -> str:
    """Return how the ends of a packet look: those stand out that were rewritten."""
    return "rewritten" if hop.leg.rewritten else "ends"
