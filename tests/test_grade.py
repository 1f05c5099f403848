"""Rules are graded for all packets: a promise is kept, or a packet shows that it is not, and the evaluator says so."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from policy.app.answer import Asking
from policy.app.ask import ask
from policy.app.load import load
from policy.app.problem import CannotAnswer
from policy.app.question import read_question
from policy.diagnostic import Mistakes
from policy.evaluate import decide
from policy.host import UNKNOWN_HOST, own
from policy.learn.grade import Grade, grade
from policy.learn.lesson import Exercise, Kind, Promise
from policy.packet.address import parse_address
from policy.source import Source, Span

NFT = """\
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    tcp dport { 80, 443 } ip saddr 192.0.2.0/24 accept
  }
}
"""
V4 = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -s 192.0.2.0/24 -p tcp -m multiport --dports 80,443 -j ACCEPT
COMMIT
"""
FW = """\
host web = 198.51.100.80

policy web {
  default block
  allow tcp/80, tcp/443 from 192.0.2.0/24 to web
}
"""


def exercise(folder: Path, solution: str, *promises: tuple[Kind, str], local: str | None = None) -> Exercise:
    path = folder / "solution"
    path.write_text(solution, encoding="utf-8")
    host = own(local) if local else UNKNOWN_HOST
    return Exercise(
        "Do it.",
        str(path),
        str(path),
        tuple(Promise(k, q, span=Span(Source("lesson.yaml", q), 0, len(q)), host=host) for k, q in promises),
    )


def confirm(found: Grade, text: Source) -> None:
    """Hold each counterexample against the evaluator, with rules that were read anew."""
    rules = load(text)
    for each in found.graded:
        if (shown := each.counterexample) is not None:
            assert shown.certain
            decision = decide(rules, shown.deciding.packet)
            assert decision.verdict == shown.region.verdict
            if each.promise.kind not in ("drop", "reject"):
                assert decision.verdict != ("block" if each.promise.kind == "block" else "allow")
            assert (decision.rule is None) == (shown.deciding.decision.rule is None)
            if decision.rule is not None and shown.deciding.decision.rule is not None:
                assert decision.rule.span.text == shown.deciding.decision.rule.span.text


INSIDE = "tcp/{80,443} from 192.0.2.0/24 to 198.51.100.80"
OUTSIDE = "tcp/{80,443} from 203.0.113.0/24 to 198.51.100.80"
SSH = "tcp/22 from 192.0.2.0/24 to 198.51.100.80"


@pytest.mark.parametrize(("name", "text"), [("x.nft", NFT), ("x.v4", V4), ("x.fw", FW)])
def test_in_every_language(name: str, text: str, tmp_path: Path) -> None:
    hook = "" if name == "x.fw" else " at input"
    promises: tuple[tuple[Kind, str], ...] = (
        ("allow", INSIDE + hook),
        ("block", OUTSIDE + hook),
        ("block", SSH + hook),
        ("open", INSIDE + hook),
    )
    task = exercise(tmp_path, text, *promises, local=None if name == "x.fw" else "198.51.100.80")
    assert grade(task, Source(name, text)).passed
    # One port is forgotten; a network is smaller, or everything; a port is one too many.
    more = {"x.nft": ("{ 80,", "{ 22, 80,"), "x.v4": ("80,", "22,80,"), "x.fw": ("tcp/80", "tcp/{22,80}")}
    for old, new, kept in (
        ("443", "8443", [False, True, True, False]),
        ("192.0.2.0/24", "192.0.2.0/25", [False, True, True, False]),
        ("192.0.2.0/24", "0.0.0.0/0", [True, False, True, True]),
        (*more[name], [True, True, False, True]),
    ):
        changed = Source(name, text.replace(old, new, 1))
        found = grade(task, changed)
        assert [each.kept for each in found.graded] == kept, new
        assert found.refuted
        assert not found.passed
        confirm(found, changed)


def test_a_counterexample_is_a_packet_of_the_promise(tmp_path: Path) -> None:
    text = Source(
        "x.fw", FW.replace("tcp/80, tcp/443", "tcp/80").replace("allow", "allow tcp/443 from 192.0.2.77\n  allow")
    )
    (graded,) = grade(exercise(tmp_path, FW, ("allow", INSIDE)), text).graded
    assert graded.counterexample is not None
    packet = graded.counterexample.deciding.packet
    assert packet.get("dport") == 443
    assert packet.get("src") != parse_address("192.0.2.77")
    assert graded.counterexample.deciding.decision.implicit == "default"


def test_a_forgotten_reply_breaks_what_is_allowed(tmp_path: Path) -> None:
    text = Source("x.nft", NFT.replace("    ct state established,related accept\n", "").replace("input", "forward"))
    task = exercise(tmp_path, NFT, ("allow", f"{INSIDE} at forward"), ("block", f"{INSIDE} at forward"))
    allow, block = grade(task, text).graded
    assert allow.counterexample is not None
    assert allow.counterexample.deciding.role == "reply"
    # The first packet does come through: nobody could say that it is blocked.
    assert block.counterexample is not None
    assert block.counterexample.deciding.role == "first"


def test_names_are_those_of_the_solution(tmp_path: Path) -> None:
    task = exercise(tmp_path, FW, ("allow", "tcp/443 from 192.0.2.1 to web"))
    assert grade(task, Source("x.fw", FW)).passed
    moved = Source("x.fw", FW.replace("198.51.100.80", "198.51.100.81"))
    found = grade(task, moved)
    assert found.refuted
    confirm(found, moved)
    with pytest.raises(Mistakes) as caught:
        grade(exercise(tmp_path, FW, ("allow", "tcp/443 to nobody")), Source("x.fw", FW))
    (mistake,) = caught.value.diagnostics
    assert (mistake.span.source.name, mistake.span.text) == ("lesson.yaml", "nobody")


def test_what_cannot_be_known_keeps_no_promise_and_refutes_nothing(tmp_path: Path) -> None:
    text = Source("x.v4", V4.replace("-A INPUT -s", "-A INPUT -m recent --name x --rcheck -j DROP\n-A INPUT -s"))
    task = exercise(tmp_path, V4, ("allow", f"{INSIDE} at input"))
    found = grade(task, text)
    assert not found.passed
    assert not found.refuted
    (graded,) = found.graded
    assert graded.counterexample is not None
    assert graded.counterexample.region.verdict == "depends"


def test_what_cannot_be_asked_is_not_kept(tmp_path: Path) -> None:
    (graded,) = grade(exercise(tmp_path, V4, ("block", "tcp/22 to 2001:db8::1 at input")), Source("x.v4", V4)).graded
    assert not graded.kept
    assert graded.why is not None
    assert "IPv4 only" in graded.why


def test_texts_without_rules(tmp_path: Path) -> None:
    with pytest.raises(CannotAnswer, match=r"there are no rules in `x\.fw` yet"):
        grade(exercise(tmp_path, FW, ("allow", SSH)), Source("x.fw", "# nothing yet\n"))
    with pytest.raises(CannotAnswer, match=r"there are no rules in `x\.nft` yet"):
        grade(exercise(tmp_path, NFT, ("allow", SSH)), Source("x.nft", "# nothing yet\n"))
    with pytest.raises(Mistakes):
        grade(exercise(tmp_path, FW, ("allow", SSH)), Source("x.fw", "policy {"))


def test_a_text_that_hardly_begins_is_in_the_language_of_the_start(tmp_path: Path) -> None:
    task = exercise(tmp_path, NFT, ("allow", SSH))
    (tmp_path / "start.nft").write_text(NFT, encoding="utf-8")
    begun = replace(task, start=str(tmp_path / "start.nft"))
    assert grade(begun, Source("mine", "table ip x { chain c { }; }\n")).passed
    with pytest.raises(Mistakes):
        grade(task, Source("mine", "table ip x { chain c { \n"))


@pytest.mark.parametrize(("name", "text"), [("mine", V4), ("mine.v4", V4), ("mine.fw", FW), ("mine.nft", FW)])
def test_rules_in_another_language_are_told_so(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "start.nft").write_text(NFT, encoding="utf-8")
    task = replace(exercise(tmp_path, NFT, ("allow", SSH)), start=str(tmp_path / "start.nft"))
    with pytest.raises(CannotAnswer, match=f"`{name}` is in the language of (iptables|fwpolicy)") as caught:
        grade(task, Source(name, text))
    assert caught.value.help == "this exercise is in that of nftables"


@pytest.mark.parametrize("default", ["block", "reject"])
@pytest.mark.parametrize("kind", ["drop", "reject"])
def test_what_its_sender_is_told_may_be_promised(kind: Kind, default: str, tmp_path: Path) -> None:
    task = exercise(tmp_path, FW, (kind, "tcp/22"), (kind, "tcp/443"))
    text = Source("x.fw", f"policy p {{\n  default {default}\n  reject tcp/443\n  allow tcp/443\n}}\n")
    first, second = grade(task, text).graded
    assert first.kept == ((default == "reject") == (kind == "reject"))
    assert second.kept == (kind == "reject")
    open_ = Source("x.fw", "policy p {\n  default block\n  allow tcp\n}\n")
    found = grade(task, open_)
    assert not any(each.kept for each in found.graded)
    assert found.refuted
    confirm(found, open_)


def test_what_is_blocked_is_blocked_with_whatever_flags(tmp_path: Path) -> None:
    task = exercise(tmp_path, FW, ("block", "tcp from 203.0.113.0/24"), ("block", "tcp flags syn"), ("block", "udp"))
    text = Source("x.fw", "policy p {\n  default block\n  allow tcp flags ack/ack\n}\n")
    found = grade(task, text)
    assert [each.kept for each in found.graded] == [False, True, True]
    confirm(found, text)


def test_a_counterexample_names_interfaces_only_where_somebody_does(tmp_path: Path) -> None:
    task = exercise(tmp_path, FW, ("block", "tcp/22"), ("block", "tcp/22 in wan0"))
    text = Source("x.fw", "policy p {\n  default block\n  allow tcp\n}\n")
    plain, named = (each.counterexample for each in grade(task, text).graded)
    assert plain is not None
    assert named is not None
    assert plain.shown.get("in") is None
    assert named.shown.get("in") == "wan0"
    asks = Source("x.fw", "policy p {\n  default block\n  allow tcp in lan0\n}\n")
    (looks, _) = (each.counterexample for each in grade(task, asks).graded)
    assert looks is not None
    assert looks.shown.get("in") == "lan0"


SERVICES = ("tcp", "tcp/22", "tcp/20-23", "tcp/{21,24}", "udp", "any", "ping")
PLACES = ("any", "a", "b", "10.0.0.1, 2001:db8::1", "a except 10.0.0.2")
STATES = ("", "", "", "state new", "state established")
STRAY = ("new", "invalid", "untracked")
FLAGS = ("syn", "ack", "rst")
NAMES = "network a = 10.0.0.0/30\nnetwork b = 10.0.0.2/31\n"


def policy(rng: random.Random) -> str:
    lines = [
        f"  {rng.choice(('allow', 'allow', 'block', 'reject'))} {rng.choice(SERVICES)} from {rng.choice(PLACES)} "
        f"to {rng.choice(PLACES)} {rng.choice(STATES)}\n"
        for _ in range(rng.randint(1, 6))
    ]
    kind = rng.choice(("", "stateless", "last-match"))
    return f"{NAMES}policy p {kind} {{\n  default {rng.choice(('block', 'allow'))}\n{''.join(lines)}}}\n"


@pytest.mark.parametrize("seed", range(40))
def test_a_promise_is_kept_exactly_where_each_packet_keeps_it(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    text = Source("x.fw", policy(rng))
    rules = load(text)
    kinds: tuple[Kind, ...] = ("allow", "block", "open")
    task = exercise(
        tmp_path, NAMES + "policy p {\n  default block\n}\n", *((k, "tcp/20-24 from a to b") for k in kinds)
    )
    found = grade(task, text)
    confirm(found, text)
    each = [
        f"tcp/{port} from 10.0.0.{source} to 10.0.0.{target}"
        for port, source, target in product(range(20, 25), range(4), (2, 3))
    ]
    connections = {ask(rules, read_question(one, rules)).verdict for one in each}
    others = ("", *(f" state {state} flags {flags}" for state in STRAY for flags in FLAGS))
    packets = {
        ask(rules, read_question(one + other, rules), Asking(single=True)).verdict for one in each for other in others
    }
    assert [each.kept for each in found.graded] == [
        connections == {"allow"},
        packets == {"block"},
        connections == {"allow"},
    ]


def test_rules_that_the_evaluator_gives_up_on_refute_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = "".join(f"  allow tcp/80 from 10.0.{n}.0/24\n" for n in range(0, 256, 2))
    text = Source("x.fw", f"policy p {{\n  default block\n{rules}}}\n")
    task = exercise(tmp_path, FW, ("allow", "tcp/80 from 10.0.0.0/16"))
    (plain,) = grade(task, text).graded
    assert plain.counterexample is not None
    assert plain.counterexample.certain
    monkeypatch.setattr("policy.evaluate.walk.MOST_STEPS", 60)
    found = grade(task, text)
    assert not found.passed
    assert not found.refuted


NFT_INPUT = "table inet f {{\n  chain i {{\n    type filter hook input priority 0; policy drop;\n    {}\n  }}\n}}\n"
STRAYS = [
    # A state is named, and so it is asked with whatever flags.
    ("block", "tcp at input state established", "ct state established tcp flags & (fin|psh) != 0 accept"),
    # Other protocols have packets, too, that nobody asked for.
    ("block", "udp at input", "ct state invalid,untracked meta l4proto udp accept"),
    ("block", "icmp at input", "ct state untracked accept"),
    ("drop", "tcp/22 at input", "tcp flags & ack == ack reject"),
]


@pytest.mark.parametrize(("kind", "question", "rule"), STRAYS)
def test_packets_that_belong_to_nothing_are_held_out_too(kind: Kind, question: str, rule: str, tmp_path: Path) -> None:
    task = exercise(tmp_path, NFT, (kind, question))
    assert grade(task, Source("x.nft", NFT_INPUT.format(""))).passed
    text = Source("x.nft", NFT_INPUT.format(rule))
    found = grade(task, text)
    assert found.refuted
    confirm(found, text)


@pytest.mark.parametrize("kind", ["drop", "reject"])
def test_whether_a_sender_is_told_may_not_be_known(kind: Kind, tmp_path: Path) -> None:
    rules = "tcp dport 25 limit rate 1/minute reject\n    tcp dport 25 drop"
    task = exercise(tmp_path, NFT, (kind, "tcp/25 at input"))
    found = grade(task, Source("x.nft", NFT_INPUT.format(rules)))
    (graded,) = found.graded
    assert not found.passed
    assert not found.refuted
    assert graded.why == "what cannot be known decides whether the sender is told"
