"""Answers about sets of packets, as data: random questions against the answer for one packet, and the limits."""

from __future__ import annotations

import random
from itertools import product

import pytest

from policy.app import regions
from policy.app.answer import Asking
from policy.app.ask import ask
from policy.app.load import load
from policy.app.problem import CannotAnswer
from policy.app.question import read_question
from policy.ir import Ruleset
from policy.sets import Exhausted, dd
from policy.source import Source

SERVICES = ("tcp", "udp", "tcp/22", "tcp/20-30", "udp/53", "any", "ping", "tcp/{80,443}", "proto gre")
PLACES = ("any", "a", "b", "10.0.0.1, 2001:db8::1", "a except 10.0.0.2")
MORE = ("", "", "in eth0", "state new", "with length 60", "with pkttype multicast")
QUESTIONS = (("tcp/20-30", ("tcp/20", "tcp/22")), ("any", ("tcp/22", "udp/53", "ping", "proto gre")))
NAMES = "network a = 10.0.0.0/30, 2001:db8::/126\nnetwork b = 10.0.0.2/31, 2001:db8::2\n"


def policy(rng: random.Random) -> str:
    rules = [
        f"{rng.choice(('allow', 'block', 'reject'))} {rng.choice(SERVICES)} from {rng.choice(PLACES)} to "
        f"{rng.choice(PLACES)} {rng.choice(MORE)}"
        for _ in range(rng.randint(1, 7))
    ]
    kind = rng.choice(("", "stateless", "last-match", "at input", "at input stateless"))
    return f"{NAMES}policy p {kind} {{\ndefault block\n" + "\n".join(rules) + "\n}\n"


def read(text: str) -> Ruleset:
    return load(Source("rules", text))


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("library", [True, False])
def test_parts_of_a_question_have_verdicts_that_the_whole_has(
    seed: int, library: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every region was replayed when it was made; what a narrower question finds, the wider one found too."""
    if not library:
        monkeypatch.setattr(dd.Diagram, "_started", missing)
    rng = random.Random(seed)
    rules = read(policy(rng))
    at = rng.choice(("", "at input", "at forward"))
    service, ports = rng.choice(
        (("tcp/20-30", ("tcp/20", "tcp/22")), ("any", ("tcp/22", "udp/53", "ping", "proto gre")))
    )
    wide = verdicts(rules, f"{service} from a to b {at}")
    for port, source, target in product(ports, ("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.3")):
        for hook, found in verdicts(rules, f"{port} from {source} to {target} {at}").items():
            assert found <= wide[hook]
            assert found


def verdicts(rules: Ruleset, question: str) -> dict[int | None, set[str]]:
    answer = ask(rules, read_question(question, rules), Asking(regions=250))
    assert all(not hook.more for hook in answer.hooks)
    return {hook.hook: {region.verdict for region in hook.regions} for hook in answer.hooks}


def missing(_: object) -> None:
    raise dd.Missing("no library")


def test_what_costs_too_much_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = read("policy p {\n default block\n allow tcp/22\n}\n")

    def exhausted(*_: object) -> None:
        raise Exhausted("60 seconds")

    monkeypatch.setattr(regions, "passages", exhausted)
    with pytest.raises(CannotAnswer, match="undecided: to tell these packets apart takes more than 60 seconds"):
        ask(rules, read_question("tcp", rules))


def test_of_very_many_rules_the_later_ones_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "".join(f" {'allow' if port % 2 else 'block'} tcp/{port}\n" for port in range(1, 60))
    rules = read(f"policy p {{\n default block\n{lines}}}\n")
    whole = ask(rules, read_question("tcp", rules))
    (hook,) = whole.hooks
    assert (len(hook.regions), hook.more, hook.complete) == (20, 40, True)
    assert "all else" in [region.words for region in hook.regions]
    assert hook.tuples["allow"] == 30 * 2**16 * (2**64 + 2**256)
    assert hook.tuples["block"] == (2**16 - 30) * 2**16 * (2**64 + 2**256)
    monkeypatch.setattr(regions, "MOST_DECIDING", 10)
    (hook,) = ask(rules, read_question("tcp", rules)).hooks
    assert (hook.verdict, len(hook.regions), hook.complete) == ("mixed", 10, False)
    same = read(f"policy p {{\n default allow\n{lines.replace('block', 'allow')}}}\n")
    (hook,) = ask(same, read_question("tcp", same)).hooks
    assert (hook.verdict, hook.complete) == ("allow", True)
