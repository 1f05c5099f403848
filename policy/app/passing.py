"""One connection, or a box of connections that are treated alike, through the evaluator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from policy.app.answer import Asking, PacketAnswer, Region, Verdict
from policy.app.problem import CannotAnswer
from policy.evaluate import Decision, Final, Index, Step, Translation, decide, evaluate
from policy.evaluate.following import marks_behind
from policy.evaluate.looks import changes, looks_at, tells_replies_apart
from policy.ir import Ruleset, Unknown, UnknownAction, walk
from policy.packet import INPUT, OUTPUT, Packet, Value, complete
from policy.packet.connection import Known, Role, behind_reply, connection, known
from policy.packet.example import example
from policy.question.boxes import Part

MOST_OPEN = 16
"""When so many rules match only some packets of a box, sets find sooner what becomes of them."""


_ORDER = ("allow", "depends", "mixed", "block")


class TooOpen(Exception):
    """The packets of a box are not treated alike, or it takes too long to see that they are."""


def first_packet(part: Part, hook: int | None) -> Packet:
    """Return the first packets of a part of a question at *hook*; raises `CannotAnswer` where there are none."""
    try:
        return complete(part.values if hook is None else {**part.values, "hook": hook})
    except ValueError as error:
        raise CannotAnswer(str(error)) from None


def sent(ruleset: Ruleset, first: Packet, alone: bool) -> Iterator[tuple[Role, Packet]]:
    """Yield the packets that are asked about, where *first* comes first: the whole connection, or it *alone*.

    Of a later reply only where rules tell it from that of the handshake.
    """
    if alone:
        yield "first", first
        return
    later = tells_replies_apart(ruleset)
    yield from (each for each in connection(first) if later or each[0] != "later")


def passed(
    ruleset: Ruleset,
    packets: Iterable[tuple[Role, Packet]],
    asking: Asking,
    index: Index | None = None,
    most_open: int | None = None,
) -> tuple[Verdict, tuple[PacketAnswer, ...]]:
    """Return what becomes of the packets of a connection, and of each of them.

    It passes if all its packets do, and is blocked if one of them surely is. Raises `TooOpen` when one of them
    meets more than *most_open* rules that match only perhaps.
    """
    sent_ = [Known(role, packet) for role, packet in packets]
    first = _packet(ruleset, sent_[0], asking, index, most_open)
    answers = (first, *(_rest(ruleset, first, sent_[1:], asking, index, most_open) if sent_[1:] else ()))
    verdicts = [answer.decision.verdict for answer in answers]
    for verdict in ("block", "mixed", "depends"):
        if verdict in verdicts:
            return verdict, answers
    return "allow", answers


def _rest(
    ruleset: Ruleset,
    first: PacketAnswer,
    plainly: list[Known],
    asking: Asking,
    index: Index | None,
    most_open: int | None,
) -> tuple[PacketAnswer, ...]:
    """Return what becomes of the packets behind the first one: of each, as rules may have rewritten the first."""
    decision = first.decision
    definite = decision.verdict in ("allow", "block") or not may_change(ruleset, first.packet)
    if not definite and decision.verdict == "depends":
        decision = decide(ruleset, first.packet, assume=asking.assume, index=index, every=True)
        definite = not decision.undecided
    finals = decision.finals or (Final(first.packet),)
    if not any(_matters(first.packet, final) for final in finals):
        ways = [plainly]
    else:
        roles = {each.role for each in plainly}
        ways = [
            [each for each in known(first.packet, final.packet, final.rewritten) if each.role in roles]
            if _matters(first.packet, final)
            else plainly
            for final in finals
        ]
    behind = [_behind(ruleset, way, asking, index, most_open) for way in ways]
    found: Iterable[PacketAnswer] = (
        _alike([answer for answers in some for answer in answers], definite, first)
        for some in zip(*behind, strict=True)
    )
    if example(first.packet) == first.packet:
        found = (_chosen(each) for each in found)
    last = next((final.last for final in finals if final.last is not None), None)
    return tuple(found if last is None else (_hanging(each, last) for each in found))


def _behind(
    ruleset: Ruleset, way: Sequence[Known], asking: Asking, index: Index | None, most_open: int | None
) -> list[list[PacketAnswer]]:
    """Return what may become of each of the packets that follow: of the next one, as the reply left its connection."""
    found: list[list[PacketAnswer]] = []
    marks: tuple[Value, ...] | None = None
    for sent in way:
        several = [sent] if marks is None else [behind_reply(sent, mark) for mark in marks]
        found.append([_packet(ruleset, each, asking, index, most_open) for each in several])
        answer = found[-1][0]
        marks = marks_behind(ruleset, answer.packet, answer.decision, asking.assume, answer.translation)
    return found


def _matters(first: Packet, final: Final) -> bool:
    """Does how the *first* packet left matter for those that follow?"""
    return bool(final.rewritten) or any(final.packet.get(name) != first.get(name) for name in ("ctmark", "state"))


def may_change(ruleset: Ruleset, packet: Packet) -> bool:
    """May the rules at the hook of a packet rewrite it, move it, or change what its connection carries?"""
    hook = packet.get("hook")
    way = ruleset.at(hook if isinstance(hook, int) else None)
    rewrites = any(entry.translates or (hook == OUTPUT and entry.hook == INPUT) for entry in way)
    return rewrites or looks_at(ruleset, "ctmark", "ctstatus") or changes(ruleset, "state") or _may_pass(ruleset)


def _may_pass(ruleset: Ruleset) -> bool:
    """Is there an action that is not modelled, and may let packets pass as whatever others?"""
    actions = (action for policy in ruleset.policies.values() for rule in policy.rules for action in rule.actions)
    return any(isinstance(action, UnknownAction) and "pass" in action.outcomes for action in actions)


def _chosen(answer: PacketAnswer) -> PacketAnswer:
    """Return the answer for what follows one packet: where it is several packets, the kernel chooses which."""
    if answer.decision.verdict != "mixed":
        return answer
    return replace(answer, decision=replace(answer.decision, verdict="depends"))


def _hanging(answer: PacketAnswer, last: UnknownAction) -> PacketAnswer:
    """Return the answer for a packet of a connection of which *last* may have made another one."""
    decision = answer.decision
    return replace(answer, decision=Decision("depends", decision.packet, open=(last,), finals=decision.finals))


def _alike(answers: Sequence[PacketAnswer], definite: bool, first: PacketAnswer) -> PacketAnswer:
    """Return the answer for a packet that may be any of several, as the *first* one may have left.

    *definite*: these are all that it may be.
    """
    worst = max(answers, key=lambda answer: _ORDER.index(answer.decision.verdict))
    if definite and len({answer.decision.verdict for answer in answers}) == 1:
        return answers[0]
    if not definite and worst.decision.verdict == "allow":
        return worst
    open_ = worst.decision.open or tuple(dict.fromkeys(_not_known(first.steps)))
    return replace(worst, decision=replace(worst.decision, verdict="depends", open=open_))


def _not_known(steps: Iterable[Step]) -> Iterator[Unknown | UnknownAction]:
    """Yield what rules ask, or do, of which it is not known how it turned out."""
    for step in steps:
        if step.rule is not None:
            if step.matched is None:
                yield from (part for part in walk(step.rule.match) if isinstance(part, Unknown))
            if step.matched is not False:
                yield from (action for action in step.rule.actions if isinstance(action, UnknownAction))


def _packet(ruleset: Ruleset, sent: Known, asking: Asking, index: Index | None, most_open: int | None) -> PacketAnswer:
    steps: list[Step] = []
    left = most_open
    translation = Translation(sent.destination, sent.source, sent.open, sent.aside)
    for step in evaluate(ruleset, sent.packet, assume=asking.assume, index=index, translation=translation):
        if isinstance(step, Decision):
            return PacketAnswer(sent.role, sent.packet, tuple(steps), step, translation)
        steps.append(step)
        if left is not None and step.matched is None:
            left -= 1
            if left < 0:
                raise TooOpen
    raise AssertionError("a walk without a decision")


def box_region(ruleset: Ruleset, first: Packet, alone: bool, asking: Asking) -> Region | None:
    """Return the region that is a whole box; None where its packets differ, or are not decided by one thing."""
    one = example(first)
    try:
        asked = sent(ruleset, first, alone)
        verdict, packets = passed(ruleset, asked, asking, most_open=None if one == first else MOST_OPEN)
    except TooOpen:
        return None
    if verdict == "mixed":
        return None
    region = Region(ruleset, verdict, packets, one)
    if one != first and not _by_one(region):
        return None
    decision = decide(ruleset, one, assume=asking.assume)
    expected = packets[0].decision.verdict
    assert expected in {decision.verdict, "depends", "mixed"}, f"{decision.verdict} for one packet, {expected} for all"
    return region


def _by_one(region: Region) -> bool:
    """Does one rule, or what holds without one, decide for all packets?

    Where unknowns decide for some of them, the evaluator does not look at the others.
    """
    decision = region.deciding.decision
    earlier = region.packets[: region.packets.index(region.deciding)]
    if any(answer.decision.verdict == "mixed" for answer in earlier):
        return False
    return region.verdict != "depends" and (decision.rule is not None or decision.implicit is not None)
