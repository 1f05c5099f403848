"""Who may reach whom, as a picture: SVG that stands alone, in light and in dark.

Every answer has a word, a shape and a colour, so that no one has to tell colours apart. The colours are those of Okabe
and Ito, lightened behind text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from xml.sax.saxutils import escape

from policy._record import dataclass
from policy.app.matrix import Matrix
from policy.report.panels import NO_PACKETS, Page, Panel, Tile, page
from policy.report.style import clean, shortened, width

_LOOKS = {"all": "all", "none": "none", "part": "part", "depends": "depends", NO_PACKETS: "no"}
_LEGEND = (
    ("all", "all are allowed"),
    ("part", "part is allowed: see the note"),
    ("none", "all are blocked"),
    ("depends", "depends on what is not known"),
)
_STYLE = """
  .page { fill: #ffffff; } text { fill: #1f2430; font: 13px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; }
  .h1 { font-size: 19px; font-weight: 600; } .h2 { font-size: 14px; font-weight: 600; }
  .faint { fill: #5b6270; font-size: 12px; } .card { fill: #f7f8fa; stroke: #dfe3e8; }
  .all rect { fill: #cfe8df; stroke: #009e73; } .all .mark { fill: #007a59; stroke: #007a59; }
  .none rect { fill: #eef0f3; stroke: #e2e5ea; } .none .mark { fill: none; stroke: #7c8491; }
  .none text { fill: #5b6270; }
  .part rect { fill: #fdebc8; stroke: #e69f00; } .part .mark { fill: #a86e00; stroke: #a86e00; }
  .depends rect { fill: #e3dcf3; stroke: #8a6fc4; } .depends .mark { fill: none; stroke: #6a4fb0; }
  .no rect { fill: none; stroke: none; } .part .ring { fill: none; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #14171c; } text { fill: #e8eaee; } .faint { fill: #a3abb8; } .card { fill: #1c2027; stroke: #333a45; }
    .all rect { fill: #12463a; } .all .mark { fill: #5fd3b0; stroke: #5fd3b0; }
    .none rect { fill: #262b33; stroke: #323843; } .none .mark { stroke: #8d96a5; }
    .none text { fill: #a3abb8; }
    .part rect { fill: #57400b; } .part .mark { fill: #ffc44d; stroke: #ffc44d; } .part .ring { fill: none; }
    .depends rect { fill: #3d3163; } .depends .mark { stroke: #c3b0f2; }
  }
"""
_MARGIN, _GAP, _PAD = 28, 18, 16
_ROW, _TILE, _LINE = 34, 28, 18
_NARROWEST, _WIDEST = 1070.0, 1320.0
_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
_LETTER = 7.0
"""About how wide a letter is at 13 pixels."""


@dataclass(frozen=True, slots=True)
class _Sizes:
    """The measures of one panel."""

    first: float
    others: tuple[float, ...]
    width: float
    height: float


def matrix_svg(matrix: Matrix, name: str) -> str:
    """Return the picture of who may reach whom by the rules of the file *name*: an SVG document."""
    return _Drawing(page(matrix), name).document()


class _Drawing:
    """Puts panels next to one another, and below where there is no room."""

    def __init__(self, found: Page, name: str) -> None:
        self.page = found
        self.name = clean(name)
        self.parts: list[str] = []

    def document(self) -> str:
        """Return the whole document."""
        sizes = [_measured(panel) for panel in self.page.panels]
        self._head()
        wide, y = self._panels(sizes, 128)
        y = self._notes(wide, y)
        title = f"{self.name}: who may reach whom"
        around = f"{wide + 2 * _MARGIN:.0f}", f"{y + _MARGIN:.0f}"
        return "\n".join(
            [
                f'<svg {_NAMESPACE} width="{around[0]}" height="{around[1]}" viewBox="0 0 {around[0]} {around[1]}"',
                '  role="img" aria-labelledby="title">',
                f'<title id="title">{escape(title)}</title>',
                f"<desc>{escape(self.page.subject)}</desc>",
                f"<style>{_STYLE}</style>",
                f'<rect class="page" width="{around[0]}" height="{around[1]}"/>',
                *self.parts,
                "</svg>",
                "",
            ]
        )

    def _head(self) -> None:
        self._text(_MARGIN, 42, f"Who may reach whom: {shortened(self.name, 70)}", "h1")
        self._text(_MARGIN, 64, self.page.subject, "faint")
        x = float(_MARGIN)
        for answer, meaning in _LEGEND:
            self._tile(x, 82, 100, Tile(answer, None, meaning))
            self._text(x + 108, 101, meaning, "faint")
            x += 108 + width(meaning) * 6.4 + 22

    def _panels(self, sizes: Sequence[_Sizes], top: float) -> tuple[float, float]:
        """Draw the panels row by row; return how wide the widest row is, and where the last one ends."""
        x, y, tall, wide = float(_MARGIN), top, 0.0, _NARROWEST
        for panel, size in zip(self.page.panels, sizes, strict=True):
            if x > _MARGIN and x + size.width > _MARGIN + _WIDEST:
                x, y, tall = float(_MARGIN), y + tall + _GAP, 0.0
            self._panel(panel, size, x, y)
            wide = max(wide, x + size.width - _MARGIN)
            x += size.width + _GAP
            tall = max(tall, size.height)
        return wide, y + tall

    def _panel(self, panel: Panel, size: _Sizes, x: float, y: float) -> None:
        self.parts.append(
            f'<rect class="card" x="{x:.1f}" y="{y:.1f}" width="{size.width:.1f}" height="{size.height:.1f}" rx="10"/>'
        )
        self._text(x + _PAD, y + 26, panel.title, "h2", fits=size.width - 2 * _PAD)
        top = y + 40
        self._text(x + _PAD, top + 18, panel.corner.replace(" \\ ", " ↓   ") + " →", "faint")
        at = x + _PAD + size.first
        for column, wide in zip(panel.columns, size.others, strict=True):
            self._text(at + wide / 2 - 3, top + 18, column, anchor="middle", fits=wide - 8)
            at += wide
        for number, (name, tiles) in enumerate(panel.rows):
            line = top + 28 + number * _ROW
            self._text(x + _PAD, line + 19, name, fits=size.first - 10)
            at = x + _PAD + size.first
            for tile, wide in zip(tiles, size.others, strict=True):
                self._tile(at, line, wide - 6, tile)
                at += wide

    def _tile(self, x: float, y: float, wide: float, tile: Tile) -> None:
        look = _LOOKS[tile.answer]
        self.parts.append(f'<g class="{look}"><title>{escape(clean(tile.says))}</title>')
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{_TILE}" rx="6"/>')
        word = "–" if look == "no" else tile.answer if tile.note is None else f"part {tile.note}"
        room = width(word) * _LETTER + 18
        start = x + (wide - room) / 2
        if look != "no":
            self.parts += _mark(look, start + 6, y + _TILE / 2)
        self._text(start + 18, y + 19, word)
        self.parts.append("</g>")

    def _notes(self, wide: float, y: float) -> float:
        lines = [
            (n == 0, number, text)
            for number, note in enumerate(self.page.notes, 1)
            for n, text in enumerate(wrap(clean(note), max(40, int((wide - 40) / 6.6))))
        ]
        if lines:
            y += 30
            self._text(_MARGIN, y, "Notes", "h2")
        for first, number, text in lines:
            y += _LINE
            if first:
                self._text(_MARGIN, y, f"{number}", "faint")
            self._text(_MARGIN + 26, y, text, "faint")
        for remark in self.page.remarks:
            y += _LINE + 8
            self._text(_MARGIN, y, remark, "faint")
        return y

    def _text(self, x: float, y: float, text: str, look: str = "", anchor: str = "", fits: float | None = None) -> None:
        """Write a line of text; what does not fit is cut, and told where the pointer stands."""
        whole = clean(text)
        shown = whole if fits is None else shortened(whole, max(4, int(fits / _LETTER)))
        attributes = (f' class="{look}"' if look else "") + (f' text-anchor="{anchor}"' if anchor else "")
        told = "" if shown == whole else f"<title>{escape(whole)}</title>"
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{told}{escape(shown)}</text>')


def _measured(panel: Panel) -> _Sizes:
    first = min(
        340.0, max(width(clean(text)) for text in (panel.corner, *(name for name, _ in panel.rows))) * _LETTER + 16
    )
    least = 98.0 if any(tile.answer == "depends" for _, tiles in panel.rows for tile in tiles) else 78.0
    others = tuple(min(210.0, max(least, width(clean(column)) * _LETTER + 14)) for column in panel.columns)
    inside = max(first + sum(others), min(420.0, width(clean(panel.title)) * (_LETTER + 0.8) + 4))
    return _Sizes(first, others, inside + 2 * _PAD, 40 + 28 + _ROW * len(panel.rows) + 10)


def _mark(look: str, x: float, y: float) -> Iterator[str]:
    """Yield the shape of an answer: a full circle, an empty one, a half one, one with a question mark."""
    ring = f'<circle class="mark ring" cx="{x:.1f}" cy="{y:.1f}" r="5" stroke-width="1.6"/>'
    match look:
        case "all":
            yield f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="5" stroke-width="1.6"/>'
        case "none":
            yield ring
        case "part":
            yield ring
            yield f'<path class="mark" stroke="none" d="M {x:.1f} {y - 5:.1f} a 5 5 0 0 0 0 10 z"/>'
        case "depends":
            yield f'<path class="mark" stroke-width="1.6" d="M {x:.1f} {y - 5:.1f} l 5 5 l -5 5 l -5 -5 z"/>'
