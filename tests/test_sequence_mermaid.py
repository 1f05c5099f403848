"""Sequences of packets as text for Mermaid."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings

from policy.report.sequence import Arrow, Heading, Lane, Leg, Pause, Picture, Stop, Tag, sequence
from policy.report.sequence_mermaid import escaped, sequence_mermaid
from policy.simulate import scenario as s
from tests.pictures import pictures
from tests.scenes import hairpin, names, played, refusals, web

GOLDEN = Path(__file__).parent / "golden" / "mermaid"
STORIES: dict[str, Callable[[], s.Scenario]] = {"web": web, "refusals": refusals, "names": names, "hairpin": hairpin}

LINE = re.compile(r"    (participant h\d as|Note over h\d(,h\d)?:|h\d(->>|-x|-->>|--x)h\d:) ?(?P<text>.*)")
"""What Mermaid reads (its own parser was asked about all that is special)."""

TEXT = re.compile(r'([^"#$%&;<>\\{}]|#\d+;|<br/>)*')


def mermaid(found: s.Scenario) -> list[str]:
    return sequence_mermaid(sequence(found, played(found))).splitlines()


@pytest.mark.parametrize("name", STORIES)
def test_golden(name: str) -> None:
    found = "\n".join(mermaid(STORIES[name]())) + "\n"
    golden = GOLDEN / f"play-{name}.mmd"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def test_what_stops_a_packet_ends_its_arrow() -> None:
    lines = mermaid(refusals())
    assert "    h0-xh1: 0 s: SYN :50003 → :23 (dropped: gate:default)" in lines
    assert "    h0--xh1: 1 s: 10 × SYN again, last at 67 s :50003 → :23 (dropped: gate:default)" in lines
    assert "    h1->>h2: SYN 192.0.2.1:50002 → :81 (nobody wants it)" in lines


def test_a_packet_turns_back_and_one_to_oneself() -> None:
    lines = mermaid(hairpin())
    assert "    h2->>h1: SYN 10.0.0.1:50007 → 10.0.0.3:80" in lines
    assert "    h0->>h0: 0 s: SYN :50008 → :80 (nobody wants it)" in lines
    assert "    Note over h1: 0 s: SYN (no way on)" in lines


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("a; b", "a#59; b"),
        ("#1", "#35;1"),
        ("100 %%", "100 #37;#37;"),
        ("<b>", "#60;b#62;"),
        ("wrap: listen", "wrap#58; listen"),
        ("gate:11", "gate:11"),
        ("$$x$$", "#36;#36;x#36;#36;"),
    ],
)
def test_what_is_special_is_escaped(text: str, becomes: str) -> None:
    assert escaped(text) == becomes


def unescaped(text: str) -> str:
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)


@given(pictures())
@settings(max_examples=60, deadline=None)
def test_whatever_is_said_is_text(picture: Picture) -> None:
    lines = sequence_mermaid(picture).splitlines()
    assert lines[0] == lines[2] == "---"
    assert json.loads(lines[1].removeprefix("title: ")) == picture.title
    assert lines[3] == "sequenceDiagram"
    texts = []
    for line in lines[4:]:
        found = LINE.fullmatch(line)
        assert found, line
        assert TEXT.fullmatch(found["text"]), line
        assert not found["text"].startswith(("wrap:", "nowrap:"))
        texts.append(unescaped(found["text"]))
    for item in picture.items:
        if isinstance(item, Tag):
            assert item.text in texts


def test_nothing_at_all() -> None:
    assert sequence_mermaid(Picture("", (), (Pause("1 s later"),), "1 step")).splitlines()[-1] == "sequenceDiagram"
    heading = Heading(1, "one", "refused", False, False, "so", ("expected `ok`",))
    arrow = Arrow("0 s", "SYN", (Stop(0), Stop(0, "one:3")), (Leg("", False),))
    alone = sequence_mermaid(Picture("", (Lane("one", ()),), (heading, arrow), "end"))
    assert alone.splitlines()[4:] == [
        "    participant h0 as one",
        "    Note over h0: 1. one: refused<br/>so<br/>not as expected: expected `ok`",
        "    h0->>h0: 0 s: SYN (one:3)",
        "    Note over h0: end",
    ]
