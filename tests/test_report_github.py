"""Workflow commands: what is written means what was said, whatever is in it."""

from __future__ import annotations

import re

import pytest

from policy.app.linted import Linted
from policy.diagnostic import Diagnostic, Severity
from policy.report.github import github_lines
from policy.source import Source, Span
from tests.sample_checks import SAMPLES

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def command(finding: Diagnostic) -> tuple[str, dict[str, str], str]:
    """Return what GitHub's runner reads in the line: the command, its properties, the message."""
    (line,) = github_lines(Linted(SAMPLES, findings=[finding]))
    assert "\n" not in line
    assert "\r" not in line
    found = COMMAND.fullmatch(line)
    assert found
    properties = {}
    for each in found[2].split(","):
        name, _, value = each.partition("=")
        properties[name] = decoded(value)
    return found[1], properties, decoded(found[3])


def decoded(value: str) -> str:
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        value = value.replace(code, sign)
    return value


@pytest.mark.parametrize("name", ["x.fw", "a:b,c=d.fw", "100%25.fw", "::error::.fw", "a\nb.fw"])
def test_a_name_stays_what_it_is(name: str) -> None:
    finding = Diagnostic("FW901", "a message", Span(Source(name, "allow any\n"), 0, 9), name="every-rule")
    kind, properties, message = command(finding)
    assert (kind, message) == ("error", "a message")
    assert properties == {
        "file": name,
        "line": "1",
        "col": "1",
        "endLine": "1",
        "endColumn": "10",
        "title": "FW901 every-rule",
    }


@pytest.mark.parametrize("message", ["100% of `a::b`, and c", "%0A", "`::set-output name=x::y`"])
def test_a_message_stays_what_it_is(message: str) -> None:
    finding = Diagnostic("FW901", message, Span(Source("x", "y"), 0, 1), "so what", Severity.INFO)
    kind, _, said = command(finding)
    assert (kind, said) == ("notice", f"{message}\nhelp: so what")


def test_several_lines_have_no_columns() -> None:
    finding = Diagnostic("FW901", "a message", Span(Source("x", "abc\ndef\n"), 1, 6), severity=Severity.WARNING)
    kind, properties, _ = command(finding)
    assert kind == "warning"
    assert properties == {"file": "x", "line": "1", "endLine": "2", "title": "FW901 "}
