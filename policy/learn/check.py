"""Proves a lesson: its questions have the answers that it says, its scenarios play, its solutions are graded right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from policy import source
from policy._record import dataclass
from policy.app.answer import Asking
from policy.app.ask import ask, check_any
from policy.app.packets_text import packets_text
from policy.app.play import Playing
from policy.app.problem import CannotAnswer
from policy.app.question import read_question
from policy.app.scenario import load_scenario
from policy.diagnostic import MOST, Diagnostic, Mistakes, Related, unreadable
from policy.learn.grade import Graded, Grading, read_rules
from policy.learn.lesson import Asked, Course, Exercise, Fact, Lesson, Played
from policy.learn.read import is_lesson, original, read_lesson
from policy.learn.within import read_within
from policy.source import Span, Unreadable

CODE = "FW007"
_DONE = {"allow": "allowed", "block": "blocked", "depends": "left open", "mixed": "mixed"}


@dataclass(frozen=True, slots=True)
class Proved:
    """How much of a lesson was proved: *questions* (*facts* of them by what is written elsewhere), *steps* of scenarios
    with an expectation, *promises* that the solution keeps, and *wrong* solutions that a packet refutes.
    """

    lesson: Lesson
    questions: int
    facts: int
    steps: int
    promises: int
    wrong: int


def check_course(course: Course) -> tuple[list[Proved], list[Diagnostic]]:
    """Return what was proved of each lesson, and everything that is not as the course says."""
    proved: list[Proved] = []
    found: list[Diagnostic] = []
    for lesson in course.lessons:
        one, wrong = check_lesson(lesson)
        proved.append(one)
        found += wrong
    return proved, [*_translation(course), *found][:MOST]


def _translation(course: Course) -> Iterator[Diagnostic]:
    """Yield where a translation is none: the lessons that its original has not, and those that ask something else.

    Progress is kept by the numbers of questions, for all languages.
    """
    base = original(course.folder)
    if base is None:
        return
    for lesson in course.lessons:
        assert lesson.span is not None
        span = Span(lesson.span.source, 0, 0)
        folder = str(Path(base, lesson.name))
        if not is_lesson(folder):
            message = f"`{lesson.name}` translates nothing: `{base}` has no such lesson"
            yield Diagnostic("FW701", message, span, "a translation has the names of its original")
            continue
        try:
            other = read_lesson(folder)
        except (Mistakes, Unreadable):  # which the check of the original says
            continue
        for what, mine, its in zip(("questions", "promises"), _meant(lesson), _meant(other), strict=True):
            if mine != its:
                message = f"the {what} of this translation are not those of `{other.folder}`"
                yield Diagnostic(CODE, message, span, "translate each, in its order, with the same answer and proof")


def _meant(lesson: Lesson) -> tuple[object, object]:
    """Return what a lesson asks and promises, whatever its words."""
    questions = [
        (len(each.choices), each.answer, type(each.proof), getattr(each.proof, "step", None))
        for each in lesson.questions
    ]
    promises = lesson.exercise.promises if lesson.exercise is not None else ()
    return questions, [(each.kind, each.question, each.host) for each in promises]


def check_lesson(lesson: Lesson) -> tuple[Proved, list[Diagnostic]]:
    """Return what was proved of a lesson, and everything that is not as it says."""
    checking = _Checking(lesson)
    checking.questions()
    checking.scenarios()
    if lesson.exercise is not None:
        checking.exercise(lesson.exercise)
    return checking.proved(), checking.found


class _Checking:
    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self._played: dict[str, list[str] | None] = {}
        self._reported: set[tuple[str, int, str]] = set()
        self._questions = self._facts = self._steps = self._promises = self._wrong = 0
        self.found: list[Diagnostic] = []

    def proved(self) -> Proved:
        return Proved(self._lesson, self._questions, self._facts, self._steps, self._promises, self._wrong)

    def _say(self, span: Span | None, message: str, help: str | None = None, *related: Related) -> None:
        assert span is not None
        self._add(Diagnostic(CODE, message, span, help, related=related))

    def _add(self, found: Diagnostic) -> None:
        """Add what is wrong; of a place in a file that is read several times only once."""
        key = (found.span.source.name, found.span.start, found.message)
        if key not in self._reported:
            self._reported.add(key)
            self.found.append(found)

    def _tried(self, do: Callable[[], object], span: Span | None) -> None:
        """Do something; what cannot be read or answered is wrong at its place, or at *span*."""
        assert span is not None
        try:
            do()
        except Unreadable as error:
            self._add(unreadable(error))
        except Mistakes as mistakes:
            for each in mistakes.diagnostics:
                self._add(each)
        except CannotAnswer as error:
            self._add(Diagnostic(CODE, str(error), span, error.help))

    def questions(self) -> None:
        for question in self._lesson.questions:
            match question.proof:
                case Fact():
                    self._questions += 1
                    self._facts += 1
                case Asked() as proof:
                    self._tried(partial(self._asked, proof), proof.span)
                case Played() as proof:
                    self._tried(partial(self._step, proof), proof.span)

    def _asked(self, proof: Asked) -> None:
        rules = read_rules(source.read(proof.rules), proof.host)
        check_any(rules, proof.rules)
        assert proof.place is not None
        question = read_within(proof.place, proof.question, lambda: read_question(proof.question, rules))
        verdict = ask(rules, question, Asking(host=proof.host)).verdict
        if verdict == proof.verdict:
            self._questions += 1
        else:
            self._say(proof.span, f"the rules answer `{verdict}`, not `{proof.verdict}`", "`fwpolicy ask` says why")

    def _step(self, proof: Played) -> None:
        results = self._results(proof.scenario)
        if results is None:
            return
        if proof.step > len(results):
            self._say(proof.span, f"there is no step {proof.step}: the scenario has {len(results)}")
        elif results[proof.step - 1] != proof.result:
            said = f"step {proof.step} ends with `{results[proof.step - 1]}`, not with `{proof.result}`"
            self._say(proof.span, said, "`fwpolicy play` shows it")
        else:
            self._questions += 1

    def scenarios(self) -> None:
        for path in self._lesson.scenarios:
            self._tried(partial(self._results, path), self._lesson.span)

    def _results(self, path: str) -> list[str] | None:
        """Return what the steps of a scenario end with; None where it cannot be played, which is said once."""
        if path not in self._played:
            self._played[path] = None
            self._played[path] = list(self._play(path))
        return self._played[path]

    def _play(self, path: str) -> Iterator[str]:
        playing = Playing(load_scenario(path))
        for done in playing:
            yield done.outcome.result
            for each in done.missed:
                self._say((done.step.expected and done.step.expected.span) or done.step.span, each)
        self._steps += playing.expected - playing.missed
        if not playing.expected:
            self._say(playing.scenario.span, "nothing is expected of any step", "write `expect:` where it matters")

    def exercise(self, exercise: Exercise) -> None:
        grading = Grading(exercise)
        before = len(self.found)
        self._tried(partial(self._solution, grading, exercise), exercise.span)
        if len(self.found) > before:  # each of the others would be held against promises that mean nothing
            return
        self._tried(partial(self._start, grading, exercise), exercise.span)
        for path in exercise.wrong:
            self._tried(partial(self._refute, grading, path), exercise.span)

    def _solution(self, grading: Grading, exercise: Exercise) -> None:
        for each in grading.grade(source.read(exercise.solution)).graded:
            if each.kept:
                self._promises += 1
            else:
                self._say(each.promise.span, f"the solution does not keep this promise: {_why(each)}", None, *_by(each))

    def _start(self, grading: Grading, exercise: Exercise) -> None:
        try:
            passed = grading.grade(source.read(exercise.start)).passed
        except CannotAnswer:  # there is no rule in it yet
            return
        if passed:
            self._say(exercise.span, "what the learner begins with keeps all promises", "leave something to be done")

    def _refute(self, grading: Grading, path: str) -> None:
        text = source.read(path)
        if grading.grade(text).refuted:
            self._wrong += 1
            return
        self._say(Span(text, 0, 0), "no packet shows that this solution is wrong", "change it, or add a promise")


def _why(graded: Graded) -> str:
    if graded.counterexample is None:
        return graded.why or ""
    region = graded.counterexample.region
    deciding = graded.counterexample.deciding
    role = "" if deciding.role == "first" else f", as the {deciding.role} packet is"
    return f"`{packets_text(region.example, hook=False)}` is {_DONE[region.verdict]}{role}"


def _by(graded: Graded) -> Iterator[Related]:
    """Yield the place of the rule that decides the counterexample."""
    if graded.counterexample is not None:
        rule = graded.counterexample.deciding.decision.rule
        if rule is not None:
            yield Related(rule.span, "this rule decides")
