"""Pictures of sequences of packets."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings

from policy.report.sequence import Arrow, Heading, Pause, Picture, Tag, sequence
from policy.report.sequence_layout import LETTERS
from policy.report.sequence_svg import sequence_svg
from policy.report.style import width
from policy.simulate import scenario as s
from tests.pictures import pictures
from tests.scenes import hairpin, names, played, refusals, web

GOLDEN = Path(__file__).parent / "golden" / "svg"
STORIES: dict[str, Callable[[], s.Scenario]] = {"web": web, "refusals": refusals, "names": names, "hairpin": hairpin}
SVG = "{http://www.w3.org/2000/svg}"

Box = tuple[float, float, float, float]


def root(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 (we wrote it)


def boxes(drawn: ET.Element) -> list[tuple[str, Box]]:
    """Return the texts with about where they are: left, top, right, bottom."""
    found = []
    for each in drawn.iter(f"{SVG}text"):
        look = each.get("class", "").split(" ")[0]
        letter = LETTERS.get("tag" if look == "tagged" else look, LETTERS[""])
        text = "".join(each.itertext())
        wide = width(text) * letter
        x, y = float(each.get("x", "")), float(each.get("y", ""))
        left = {"middle": x - wide / 2, "end": x - wide}.get(each.get("text-anchor", ""), x)
        found.append((text, (left, y - 10, left + wide, y + 2)))
    return found


def check(svg: str) -> list[str]:
    """Check that all texts are inside of a picture, and none meets another one; return the texts."""
    drawn = root(svg)
    right, bottom = map(float, drawn.get("viewBox", "").split(" ")[2:])
    found = boxes(drawn)
    for text, box in found:
        assert min(box) >= 0, text
        assert box[2] <= right + 0.1, text
        assert box[3] <= bottom, text
    for (one, a), (other, b) in combinations(found, 2):
        apart = a[2] <= b[0] + 0.1 or b[2] <= a[0] + 0.1 or a[3] <= b[1] or b[3] <= a[1]
        assert apart, f"{one!r} and {other!r} meet"
    return [text for text, _ in found]


@pytest.mark.parametrize("name", STORIES)
def test_golden(name: str) -> None:
    found = STORIES[name]()
    picture = sequence_svg(sequence(found, played(found)))
    check(picture)
    golden = GOLDEN / f"play-{name}.svg"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_text(picture, encoding="utf-8")
    assert picture == golden.read_text(encoding="utf-8")


def test_what_a_picture_of_refusals_shows() -> None:
    found = refusals()
    picture = sequence_svg(sequence(found, played(found)))
    texts = check(picture)
    for text in ("SYN", "dropped: gate:default", "rejected: gate:14", "10 × SYN again, last at 67 s", "64 s later"):
        assert text in texts
    drawn = root(picture)
    looks = [each.get("class") for each in drawn.iter()]
    assert looks.count("cross") == 4
    assert looks.count("wire again") == 1
    assert looks.count("tick") == 3
    assert looks.count("life quiet") == 3


def test_a_packet_that_turns_back_is_drawn_in_two_rows() -> None:
    found = hairpin()
    picture = sequence(found, played(found))
    drawn = root(sequence_svg(picture))
    rows = {each.get("y1") for each in drawn.iter(f"{SVG}line") if each.get("class") == "wire" and _level(each)}
    lanes = [[stop.lane for stop in item.stops] for item in picture.items if isinstance(item, Arrow)]
    assert [0, 2, 1] in lanes
    assert len(rows) == sum(len(path) - 1 for path in lanes if len(set(path)) > 1)


def _level(line: ET.Element) -> bool:
    return line.get("y1") == line.get("y2") and abs(float(line.get("x1", "")) - float(line.get("x2", ""))) > 20


def test_a_picture_stands_alone_and_is_escaped() -> None:
    found = replace(web(), title="<script>alert('&')</script>")
    picture = sequence_svg(sequence(found, played(found)))
    drawn = root(picture)
    assert drawn.findtext(f"{SVG}title") == "<script>alert('&')</script>"
    assert drawn.find(f".//{SVG}script") is None
    assert not any("href" in name for each in drawn.iter() for name in each.attrib)
    assert "url(" not in picture


def test_every_class_has_a_look_in_the_dark() -> None:
    """What has a colour in light has one in dark."""
    picture = sequence_svg(Picture("", (), (), ""))
    light, _, dark = picture.partition("@media")
    for name in (".page", ".card", ".host", ".life", ".wire", ".head", ".tag", ".passed", ".arrived", ".rule"):
        assert f"{name} {{" in light.replace(",", " {")
        assert f"{name} {{" in dark.replace(",", " {")
    for name in (".faint", ".ends", ".rewritten", ".cross", ".stopped", ".good", ".bad", ".tick"):
        assert name in light
        assert name in dark


@given(pictures())
@settings(max_examples=60, deadline=None)
def test_whatever_is_said_stands_inside_and_apart(picture: Picture) -> None:
    texts = check(sequence_svg(picture))
    for item in picture.items:
        if isinstance(item, Tag) and item.text:
            assert item.text in texts


def test_nothing_at_all() -> None:
    assert check(sequence_svg(Picture("", (), (), "0 steps, and nothing was expected of them")))
    assert check(sequence_svg(Picture("Time alone", (), (Heading(1, "1 s pass", "", True, None, None, ()),), "1 step")))
    check(sequence_svg(Picture("Time alone", (), (Pause("1 s later"),), "1 step")))
