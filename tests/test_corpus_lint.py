"""Real files are linted, and what is found is held against packets that were drawn at random.

The evaluator alone judges: no packet comes to a dead rule and matches it, taking a redundant rule out changes no
verdict, and examples are what the findings say that they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from policy.app.load import load
from policy.check import Facts
from policy.checks import checks
from policy.diagnostic import Diagnostic, Mistakes
from policy.evaluate import Step, decide, evaluate
from policy.evaluate.truth import truth
from policy.ir import Allow, Rule, Ruleset
from policy.packet import Packet
from policy.reach import At
from policy.sets import Budget
from policy.source import read
from tests.sampling import Sampler
from tests.test_iptables_files import inputs

DEAD = frozenset({"FW101", "FW102", "FW103", "FW108", "FW109", "FW111"})
LARGE = 2000
PACKETS = 12


def found_in(rules: Ruleset) -> list[Diagnostic]:
    facts = Facts(rules, Budget(seconds=120.0))
    return [each for check in checks() if check.find for each in check.find(facts) if isinstance(each, Diagnostic)]


def places(rules: Ruleset, finding: Diagnostic) -> list[At]:
    """The rules at the place of a finding."""
    return [
        (name, number)
        for name, policy in rules.policies.items()
        for number, rule in enumerate(policy.rules)
        if rule.span == finding.span
    ]


def rule_at(rules: Ruleset, at: At) -> Rule:
    return rules.policies[at[0]].rules[at[1]]


def without(rules: Ruleset, at: At) -> Ruleset:
    policy = rules.policies[at[0]]
    kept = tuple(rule for number, rule in enumerate(policy.rules) if number != at[1])
    return replace(rules, policies={**rules.policies, at[0]: replace(policy, rules=kept)})


def packets(samplers: Iterable[Sampler], rule: Rule) -> Iterable[Packet]:
    for sampler in samplers:
        yield from sampler.matching(rule.match, PACKETS)


def check_dead(rules: Ruleset, samplers: Mapping[int, Sampler], at: At) -> None:
    rule = rule_at(rules, at)
    for packet in packets(samplers.values(), rule):
        for step in evaluate(rules, packet):
            assert not (isinstance(step, Step) and step.rule is rule and step.matched is not False), packet


def check_dead_chain(rules: Ruleset, samplers: Mapping[int, Sampler], name: str) -> None:
    for number in range(len(rules.policies[name].rules)):
        check_dead(rules, samplers, (name, number))


def check_redundant(rules: Ruleset, samplers: Mapping[int, Sampler], at: At) -> None:
    other = without(rules, at)
    for packet in packets(samplers.values(), rule_at(rules, at)):
        before, after = decide(rules, packet), decide(other, packet)
        assert before.verdict == after.verdict or "depends" in (before.verdict, after.verdict), packet


def check_eclipsed(rules: Ruleset, finding: Diagnostic) -> None:
    """The example matches the rule, and an earlier one decides it the other way."""
    assert finding.example is not None
    (rule,) = (rule_at(rules, at) for at in places(rules, finding))
    assert truth(rule.match, finding.example, {}) is not False
    decision = decide(rules, finding.example)
    assert decision.verdict == ("block" if isinstance(rule.actions[-1], Allow) else "allow"), finding.message
    assert decision.rule is not None
    assert decision.rule.span.start < finding.span.start


def test_findings_on_real_files(corpus: Path) -> None:
    counts: Counter[str] = Counter()
    linted = 0
    for path, _ in inputs(corpus):
        try:
            rules = load(read(str(path)))
        except Mistakes:
            continue
        if sum(len(policy.rules) for policy in rules.policies.values()) > LARGE:
            continue
        linted += 1
        samplers = {hook: Sampler(rules, hook) for hook in rules.entries if hook is not None}
        findings = found_in(rules)
        counts.update(finding.code for finding in findings)
        dead = Counter(finding.span for finding in findings if finding.code in DEAD)
        assert not [span.text for span, count in dead.items() if count > 1], path.name
        for finding in findings:
            for at in places(rules, finding):
                if finding.code in DEAD:
                    check_dead(rules, samplers, at)
                if finding.code == "FW107":
                    check_redundant(rules, samplers, at)
            if finding.code in DEAD and finding.example is not None:
                decision = decide(rules, finding.example)
                assert decision.rule is None or decision.rule.span != finding.span
            if finding.code == "FW104":
                check_eclipsed(rules, finding)
            if finding.code == "FW115":
                for definition in rules.definitions:
                    if definition.span == finding.span:
                        check_dead_chain(rules, samplers, definition.name)
    assert linted > 40
    assert {"FW101", "FW102", "FW104", "FW107", "FW108", "FW110", "FW111", "FW115"} <= set(counts), counts
