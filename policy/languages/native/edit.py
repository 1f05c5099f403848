"""Rules with something changed, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from policy.diagnostic import Collector
from policy.ir import Field, Item, Rule, Ruleset, Service, conjuncts
from policy.ir import with_values as changed
from policy.languages.native.parse import parse_rule
from policy.languages.native.printer import cells, plain
from policy.packet import FIELDS, Intervals, Names, ValueSet
from policy.packet.address import ANY_ADDRESS, V4, V6, format_address, format_range
from policy.packet.names import protocol_name
from policy.question import ast as question
from policy.question.addresses import addresses, ports
from policy.question.lower import terms
from policy.question.services import services
from policy.question.terms import Environment, match_of
from policy.reach.items import needless
from policy.sets import Budget
from policy.source import Source, Span

T = TypeVar("T")

_NOWHERE = Span(Source("", ""), 0, 0)
_SERVICE = frozenset({"proto", "dport", "icmp_type", "icmp_code"})
_WORDS = {"in": "arrives", "out": "leaves", "hook": "hooks", "state": "states"}


def with_values(ruleset: Ruleset, rule: Rule, field: str, values: ValueSet, others: Sequence[Rule] = ()) -> str | None:
    """Return *rule* in one line, with *values* in *field* and everything else as it is.

    What it says already, or one of *others* does, is said with the same words. None where one rule cannot say it, or
    the rule has a comment inside: what is returned has been read again.
    """
    wanted = changed(rule.match, field, values)
    tree = parse_rule(rule.span)
    if wanted is None or tree is None:
        return None
    environment = Environment.of(ruleset.definitions)
    around = [tree.match, *(found.match for other in others if (found := parse_rule(other.span)) is not None)]
    match = _Writer(environment, around).match(tree.match, field, values)
    if match is None:
        return None
    text = plain(cells(replace(tree, match=match)))
    again = parse_rule(Span(Source(rule.span.source.name, text), 0, len(text)))
    if again is None:
        return None
    mistakes = Collector()
    said = match_of(terms(again.match, environment, mistakes))
    return text if not mistakes.found and set(conjuncts(said)) == set(conjuncts(wanted)) else None


class _Writer:
    """Writes values with the words of some matches, the first of which is to be changed."""

    def __init__(self, environment: Environment, around: Sequence[question.Match]) -> None:
        self.environment = environment
        self.around = around

    def match(self, node: question.Match, field: str, values: ValueSet) -> question.Match | None:
        """Return *node* with other values in *field*, or None."""
        source, destination = node.source, node.destination
        match field, values:
            case "src", Intervals() if source is not None:
                return replace(node, source=self._endpoint(source, values))
            case "dst", Intervals() if destination is not None:
                return replace(node, destination=self._endpoint(destination, values))
            case "sport", Intervals() if source is not None and source.ports:
                return replace(node, source=self._with_ports(source, "source", values))
            case "dport", Intervals() if destination is not None and destination.ports:
                return replace(node, destination=self._with_ports(destination, "destination", values))
            case "in" | "out", Names(exact, prefixes, negated=False):
                return self._with_words(node, field, [*sorted(exact), *sorted(f"{prefix}+" for prefix in prefixes)])
            case "hook" | "state", Intervals():
                labels = enumerate(FIELDS[field].labels)
                return self._with_words(node, field, [label for number, label in labels if number in values])
            case _, Intervals() if field in _SERVICE:
                found = self._services(node, field, values)
                return None if found is None else replace(node, services=found)
        return None

    def _with_words(self, node: question.Match, field: str, texts: Sequence[str]) -> question.Match:
        """Return *node* with other words: in the order in which they stand in the rules, then what they have not."""
        part = _WORDS[field]
        known = [word.text for match in self.around for word in getattr(match, part)]
        ordered = dict.fromkeys([*(text for text in known if text in texts), *texts])
        changes: dict[str, Any] = {part: tuple(question.Word(text, _NOWHERE) for text in ordered)}
        return replace(node, **changes)

    # Addresses

    def _endpoint(self, node: question.Endpoint, values: Intervals) -> question.Endpoint:
        found = self._addresses(node.addresses, values)
        alone = len(found.items) == 1 and not found.excluded and found.items[0] == node.addresses.items[0]
        return replace(node, addresses=found, socket=node.socket and alone)

    def _addresses(self, node: question.Addresses, values: Intervals) -> question.Addresses:
        if values == ANY_ADDRESS:
            return question.Addresses((question.Word("any", _NOWHERE),))
        known = [
            item
            for match in self.around
            for endpoint in (match.source, match.destination)
            if endpoint is not None
            for item in (*endpoint.addresses.items, *endpoint.addresses.excluded)
        ]
        base = self._meaning(node.items)
        if node.excluded and base.covers(values):
            return question.Addresses(node.items, self._items(known, base - values))
        return question.Addresses(self._items(known, values))

    def _items(self, known: Iterable[question.Item], values: Intervals) -> tuple[question.Item, ...]:
        """Return what means *values*: those of the *known* items that fit, but for needless ones, then the rest.

        Where none of them is a name, fewer ranges say it better.
        """
        found, left = _fitting(((item, self._meaning([item])) for item in known), values)
        rest = _ranges(left)
        whole = _ranges(values)
        if len(whole) < len(found) + len(rest) and not any(isinstance(item, question.Word) for item in found):
            return whole
        return (*found, *rest)

    def _meaning(self, items: Sequence[question.Item]) -> Intervals:
        return addresses(question.Addresses(tuple(items)), self.environment, Collector()) or Intervals()

    # Ports

    def _with_ports(self, node: question.Endpoint, side: str, values: Intervals) -> question.Endpoint:
        ends = [getattr(match, side) for match in self.around]
        known = [port for end in ends if end is not None for port in end.ports]
        found = self._ports(known, values)
        return replace(node, ports=found, socket=node.socket and len(found) == 1)

    def _ports(self, known: Iterable[question.Port], values: Intervals) -> tuple[question.Port, ...]:
        found, left = _fitting(((port, ports([port], None, Collector()) or Intervals()) for port in known), values)
        return (*found, *(question.Range(low, high, _NOWHERE) for low, high in left.ranges))

    # Services

    def _services(self, node: question.Match, field: str, values: Intervals) -> tuple[question.Service, ...] | None:
        """Return the services of the rule, which are one service of the IR, with other values in a field."""
        before = services(node.services, self.environment, Collector())
        if not before or len(before) > 1 or not any(part.name == field for part in before[0]):
            return None
        wanted = tuple(Field(field, values) if part.name == field else part for part in before[0])
        known = [service for match in self.around for service in match.services]
        found = list[question.Service]()
        for service in known:
            said = services([*found, service], self.environment, Collector())
            if said != services(found, self.environment, Collector()) and _inside(said, wanted):
                found.append(service)
        if services(found, self.environment, Collector()) == (wanted,):
            return _together(found)
        return _written(wanted)


def _fitting(known: Iterable[tuple[T, Intervals]], values: Intervals) -> tuple[list[T], Intervals]:
    """Return the known words that mean a part of *values*, but for needless ones, and what is left."""
    fitting = [(word, means) for word, means in known if means and values.covers(means)]
    dropped = needless([Item(means, span=_NOWHERE) for _, means in fitting], Budget(None))
    kept = [pair for number, pair in enumerate(fitting) if number not in dropped]
    said = Intervals.of(*(pair for _, means in kept for pair in means.ranges))
    return [word for word, _ in kept], values - said


def _inside(found: tuple[Service, ...] | None, wanted: Service) -> bool:
    """Are all services within one? (Fields by fields: what has others is not.)"""
    limits = {part.name: part.values for part in wanted}
    return bool(found) and all(
        {part.name for part in service} == limits.keys()
        and all(_covers(limits[part.name], part.values) for part in service)
        for service in found or ()
    )


def _covers(limit: ValueSet, values: ValueSet) -> bool:
    return isinstance(limit, Intervals) and isinstance(values, Intervals) and limit.covers(values)


def _together(nodes: Sequence[question.Service]) -> tuple[question.Service, ...]:
    """Put the ports of one protocol into one pair of braces."""
    found: dict[object, question.Service] = {}
    for number, node in enumerate(nodes):
        key = node.name.text if isinstance(node.name, question.Word) and node.ports and node.code is None else number
        before = found.get(key)
        found[key] = node if before is None else replace(before, ports=(*before.ports, *node.ports))
    return tuple(found.values())


def _written(service: Service) -> tuple[question.Service, ...] | None:
    """Return a service in numbers, once for each protocol; None where that has no name and cannot have ports."""
    values = {part.name: part.values for part in service}
    protocols, details = values.get("proto"), values.get("dport", values.get("icmp_type"))
    code = values.get("icmp_code")
    if not isinstance(protocols, Intervals) or (code is not None and not isinstance(code, Intervals)):
        return None
    numbers = [number for low, high in protocols.ranges for number in range(low, high + 1)]
    if details is None:
        return tuple(_protocol(number) for number in numbers)
    if not isinstance(details, Intervals) or (code is not None and len(code.ranges) != 1):
        return None
    found = tuple(question.Range(low, high, _NOWHERE) for low, high in details.ranges)
    last = question.Range(*code.ranges[0], _NOWHERE) if code is not None else None
    return tuple(question.Service(question.Word(protocol_name(n), _NOWHERE), found, last) for n in numbers)


def _protocol(number: int) -> question.Service:
    name = protocol_name(number)
    if name.isdigit():
        return question.Service(question.Range(number, number, _NOWHERE), number=True)
    return question.Service(question.Word(name, _NOWHERE))


def _ranges(values: Intervals) -> tuple[question.Item, ...]:
    return tuple(_range(low, high) for family in (V4, V6) for low, high in (values & family).ranges)


def _range(low: int, high: int) -> question.Item:
    text = format_range(low, high)
    if "-" not in text:
        return question.Address(text, _NOWHERE)
    return question.Between(
        question.Address(format_address(low), _NOWHERE), question.Address(format_address(high), _NOWHERE)
    )
