"""A sequence of packets as a picture: SVG that stands alone, in light and in dark.

What a firewall decides has a shape and words beside its colour, so that no one has to tell colours apart. The colours
are those of Okabe and Ito, made darker for text.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from policy.report.sequence import Heading, Lane, Pause, Picture, Stop, Tag
from policy.report.sequence_layout import (
    BOX,
    GUTTER,
    LINE,
    LOOP,
    MARGIN,
    PAD,
    TAG,
    Hop,
    Laid,
    Layout,
    ends_look,
    heading_lines,
    laid_out,
    lane_width,
    measure,
    tag_width,
    wrapped,
)

_STYLE = """
  .page { fill: #ffffff; } text { fill: #1f2430; font: 13px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; }
  .title { font-size: 19px; font-weight: 600; } .strong { font-weight: 600; }
  .rule { fill: #00664a; font-size: 12px; } .faint, .ends { fill: #5b6270; font-size: 12px; }
  .card { fill: #f2f4f7; stroke: #dfe3e8; }
  .rewritten { fill: #0b5394; font-size: 12px; font-weight: 600; }
  .host { fill: #ffffff; stroke: #5b6270; stroke-width: 1.4; } .life { stroke: #b4bac4; stroke-width: 1.4; }
  .quiet { stroke-dasharray: 2 5; } .wire { stroke: #1f2430; stroke-width: 1.6; fill: none; }
  .again { stroke-dasharray: 6 4; } .head { fill: #1f2430; }
  .tag { fill: #e6eef8; stroke: #8fb0d6; } .tagged { font-size: 12px; }
  .passed { fill: #007a59; } .arrived { fill: #ffffff; stroke: #5b6270; stroke-width: 1.4; }
  .cross { stroke: #b93c00; stroke-width: 2.8; stroke-linecap: round; } .stopped { fill: #b93c00; font-size: 12px; }
  .good { fill: #00664a; } .bad { fill: #b93c00; } .tick { stroke: #007a59; stroke-width: 2.2; fill: none; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #14171c; } text { fill: #e8eaee; } .rule { fill: #5fd3b0; }
    .faint, .ends { fill: #a3abb8; }
    .card { fill: #20252d; stroke: #333a45; } .rewritten { fill: #8cc4ff; }
    .host { fill: #1c2027; stroke: #a3abb8; } .life { stroke: #4b5361; } .wire { stroke: #e8eaee; }
    .head { fill: #e8eaee; } .tag { fill: #1f3350; stroke: #4a73a8; }
    .passed { fill: #5fd3b0; } .arrived { fill: #14171c; stroke: #a3abb8; }
    .good { fill: #5fd3b0; } .tick { stroke: #5fd3b0; }
    .cross { stroke: #ff9a5c; } .stopped, .bad { fill: #ff9a5c; }
  }
"""
_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
_CLASSES = {"rule": "rule", "tag": "tagged"}


def sequence_svg(picture: Picture) -> str:
    """Return a sequence of packets as an SVG document."""
    return _Drawing(picture, laid_out(picture)).document()


class _Drawing:
    """Draws rows from top to bottom; *y* is where the next one begins. Lanes are drawn last, and lie below all else."""

    def __init__(self, picture: Picture, layout: Layout) -> None:
        self.picture = picture
        self.layout = layout
        self.inside = layout.wide - 2 * MARGIN
        self.parts: list[str] = []
        self.quiet: list[tuple[float, float]] = []
        self.y = MARGIN

    def document(self) -> str:
        """Return the whole document."""
        for line in wrapped(self.picture.title, self.inside, "title"):
            self.y += 22
            self._text(MARGIN, self.y, line, "title")
        self.y += 22
        self._text(MARGIN, self.y, self.picture.closing, "faint")
        self.y += 16
        tallest = max((len(lane.about) for lane in self.picture.lanes), default=0)
        for lane, x in zip(self.picture.lanes, self.layout.lanes, strict=True):
            self._host(lane, x, BOX + tallest * 16)
        self.y += BOX + tallest * 16
        top = self.y
        for row in self.layout.rows:
            self._row(row)
        self.y += 12
        lifelines = self._lifelines(top, self.y)
        for lane, x in zip(self.picture.lanes, self.layout.lanes, strict=True):
            self._host(Lane(lane.name, ()), x, BOX)
        size = f"{self.layout.wide:.0f}", f"{self.y + BOX + MARGIN:.0f}"
        title = escape(self.picture.title)
        return "\n".join(
            [
                f'<svg {_NAMESPACE} width="{size[0]}" height="{size[1]}" viewBox="0 0 {size[0]} {size[1]}"',
                '  role="img" aria-labelledby="title">',
                f'<title id="title">{title}</title>',
                f"<desc>Packets between {escape(', '.join(lane.name for lane in self.picture.lanes))}</desc>",
                f"<style>{_STYLE}</style>",
                f'<rect class="page" width="{size[0]}" height="{size[1]}"/>',
                *lifelines,
                *self.parts,
                "</svg>",
                "",
            ]
        )

    def _row(self, row: object) -> None:
        match row:
            case Heading():
                self._heading(row)
            case Laid():
                self._arrow(row)
            case Pause(text):
                self._pause(text)
            case tuple():
                self.y += 4
                for tag in row:
                    self._tag(tag)
                self.y += TAG + 4

    # Hosts

    def _host(self, lane: Lane, x: float, tall: float) -> None:
        wide = lane_width(lane)
        self._box("host", x - wide / 2, self.y, wide, tall, 5)
        self._text(x, self.y + 18, lane.name, "strong", "middle")
        for number, text in enumerate(lane.about, 1):
            self._text(x, self.y + 17 + number * 16, text, "faint", "middle")

    def _lifelines(self, top: float, bottom: float) -> list[str]:
        """Return the lines of the hosts: dotted where nothing is sent for long."""
        lines = []
        for x in self.layout.lanes:
            y = top
            for start, end in self.quiet:
                lines.append(_line("life", x, y, x, start))
                lines.append(_line("life quiet", x, start, x, end))
                y = end
            lines.append(_line("life", x, y, x, bottom))
        return lines

    # Steps

    def _heading(self, heading: Heading) -> None:
        room = self.inside
        lines, beside = heading_lines(heading, room - 2 * PAD)
        notes = [] if heading.note is None else wrapped(heading.note, room - 58, "faint")
        missed = [line for text in heading.missed for line in wrapped(f"not as expected: {text}", room - 58, "")]
        results = [] if beside else wrapped(heading.result, room - 58, "")
        tall = 12 + LINE * (len(lines) + len(notes) + len(missed) + len(results))
        self.y += 12
        self._box("card", MARGIN, self.y, room, tall, 7)
        y, x = self.y + 20, MARGIN + 46
        self._text(MARGIN + 34, y, f"{heading.number}", "faint", "end")
        look = "good" if heading.good else "bad"
        right = MARGIN + room - PAD
        if heading.held:
            self.parts.append(f'<path class="tick" d="M {right - 12:.1f} {y - 5:.1f} l 4 5 l 7 -10"/>')
            right -= 22
        if beside:
            self._text(right, y, heading.result, "", "end", also=look)
        for line in lines:
            self._text(x, y, line, "strong")
            y += LINE
        for line in results:
            self._text(x, y, line, "", also=look)
            y += LINE
        for line in notes:
            self._text(x, y, line, "faint")
            y += LINE
        for line in missed:
            self._text(x, y, line, "", also="bad")
            y += LINE
        self.y += tall + 8

    def _pause(self, text: str) -> None:
        tall = 30.0
        self.quiet.append((self.y, self.y + tall))
        lanes = self.layout.lanes
        middle = (lanes[0] + lanes[-1]) / 2 if len(lanes) > 1 else self.layout.wide / 2
        self._text(middle, self.y + 19, text, "faint", "middle", covers=True)
        self.y += tall

    def _tag(self, tag: Tag) -> None:
        x, wide = self.layout.lanes[tag.lane], tag_width(tag)
        self._box("tag", x - wide / 2, self.y, wide, TAG, 10)
        self._text(x, self.y + 14, tag.text, "tag", "middle")

    # Packets

    def _arrow(self, laid: Laid) -> None:
        tops = [self.y]
        for height in laid.heights:
            tops.append(tops[-1] + height)
        arrow = laid.arrow
        self._text(MARGIN + GUTTER - 12, tops[0] + 24, arrow.time, "faint", "end", covers=True)
        if not laid.hops:
            x, y = self.layout.lanes[arrow.stops[0].lane], tops[0] + 20
            if arrow.stops[0].end is None:
                self.parts.append(_line(_wire(laid), x, y, x + 10, y))
            self._text(x + 14, y + 3, arrow.label, "strong", covers=True)
        for number, hop in enumerate(laid.hops):
            y = tops[hop.line] + 20
            if number and laid.hops[number - 1].line != hop.line:
                self._turn(laid, hop, tops)
            if laid.is_loop(hop):
                self._loop(laid, hop, y)
            else:
                self._leg(laid, hop, y)
        loops = {hop.line: hop for hop in laid.hops if laid.is_loop(hop)}
        for number, (stop, line) in enumerate(zip(arrow.stops, laid.lines, strict=True)):
            loop = loops.get(line)
            lower = LOOP if loop is not None and loop.end == number else 0
            self._stop(stop, tops[line] + 20 + lower, told=loop is None)
        self.y = tops[-1] + 4

    def _leg(self, laid: Laid, hop: Hop, y: float) -> None:
        start, end = laid.arrow.stops[hop.start], laid.arrow.stops[hop.end]
        one, other = self.layout.lanes[start.lane], self.layout.lanes[end.lane]
        way = 1 if other > one else -1
        tip = other - way * (11 if end.end else 5 if end.text else 1)
        self.parts.append(_line(_wire(laid), one, y, tip - way * 6, y))
        self.parts.append(f'<path class="head" d="M {tip:.1f} {y:.1f} l {-way * 9} -4.5 v 9 z"/>')
        self._text((one + other) / 2, y - 6, hop.label, "strong", "middle", covers=True)
        left, right = sorted(((one, hop.start), (other, hop.end)))
        near = [laid.half(number) if laid.lines[number] == hop.line else 0.0 for _, number in (left, right)]
        middle = (left[0] + near[0] + right[0] - near[1]) / 2
        self._text(middle, y + 15, hop.ends, ends_look(hop), "middle", covers=True)

    def _loop(self, laid: Laid, hop: Hop, y: float) -> None:
        end = laid.arrow.stops[hop.end]
        x = self.layout.lanes[end.lane]
        tip = x + (11 if end.end else 8)
        self.parts.append(
            f'<path class="{_wire(laid)}" d="M {x:.1f} {y:.1f} h 30 v {LOOP:.0f} h {tip + 6 - x - 30:.1f}"/>'
        )
        self.parts.append(f'<path class="head" d="M {tip:.1f} {y + LOOP:.1f} l 9 -4.5 v 9 z"/>')
        self._text(x + 38, y + 3, hop.label, "strong", covers=True)
        self._text(x + 38, y + LOOP + 5, laid.beside(hop), "rule", covers=True, also=_also(end))

    def _turn(self, laid: Laid, hop: Hop, tops: list[float]) -> None:
        """Draw the way down at a host, from the row of the leg before."""
        x = self.layout.lanes[laid.arrow.stops[hop.start].lane]
        before = laid.hops[hop.start - 1].line
        self.parts.append(_line(_wire(laid), x, tops[before] + 20, x, tops[hop.line] + 20))

    def _stop(self, stop: Stop, y: float, *, told: bool) -> None:
        x = self.layout.lanes[stop.lane]
        text = stop.text
        if told:
            self._text(x, y + 15 + (2 if stop.end else 0), text, "rule", "middle", covers=True, also=_also(stop))
        if stop.end is not None:
            self.parts.append(f'<path class="cross" d="M {x - 6:.1f} {y - 6:.1f} l 12 12 m 0 -12 l -12 12"/>')
        elif text:
            look = "passed" if stop.rule else "arrived"
            self.parts.append(f'<circle class="{look}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')

    # Parts

    def _box(self, look: str, x: float, y: float, wide: float, tall: float, round: int) -> None:
        self.parts.append(
            f'<rect class="{look}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}" rx="{round}"/>'
        )

    def _text(
        self, x: float, y: float, text: str, look: str = "", anchor: str = "", *, covers: bool = False, also: str = ""
    ) -> None:
        """Write a line of text; where it *covers* what lies below, lines end before it."""
        if not text:
            return
        if covers:
            wide = measure(text, look)
            left = x - (wide / 2 if anchor == "middle" else wide if anchor == "end" else 0.0)
            self._box("page", left - 2, y - 11, wide + 4, 14, 0)
        classes = " ".join(each for each in (_CLASSES.get(look, look), also) if each)
        attributes = (f' class="{classes}"' if classes else "") + (f' text-anchor="{anchor}"' if anchor else "")
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(text)}</text>')


def _also(stop: Stop) -> str:
    """Return how what is said of a stop looks, if no rule lets a packet on there."""
    return "stopped" if stop.end else "" if stop.rule else "faint"


def _wire(laid: Laid) -> str:
    return "wire again" if laid.arrow.repeated else "wire"


def _line(look: str, x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<line class="{look}" x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>'
