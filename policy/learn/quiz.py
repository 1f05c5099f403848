"""Questions about rules: a packet, four answers of which one is right, proved by the evaluator and by exact sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from operator import attrgetter
from random import Random

from policy._record import dataclass
from policy.app.answer import Asking, PacketAnswer, Region
from policy.app.ask import ask
from policy.app.packets_text import packets_text
from policy.app.problem import CannotAnswer
from policy.app.question import read_question
from policy.app.regions import set_answer
from policy.check import Facts
from policy.diagnostic import Mistakes
from policy.evaluate import Translation
from policy.host import UNKNOWN_HOST, Host
from policy.ir import Ruleset
from policy.learn.choices import CHOICES, Choice, Readings, four, role_of
from policy.learn.ground import Ground
from policy.learn.misread import Misconception, misreadings
from policy.learn.outcome import By, Default, Line, Outcome, Outcomes
from policy.packet import NEW, Packet
from policy.packet.connection import Role
from policy.packet.example import is_single
from policy.question.boxes import Part
from policy.sets import Budget, Exhausted

_MOST_DECIDERS = 400
_MOST_ALIKE = 2


@dataclass(frozen=True, slots=True)
class QuizQuestion:
    """A question in the words of `ask`, its *choices*, the number of the right one, and the connection as it went.

    *region* has the packets with their traces; where it has one, the question is about that packet alone. *worth* says
    how much is to be learned.
    """

    text: str
    choices: tuple[Choice, ...]
    answer: int
    region: Region
    worth: int = 0

    @property
    def right(self) -> Outcome:
        """What really becomes of it."""
        return self.choices[self.answer].outcome

    @property
    def alone(self) -> bool:
        """Is the question about one packet, not a connection?"""
        return len(self.region.packets) == 1

    @property
    def misconceptions(self) -> frozenset[Misconception]:
        """The misconceptions that lead to a wrong answer."""
        return frozenset(each.misconception for each in self.choices if each.misconception is not None)


@dataclass(frozen=True, slots=True)
class Quiz:
    """Questions about one file.

    *unasked* are the lines of rules that decide packets and have no question here; those *unsettled* decide some only
    if what is not known turns out so.
    """

    ruleset: Ruleset
    seed: int
    questions: tuple[QuizQuestion, ...]
    unasked: tuple[Line, ...] = ()
    unsettled: tuple[Line, ...] = ()


def quiz(ruleset: Ruleset, count: int, seed: int, host: Host = UNKNOWN_HOST, budget: Budget | None = None) -> Quiz:
    """Return up to *count* questions, the same for the same *seed*; raises `CannotAnswer` where there is none.

    Every rule that decides gets a question before one gets two; those that most misconceptions get wrong come first.
    Those that nobody gets wrong come last, and of those that are alike there are few.
    What hangs on unknowns is not asked. Of what is asked, `ask` and the exact sets say the same.
    """
    random = Random(seed)  # noqa: S311 (a quiz is no secret)
    made = _Making(ruleset, host, budget or Budget(), random)
    pools = made.pools(count)
    chosen = list(islice(filter(made.agreed, _varied(_best(pools))), count))
    if not chosen and not made.perhaps:
        raise CannotAnswer("there is nothing to ask about: no packet of IPv4 or IPv6 comes to any of these rules")
    if not chosen:
        raise CannotAnswer(
            "there is nothing to ask about these rules: none of them decides a packet for sure",
            "a quiz needs rules whose answers do not hang on what the file does not say",
        )
    asked = {each.right.by for each in chosen}
    sure = {each.by for each in pools}
    chosen.sort(key=lambda each: not each.misconceptions)
    return Quiz(ruleset, seed, tuple(chosen), _lines(sure - asked), _lines(made.perhaps - sure))


def _lines(places: Iterable[By]) -> tuple[Line, ...]:
    return tuple(
        sorted((p for p in places if isinstance(p, Line)), key=lambda line: (line.file, line.number, line.rule))
    )


class _Making:
    def __init__(self, ruleset: Ruleset, host: Host, budget: Budget, random: Random) -> None:
        self._ruleset = ruleset
        self._asking = Asking(host=host)
        self._random = random
        self._outcomes = Outcomes(ruleset)
        self._readings = Readings(ruleset, misreadings(ruleset).items(), self._outcomes)
        try:
            self._grounds = {hook: Ground(ruleset, hook, budget, self._outcomes) for hook in Facts(ruleset).hooks}
            self._deciders = [
                (hook, outcome, packets)
                for hook, ground in self._grounds.items()
                for outcome, packets in ground.deciders.items()
            ]
        except Exhausted as limit:
            raise CannotAnswer(f"to find packets to ask about takes more than {limit}", "use fewer rules") from None
        self._others = list(dict.fromkeys(outcome for _, outcome, _ in self._deciders))

    @property
    def perhaps(self) -> set[By]:
        """What may decide a packet."""
        return {outcome.by for ground in self._grounds.values() for outcome in ground.perhaps}

    def pools(self, count: int) -> dict[Outcome, list[QuizQuestion]]:
        """Return the questions that were found for each thing that decides, those that mislead most first."""
        random = self._random
        places = random.sample(self._deciders, min(len(self._deciders), max(4 * count, 40), _MOST_DECIDERS))
        found: dict[Outcome, dict[str, QuizQuestion]] = {outcome: {} for outcome in self._others}
        for hook, outcome, packets in places:
            for packet in self._grounds[hook].packets(outcome, packets, random):
                question = self._question(packet, hook)
                if question is not None:
                    found.setdefault(question.right, {}).setdefault(question.text, question)
        ranked = {}
        for outcome, questions in found.items():
            several = list(questions.values())
            random.shuffle(several)
            ranked[outcome] = sorted(several, key=attrgetter("worth"), reverse=True)
        return ranked

    def _question(self, packet: Packet, hook: int | None) -> QuizQuestion | None:
        """Return the question about a packet, or None where its answer is not proved, or it says something else."""
        text = packets_text(packet)
        try:
            question = read_question(text, self._ruleset)
            answer = ask(self._ruleset, question, self._asking)
            if len(answer.hooks) != 1 or answer.hooks[0].hook != hook or len(answer.hooks[0].regions) != 1:
                return None
            region = answer.hooks[0].regions[0]
            right = self._proved(region, hook)
            if right is None:
                return None
        except (CannotAnswer, Mistakes, Exhausted):
            return None
        at = region.deciding.packet.get("hook")
        likely = self._likely(right, at if isinstance(at, int) else hook)
        wrong = self._readings.wrong(region, right)
        choices = four(right, wrong, likely, _defaults(region), self._random)
        if len(choices) < CHOICES:
            return None
        at = next(number for number, each in enumerate(choices) if each.outcome == right)
        return QuizQuestion(text, choices, at, region, _worth(region, wrong))

    def agreed(self, asked: QuizQuestion) -> bool:
        """Do the exact sets say the same of the whole connection?"""
        region = asked.region
        values = dict(region.packets[0].packet.values)
        hook = values.pop("hook", None)
        part = Part(values, asked.alone)
        try:
            question = read_question(asked.text, self._ruleset)
            by_sets = set_answer(
                region.ruleset, question, hook if isinstance(hook, int) else None, (part,), self._asking
            )
        except CannotAnswer:
            return False
        return by_sets.verdict == region.verdict

    def _proved(self, region: Region, hook: int | None) -> Outcome | None:
        """Return what becomes of one connection, where the evaluator and sets agree on it and on what decides."""
        first = region.packets[0].packet
        if region.verdict not in ("allow", "block") or region.words is not None or not is_single(first):
            return None
        deciding = region.deciding
        if _is_elsewhere(deciding):
            return None
        if deciding.translation != Translation() and deciding.role != "first":
            return None
        right = self._outcomes.of_decision(deciding.decision, deciding.role)
        at = deciding.packet.get("hook")
        ground = self._grounds.get(at if isinstance(at, int) else hook)
        return right if right is not None and ground is not None and ground.is_only(right, deciding.packet) else None

    def _likely(self, right: Outcome, hook: int | None) -> list[Outcome]:
        """Return the ends of other packets at a hook, told of the packet that decides here."""
        ends = dict.fromkeys(outcome for at, outcome, _ in self._deciders if at == hook)
        return [replace(each, role=role_of(right, each.does)) for each in ends]


def _defaults(region: Region) -> dict[Role, Default]:
    """Return what would hold for the first packet, and for the reply to it, if no rule decided."""
    found: dict[Role, Default] = {}
    for answer in region.packets[:2]:
        entries = [step.entry for step in answer.steps]
        main = [entry for entry in entries if entry.main] or entries
        if main:
            found[answer.role] = Default(main[-1].policy)
    return found


def _is_elsewhere(answer: PacketAnswer) -> bool:
    """Does a packet come to another hook before something decides? Its question would not name that one."""
    decision = answer.decision
    said = (step for step in reversed(answer.steps) if (step.rule, step.policy) == (decision.rule, decision.policy))
    at = next(said, None)
    return at is not None and at.packet.get("hook") != answer.packet.get("hook")


def _best(pools: dict[Outcome, list[QuizQuestion]]) -> Iterator[QuizQuestion]:
    """Yield the best question of each pool, then the second best ones, and so on."""
    for number in range(max(map(len, pools.values()), default=0)):
        some = [questions[number] for questions in pools.values() if number < len(questions)]
        yield from sorted(some, key=attrgetter("worth"), reverse=True)


def _varied(questions: Iterable[QuizQuestion]) -> Iterator[QuizQuestion]:
    """Yield only a few of those that are alike: with the same right answer, and the same misconceptions."""
    alike = Counter[tuple[Outcome, frozenset[Misconception]]]()
    for each in questions:
        alike[kind := (each.right, each.misconceptions)] += 1
        if alike[kind] <= _MOST_ALIKE:
            yield each


def _worth(region: Region, wrong: Iterable[Choice]) -> int:
    """Return how much is to be learned: from many misconceptions, and rather from what people see every day.

    That a drop is no refusal does not count: then what is dropped would be asked about more than what passes.
    """
    values = region.packets[0].packet.values
    usual = values["state"] == NEW and "lo" not in (values.get("in"), values.get("out"))
    return 2 * len({each.misconception for each in wrong} - {"drop refused"}) + usual
