"""Quizzes: exactly one answer is right, for the evaluator and for sets; a seed gives the same questions."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from policy.app.ask import ask
from policy.app.load import load
from policy.app.problem import CannotAnswer
from policy.app.question import read_question
from policy.cli.options import Reading
from policy.cli.output import Output
from policy.cli.quizzing import quiz_command
from policy.diagnostic import Mistakes
from policy.ir import Ruleset
from policy.learn.outcome import Outcome, Outcomes
from policy.learn.quiz import Quiz, QuizQuestion, quiz
from policy.packet import Packet
from policy.reach import Flow
from policy.report.quiz_json import quiz_json
from policy.report.quiz_sheet import quiz_sheet
from policy.report.quiz_text import quiz_text
from policy.report.quiz_words import outcome_text
from policy.sets import BoxSpace, Exhausted, Space
from policy.source import Source
from tests import strategies

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).parent / "golden" / "quiz"


_few = settings(max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""A quiz is hundreds of questions to the engines, so few are made, and none is made smaller."""


def rules(name: str) -> Ruleset:
    return load(Source(name, (ROOT / "rules" / name).read_text(encoding="utf-8")))


def right_by_evaluator(ruleset: Ruleset, question: QuizQuestion) -> Outcome | None:
    """What `ask` says, from the words of the question alone."""
    (hook,) = ask(ruleset, read_question(question.text, ruleset)).hooks
    (region,) = hook.regions
    return Outcomes(ruleset).of_decision(region.deciding.decision, region.deciding.role)


def right_by_sets(ruleset: Ruleset, question: QuizQuestion) -> set[Outcome | None]:
    """What the packet that decides may come to, in a space of its own: of boxes, another engine, where they can."""
    answer = question.region.deciding
    hook = answer.packet.get("hook")
    return ends(ruleset, answer.packet, hook if isinstance(hook, int) else None, question.right)


def ends(ruleset: Ruleset, packet: Packet, hook: int | None, right: Outcome) -> set[Outcome | None]:
    spaces: tuple[type[Any], ...] = (BoxSpace, Space)
    for kind in spaces:
        try:
            space = kind([ruleset], [packet], hook)
            flow: Flow[Any, Any] = Flow(ruleset, space, space.of_box(packet))
        except Exhausted:  # lists of boxes have no masks of many ranges
            continue
        return {Outcomes(ruleset).of_end(end, right.role) for end, packets in flow.by_end.items() if packets}
    raise AssertionError("no engine knows")


def check(made: Quiz) -> None:
    for question in made.questions:
        outcomes = [choice.outcome for choice in question.choices]
        assert len({outcome_text(each, made.ruleset) for each in outcomes}) == len(outcomes) == 4
        right = right_by_evaluator(made.ruleset, question)
        assert right_by_sets(made.ruleset, question) == {right}
        assert [each == right for each in outcomes] == [n == question.answer for n in range(4)]
        assert question.choices[question.answer].misconception is None
    assert len({question.text for question in made.questions}) == len(made.questions)


def made_or_none(ruleset: Ruleset, count: int, seed: int) -> Quiz | None:
    try:
        return quiz(ruleset, count, seed)
    except CannotAnswer:
        return None


@_few
@given(strategies.rulesets(), st.integers(0, 9))
def test_one_answer_is_right_on_random_policies(ruleset: Ruleset, seed: int) -> None:
    made = made_or_none(ruleset, 4, seed)
    assume(made is not None and made.questions)
    assert made is not None
    check(made)


_ADDRESSES = st.sampled_from(("any", "10.1.0.0/16", "10.1.2.3", "2001:db8:1::/48", "192.0.2.0/24 except 192.0.2.9"))
_SERVICES = st.sampled_from(("any", "tcp/22", "tcp/{80,443}", "udp/53", "tcp", "ping", "icmp6"))
_RULES = st.builds(
    lambda action, service, source, destination: f"    {action} {service} from {source} to {destination}",
    st.sampled_from(("allow", "allow", "block", "reject")),
    _SERVICES,
    _ADDRESSES,
    _ADDRESSES,
)


def native(kind: str, default: str, lines: Sequence[str]) -> str:
    return "\n".join([f"policy p {kind}{{", f"    default {default}", *lines, "}"])


_KINDS = st.sampled_from(("", "at forward ", "stateless ", "at input, output stateless ", "last-match "))


@_few
@given(st.builds(native, _KINDS, st.sampled_from(("block", "allow", "reject")), st.lists(_RULES, max_size=5)))
def test_one_answer_is_right_on_random_files(text: str) -> None:
    try:
        ruleset = load(Source("rules", text), "native")
    except Mistakes:
        assume(False)
    made = quiz(ruleset, 4, 1)
    assert made.questions, "something is always decided where nothing is unknown"
    check(made)


_NFT_RULES = st.sampled_from(
    (
        "ct state established,related accept",
        "ct state vmap { established : accept, invalid : drop }",
        "ip saddr 10.0.0.0/8 tcp dport { 22, 443 } accept",
        "ip daddr 192.0.2.0/24 reject",
        "ip6 saddr 2001:db8::/32 udp dport 53 accept",
        "tcp dport 22 drop",
        "meta l4proto vmap { tcp : jump more, udp : goto more, icmp : accept }",
        "tcp flags syn limit rate 5/second accept",
        'iifname "eth0" return',
        "ip saddr != 10.1.2.3 mark set 7",
        "meta mark 7 reject with icmpx admin-prohibited",
        "jump more",
    )
)


def script(family: str, default: str, base: Sequence[str], more: Sequence[str]) -> str:
    chains = [("more", "", more), ("in", f"type filter hook input priority 0; policy {default};", base)]
    body = [f"chain {name} {{ {head}\n" + "\n".join(lines) + "\n}" for name, head, lines in chains]
    return f"table {family} t {{\n" + "\n".join(body) + "\n}\n"


_SCRIPTS = st.builds(
    script,
    st.sampled_from(("inet", "ip")),
    st.sampled_from(("accept", "drop")),
    st.lists(_NFT_RULES, max_size=5),
    st.lists(_NFT_RULES.filter(lambda rule: "more" not in rule), max_size=3),
)


@_few
@given(_SCRIPTS)
def test_one_answer_is_right_on_random_scripts(text: str) -> None:
    try:
        ruleset = load(Source("rules", text), "nftables")
    except Mistakes:
        assert "ip6" in text, "no table of IPv4 may speak of that"
        assume(False)
    made = made_or_none(ruleset, 3, 1)
    assume(made is not None)
    assert made is not None
    check(made)


FILES = (
    "office/rules.fw",
    "stateless/rules.fw",
    "linux-server/rules.v4",
    "gateway/gateway.nft",
    "docker/docker-28.v4",
    "dual-stack/rules.fw",
)


@pytest.mark.parametrize("name", FILES)
def test_one_answer_is_right_on_shipped_rules(name: str) -> None:
    made = quiz(rules(name), 12, 7)
    assert len(made.questions) == 12
    check(made)
    assert len({question.right.by for question in made.questions}) >= 5
    assert len(misconceptions(made)) >= 3
    others = (misconceptions(quiz(rules(name), 12, seed)) for seed in range(8, 11))
    assert len(misconceptions(made).union(*others)) >= 4, "that a drop is no refusal is left to chance in each quiz"


def misconceptions(made: Quiz) -> frozenset[str]:
    return frozenset().union(*(question.misconceptions for question in made.questions))


def test_a_seed_gives_the_same_questions_and_another_gives_others() -> None:
    office = rules("office/rules.fw")
    again = rules("office/rules.fw")
    assert quiz_json(quiz(office, 8, 3)) == quiz_json(quiz(again, 8, 3))
    assert quiz_json(quiz(office, 8, 3)) != quiz_json(quiz(office, 8, 4))


def test_every_rule_that_decides_has_a_question_before_one_has_two() -> None:
    made = quiz(rules("office/rules.fw"), 8, 1)
    assert {9, 10, 11, 12, 13, 14} <= {getattr(each.right.by, "number", None) for each in made.questions}
    assert made.unasked == ()


def test_what_hangs_on_unknowns_is_not_asked_and_said() -> None:
    made = quiz(rules("linux-server/rules.v4"), 20, 1)
    assert [line.number for line in made.unsettled] == [10, 17, 18]
    assert not {10, 17, 18} & {getattr(each.right.by, "number", None) for each in made.questions}


def test_rules_that_decide_nothing_for_sure_have_no_quiz() -> None:
    limited = "".join(f"-A {chain} -m limit --limit 5/min -j DROP\n" for chain in ("INPUT", "FORWARD", "OUTPUT"))
    text = f"*filter\n{limited}COMMIT\n"
    with pytest.raises(CannotAnswer, match="nothing to ask"):
        quiz(load(Source("rules", text)), 4, 1)


def json_text(made: Quiz) -> str:
    return json.dumps(quiz_json(made), indent=2)


WRITERS: dict[str, Callable[[Quiz], str]] = {"txt": quiz_text, "md": quiz_sheet, "json": json_text}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("name", ["office/rules.fw", "stateless/rules.fw", "linux-server/rules.v4"])
def test_a_quiz_is_written_as_it_was(name: str, kind: str) -> None:
    shown = WRITERS[kind](quiz(rules(name), 3, 1)).rstrip("\n") + "\n"
    file = GOLDEN / f"{name.partition('/')[0]}.{kind}"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")


def command(kind: str = "text", given: str | None = None, sheet: bool = False, plain: bool = False) -> tuple[int, str]:
    """Run the quiz of a file; at a terminal where something is *given* to it."""
    out, typed = io.StringIO(), io.StringIO(given or "")
    with redirect_stdout(out), patch("sys.stdin", typed):
        if given is not None:
            typed.isatty = out.isatty = Mock(return_value=True)  # type: ignore[method-assign]
        reading = Reading("native", None, isolated=True)
        path = str(ROOT / "rules" / "office" / "rules.fw")
        status = quiz_command(path, reading, Output(kind, "never"), 3, 1, sheet, plain)
    return status, out.getvalue()


def test_the_command_prints_in_every_way() -> None:
    assert "\nQuestion 1 of 3" in command()[1]
    assert "Answer 3: " in command(given="", plain=True)[1]
    assert command(sheet=True)[1].startswith("# Quiz: ")
    assert len(json.loads(command("json")[1])["questions"]) == 3


def test_somebody_answers_at_a_terminal() -> None:
    right = ["abcd"[each.answer] for each in quiz(rules("office/rules.fw"), 3, 1).questions]
    status, said = command(given="\n".join(right) + "\n")
    assert (status, said.count("] right\n")) == (0, 3)
    assert "3 of 3 right" in said
    wrong = "b" if right[0] != "b" else "a"
    status, said = command(given=f"x\n{wrong.upper()}\n\nq\n")
    assert status == 1
    assert "0 of 1 right" in said
    assert said.count("a, b, c or d") == 4
    assert command(given="")[0] == 0
