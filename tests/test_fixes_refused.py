"""Fixes that are refused: those that do more than they say, or lose what others may need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from policy.app.linted import Linting, Treatment
from policy.change import Announced, Edit, Fix, RemoveRule, WriteAction
from policy.check import Check, Facts
from policy.check.fixes import offer
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Block, Field, Reject, all_of
from policy.packet import INPUT, OUTPUT, Intervals
from policy.packet.address import parse_prefix
from policy.report.fixes_text import fixed_text, reason
from tests.fixing import fixed

FIRST = parse_prefix("10.0.0.0").first

LIVE = "policy p at input {\n  default block\n  allow tcp/22 # ssh\n  allow tcp/80 as web\n  block udp log\n}\n"


def sample(offered: Callable[[Facts], Fix | None]) -> Linting:
    """Lint with a check that finds the first rule, with a fix."""

    def find(facts: Facts) -> Iterator[Diagnostic]:
        fix = offered(facts)
        rule = facts.rule(facts.places[0])
        if fix is not None and rule.span.text != "block tcp/22":
            yield check.finding(rule.span, "this is a rule", fix=fix)

    check = Check("FW999", "sample", Severity.WARNING, "Samples.", (), (), find)
    return Linting(Treatment((check,)))


def refusal(offered: Callable[[Facts], Fix | None], text: str = LIVE, unsafe: bool = False) -> str:
    """Return why a fix is refused; nothing may change."""
    after, result = fixed(text, unsafe, sample(offered))
    assert (after, result.done, result.drafts) == (text, [], [])
    (found,) = result.refused
    assert "1 could not be proved" in fixed_text(result, True)
    return reason(found.why)


def test_a_rule_that_lives_is_not_removed() -> None:
    said = refusal(lambda facts: offer(facts, "remove it", RemoveRule(facts.rule(("p", 0)))))
    assert re.fullmatch(r"it changes more than it says: tcp/22 from .* is allowed now, and would be blocked", said)


def test_a_rule_that_logs_is_not_removed_though_the_default_does_the_same() -> None:
    assert refusal(lambda facts: offer(facts, "remove it", RemoveRule(facts.rule(("p", 2))))).endswith(
        "which is blocked all the same"
    )


def test_a_label_is_not_lost() -> None:
    text = "policy p {\n  default block\n  allow tcp\n  allow tcp/80 as web\n}\n"
    said = refusal(lambda facts: offer(facts, "remove it", RemoveRule(facts.rule(("p", 1)))), text)
    assert said == "the label `web` would be lost, which expectations may use"


def test_what_cannot_be_read_afterwards_is_not_written() -> None:
    def broken(facts: Facts) -> Fix:
        return Fix("break it", (Edit(facts.rule(("p", 0)).span, "allow tcp/99999"),))

    assert "could not be read any more: port 99999" in refusal(broken)


def becoming_silent(facts: Facts, announced: Announced | None) -> Fix | None:
    span = facts.rule(("p", 0)).action_span
    assert span is not None
    return offer(facts, "block it", WriteAction(span, Block()), safe=False, announced=announced)


SSH = all_of(Field("proto", Intervals.of(6)), Field("dport", Intervals.of(22)))
NEW_SSH = all_of(SSH, Field("state", Intervals.of(0, 4)))
WRONG: dict[str, Announced | None] = {
    "nothing": None,
    "another verdict": Announced(NEW_SSH, Reject(), hooks=(INPUT,)),
    "fewer packets": Announced(all_of(NEW_SSH, Field("src", Intervals.of(FIRST))), Block(), hooks=(INPUT,)),
    "more packets": Announced(Field("proto", Intervals.of(6)), Block(), hooks=(INPUT,)),
    "every hook": Announced(NEW_SSH, Block()),
    "another hook": Announced(NEW_SSH, Block(), hooks=(OUTPUT,)),
    "what follows, though that is nothing else": Announced(NEW_SSH, hooks=(INPUT,)),
}


@pytest.mark.parametrize("announced", WRONG.values(), ids=WRONG)
def test_what_is_announced_has_to_be_exact(announced: Announced | None) -> None:
    assert "it changes more than it says" in refusal(lambda facts: becoming_silent(facts, announced), unsafe=True)


def test_what_is_announced_is_done() -> None:
    how = sample(lambda facts: becoming_silent(facts, Announced(NEW_SSH, Block(), hooks=(INPUT,))))
    assert fixed(LIVE, unsafe=True, how=how)[0] == LIVE.replace("allow tcp/22", "block tcp/22")
    assert fixed(LIVE, how=how)[0] == LIVE


def test_a_budget_that_is_spent_leaves_all_as_it_is() -> None:
    how = sample(lambda facts: offer(facts, "remove it", RemoveRule(facts.rule(("p", 0)))))
    _, result = fixed(LIVE, how=replace(how, seconds=1e-9))
    assert not result.done
    assert "would take more than" in reason(result.refused[0].why)
