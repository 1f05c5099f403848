"""Checks with simple rules, for tests of what is done with checks: each finds something in every policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from policy.check import Check, Facts, Undecided
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Rule
from policy.packet import Packet, complete
from policy.packet.address import parse_prefix
from policy.sets import Exhausted


def rules(facts: Facts) -> list[Rule]:
    return [facts.rule(at) for at in facts.places]


def packet() -> Packet:
    (low, _), *_ = parse_prefix("10.1.2.3").ranges
    (high, _), *_ = parse_prefix("10.2.0.5").ranges
    return complete({"src": low, "dst": high, "proto": 6, "sport": 51000, "dport": 443})


def every_rule(facts: Facts) -> Iterator[Diagnostic]:
    """A rule is there."""
    seen: list[Rule] = []
    for rule in rules(facts):
        related = tuple(Related(each.span, "it was there before") for each in seen)
        yield EVERY.finding(rule.span, "this is a rule", related=related, example=packet(), help="be glad")
        seen.append(rule)


def blocking(facts: Facts) -> Iterator[Diagnostic | Undecided]:
    for rule in rules(facts):
        if rule.label is not None:
            yield Undecided(rule.span, "this took more than 3 steps")
        elif rule.action_span is not None and rule.action_span.text in ("block", "DROP"):
            yield BLOCKING.finding(rule.action_span, "100% of it: blocked", region="tcp/80,443 from any")


def once(facts: Facts) -> Iterator[Diagnostic]:
    for name, policy in facts.ruleset.policies.items():
        if policy.span is not None:
            yield ONCE.finding(policy.span, f"`{name}` is a policy")


def tired(facts: Facts) -> Iterator[Diagnostic]:
    yield TIRED.finding(rules(facts)[0].span, "this one was easy")
    raise Exhausted("5 seconds")


def lost(facts: Facts) -> Iterator[Diagnostic]:
    raise RecursionError(f"{len(facts.places)} levels")


def full(facts: Facts) -> Iterator[Diagnostic]:
    raise MemoryError(f"{len(facts.places)} bytes")


def wrong(facts: Facts) -> Iterator[Diagnostic]:
    yield WRONG.finding(rules(facts)[0].span, "this one was easy")
    raise ValueError(f"no such\nrule: {len(facts.places)}")


_TEXTS = ("policy p {\n    block any ### FW901\n}\n",)
_PAGE = "Something is there.\n\n**What to do.** Nothing."
EVERY = Check("FW901", "every-rule", Severity.WARNING, _PAGE, _TEXTS, _TEXTS, every_rule)
BLOCKING = Check("FW902", "blocking", Severity.ERROR, _PAGE, _TEXTS, _TEXTS, blocking)
ONCE = Check("FW910", "once", Severity.INFO, _PAGE, _TEXTS, _TEXTS, once, off="Asked for only.")
TIRED = Check("FW911", "tired", Severity.WARNING, _PAGE, _TEXTS, _TEXTS, tired, off="Asked for only.")
LOST = Check("FW912", "lost", Severity.WARNING, _PAGE, _TEXTS, _TEXTS, lost, off="Asked for only.")
FULL = Check("FW913", "full", Severity.WARNING, _PAGE, _TEXTS, _TEXTS, full, off="Asked for only.")
WRONG = Check("FW914", "wrong", Severity.WARNING, _PAGE, _TEXTS, _TEXTS, wrong, off="Asked for only.")
SAMPLES = (EVERY, BLOCKING, ONCE, TIRED, LOST, FULL, WRONG)


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch) -> tuple[Check, ...]:
    """Make the samples the only checks that there are."""
    for module in ("policy.app.selection", "policy.app.pages", "policy.app.checking"):
        monkeypatch.setattr(f"{module}.checks", lambda: SAMPLES)
    return SAMPLES
