"""Questions and their answers, in case files of the real languages.

A file of `tests/cases/ask` has chunks that are separated by `---`. A chunk is a file of rules; its
comments that begin with `#?` are questions with the expected answer:

    #? tcp/22 from 10.1.1.1 to db => allow line 3
    #? udp/53 from 10.1.1.1 to db => block at reply
    #? --packet tcp/22 from 10.1.1.1 to db => error families

`line N`: the line of the chunk that decides; `implicit state|default|routing`; `at ROLE`: the packet that
decides; `on KEY`: an unknown that the verdict hangs on; `error TEXT`: no answer, for a reason with TEXT.
A question with several regions may be followed by all of them, in the order of the answer:

    #? tcp/{22,23} from 10.1.1.1 to db => mixed
    #:   allow tcp/22 from 10.1.1.1 to db: line 3
    #:   block tcp/23 from 10.1.1.1 to db: implicit default at reply

`to ADDRESS:PORT` and `by INTERFACE`: where the first packet leaves to, as it was rewritten.

`#! local ADDRESS` and `#! assume KEY=yes` hold for the questions that follow in the chunk.
"""

import re
from itertools import takewhile
from pathlib import Path

import pytest

from policy.app.answer import Answer, Asking, Region
from policy.app.ask import ask
from policy.app.load import load
from policy.app.problem import CannotAnswer
from policy.app.question import read_question
from policy.diagnostic import Mistakes
from policy.evaluate import is_implied
from policy.host import UNKNOWN_HOST, Host, own
from policy.ir import Unknown, UnknownAction
from policy.packet.text import value_text
from policy.report.regions_text import region_words
from policy.source import Source

CASES = Path(__file__).parent / "cases" / "ask"


def chunks() -> list[tuple[str, str]]:
    found = []
    for path in sorted(CASES.glob("*.case")):
        for number, text in enumerate(re.split(r"^---\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE), 1):
            found.append((f"{path.stem}-{number}", text))
    return found


def describe(answer: Answer) -> set[str]:
    """Every word of an answer that a case may expect."""
    return {answer.verdict}.union(*(decided(hook.shown) for hook in answer.hooks))


def decided(region: Region) -> list[str]:
    """What decides a region, in the words of a case."""
    decision = region.deciding.decision
    implied = is_implied(decision, region.ruleset)
    words = [f"line {decision.rule.span.line}"] if decision.rule is not None and not implied else []
    words += ["implicit routing"] if implied else []
    words += [f"implicit {decision.implicit}"] if decision.implicit is not None else []
    words += [f"on {atom.key}" for atom in decision.open if isinstance(atom, Unknown | UnknownAction)]
    for final in region.packets[0].decision.finals:
        values = final.packet.values
        if "dst" in final.rewritten:
            port = f":{value_text('dport', values['dport'])}" if "dport" in values else ""
            words.append(f"to {value_text('dst', values['dst'])}{port}")
        if "out" in final.rewritten and "out" in values:
            words.append(f"by {value_text('out', values['out'])}")
    return [*words, f"at {region.deciding.role}"]


def region_text(region: Region) -> str:
    return f"{region.verdict} {region_words(region)}: {' '.join(decided(region))}".removesuffix(" at first")


@pytest.mark.parametrize(("name", "text"), chunks(), ids=[name for name, _ in chunks()])
def test_case(name: str, text: str) -> None:
    host, assume, asked = UNKNOWN_HOST, {}, 0
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("#! local "):
            host |= own(line.removeprefix("#! local ").strip())
        elif line.startswith("#! assume "):
            key, _, answer = line.removeprefix("#! assume ").strip().partition("=")
            assume[key] = answer == "yes"
        elif line.startswith("#?"):
            asked += 1
            question, _, wanted = line.removeprefix("#?").partition("=>")
            asking = Asking("--packet" in question, host, assume)
            regions = [each.removeprefix("#:").strip() for each in takewhile(is_region, lines[number + 1 :])]
            check(text, question.replace("--packet", "").strip(), (host, asking), wanted.strip(), regions)
    assert asked, f"{name} asks nothing"


def is_region(line: str) -> bool:
    return line.startswith("#:")


def check(text: str, question: str, how: tuple[Host, Asking], wanted: str, regions: list[str]) -> None:
    host, asking = how
    try:
        ruleset = load(Source("rules", text), host=host)
        answer = ask(ruleset, read_question(question, ruleset), asking)
    except (CannotAnswer, Mistakes) as error:
        said = str(error) if isinstance(error, CannotAnswer) else "; ".join(d.message for d in error.diagnostics)
        assert wanted.startswith("error "), f"{question}: {said}"
        assert wanted.removeprefix("error ") in said, question
        return
    verdict, *expected = re.split(r" (?=line |implicit |at |on |to |by )", wanted)
    assert {verdict, *expected} <= describe(answer), f"{question}: {describe(answer)}"
    if regions:
        assert [region_text(region) for hook in answer.hooks for region in hook.regions] == regions, question
