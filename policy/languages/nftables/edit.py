"""Rules with something changed, as text.

Only what one condition compares with is written anew: its words, and those of other rules, stay as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from policy._record import dataclass
from policy.diagnostic import Collector
from policy.host import UNKNOWN_HOST
from policy.ir import Field, Item, Not, Rule, Ruleset, conjuncts
from policy.ir import Match as Packets
from policy.language.edits import lines_of
from policy.languages.nftables.ast.command import Add
from policy.languages.nftables.ast.command import Rule as Written
from policy.languages.nftables.ast.expression import Expression, List, Reference, SetLiteral
from policy.languages.nftables.ast.statement import Match, Silent
from policy.languages.nftables.context import Context
from policy.languages.nftables.defined import scope_for
from policy.languages.nftables.matches import condition
from policy.languages.nftables.parse import parse, parse_rule
from policy.languages.nftables.split import blanked
from policy.languages.nftables.state import State, TableState
from policy.languages.nftables.variables import Scope
from policy.packet import FIELDS, Intervals, Names, ValueSet
from policy.packet.address import format_range
from policy.reach.items import needless
from policy.reach.merges import united
from policy.sets import Budget
from policy.source import Source, Span

WIDTH = 100
"""So wide a set may be, before its elements get lines of their own; and so wide are these."""

_NOWHERE = Span(Source("", ""), 0, 0)
_COMMAND = re.compile(r"(?:(?:add|create|insert|replace)\s+)?rule\b")
_LITERAL = re.compile(r"\d+(?:-\d+)?|(?=[^-/]*[.:])[0-9a-fA-F.:/-]+", re.ASCII)


def with_values(ruleset: Ruleset, rule: Rule, name: str, values: ValueSet, others: Sequence[Rule]) -> str | None:
    """Return *rule* with *values* in the field *name* and everything else as it is; None where one rule cannot say it.

    None, too, where one of *others* does something else beside, is not added behind the rules before it, or a rule has
    a comment inside. The numbers of a counter go. What is returned has been read again.
    """
    reader = _Reader(name, scope_for(ruleset, [each.span for each in (rule, *others)]))
    conditions = [found for each in (rule, *others) if (found := reader.condition(each)) is not None]
    if len(conditions) <= len(others):
        return None
    first = conditions[0]
    said = _all_but(name, values) if first.denies else values
    words = _chosen([word for each in conditions for word in each.words], said)
    if not words or not all(first.is_like(each) for each in conditions):
        return None
    for right in first.written(words, said, conditions):
        text = first.text_with(right)
        if right.startswith("{") and max(map(len, right.splitlines())) > WIDTH:
            text = first.text_with(_in_lines([word.text for word in words], first.indent))
        if reader.says(text, first, said):
            return text
    return None


@dataclass(frozen=True, slots=True)
class _Word:
    """What a condition compares with, or one element of that, as it is written, and the values that it is."""

    text: str
    values: ValueSet


@dataclass(frozen=True, slots=True)
class _Condition:
    """The condition of a rule that asks for the field: *at* a place among the statements, it compares with *words*.

    *packets* are those that meet it; they have one of the *values*, or where it denies, another one. *indent* is the
    space before the rule.
    """

    indent: str
    rule: Written
    at: int
    match: Match
    words: tuple[_Word, ...]
    packets: Packets
    values: ValueSet

    @property
    def denies(self) -> bool:
        return self.match.operator == "!="

    def is_like(self, other: _Condition) -> bool:
        """Do two rules look at the same, in the same way, and do the same things in the same order?"""
        one, two = ([s for s in each.rule.statements if not isinstance(s, Match)] for each in (self, other))
        return one == two and (self.match.left, self.denies) == (other.match.left, other.denies)

    def written(self, words: Sequence[_Word], values: ValueSet, all: Sequence[_Condition]) -> Iterator[str]:
        """Yield what may stand on the right for some words, the best first."""
        right, texts = self.match.right, [word.text for word in words]
        if isinstance(right, SetLiteral):
            yield self._extended(right, words)
            return
        if not any(isinstance(each.match.right, SetLiteral) for each in all):
            if len(texts) == 1:
                yield texts[0]
            elif (whole := _whole(self.match, texts, values)) is not None:
                yield whole
        lists = [each.match.right for each in all if isinstance(each.match.right, List)]
        if lists or self.match.left.span.text.split() == ["ct", "state"]:
            yield (_between(lists[0]) if lists else ",").join(texts)
        yield "{ " + ", ".join(texts) + " }"

    def _extended(self, right: SetLiteral, words: Sequence[_Word]) -> str:
        """Return a set with other elements; where it keeps all of its own, further ones stand behind them."""
        text, keys = right.span.text, [element.key.span for element in right.elements]
        first, last = keys[0].start - right.span.start, keys[-1].end - right.span.start
        if tuple(words[: len(self.words)]) == self.words:
            more = (_between(right) + word.text for word in words[len(self.words) :])
            return text[:last] + "".join(more) + text[last:]
        return text[:first] + _between(right).join(word.text for word in words) + text[last:]

    def text_with(self, right: str) -> str:
        """Return the rule with something else on the right of its condition, and nothing counted yet."""
        edits = [(self.match.right.span, right)]
        edits += [(s.span, s.text) for s in self.rule.statements if isinstance(s, Silent) and s.text == "counter"]
        text = self.match.span.source.text
        for span, new in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
            text = text[: span.start] + new + text[span.end :]
        return text


class _Reader:
    """Reads rules for what they say of one field; *scope* has the variables that stand in them."""

    def __init__(self, name: str, scope: Scope) -> None:
        self.name = name
        self.scope = scope
        table = TableState("inet", "", _NOWHERE)
        self.context = Context(State([]), table, None, frozenset(), True, UNKNOWN_HOST, scope.mistakes)

    def condition(self, rule: Rule) -> _Condition | None:
        """Return the condition of a rule that asks for the field; None where the field is in none, or in several."""
        text = rule.span.text
        written = None if blanked(text) != text else _read(text)
        if written is None:
            return None
        asked = set(conjuncts(rule.match))
        before = rule.span.source.text[lines_of(rule.span).start : rule.span.start]
        indent = before[: len(before) - len(before.lstrip(" \t"))]
        for at, each in enumerate(written.statements):
            if isinstance(each, Match) and each.operator in ("", "==", "!=") and not isinstance(each.right, Reference):
                packets = self._packets(each)
                values = self._values(packets, each.operator == "!=")
                words = tuple(self._words(each))
                if values is not None and self._part(values, each.operator == "!=") in asked:
                    united_ = united([word.values for word in words])
                    return _Condition(indent, written, at, each, words, packets, values) if united_ == values else None
        return None

    def says(self, text: str, before: _Condition, values: ValueSet) -> bool:
        """Is a text the rule of a condition, but with other *values* there?"""
        again, old = _read(text), before.rule
        if again is None or len(again.statements) != len(old.statements) or again.comment != old.comment:
            return False
        said = again.statements[before.at]
        rest, others = ([*each.statements[: before.at], *each.statements[before.at + 1 :]] for each in (again, old))
        if rest != others or not isinstance(said, Match):
            return False
        parts = self._part(before.values, before.denies), self._part(values, before.denies)
        wanted = {parts[1] if part == parts[0] else part for part in conjuncts(before.packets)}
        found = set(conjuncts(self._packets(said)))
        return found == wanted and not self.context.mistakes.found

    def _packets(self, match: Match) -> Packets:
        return condition(self.context, self.scope.filled(match))

    def _part(self, values: ValueSet, denied: bool) -> Packets:
        field = Field(self.name, values)
        return Not(field) if denied else field

    def _values(self, packets: Packets, denied: bool) -> ValueSet | None:
        """Return the values of the field that a condition names."""
        for part in conjuncts(packets):
            match part:
                case Field(self.name, values) if not denied:
                    return values
                case Not(Field(self.name, values)) if denied:
                    return values
        return None

    def _words(self, match: Match) -> Iterator[_Word]:
        """Yield what a condition compares with, one by one."""
        for each in _parts(match.right):
            values = self._values(self._packets(replace(match, operator="", right=each)), False)
            if values is not None:
                yield _Word(each.span.text, values)


def _read(text: str) -> Written | None:
    """Return the rule in a text: a rule of a chain, or a command that adds one behind the others."""
    source = Source("", text)
    if not _COMMAND.match(text):
        return parse_rule(Span(source, 0, len(text)))
    match parse(source, Collector()).commands:
        case (Add("add" | "create", Written() as rule, handle=None, index=None),):
            return rule
    return None


def _in_lines(texts: Sequence[str], indent: str) -> str:
    """Return a set whose elements are on lines of their own, as many on each as there is room for."""
    start = indent + ("    " if indent.startswith(" ") else "\t")
    lines = [start]
    for text in texts:
        if lines[-1] != start and len(f"{lines[-1]} {text},".expandtabs(8)) > WIDTH:
            lines.append(start)
        lines[-1] += f"{'' if lines[-1] == start else ' '}{text},"
    lines[-1] = lines[-1].removesuffix(",")
    return "\n".join(("{", *lines, f"{indent}}}"))


def _parts(right: Expression) -> Iterator[Expression]:
    match right:
        case SetLiteral(elements):
            yield from (element.key for element in elements)
        case List(parts):
            yield from parts
        case _:
            yield right


def _between(several: SetLiteral | List) -> str:
    """Return what stands between the first two elements of a list."""
    parts = list(_parts(several))
    return several.span.source.text[parts[0].span.end : parts[1].span.start] if len(parts) > 1 else ", "


def _chosen(words: Sequence[_Word], values: ValueSet) -> list[_Word]:
    """Return the words that are among *values*, without those that others say."""
    fitting = [word for word in words if _covers(values, word.values)]
    without = needless([Item(word.values, span=_NOWHERE) for word in fitting], Budget(None))
    return [word for number, word in enumerate(fitting) if number not in without]


def _covers(one: ValueSet, two: ValueSet) -> bool:
    if isinstance(one, Intervals) and isinstance(two, Intervals):
        return one.covers(two)
    return isinstance(one, Names) and isinstance(two, Names) and one.covers(two)


def _all_but(name: str, values: ValueSet) -> ValueSet:
    """Return the values of a field that are not among some."""
    domain = FIELDS[name].domain
    if isinstance(values, Intervals) and isinstance(domain, Intervals):
        return domain - values
    return replace(values, negated=not values.negated) if isinstance(values, Names) else Intervals()


def _whole(match: Match, texts: Sequence[str], values: ValueSet) -> str | None:
    """Return the one range or prefix that some *texts* are together, where all of them are numbers or addresses.

    Networks are not worth a range, nor are two hosts or two ports anything but these.
    """
    if not isinstance(values, Intervals) or len(values.ranges) > 1:
        return None
    if match.operator == "!=" or not all(_LITERAL.fullmatch(text) for text in texts):
        return None
    low, high = values.ranges[0]
    name = match.left.span.text.split()[-1]
    if name not in ("saddr", "daddr", "sport", "dport"):
        return None
    whole = format_range(low, high) if name.endswith("addr") else f"{low}-{high}"
    networks, ranges = (any(sign in text for text in texts) for sign in "/-")
    if networks:
        return None if "-" in whole else whole
    return whole if ranges or len(texts) > 2 else None
