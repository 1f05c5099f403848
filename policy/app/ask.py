"""Would this connection pass, and why: the answer to a question, as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from policy._record import dataclass
from policy.app.hooks import parts_by_hook
from policy.app.problem import CannotAnswer
from policy.evaluate import Decision, Step, decide, evaluate
from policy.explain import nearest_allow
from policy.ir import Field, Rule, Ruleset
from policy.packet import ACK, ESTABLISHED, FIELDS, FORWARD, INPUT, OUTPUT, Intervals, Packet, Value, complete, varies
from policy.packet.example import example, is_single
from policy.packet.fields import ICMP, ICMP6, TCP, UDP
from policy.packet.text import set_text
from policy.question.boxes import Part, Question, parts

Verdict = Literal["allow", "block", "depends", "mixed"]
Role = Literal["first", "reply", "next"]

_ICMP_REPLIES = {8: 0, 13: 14, 15: 16, 17: 18}
_ICMP6_REPLIES = {128: 129, 139: 140}
_SWAPPED = (("src", "dst"), ("sport", "dport"), ("in", "out"))
_OTHER_HOOK = {INPUT: OUTPUT, OUTPUT: INPUT, FORWARD: FORWARD}


@dataclass(frozen=True, slots=True)
class PacketAnswer:
    """What happens to one packet (or box) of a connection, with the steps that led there."""

    role: Role
    packet: Packet
    steps: tuple[Step, ...]
    decision: Decision


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the packets in question with one verdict; *example* is one of them that was replayed."""

    verdict: Verdict
    packets: tuple[PacketAnswer, ...]
    example: Packet

    @property
    def deciding(self) -> PacketAnswer:
        """The packet that decides: the first one that does not pass, or the first of all."""
        return next((p for p in self.packets if p.decision.verdict == self.verdict != "allow"), self.packets[0])


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """The answer at one hook; None: the rules are the same at every hook."""

    hook: int | None
    verdict: Verdict
    regions: tuple[Region, ...]

    @property
    def shown(self) -> Region:
        """The region that shows the verdict best: the first one with it, else the first."""
        return next((region for region in self.regions if region.verdict == self.verdict), self.regions[0])


@dataclass(frozen=True, slots=True)
class Nearest:
    """The allow rule that is nearest to a blocked packet, and what would have to differ."""

    rule: Rule
    differs: tuple[str, ...]
    packet: Packet


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question."""

    question: str
    verdict: Verdict
    hooks: tuple[HookAnswer, ...]
    nearest: Nearest | None = None

    @property
    def is_set(self) -> bool:
        """Does the question mean more than one connection?"""
        regions = self.hooks[0].regions
        return len(regions) > 1 or not is_single(regions[0].packets[0].packet)


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask: one packet instead of a connection, the host's own addresses, unknowns that are settled."""

    single: bool = False
    local: Intervals | None = None
    assume: Mapping[str, bool] | None = None


_PLAINLY = Asking()


def ask(ruleset: Ruleset, question: Question, asking: Asking = _PLAINLY) -> Answer:
    """Answer *question*; raises `CannotAnswer` where that is not possible.

    Every part of the question that the rules treat alike is one region. A part that they treat
    differently, by a field that the question left open, is not answered yet.
    """
    try:
        everything = parts(question)
    except ValueError as error:
        raise CannotAnswer(str(error)) from None
    spoken = [part for part in everything if part.family in ruleset.families]
    if not spoken:
        families = " and ".join(f"IPv{family}" for family in sorted(ruleset.families))
        raise CannotAnswer(
            f"nothing is left of the question: these rules speak {families} only", "ask about such addresses"
        )
    answers = tuple(
        HookAnswer(hook, _together(region.verdict for region in regions), regions)
        for hook, pieces in parts_by_hook(ruleset, question, spoken, asking.local).items()
        if (regions := tuple(region for part in pieces for region in _regions(ruleset, hook, part, asking)))
    )
    verdict = _together(hook.verdict for hook in answers)
    return Answer(question.text, verdict, answers, _nearest(ruleset, answers, asking) if verdict == "block" else None)


def _together(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    return found.pop() if len(found) == 1 else "mixed"


def _regions(ruleset: Ruleset, hook: int | None, part: Part, asking: Asking) -> Iterator[Region]:
    """Yield the answer for a part of the question: as one, or one by one where it has few ports or ICMP types."""
    region, culprit = _region(ruleset, hook, part, asking)
    if culprit is None:
        yield region
        return
    pieces = part.one_by_one()
    if len(pieces) < 2:
        raise _not_yet(culprit)
    for piece in pieces:
        yield from _regions(ruleset, hook, piece, asking)


def _region(ruleset: Ruleset, hook: int | None, part: Part, asking: Asking) -> tuple[Region, PacketAnswer | None]:
    """Return the answer for a part, and the packet of the connection that has no answer as a whole."""
    given = part.values if hook is None else {**part.values, "hook": hook}
    try:
        first = complete(given)
    except ValueError as error:
        raise CannotAnswer(str(error)) from None
    sent: Iterable[tuple[Role, Packet]] = (("first", first),) if asking.single or part.alone else connection(first)
    packets = tuple(_packet(ruleset, role, packet, asking) for role, packet in sent)
    verdict = _passes([answer.decision for answer in packets])
    culprit = next((answer for answer in packets if answer.decision.verdict == verdict == "mixed"), None)
    return Region(verdict, packets, example(first) if culprit else _replayed(ruleset, packets[0], asking)), culprit


def _packet(ruleset: Ruleset, role: Role, packet: Packet, asking: Asking) -> PacketAnswer:
    *steps, decision = evaluate(ruleset, packet, assume=asking.assume)
    assert isinstance(decision, Decision)
    return PacketAnswer(role, packet, tuple(s for s in steps if isinstance(s, Step)), decision)


def _passes(decisions: list[Decision]) -> Verdict:
    """A connection passes if all its packets do, and is blocked if one of them surely is."""
    verdicts = [decision.verdict for decision in decisions]
    for verdict in ("block", "mixed", "depends"):
        if verdict in verdicts:
            return verdict
    return "allow"


def _replayed(ruleset: Ruleset, answer: PacketAnswer, asking: Asking) -> Packet:
    """Return one packet of the box, after it has been found to have the verdict of the box."""
    one = example(answer.packet)
    verdict = decide(ruleset, one, assume=asking.assume).verdict
    expected = answer.decision.verdict
    assert expected in {verdict, "depends", "mixed"}, f"{verdict} for one packet, {expected} for all"
    return one


def connection(first: Packet) -> Iterator[tuple[Role, Packet]]:
    """Yield the packets of the connection that *first* opens: itself, the reply, the next one.

    Only TCP, UDP and ICMP requests open one here; of other protocols there is the first packet alone.
    """
    yield "first", first
    values = first.values
    if values["proto"] not in (TCP, UDP, ICMP, ICMP6):
        return
    changes: dict[str, Value] = {"state": ESTABLISHED, "direction": 1}
    if "icmp_type" in values:
        replies = _ICMP_REPLIES if values["proto"] == ICMP else _ICMP6_REPLIES
        kind = values["icmp_type"]
        if not isinstance(kind, int) or kind not in replies:
            return
        changes["icmp_type"] = replies[kind]
    kept = {name: value for name, value in values.items() if name in _KEPT}
    yield "reply", complete({**kept, **_turned(values), **changes})
    yield "next", complete({**values, "state": ESTABLISHED, **({"flags": ACK} if "flags" in values else {})})


_KEPT = ("proto", "fragment", "icmp_code", "tos", "mark", "ttl")


def _turned(values: Mapping[str, Value]) -> dict[str, Value]:
    turned: dict[str, Value] = {}
    for one, other in _SWAPPED:
        for name, opposite in ((one, other), (other, one)):
            if opposite in values:
                turned[name] = values[opposite]
    hook = values.get("hook")
    if isinstance(hook, int):
        turned["hook"] = _OTHER_HOOK[hook]
    return turned


def _not_yet(culprit: PacketAnswer) -> CannotAnswer:
    """The packets of one region are not treated alike: say by what, and how to ask instead."""
    atoms = (atom for atom in culprit.decision.open if isinstance(atom, Field))
    fields = [atom for atom in atoms if varies(atom.name, culprit.packet.values[atom.name])]
    names = list(dict.fromkeys(FIELDS[field.name].title for field in fields))
    where = "" if culprit.role == "first" else f" (of the {culprit.role} packet)"
    wanted = "; ".join(f"{FIELDS[field.name].title} {set_text(field.name, field.values)}" for field in fields[:3])
    return CannotAnswer(
        f"not yet: the rules treat these packets differently by {' and '.join(names)}{where}, "
        "and sets that one rule does not decide are not answered yet",
        f"say more, for example {wanted}",
    )


def _nearest(ruleset: Ruleset, answers: tuple[HookAnswer, ...], asking: Asking) -> Nearest | None:
    """Look for the nearest allow rule of the first packet that is blocked, if a first packet is."""
    for answer in answers:
        region = answer.shown
        packet = region.packets[0]
        if region.verdict == "block" and packet.decision.verdict == "block":
            found = nearest_allow(ruleset, packet.packet, asking.assume)
            if found is not None:
                return Nearest(*found)
    return None
