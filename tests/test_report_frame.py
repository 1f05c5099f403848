"""The frame around a place in a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.diagnostic import Diagnostic, Related, Severity
from policy.report.diagnostics_json import diagnostic_json
from policy.report.diagnostics_text import diagnostic_text, diagnostics_text, problem_text
from policy.report.frame import LONGEST, frame, place
from policy.report.style import Style, clean, shortened, width
from policy.source import Source, Span


def span(text: str, marked: str) -> Span:
    start = text.index(marked)
    return Span(Source("f.fw", text), start, start + len(marked))


def test_the_mark_stands_under_what_is_meant() -> None:
    assert frame(span("one\nallow tcp/70000 from any\n", "70000")) == [
        "  |",
        "2 | allow tcp/70000 from any",
        "  |           ^^^^^",
    ]


@pytest.mark.parametrize(
    ("line", "shown", "underline"),
    [
        ("\tallow x", "    allow x", "          ^"),
        ("ab\tx", "ab  x", "    ^"),
        ("例え x", "例え x", "     ^"),
        ("e\u0301 x", "e\u0301 x", "  ^"),
        ("\x1b[31m x", "␛[31m x", "      ^"),
        ("\u202eab x", "\ufffdab x", "    ^"),
    ],
)
def test_tabs_wide_and_combining_characters_keep_the_mark_in_place(line: str, shown: str, underline: str) -> None:
    _, text, mark = frame(span(line, "x"))
    assert text == f"1 | {shown}"
    assert mark == f"  | {underline}"


def test_what_is_marked_may_be_wide() -> None:
    assert frame(span("to 例え", "例え"))[2] == "  |    ^^^^"


def test_a_span_without_characters_has_one_mark() -> None:
    source = Source("f.fw", "allow\n")
    assert frame(Span(source, 5, 5))[2] == "  |      ^"
    assert frame(Span(source, 6, 6)) == ["  |", "2 |", "  | ^"]


def test_a_file_without_text_has_no_frame() -> None:
    assert frame(Span(Source("f.fw", ""), 0, 0)) == []


def test_of_several_lines_the_first_and_the_last_are_shown() -> None:
    text = "policy p {\n    allow a\n    allow b\n  } x"
    assert frame(span(text, text[:-2])) == [
        "  |",
        "1 | policy p {",
        "  | ^^^^^^^^^^",
        "  …",
        "4 |   } x",
        "  |   ^",
    ]
    assert frame(span("ab\ncd\n", "b\ncd\n"))[1:] == ["1 | ab", "  |  ^", "2 | cd", "  | ^^"]


@pytest.mark.parametrize("at", [0, 100, 5000, 9990])
def test_a_long_line_is_cut_around_the_mark(at: int) -> None:
    text = "." * at + "MARKED" + "." * (10_000 - at)
    _, line, mark = frame(span(text, "MARKED"))
    assert len(line) <= LONGEST + 10
    start = mark.index("^")
    assert line[start : start + 6] == "MARKED"
    assert mark.count("^") == 6


@given(st.text(max_size=400), st.data())
def test_every_place_of_every_text_can_be_shown(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    lines = frame(Span(Source("f.fw", text), start, end))
    assert all(line.isprintable() for line in lines)
    assert bool(text) is any("^" in line for line in lines)


@given(st.text(max_size=200), st.integers(10, 60), st.integers(0, 8))
def test_a_shortened_text_fits(text: str, most: int, tail: int) -> None:
    assert width(shortened(text, most, tail)) <= max(most, 2 * tail + 2)
    assert clean(text).isprintable()


def mistake() -> Diagnostic:
    text = "host db = 10.0.0.1\nhost db = 10.0.0.2\n"
    source = Source("f.fw", text)
    first, second = Span(source, 5, 7), Span(source, 24, 26)
    related = (Related(first, "the first one"),)
    return Diagnostic("FW703", "there is a `db` already", second, "rename it", Severity.WARNING, related)


def test_a_diagnostic_begins_with_its_place() -> None:
    assert diagnostic_text(mistake()).splitlines() == [
        "f.fw:2:6: warning[FW703]: there is a `db` already",
        "  |",
        "2 | host db = 10.0.0.2",
        "  |      ^^",
        "  = note: f.fw:1:6: the first one",
        "  |",
        "1 | host db = 10.0.0.1",
        "  |      ^^",
        "  = help: rename it",
    ]


def test_a_message_steers_no_terminal() -> None:
    escape = "\x1b[31m\u202e"
    place = Span(Source("rules.fw", escape), 0, 1)
    said = Diagnostic("FW001", f"`{escape}` is wrong", place, f"not {escape}", related=(Related(place, escape),))
    for text in (diagnostics_text([said]), problem_text(escape, escape)):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_a_diagnostic_in_json_has_every_key() -> None:
    assert diagnostic_json(mistake()) == {
        "code": "FW703",
        "name": "duplicate-definition",
        "severity": "warning",
        "message": "there is a `db` already",
        "file": "f.fw",
        "line": 2,
        "column": 6,
        "end_line": 2,
        "end_column": 8,
        "region": None,
        "related": [{"file": "f.fw", "line": 1, "text": "db", "message": "the first one"}],
        "example": None,
        "help": "rename it",
        "fix": None,
    }


def test_only_so_many_diagnostics_are_shown() -> None:
    text = diagnostics_text([mistake()] * 23)
    assert text.count("f.fw:2:6: ") == 20
    assert text.endswith("\n… and 3 more")


def test_colour_is_there_only_when_it_is_wanted() -> None:
    assert "\x1b[" in diagnostic_text(mistake(), Style(color=True))
    assert "\x1b[" not in diagnostic_text(mistake())
    assert place(mistake().span) == "f.fw:2:6"


def test_what_a_source_says_for_a_place_is_shown_instead_of_the_text() -> None:
    source = Source("x.json", '[\n{"a": 1}, {"b": 2}]')
    source.said[2, 10] = lambda: "a is 1"
    assert frame(Span(source, 2, 10)) == ["  |", "2 | a is 1", "  | ^^^^^^"]
    assert frame(Span(source, 12, 20)) == ["  |", '2 | {"a": 1}, {"b": 2}]', "  |           ^^^^^^^^"]
