"""What tests of items, of rules that can be one, and of their texts share."""

from __future__ import annotations

from policy.app.load import facts, load
from policy.check import Check
from policy.checks import checks
from policy.diagnostic import Diagnostic
from policy.ir import Rule, Ruleset
from policy.languages import front_end
from policy.sets import Budget
from policy.source import Source

CHECKS = {check.code: check for check in checks()}


def rules_of(text: str) -> Ruleset:
    return load(Source("rules", text))


def found(code: str, rules: Ruleset) -> list[Diagnostic]:
    check: Check = CHECKS[code]
    assert check.find is not None
    return [each for each in check.find(facts(rules, Budget(None))) if isinstance(each, Diagnostic)]


def replaced(rules: Ruleset, rule: Rule, text: str, *gone: Rule) -> Ruleset:
    """The file with the text of a rule instead of it, and without others."""
    whole = rule.span.source.text
    spans = [(rule.span, text), *((each.span, "") for each in gone)]
    for span, new in sorted(spans, key=lambda pair: -pair[0].start):
        end = span.end + (not new and whole[span.end : span.end + 1] == "\n")
        whole = whole[: span.start] + new + whole[end:]
    return front_end(rules.language).read(Source("rules", whole))
