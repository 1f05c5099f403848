"""Files that are no scenarios, the schema and the page of scenarios, and what damage does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.app.scenario import load_scenario
from policy.app.scenario.keys import VERBS
from policy.app.scenario.yaml import LARGEST, read_yaml
from policy.diagnostic import Diagnostic, Mistakes
from policy.source import Source, Unreadable
from tests.command import ROOT
from tests.scenarios import RIGHT, SMALL, mistakes, only, read

SCHEMA = json.loads((ROOT / "schemas" / "scenario.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
PAGE = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


# Files


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"title: \0", "has a NUL byte"),
        (b"title: \xff", "is not UTF-8"),
        (b"#" * (LARGEST + 1), "is larger than 16 MiB"),
    ],
    ids=["NUL", "bytes", "large"],
)
def test_files_that_are_none(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(Unreadable, match=message):
        load_scenario(str(tmp_path / "x"))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="no such file"):
        load_scenario(str(tmp_path / "x"))
    with pytest.raises(Unreadable, match="is a directory"):
        load_scenario(str(tmp_path))


def test_several_documents() -> None:
    assert "is one document" in only(f"---\n{SMALL}---\ntitle: x\n").message
    assert read(f"---\n{SMALL}...\n").title == "Small"
    assert "no directives" in only(f"%YAML 1.1\n---\n{SMALL}").message


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_endings_and_marks(ending: str) -> None:
    text = "\ufeff" + SMALL.replace("\n", ending)
    assert read(text).title == "Small"
    found = only(text.replace("to: server", "to: servr"))
    assert (found.span.line, found.span.column, found.span.text) == (12, 33, "servr")


@pytest.mark.parametrize("text", ["[" * 5000, "a: " + "{b: " * 5000, "- " * 5000 + "x", "? " * 5000])
def test_too_deep(text: str) -> None:
    assert any("stand in each other" in each.message or "no YAML" in each.message for each in mistakes(text))


def test_a_billion_laughs() -> None:
    lines = ["a0: &a0 lol"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    found = mistakes("\n".join(lines))
    assert {each.message.partition("`")[2][0] for each in found if "key" not in each.message} >= {"&", "*"}


def test_without_a_scenario_no_yaml_is_read() -> None:
    code = "import sys, policy.cli; assert not {'yaml', 'policy.app.scenario'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


# The schema and the page


def values(text: str) -> object:
    places, found = read_yaml(Source("x", text))
    assert not found.found
    return places.value


def test_the_example_of_the_page_is_right() -> None:
    schema = EXAMPLE.splitlines()[0].partition("$schema=")[2]
    assert (ROOT / "docs" / schema).resolve() == ROOT / "schemas" / "scenario.schema.json"
    scenario = read(EXAMPLE)
    assert len(scenario.steps) == 11
    VALIDATOR.validate(values(EXAMPLE))


def test_the_schema_takes_what_is_right() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    for text in (SMALL, RIGHT):
        VALIDATOR.validate(values(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: Small", "titel: Small"),
        ("to: server, ", ""),
        ("port: tcp/443", "port: 443"),
        ("expect: connected", "expect: conected"),
        ("expect: connected", "wait: 5"),
        ("[client/eth0, server/eth0]", "client/eth0"),
        ("  - connect: {from: client, to: server, port: tcp/443, as: shop}\n    expect", "  - expect"),
    ],
)
def test_the_schema_refuses_what_is_wrong(old: str, new: str) -> None:
    assert not VALIDATOR.is_valid(values(SMALL.replace(old, new, 1)))
    assert mistakes(SMALL.replace(old, new, 1))


def test_every_deed_is_in_the_schema() -> None:
    steps = SCHEMA["properties"]["steps"]["items"]
    assert {each["required"][0] for each in steps["oneOf"]} == set(VERBS)


# Damage

TOKENS = st.sampled_from(
    [
        *"\t\n :-,[]{}&*!|>'\"%@`#?0\x01\x85\u2028\ud7ff",
        *("\n  ", ": ", "- ", "no", "010", "22:22", "<<: ", "---\n", "...\n", "text: |\n", "to: ", "x" * 300),
        *(".inf", "null", "~", "1e9", "-1", "!!binary ", "&a ", "*a", "none", "sender", "::", "/", "99999999999"),
        *("as: shop", "web/shop", "server", "tcp/0", "listen: ", "expect: ", "ip: 6", "firewall: "),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damage_gives_no_traceback(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([SMALL, EXAMPLE, RIGHT]))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 12))
        text = text[:start] + data.draw(TOKENS) + text[end:]
    found: list[Diagnostic] = []
    try:
        read(text)
    except Mistakes as caught:
        found = caught.diagnostics
    for each in found:
        assert 0 <= each.span.start <= each.span.end <= len(each.span.source.text)
        assert "\n" not in each.message
