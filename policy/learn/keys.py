"""The keys of a lesson. A field of one of these classes is a key: its annotation says what its value may be, and the
docstring below it what it is for, in Markdown: in the JSON Schema and in docs/lessons.md."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, get_args

from policy._record import dataclass
from policy.app.answer import Verdict
from policy.app.config.kinds import Many, Named, Table
from policy.app.scenario.keys import keys_of
from policy.app.scenario.kinds import TEXT, YES_NO, Placed, natural, options, text
from policy.host import own
from policy.simulate.scenario import Result

_MAPPING = "a mapping"
_LIST = "a list"
_LOCAL = Many(text(own, "an address or a prefix"), "a list of addresses", least=1)
_KINDS = ("allow", "block", "drop", "reject")
_QUESTION = text(str, "a question, as `ask` takes it", minLength=1)

ANSWERED = {"rules": ("question", "verdict", "local"), "scenario": ("step", "result"), "fact": ()}
"""What proves an answer, and the keys that belong to it."""


def _table(owner: type, one: tuple[str, ...] = ()) -> Table:
    return Table(keys_of(owner), _MAPPING, one=one)


@dataclass(frozen=True, slots=True)
class QuestionKeys:
    """A question."""

    ask: Annotated[Any, TEXT]
    """What is asked."""
    choices: Annotated[Any, Many(Placed(TEXT), _LIST, least=1)]
    """Two to five answers to choose from."""
    answer: Annotated[Any, natural(1, 5)]
    """The number of the right one, from 1."""
    because: Annotated[Any, TEXT]
    """Why: one or two sentences, shown after the choice."""
    rules: Annotated[Any, TEXT] = None
    """The proof: a file of rules that is asked."""
    question: Annotated[Any, _QUESTION] = None
    """What the rules are asked, as `fwpolicy ask` takes it."""
    verdict: Annotated[Any, options(get_args(Verdict))] = None
    """What the rules answer."""
    local: Annotated[Any, _LOCAL] = None
    """The own addresses of the host that the rules stand on, as `ask --local` takes them."""
    scenario: Annotated[Any, TEXT] = None
    """The proof: a scenario that is played."""
    step: Annotated[Any, natural(1)] = None
    """The number of one of its steps, from 1."""
    result: Annotated[Any, options(get_args(Result))] = None
    """What the step ends with."""
    fact: Annotated[Any, TEXT] = None
    """The proof: where it is written (`RFC 6335, section 6`). For definitions."""


@dataclass(frozen=True, slots=True)
class PromiseKeys:
    """A promise."""

    allow: Annotated[Any, _QUESTION] = None
    """A question: everything that it asks about passes, replies included, as `fwpolicy ask` says it."""
    block: Annotated[Any, _QUESTION] = None
    """A question: none of the packets that it asks about passes, of TCP with whatever flags."""
    drop: Annotated[Any, _QUESTION] = None
    """A question: none of its packets passes, and nobody is told."""
    reject: Annotated[Any, _QUESTION] = None
    """A question: none of its packets passes, and whoever sent it is told so."""
    says: Annotated[Any, TEXT] = None
    """What it promises, in the words of the task: shown in the place of the question, which may be half a solution."""
    hint: Annotated[Any, TEXT] = None
    """What is said to the learner where the promise is not kept, beside the counterexample."""
    local: Annotated[Any, _LOCAL] = None
    """The own addresses of the host, as `ask --local` takes them."""


@dataclass(frozen=True, slots=True)
class ConnectionKeys:
    """A promise about connections."""

    open: Annotated[Any, _QUESTION]
    """A question about connections: the first packet, the reply and what follows all pass. It names no state."""
    says: Annotated[Any, TEXT] = None
    """What it promises, in the words of the task."""
    hint: Annotated[Any, TEXT] = None
    """What is said to the learner where the promise is not kept, beside the counterexample."""
    local: Annotated[Any, _LOCAL] = None
    """The own addresses of the host, as `ask --local` takes them."""


@dataclass(frozen=True, slots=True)
class ExerciseKeys:
    """The exercise."""

    task: Annotated[Any, TEXT]
    """What to do, in Markdown."""
    start: Annotated[Any, TEXT]
    """The file of rules that the learner begins with; it may be nearly empty."""
    solution: Annotated[Any, TEXT]
    """A file of rules that keeps all promises. It is never shown; promises may use the names that it defines."""
    promises: Annotated[Any, Many(Placed(_table(PromiseKeys, one=_KINDS)), _LIST, least=1)]
    """What the rules have to do, for all packets of each question."""
    wrong: Annotated[Any, Named(text(str, "a file"), TEXT, _MAPPING)] = None
    """Files with rules that people write, each with what is wrong with it. Each breaks a promise."""
    connections: Annotated[Any, Many(Placed(_table(ConnectionKeys)), _LIST, least=1)] = None
    """Promises about connections."""


@dataclass(frozen=True, slots=True)
class LessonKeys:
    """A lesson."""

    title: Annotated[Any, TEXT]
    """What it is called."""
    minutes: Annotated[Any, natural(1, 240)]
    """How long it takes, about."""
    scenario: Annotated[Any, TEXT] = None
    """The scenario that is played; `play.scenario.yaml`, where it is not said and that is there."""
    watch: Annotated[Any, YES_NO] = None
    """Is it told at the end of the scenario what was watched: ports that were tried, or that nothing listens on?"""
    questions: Annotated[Any, Many(Placed(_table(QuestionKeys, one=tuple(ANSWERED))), _LIST)] = None
    """Questions to predict, each with a proof of its answer."""
    exercise: Annotated[Any, _table(ExerciseKeys)] = None
    """Rules to write."""


@cache
def lesson_table() -> Table:
    """Return the table of everything."""
    return _table(LessonKeys)
