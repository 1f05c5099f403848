"""Traces on narrow terminals: no line is wider, and what decides is still there; elsewhere nothing is cut for them."""

from __future__ import annotations

import re

import pytest

from policy.app.answer import Asking
from policy.app.ask import ask
from policy.app.load import load
from policy.app.question import read_question
from policy.report.style import PLAIN, Style, width
from policy.report.trace_text import trace_text
from policy.source import read
from tests.command import ROOT

QUESTIONS = (
    ("docker/docker-28.v4", "tcp/8080 from 203.0.113.9 to 192.0.2.10 in eth0 at input"),
    ("docker/docker-27.v4", "tcp/80 from 203.0.113.5 to 192.0.2.10 in eth0 at forward"),
    ("libvirt/rules.v4", "tcp/22 from 203.0.113.9 to 192.168.122.10 in eth0 out virbr0 at forward"),
)


ROW = re.compile(r" +(\d+) ([→? ])  .*?  +(\S(?: ?\S)*)")
"""Where a rule stands, whether it matches, and why."""


def traces(file: str, question: str, style: Style) -> list[list[str]]:
    """Return the lines of each trace of an answer."""
    rules = load(read(str(ROOT / "rules" / file)))
    answer = ask(rules, read_question(question, rules), Asking(single=True))
    packets = [(region, each) for hook in answer.hooks for region in hook.regions for each in region.packets]
    return [trace_text(each, region.ruleset, style) for region, each in packets]


@pytest.mark.parametrize("columns", [120, 80, 60, 40])
@pytest.mark.parametrize(("file", "question"), QUESTIONS)
def test_a_trace_fits_and_says_where_and_why(file: str, question: str, columns: int) -> None:
    whole, fitted = traces(file, question, PLAIN), traces(file, question, Style(columns=columns))
    assert len(whole) == len(fitted) > 0
    for lines, narrow in zip(whole, fitted, strict=True):
        assert max(map(width, narrow)) <= columns
        rows = [found.groups() for line in lines if (found := ROW.fullmatch(line))]
        assert len(rows) > 5
        text, at = "".join("\n".join(narrow).split(" ")), 0
        for number, mark, reason in rows:
            for word in (f"\n{number}{mark.strip()}", *reason.split()):
                pieces = [re.escape(piece) for piece in re.split(r"(?<=-)", word)]
                found = re.compile(r"\n?".join(pieces)).search(f"\n{text}", at)
                assert found is not None, (number, reason)
                at = found.start()


@pytest.mark.parametrize(("file", "question"), QUESTIONS)
def test_nobody_counts_the_columns_of_a_file(file: str, question: str) -> None:
    assert traces(file, question, PLAIN) == traces(file, question, Style(columns=1000))
