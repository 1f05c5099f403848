"""The words of a quiz: what is asked, what the answers say, why wrong ones are wrong, and the trace that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from policy.app.packets_text import packets_text
from policy.explain import because
from policy.ir import Ruleset
from policy.learn.choices import Choice
from policy.learn.outcome import Default, Line, Outcome
from policy.learn.quiz import Quiz, QuizQuestion
from policy.packet import FORWARD, OUTPUT
from policy.packet.text import value_text
from policy.report.numbered import numbered
from policy.report.regions_text import ROLES, VERDICTS
from policy.report.style import PLAIN, Style, clean, shortened
from policy.report.trace_text import trace_text
from policy.source import Source

LETTERS = "abcd"

MOST_LINES = 150
"""Longer files are not shown with the questions."""

CONNECTION = "Somebody opens this connection. What becomes of it?"

_WIDEST_RULE = 60
_TAIL = 10

_DONE = {"allow": "allowed", "drop": "dropped", "reject": "rejected"}


def rules_lines(source: Source, name: str, columns: int) -> Iterator[str]:
    """Yield what a file is called, and its lines with their numbers; those of a long one are not shown."""
    lines = source.text.splitlines()
    if len(lines) > MOST_LINES:
        yield f"{name} has {len(lines)} lines: have it at hand."
        return
    yield f"{name}:"
    yield from numbered(source, columns)


def asks(question: QuizQuestion) -> str:
    """Return what is asked: about a connection, or about one packet."""
    if not question.alone:
        return CONNECTION
    hook = question.region.packets[0].packet.get("hook")
    does = {OUTPUT: "leaves", FORWARD: "passes through"}.get(hook, "arrives") if isinstance(hook, int) else "arrives"
    return f"This packet {does}. What becomes of it?"


def outcome_text(outcome: Outcome, ruleset: Ruleset) -> str:
    """Return an answer in words: `dropped by line 9`."""
    done = _DONE[outcome.does]
    match outcome.by:
        case Line() as line:
            text = f"{done} by {_line(line, len(ruleset.sources) > 1)}"
        case Default(policy):
            text = f"{done} by the default{_whose(policy, ruleset)}"
        case "state":
            why = "its connection is known" if outcome.does == "allow" else "its connection is not known"
            text = f"{done} without asking a rule, as {why}"
        case _:
            text = f"{done}, as no rule {'forbids' if outcome.does == 'allow' else 'allows'} it"
    if outcome.does == "reject":
        text += ": its sender is told"
    return text if outcome.role == "first" else f"the first packet passes, but the {ROLES[outcome.role]} is {text}"


def _line(line: Line, several: bool) -> str:
    text = f"line {line.number}{f' of {clean(line.file)}' if several else ''}"
    return f"rule {line.rule} in {text}, `{shortened(line.text, _WIDEST_RULE, _TAIL)}`" if line.rule else text


def _whose(policy: str, ruleset: Ruleset) -> str:
    """Say whose default it is, where packets enter at several policies of the text."""
    entered = {entry.policy for entries in ruleset.entries.values() for entry in entries}
    several = sum(not ruleset.policies[name].implied for name in entered) > 1
    return f" of `{clean(policy.replace(':', ' '))}`" if several else ""


def why_wrong(choice: Choice, question: QuizQuestion) -> str | None:
    """Return what somebody has wrong who gives this answer; None where no misconception leads to it."""
    match choice.misconception:
        case "last match":
            decision = question.region.deciding.decision
            policy = question.region.ruleset.policies.get(decision.policy or "")
            last = policy is not None and policy.last_match
            return f"the {'last' if last else 'first'} rule that matches decides, whatever the others say"
        case "sides swapped":
            return "that takes the source for the destination"
        case "only v4":
            return "a rule that names no addresses is for IPv6, too"
        case "default forgotten":
            return "where no rule matches, the default decides"
        case "drop refused" if question.right.does == "drop":
            return "who is dropped gets no answer, and waits"
        case "drop refused":
            return "who is rejected is told so at once, and does not wait"
        case "reply forgotten" if question.right.role != "first":
            return "the packets that follow the first one must pass, too"
        case "reply forgotten" if question.alone:
            state = value_text("state", question.region.packets[0].packet.values["state"])
            return f"to connection tracking this packet is {state}, not new"
        case "reply forgotten":
            return "the reply is not new: it belongs to a connection that is known"
    return None


def explanation(question: QuizQuestion, style: Style = PLAIN) -> Iterator[str]:
    """Yield the traces of the packets that show the answer: the first, and others that answers speak of."""
    region = question.region
    shown: Sequence[str] = ("first",)
    if question.right.role != "first" or any(choice.outcome.role != "first" for choice in question.choices):
        shown = ("first", "reply", question.right.role)
    for answer in region.packets:
        if answer.role not in shown:
            continue
        head = f"{ROLES[answer.role]} {VERDICTS[answer.decision.verdict]}: {packets_text(answer.packet, hook=False)}"
        if len(answer.steps) == 1 and (only := answer.steps[0]).implicit:
            yield from _wrapped(f"{head} (implicit: {only.implicit}, {because(only)})", style)
            continue
        yield from _wrapped(head, style)
        yield from trace_text(answer, region.ruleset, style)


def _wrapped(text: str, style: Style) -> list[str]:
    return (
        [text] if style.columns is None else wrap(text, style.columns, subsequent_indent="  ", break_on_hyphens=False)
    )


def left_out(quiz: Quiz) -> Iterator[str]:
    """Yield which rules the questions are not about, and why."""
    several = len(quiz.ruleset.sources) > 1
    for lines, why in (
        (quiz.unasked, "no question here"),
        (quiz.unsettled, "not asked about, as what is not known decides whether they do"),
    ):
        if lines:
            names = [
                f"{f'{clean(line.file)}:' if several else ''}{line.number}{f' (rule {line.rule})' if line.rule else ''}"
                for line in lines[:_MOST_LINES]
            ]
            more = f" and {len(lines) - _MOST_LINES} more" if len(lines) > _MOST_LINES else ""
            yield f"{'lines' if len(lines) > 1 else 'line'} {', '.join(names)}{more}: {why}"


_MOST_LINES = 12
