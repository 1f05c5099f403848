"""What each misconception says of a packet: `tests/cases/quiz`.

A chunk is a file of rules. `#? QUESTION => ANSWER` is a question and what is right, and each
`#:   MISCONCEPTION: ANSWER` behind it a wrong answer and what leads to it: all that there are.
"""

import re
from pathlib import Path

import pytest

from policy.app.ask import ask
from policy.app.load import load
from policy.app.question import read_question
from policy.ir import Ruleset
from policy.learn.choices import Readings
from policy.learn.misread import misreadings
from policy.learn.outcome import Outcomes
from policy.report.quiz_words import outcome_text
from policy.source import Source

CASES = Path(__file__).parent / "cases" / "quiz"


def chunks() -> list[tuple[str, str]]:
    found = []
    for path in sorted(CASES.glob("*.case")):
        for number, text in enumerate(re.split(r"^---\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE), 1):
            found.append((f"{path.stem}-{number}", text))
    return found


def said(ruleset: Ruleset, text: str) -> list[str]:
    """A question with its answers, as a case writes them."""
    ((region,),) = (hook.regions for hook in ask(ruleset, read_question(text, ruleset)).hooks)
    right = Outcomes(ruleset).of_decision(region.deciding.decision, region.deciding.role)
    assert right is not None
    wrong = Readings(ruleset, misreadings(ruleset).items()).wrong(region, right)
    lines = [f"#:   {each.misconception}: {outcome_text(each.outcome, ruleset)}" for each in wrong]
    return [f"#? {text} => {outcome_text(right, ruleset)}", *sorted(lines)]


@pytest.mark.parametrize(("name", "text"), chunks(), ids=[name for name, _ in chunks()])
def test_case(name: str, text: str) -> None:
    ruleset = load(Source("rules", text))
    questions = re.findall(r"^#\? .*\n(?:#:   .*\n?)*", text, flags=re.MULTILINE)
    assert questions, name
    for question in questions:
        head, *expected = question.splitlines()
        assert said(ruleset, head.removeprefix("#? ").partition(" => ")[0]) == [head, *sorted(expected)]
