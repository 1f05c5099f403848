"""JUnit XML: it has the structure that Jenkins and GitLab read, counts right, and whatever is in it stays XML."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

import pytest

from policy.app.linted import Linted
from policy.diagnostic import Diagnostic, Severity
from policy.report.junit import junit
from policy.source import Source, Span
from tests.command import run
from tests.sample_checks import SAMPLES, samples  # noqa: F401 (a fixture)

MAY_HAVE: dict[str, tuple[set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, {"name", "tests", "failures", "errors", "skipped"}),
    "testsuite": ({"testcase"}, {"name", "tests", "failures", "errors", "skipped"}),
    "testcase": ({"skipped", "error", "failure", "system-out"}, {"name", "classname", "file"}),
    "failure": (set(), {"type", "message"}),
    "error": (set(), {"type", "message"}),
    "skipped": (set(), {"message"}),
    "system-out": (set(), set()),
}
"""What may be in an element, and which attributes it may have: the part of `junit-10.xsd` of Jenkins that we use."""


def hold(element: Element) -> None:
    children, attributes = MAY_HAVE[element.tag]
    assert element.attrib.keys() <= attributes
    assert len(element) == 0 or not (element.text or "").strip()
    if element.tag == "testcase":
        assert element.attrib.keys() >= {"name", "classname"}
        assert [child.tag for child in element] == list(dict.fromkeys(child.tag for child in element))
    if element.tag.startswith("testsuite"):
        cases = element.findall(".//testcase")
        assert int(element.attrib["tests"]) == len(cases)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.attrib[name]) == sum(case.find(tag) is not None for case in cases)
        names = [(case.attrib["classname"], case.attrib["name"]) for case in cases]
        assert len(set(names)) == len(names)
    for child in element:
        assert child.tag in children
        hold(child)


def suites(*arguments: str) -> dict[str, Element]:
    done = run("lint", *arguments, "--format", "junit")
    top = ET.fromstring(done.out)  # noqa: S314 (we wrote it)
    hold(top)
    return {suite.attrib["name"]: suite for suite in top}


def ends(suite: Element) -> dict[str, str]:
    """Return how each case ends, by its name."""
    return {case.attrib["name"]: "".join(child.tag for child in case) for case in suite}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: None) -> Path:  # noqa: ARG001, F811 (a fixture)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.fw").write_text("policy p {\n    allow tcp/22\n    block tcp/23\n}\n", encoding="utf-8")
    (tmp_path / "bad.fw").write_text("policy p {\n    allow tcp/70000\n}\n", encoding="utf-8")
    return tmp_path


def test_a_suite_for_each_file_a_case_for_each_check(folder: Path) -> None:
    found = suites(".", str(folder), "--select", "FW901,FW902,FW911")
    assert list(found) == ["bad.fw", "x.fw"]
    assert ends(found["bad.fw"]) == {"the file can be read": "error"}
    seen = ends(found["x.fw"])
    assert seen["the file can be read"] == ""
    assert seen["FW901 every-rule"] == "failure"
    failure = found["x.fw"].find("testcase/failure")
    assert failure is not None
    assert failure.attrib == {"type": "warning", "message": "line 2: this is a rule (and 1 more)"}
    assert (failure.text or "").count("this is a rule") == 2


def test_what_fails_is_what_fails_the_command() -> None:
    for fail_on, expected in (("never", "system-out"), ("error", "system-out"), ("warning", "failure")):
        (suite,) = suites("x.fw", "--select", "FW901", "--fail-on", fail_on).values()
        assert ends(suite)["FW901 every-rule"] == expected


def test_checks_that_a_file_does_not_have_are_not_there(folder: Path) -> None:
    (folder / "fwpolicy.toml").write_text('[[per-file]]\nfiles = ["x.fw"]\nignore = ["FW902"]\n', encoding="utf-8")
    (folder / "y.fw").write_text("policy p {\n    allow tcp/22\n}\n", encoding="utf-8")
    found = suites("x.fw", "y.fw")
    assert not any("FW902" in name for name in ends(found["x.fw"]))
    assert any("FW902" in name for name in ends(found["y.fw"]))


@pytest.mark.parametrize("text", ["<&>\"']]>", "\x00\x1b[31m\x7f", "\ud800\ufffe\uffff", "\u202e\u2028", "é\U0001f525"])
def test_whatever_is_said_it_is_xml(text: str) -> None:
    source = Source(f"{text}.fw", f"{text}\n{text}\n")
    finding = Diagnostic("FW901", text, Span(source, 0, 2 * len(text)), text, Severity.WARNING, name=text)
    linted = Linted(SAMPLES, [finding], [finding], files=Counter([source.name]), checked={source.name: SAMPLES})
    top = ET.fromstring(junit(linted, lambda _: True).encode())  # noqa: S314 (we wrote it)
    hold(top)
    failure = top.find(".//failure")
    assert failure is not None
    assert failure.attrib["message"].startswith("line 1: ")
