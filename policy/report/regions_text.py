"""The regions of an answer as text: a line for each, with what decides and one of its packets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policy.app.answer import HookAnswer, Region
from policy.app.packets_text import packets_text
from policy.evaluate import is_implied
from policy.packet import FIELDS, Packet
from policy.report.reasons import default_span, dependencies, rule_text
from policy.report.style import VERDICT_LOOKS, Style, clean, shortened
from policy.source import Span

VERDICTS: Mapping[str, str] = {"allow": "allowed", "block": "blocked", "depends": "depends", "mixed": "mixed"}
ROLES: Mapping[str, str] = {"first": "first packet", "reply": "reply", "next": "next packet", "later": "later reply"}

_WIDEST_RULE = 60
_TAIL = 10
_INCIDENTAL = ("length", "mac", "uid", "gid")
_LONGEST_COUNT = 10**15


def verdict_text(verdict: str, style: Style) -> str:
    """Return a verdict in words, in its colour."""
    return style(VERDICTS[verdict], VERDICT_LOOKS[verdict])


def region_words(region: Region) -> str:
    """Return which packets a region has."""
    return packets_text(region.packets[0].packet, hook=False) if region.words is None else region.words


def regions_text(answer: HookAnswer, style: Style) -> Iterator[str]:
    """Yield how many packets have which verdict, where a question has several parts, and a line for each part."""
    if len(answer.regions) < 2 and answer.regions[0].words is None:
        return
    yield from _counts(answer, style)
    for region in answer.regions:
        everyone = region_words(region)
        one = packets_text(_without(region.example, *_made_up(region, everyone)), hook=False)
        such = f", such as {one}" if one != everyone else ""
        decider = _decider(region, len(answer.files) > 1, style)
        yield f"  {verdict_text(region.verdict, style)}: {everyone} ({decider}){such}"
    if not answer.complete:
        yield f"  … and more than {answer.more:,} more: ask about fewer packets to see what the later rules decide"
    elif answer.more:
        yield f"  … and {answer.more:,} more"


def _made_up(region: Region, words: str) -> Iterator[str]:
    """Yield the fields of an example that nobody asked for."""
    box = region.packets[0].packet
    yield from (name for name in _INCIDENTAL if box.get(name) == FIELDS[name].domain)
    yield from (name for name in ("in", "out") if name not in words.split())


def _counts(answer: HookAnswer, style: Style) -> Iterator[str]:
    """Say how many 5-tuples there are, and how many have each verdict."""
    whole = sum(answer.tuples.values())
    if len(answer.tuples) == 1:
        yield f"  {verdict_text(answer.verdict, style)}: all of {_number(whole)} 5-tuples"
    elif answer.tuples:
        shares = (f"{verdict_text(verdict, style)} {_number(n)}" for verdict, n in answer.tuples.items())
        yield f"  of {_number(whole)} 5-tuples: {', '.join(shares)}"


def _number(count: int) -> str:
    """Return a number that people can read: a very large one by its power of ten."""
    if count < _LONGEST_COUNT:
        return f"{count:,}"
    digits = str(count)
    return f"about {digits[0]}.{digits[1]} × 10^{len(digits) - 1}"


def _decider(region: Region, several: bool, style: Style) -> str:
    """Say in a few words what decides, and for which packet of the connection where it is not the first.

    *several*: of several files, so that it must be said which.
    """
    answer = region.deciding
    decision = answer.decision
    packet = "" if answer.role == "first" else f"the {ROLES[answer.role]}: "
    if region.verdict == "depends":
        named = [f"{clean(each.text)}{_line(each.span, several)}" for each in dependencies(answer)]
        return packet + "on " + " and ".join(named)
    if decision.rule is not None and is_implied(decision, region.ruleset):
        return f"{packet}implicit: routing"
    if decision.rule is not None:
        span = decision.rule.span
        text = style(shortened(rule_text(decision.rule), _WIDEST_RULE, _TAIL), "name")
        return f"{packet}{_line(span, several).removeprefix(', ')}: `{text}`"
    if decision.implicit == "state":
        return f"{packet}implicit: state"
    if decision.policy is None:
        return packet + ("several rules" if decision.implicit is None else "no rules")
    return (
        f"{packet}default of `{clean(decision.policy)}`{_line(default_span(decision.policy, region.ruleset), several)}"
    )


def _line(span: Span | None, several: bool) -> str:
    if span is None:
        return ""
    return f", {span.source.name}:{span.line}" if several else f", line {span.line}"


def _without(packet: Packet, *names: str) -> Packet:
    return Packet({name: value for name, value in packet.values.items() if name not in names})
