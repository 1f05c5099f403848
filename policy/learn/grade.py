"""Grades rules for all packets: each promise is kept, or there is a packet that shows that it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from policy import source
from policy._record import dataclass
from policy.app.answer import Asking, PacketAnswer, Region
from policy.app.ask import ask, check_any
from policy.app.load import load
from policy.app.passing import passed, sent
from policy.app.problem import CannotAnswer
from policy.app.question import read_question
from policy.host import UNKNOWN_HOST, Host
from policy.ir import Ruleset
from policy.languages import claimed
from policy.learn.lesson import Exercise, Promise
from policy.learn.within import read_within
from policy.question.boxes import Question
from policy.reach import Disagreement
from policy.source import Source

SUFFIXES = {".fw": "native", ".nft": "nftables", ".v4": "iptables", ".v6": "ip6tables"}
"""The languages of files by the ends of their names: rules that are hardly begun do not tell it."""

_REGIONS = 6


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A packet with which a promise is broken: *region* is what became of it, replayed by the evaluator alone.

    Its verdict may be `depends`: then the rules say something of the packet that cannot be known.
    """

    region: Region

    @property
    def certain(self) -> bool:
        """Is the promise broken, whatever cannot be known turns out to be?"""
        return self.region.verdict in ("allow", "block")

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

    Raises `diagnostic.Mistakes` where the text cannot be read, and `CannotAnswer` where there are no rules in it.
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
                rules[promise.host] = read_rules(text, promise.host, self._exercise.start)
                check_any(rules[promise.host], text.name)
            graded.append(_graded(promise, self.question(promise), rules[promise.host]))
        return Grade(tuple(graded))

    def question(self, promise: Promise) -> Question:
        """Return the question of a promise, in which the names of the solution may stand; raises `Mistakes`."""
        if self._solution is None:
            self._solution = read_rules(source.read(self._exercise.solution))
        solution = self._solution
        assert promise.span is not None
        return read_within(promise.span, promise.question, lambda: read_question(promise.question, solution))


def read_rules(text: Source, host: Host = UNKNOWN_HOST, like: str | None = None) -> Ruleset:
    """Return the rules of a text of a lesson; raises `diagnostic.Mistakes`.

    The end of its name says the language, else the text does, else that of the file *like* it.
    """
    language = SUFFIXES.get(Path(text.name).suffix) or claimed(text.text) or SUFFIXES.get(Path(like or "").suffix)
    return load(text, language, host)


def _graded(promise: Promise, question: Question, rules: Ruleset) -> Graded:
    asking = Asking(single=promise.kind == "block", host=promise.host, regions=_REGIONS)
    try:
        answer = ask(rules, question, asking)
    except CannotAnswer as error:
        return Graded(promise, why=f"{error}: {error.help}" if error.help else str(error))
    wanted = "block" if promise.kind == "block" else "allow"
    broken = (region for hook in answer.hooks for region in hook.regions if region.verdict != wanted)
    shown = min(broken, key=_decided, default=None)
    if shown is not None:
        return Graded(promise, Counterexample(_replayed(shown, asking)))
    if not all(hook.complete for hook in answer.hooks):
        return Graded(promise, why="so many rules decide that not all packets were told apart")
    return Graded(promise)


def _decided(region: Region) -> bool:
    """Does what is decided for sure come after this? It shows more than what depends on something."""
    return region.verdict not in ("allow", "block")


def _replayed(region: Region, asking: Asking) -> Region:
    """Return a region as its example alone, after that went through the evaluator; raises `Disagreement`."""
    alone = len(region.packets) == 1
    verdict, packets = passed(region.ruleset, sent(region.ruleset, region.example, alone), asking)
    if verdict != region.verdict != "depends":
        raise Disagreement(f"sets and evaluator disagree about {dict(region.example.values)}")
    return replace(region, packets=packets, words=None)
