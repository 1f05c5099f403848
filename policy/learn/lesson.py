"""What a course says: lessons, each with a page, questions with their proofs, and an exercise with its promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from policy._record import dataclass
from policy.app.answer import Verdict
from policy.host import UNKNOWN_HOST, Host
from policy.ir.match import mark
from policy.simulate.scenario import Result
from policy.source import Source, Span

Kind = Literal["allow", "block", "drop", "reject", "open"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A proof: the *verdict* that `ask` gives for a question to a file of rules; *host* is what is known of theirs.

    *place* is that of the question, *span* that of the verdict.
    """

    rules: str
    question: str
    verdict: Verdict
    host: Host = UNKNOWN_HOST
    place: Span | None = mark()
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class Played:
    """A proof: what a step of a scenario (from 1) ends with."""

    scenario: str
    step: int
    result: Result
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class Fact:
    """A proof: where it is written."""

    text: str


Proof = Asked | Played | Fact


@dataclass(frozen=True, slots=True)
class Question:
    """A question with choices; the *answer* is the number of one, from 1, and right *because* of something."""

    ask: str
    choices: tuple[str, ...]
    answer: int
    because: str
    proof: Proof
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class Promise:
    """What rules have to do with all packets of a question.

    *allow*: they pass, as `ask` says it; *open*: the same of connections, so that replies and further packets pass as
    well; *block*: none of the packets passes by itself, of TCP with whatever flags; *drop* and *reject*: none of them
    passes, and whoever sent it is told nothing, or told. *says* is all that in the words of the task, and *hint* is
    said where it is not so.
    """

    kind: Kind
    question: str
    says: str | None = None
    hint: str | None = None
    host: Host = UNKNOWN_HOST
    span: Span | None = mark()

    @property
    def words(self) -> str:
        """What it says, or, where it has no words of its own, its question: `allow: tcp/443 to 192.0.2.80`."""
        return self.says.strip() if self.says else f"{self.kind}: {self.question}"


@dataclass(frozen=True, slots=True)
class Exercise:
    """Rules to write: *start* is what there is, *solution* one that keeps all promises.

    *wrong* are solutions that people write, and what is wrong with each. All are paths of files.
    """

    task: str
    start: str
    solution: str
    promises: tuple[Promise, ...]
    wrong: Mapping[str, str] = field(default_factory=dict, hash=False)
    span: Span | None = mark()


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson: *name* is that of its folder, `03-first-match`; *scenarios* are paths, the one to be played first.

    *watch*: what was watched meanwhile is told at its end.
    """

    name: str
    folder: str
    title: str
    minutes: int
    page: Source
    scenarios: tuple[str, ...] = ()
    watch: bool = False
    questions: tuple[Question, ...] = ()
    exercise: Exercise | None = None
    span: Span | None = mark()

    @property
    def number(self) -> int:
        return int(self.name[:2])


@dataclass(frozen=True, slots=True)
class Course:
    """Lessons in their order; *folder* is where they stand."""

    folder: str
    lessons: tuple[Lesson, ...]
