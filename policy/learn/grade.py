"""Grades rules for all packets: each promise is kept, or there is a packet that shows that it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from policy import source
from policy._record import dataclass
from policy.app.answer import Asking, PacketAnswer, Region
from policy.app.ask import ask
from policy.app.load import load
from policy.app.passing import passed, sent
from policy.app.problem import CannotAnswer
from policy.app.question import read_question
from policy.diagnostic import Mistakes
from policy.evaluate.looks import looks_at
from policy.host import UNKNOWN_HOST, Host
from policy.ir import Field, Reject, Ruleset
from policy.languages import claimed
from policy.learn.lesson import Exercise, Promise
from policy.learn.within import read_within
from policy.packet import FIELDS, INVALID, NEW, UNTRACKED, Intervals, Packet
from policy.question.boxes import Question, parts
from policy.reach import Disagreement
from policy.source import Source

SUFFIXES = {".fw": "native", ".nft": "nftables", ".v4": "iptables", ".v6": "ip6tables"}
"""The languages of files by the ends of their names: rules that are hardly begun do not tell it."""

_REGIONS = 6
_UNASKED = Intervals.of(NEW, INVALID, UNTRACKED)
"""The states of packets that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A packet with which a promise is broken: *region* is what became of it, replayed by the evaluator alone.

    Its verdict may be `depends`: then the rules say something of the packet that cannot be known. *unsaid* are fields
    of the packet that neither the promise nor any rule speaks of.
    """

    region: Region
    unsaid: frozenset[str] = frozenset()

    @property
    def certain(self) -> bool:
        """Is the promise broken, whatever cannot be known turns out to be?"""
        return self.region.verdict in ("allow", "block")

    @property
    def shown(self) -> Packet:
        """The packet, without what nobody speaks of."""
        return self._without(self.region.example)

    @property
    def reply(self) -> Packet | None:
        """The packet that decides, where that is not the one that began the connection."""
        return None if self.deciding.role == "first" else self._without(self.deciding.packet)

    def _without(self, packet: Packet) -> Packet:
        return Packet({name: value for name, value in packet.values.items() if name not in self.unsaid})

    @property
    def deciding(self) -> PacketAnswer:
        """The packet of the connection that decides, with the rules that it met."""
        return self.region.deciding


@dataclass(frozen=True, slots=True)
class Graded:
    """A promise that is kept, or broken with a *counterexample*, or cannot be decided, and *why*."""

    promise: Promise
    counterexample: Counterexample | None = None
    why: str | None = None

    @property
    def kept(self) -> bool:
        return self.counterexample is None and self.why is None


@dataclass(frozen=True, slots=True)
class Grade:
    """What rules do with each promise of an exercise."""

    graded: tuple[Graded, ...]

    @property
    def passed(self) -> bool:
        return all(each.kept for each in self.graded)

    @property
    def refuted(self) -> bool:
        """Is there a packet with which a promise is surely broken?"""
        return any(each.counterexample is not None and each.counterexample.certain for each in self.graded)


def grade(exercise: Exercise, text: Source) -> Grade:
    """Return what the rules of a text do with the promises of an exercise, for all packets.

    Raises `diagnostic.Mistakes` where the text cannot be read, and `CannotAnswer` where there are no rules in it, or
    they are in another language than those that the exercise begins with.
    """
    return Grading(exercise).grade(text)


class Grading:
    """Grades several texts by the promises of one exercise."""

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self._solution: Ruleset | None = None

    def grade(self, text: Source) -> Grade:
        """Return the grade of a text, as `grade` does."""
        rules: dict[Host, Ruleset] = {}
        graded = []
        for promise in self._exercise.promises:
            if promise.host not in rules:
                rules[promise.host] = self._attempt(text, promise.host)
            graded.append(_graded(promise, self.question(promise), rules[promise.host]))
        return Grade(tuple(graded))

    def _attempt(self, text: Source, host: Host) -> Ruleset:
        wanted = _language(self._exercise.start)
        named = _language(text.name)
        if wanted is not None and named not in (None, wanted):
            raise _foreign(text.name, named, wanted)
        try:
            rules = load(text, wanted or named or claimed(text.text), host)
        except Mistakes:
            if wanted is not None and (other := claimed(text.text)) not in (None, wanted):
                raise _foreign(text.name, other, wanted) from None
            raise
        if not rules.policies:
            raise CannotAnswer(
                f"there are no rules in `{text.name}` yet", f"begin with those of {self._exercise.start}"
            )
        return rules

    def question(self, promise: Promise) -> Question:
        """Return the question of a promise, in which the names of the solution may stand; raises `Mistakes`."""
        if self._solution is None:
            self._solution = read_rules(source.read(self._exercise.solution))
        solution = self._solution
        assert promise.span is not None
        return read_within(promise.span, promise.question, lambda: read_question(promise.question, solution))


def read_rules(text: Source, host: Host = UNKNOWN_HOST) -> Ruleset:
    """Return the rules of a text of a lesson; the end of its name says the language, else the text does.

    Raises `diagnostic.Mistakes`.
    """
    return load(text, _language(text.name) or claimed(text.text), host)


def _language(path: str) -> str | None:
    return SUFFIXES.get(Path(path).suffix)


def _foreign(name: str, language: str | None, wanted: str) -> CannotAnswer:
    words = "fwpolicy" if wanted == "native" else wanted
    other = "fwpolicy" if language == "native" else language
    return CannotAnswer(f"`{name}` is in the language of {other}", f"this exercise is in that of {words}")


def _graded(promise: Promise, question: Question, rules: Ruleset) -> Graded:
    asking = Asking(single=promise.kind not in ("allow", "open"), host=promise.host, regions=_REGIONS)
    incomplete = False
    for each in (question, *_unasked(promise, question)):
        try:
            answer = ask(rules, each, asking)
        except CannotAnswer as error:
            return Graded(promise, why=f"{error}: {error.help}" if error.help else str(error))
        regions = [region for hook in answer.hooks for region in hook.regions]
        broken = (region for region in regions if not _as_promised(promise, region))
        shown = min(broken, key=_decided, default=None)
        if shown is not None:
            replayed = _replayed(shown, asking)
            if replayed is None:
                return Graded(promise, why="a packet meets so many rules that it was not followed to their end")
            return Graded(promise, Counterexample(replayed, _unsaid(rules, question)))
        if promise.kind in ("drop", "reject") and any(r.deciding.decision.action is None for r in regions):
            return Graded(promise, why="what cannot be known decides whether the sender is told")
        incomplete |= not all(hook.complete for hook in answer.hooks)
    return Graded(promise, why="so many rules decide that not all packets were told apart" if incomplete else None)


def _unasked(promise: Promise, question: Question) -> Iterator[Question]:
    """Yield what a promise to *block*, or *drop*, means beside the packets that begin connections.

    Those that belong to none shall not come through, either, and in no state shall those of TCP with other flags.
    """
    if promise.kind not in ("block", "drop") or question.names("flags"):
        return
    states = () if question.names("state") else (Field("state", _UNASKED),)
    if states and (strays := _wider(question, *states)):
        yield strays
    if flags := _wider(question, *states, Field("flags", FIELDS["flags"].domain)):
        yield flags


def _wider(question: Question, *more: Field) -> Question | None:
    """Return a question with more fields; None where it has no such packets: with flags it is about TCP alone."""
    wider = replace(question, terms=replace(question.terms, fields=(*question.terms.fields, *more)))
    try:
        parts(wider)
    except ValueError:
        return None
    return wider


def _as_promised(promise: Promise, region: Region) -> bool:
    if promise.kind in ("allow", "open"):
        return region.verdict == "allow"
    action = region.deciding.decision.action
    told = promise.kind == "block" or action is None or isinstance(action, Reject) == (promise.kind == "reject")
    return region.verdict == "block" and told


def _unsaid(rules: Ruleset, question: Question) -> frozenset[str]:
    return frozenset(name for name in ("in", "out") if not question.names(name) and not looks_at(rules, name))


def _decided(region: Region) -> bool:
    """Does what is decided for sure come after this? It shows more than what depends on something."""
    return region.verdict not in ("allow", "block")


def _replayed(region: Region, asking: Asking) -> Region | None:
    """Return a region as its example alone, after that went through the evaluator; None where that gives up.

    Raises `Disagreement`.
    """
    alone = len(region.packets) == 1
    verdict, packets = passed(region.ruleset, sent(region.ruleset, region.example, alone), asking)
    if any(packet.decision.undecided for packet in packets):
        return None
    if verdict != region.verdict != "depends":
        raise Disagreement(f"sets and evaluator disagree about {dict(region.example.values)}")
    return replace(region, packets=packets, words=None)
