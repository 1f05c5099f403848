"""The schema and the page of lessons, files that are none, and what damage does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.app.scenario.yaml import read_yaml
from policy.diagnostic import Mistakes
from policy.learn.check import check_lesson
from policy.learn.keys import ANSWERED
from policy.learn.read import read_lesson
from policy.report.diagnostics_text import diagnostics_text
from policy.source import Source, Unreadable
from tests.command import ROOT, run
from tests.lessons import SMALL, made, make

SCHEMA = json.loads((ROOT / "schemas" / "lesson.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
PAGE = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

RULES = """\
host web = 198.51.100.80

policy web {
  default block
  allow tcp/22 from 192.0.2.0/24 to web
  block any to web
  allow tcp/443 to web
}
"""
SOLUTION = RULES.replace("  block any to web\n", "")
BESIDE = {
    "page.md": "# The first rule that matches\n",
    "start.fw": RULES,
    "solution.fw": SOLUTION,
    "wrong-order.fw": SOLUTION.replace("  allow", "  allow any to web\n  allow", 1),
    "play.scenario.yaml": """\
title: The first rule that matches
hosts:
  client:
    interfaces: {eth0: 198.51.100.10/24}
  server:
    interfaces: {eth0: 198.51.100.80/24}
    firewall: start.fw
links:
  net: [client/eth0, server/eth0]
steps:
  - connect: {from: client, to: server, port: tcp/443, within: 3s}
    expect: timed out
""",
}


def values(text: str) -> object:
    places, found = read_yaml(Source("x", text))
    assert not found.found
    return places.value


def test_the_example_of_the_page_is_right(tmp_path: Path) -> None:
    schema = EXAMPLE.splitlines()[0].partition("$schema=")[2]
    assert (ROOT / "docs" / schema).resolve() == ROOT / "schemas" / "lesson.schema.json"
    VALIDATOR.validate(values(EXAMPLE))
    proved, wrong = check_lesson(made(tmp_path, EXAMPLE, BESIDE))
    assert not wrong, diagnostics_text(wrong)
    assert (proved.questions, proved.facts, proved.steps, proved.promises, proved.wrong) == (3, 1, 1, 3, 1)


def test_the_mistake_of_the_page_is_said_so(tmp_path: Path) -> None:
    turned = RULES.replace("allow tcp/22", "block tcp/22")
    _, wrong = check_lesson(made(tmp_path, EXAMPLE, {**BESIDE, "start.fw": turned}))
    said = diagnostics_text(wrong).replace(str(tmp_path), "lessons/04-first-match")
    assert "".join(f"    {line}\n" for line in said.splitlines()) in PAGE


def test_the_schema_takes_what_is_right() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    VALIDATOR.validate(values(SMALL))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: First match", "titel: First match"),
        ("minutes: 5", "minutes: soon"),
        ("answer: 2", "answer: 6"),
        ("    rules: solution.fw\n", ""),
        ("verdict: block", "verdict: drop"),
        ("result: connected", "result: conected"),
        ('"65536"', "65536"),
        ("  solution: solution.fw\n", ""),
        ("- block: tcp/22 to 192.0.2.80\n      hint", "- hint"),
        ("- open: tcp", "- allow: tcp"),
    ],
)
def test_the_schema_refuses_what_is_wrong(old: str, new: str, tmp_path: Path) -> None:
    assert old in SMALL
    assert not VALIDATOR.is_valid(values(SMALL.replace(old, new, 1)))
    with pytest.raises(Mistakes):
        made(tmp_path, SMALL.replace(old, new, 1))


def test_every_proof_is_in_the_schema() -> None:
    questions = SCHEMA["properties"]["questions"]["items"]
    assert {each["required"][0] for each in questions["oneOf"]} == set(ANSWERED)


@pytest.mark.parametrize(
    ("data", "message"), [(b"title: \0", "has a NUL byte"), (b"title: \xff", "is not UTF-8")], ids=["NUL", "bytes"]
)
def test_files_that_are_none(data: bytes, message: str, tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "lesson.yaml").write_bytes(data)
    with pytest.raises(Unreadable, match=message):
        read_lesson(str(tmp_path))


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "nowhere/start.fw", "."])
def test_names_of_no_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as caught:
        made(tmp_path, SMALL.replace("start: start.fw", f"start: {name}"))
    (found,) = caught.value.diagnostics
    assert found.code == "FW002"
    for option in ("--check", "--course"):
        done = run("learn", option, str(tmp_path / name / "lessons"))
        assert (done.status, "no lessons" in done.err or "cannot be read" in done.err) == (2, True)


def test_without_a_lesson_nothing_of_them_is_imported() -> None:
    code = "import sys, policy.cli; assert not {'yaml', 'policy.learn'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


TOKENS = st.sampled_from(
    [
        *"\t\n :-,[]{}&*!|>'\"%@`#?0\x01\x85\u2028\ud7ff",
        *("\n  ", ": ", "- ", "no", "010", "22:22", "<<: ", "---\n", "null", "~", "-1", "&a ", "*a", "x" * 300),
        *("fact: x", "rules: x", "step: 9", "answer: 9", "../", "start.fw", "lesson.yaml", "allow: ", "open: ", "any"),
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_gives_no_traceback(tmp_path: Path, data: st.DataObject) -> None:
    text = SMALL
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 12))
        text = text[:start] + data.draw(TOKENS) + text[end:]
    try:
        lesson = made(tmp_path, text)
    except Mistakes as mistakes:
        for each in mistakes.diagnostics:
            assert 0 <= each.span.start <= each.span.end <= len(each.span.source.text)
            assert "\n" not in each.message
        return
    for each in check_lesson(lesson)[1]:
        assert 0 <= each.span.start <= each.span.end <= len(each.span.source.text)
        assert "\n" not in each.message
