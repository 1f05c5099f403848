"""Where keys and values of a configuration stand: `tomllib` reads at each place what it read there in the whole."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.app.config.places import Path
from policy.app.config.toml import read_toml
from policy.diagnostic import Mistakes
from policy.source import Source

NASTY = [
    "",
    "# nothing",
    "a=1",
    "a = 1 # one\n\n",
    'a = "#" # b = 2\n"b.c".\'d"\'."" = [1, 2 , [3, "]", { x = "}", y.z = 1 }], ] # c\n',
    'a = """\n"quoted" \\""" ] = 1\n"""""\nb = \'\'\'\nx = 1\'\'\'\'\'\n',
    "a = \"\"\"\"\"\"\nb = ''''''\nc = \"\"\nd = ''\n",
    "a = [\n  1, # one ]\n  2,\n]\r\nb = 1979-05-27 07:32:00 # a date\r\nc = 07:32:00\n",
    "a = {}\nb = []\nc = [[]]\nd = [{}]\n",
    '[x.y]\na = 1\n[x]\nb = 2\n[ z . "\\u00e9" ]\nc = 3\n',
    "[[a]]\nx = 1\n[[a.b]]\ny = 1\n[[a.b]]\ny = 2\n[a.b.c]\nz = 1\n[[a]]\nx = 2\n[[a.b]]\ny = 3\n[[ 'a' . b ]]\n",
    "a.b.c = 1\na.b.d = 2\n[t]\nu.v = inf\nu.w = 0x1\n",
    '"\u00e9" = 1\nf = "\U0001f525" # \U0001f525\n',
]


def leaves(value: Any, path: Path = ()) -> dict[Path, Any]:
    """Return all that is no table, by the way to it; of arrays their items, too."""
    found: dict[Path, Any] = {}
    if isinstance(value, dict):
        for key, below in value.items():
            found |= leaves(below, (*path, key))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            found |= leaves(below, (*path, number))
    else:
        found[path] = value
    return found


def hold(text: str) -> None:
    toml = read_toml(Source("x.toml", text))
    assert toml.value == tomllib.loads(text)
    wanted = leaves(toml.value)
    assert wanted.keys() <= toml.values.keys()
    for path, value in wanted.items():
        there = tomllib.loads(f"key = {toml.values[path].text}")["key"]
        assert (type(there), repr(there)) == (type(value), repr(value))
    for path, span in toml.keys.items():
        assert tomllib.loads(f"{span.text} = 1") == {path[-1]: 1}
        below: Any = toml.value
        for key in path:
            below = below[key]
    for path in wanted:
        assert {path[:end] for end in range(1, len(path) + 1) if isinstance(path[end - 1], str)} <= toml.keys.keys()


@pytest.mark.parametrize("text", NASTY)
def test_everything_is_where_it_is_said_to_be(text: str) -> None:
    hold(text)


SCALARS = st.one_of(
    st.booleans().map(lambda value: str(value).lower()),
    st.integers(-9, 9).map(str),
    st.sampled_from(["1e3", "inf", "1979-05-27", "1979-05-27 07:32:00Z", "07:32:00", "''", "'''\n\\ ''x'''", "'#]}'"]),
    st.text("ab\"'\\#[]{},=\n\u00e9\U0001f525", max_size=6)
    .map(json.dumps)
    .map(lambda text: text.replace("\\ud83d\\udd25", "\U0001f525")),
    st.text('ab"#[]{},=\n', max_size=6).map(lambda text: '"""\n' + text.replace('"', '\\"') + '"""'),
)
KEYS = st.sampled_from(["a", "b", "c-d", "1", '"e f"', "'g.h'", '""', '"\\u00e9"', "i . j", 'k."l"'])
SPACES = st.sampled_from(["", " ", "\t "])
BREAKS = st.sampled_from(["", " ", "\n", " # ] }\n", "\n\n\t"])


@st.composite
def values(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.integers(0, 2 if depth else 0))
    if kind == 1:
        items = [draw(values(depth - 1)) for _ in range(draw(st.integers(0, 3)))]
        between = f"{draw(BREAKS)},{draw(BREAKS)}"
        end = draw(st.sampled_from(["", ","])) if items else ""
        return f"[{draw(BREAKS)}{between.join(items)}{draw(BREAKS)}{end}]"
    if kind == 2:
        pairs = [f"{draw(KEYS)} = {draw(values(depth - 1))}" for _ in range(draw(st.integers(0, 2)))]
        return f"{{{draw(SPACES)}{', '.join(pairs)}{draw(SPACES)}}}"
    return draw(SCALARS)


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines = []
    for _ in range(draw(st.integers(0, 7))):
        key = draw(KEYS)
        space = draw(SPACES)
        match draw(st.integers(0, 4)):
            case 0:
                lines.append(f"{space}[{space}{key}{space}]{space}")
            case 1:
                lines.append(f"[[{space}{key}{space}]] # x")
            case 2:
                lines.append(draw(st.sampled_from(["", "# [x]", "  "])))
            case _:
                lines.append(f"{space}{key}{space}={space}{draw(values())}{space}")
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


@given(documents())
def test_of_any_document(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    hold(text)


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("a = 1\nb = = 2\n", "this is no TOML: invalid value", (2, 5)),
        ("a = 1\na = 2\n", "this is no TOML: cannot overwrite a value", (2, 6)),
        ('a = "x', "this is no TOML: ", (1, 7)),
        ("a = " + "[" * 5000, "the file is nested too deeply", (1, 1)),
        ("a = " + "9" * 5000, "a number has too many digits", (1, 1)),
        ("\ufeffa = = 2", "this is no TOML: invalid value", (1, 6)),
    ],
)
def test_what_is_no_toml(text: str, said: str, place: tuple[int, int]) -> None:
    with pytest.raises(Mistakes) as raised:
        read_toml(Source("x.toml", text))
    (found,) = raised.value.diagnostics
    assert found.message.startswith(said)
    assert (found.span.line, found.span.column) == place


def test_a_byte_order_mark_is_passed_over() -> None:
    toml = read_toml(Source("x.toml", "\ufeffa = 1"))
    assert toml.value == {"a": 1}
    assert toml.keys[("a",)].column == 2
