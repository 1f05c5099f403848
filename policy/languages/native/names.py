"""The definitions of a file: which names there are, what they stand for, and where they are used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import TypeVar

from policy import ir
from policy._record import dataclass
from policy.diagnostic import Collector, Related
from policy.languages.native import ast
from policy.languages.native.loops import order, report
from policy.packet import Intervals
from policy.packet.names import protocol_number
from policy.question import ast as question
from policy.question.addresses import addresses
from policy.question.ast import Word
from policy.question.lists import address_lists, host_bits, service_lists
from policy.question.printer import addresses_text, services_text
from policy.question.services import services
from policy.question.terms import Environment
from policy.source import Span

Named = TypeVar("Named", ast.Definition, ast.Policy)


@dataclass(slots=True)
class Names:
    """What the names of a file stand for, and every place that uses one; None: a definition with a mistake."""

    definitions: list[ast.Definition] = field(default_factory=list)
    addresses: dict[str, Intervals | None] = field(default_factory=dict)
    services: dict[str, tuple[ir.Service, ...] | None] = field(default_factory=dict)
    address_uses: dict[str, list[Span]] = field(default_factory=dict)
    service_uses: dict[str, list[Span]] = field(default_factory=dict)

    @property
    def environment(self) -> Environment:
        """The names as matches need them."""
        return Environment(self.addresses, self.services)

    def note_uses(self, match: question.Match) -> None:
        """Remember which names a match uses, and where."""
        for word in service_names(match.services):
            self.service_uses.setdefault(word.text, []).append(word.span)
        for listed in match.addresses:
            for word in address_names(listed):
                self.address_uses.setdefault(word.text, []).append(word.span)

    def finished(self) -> tuple[ir.Definition, ...]:
        """Return the definitions in the order of the text."""
        return tuple(self._finished(node) for node in self.definitions)

    def _finished(self, node: ast.Definition) -> ir.Definition:
        name = node.name.text
        values, uses = (
            (self.services, self.service_uses) if node.kind == "service" else (self.addresses, self.address_uses)
        )
        return ir.Definition(
            name,
            node.kind,
            services_text(node.value) if isinstance(node.value, tuple) else addresses_text(node.value),
            values[name],
            span=node.name.span,
            uses=tuple(uses.get(name, ())),
            suppressions=node.suppressions,
            lists=tuple(self._lists(node.value)),
            host_bits=() if isinstance(node.value, tuple) else host_bits(node.value),
        )

    def _lists(self, value: question.Addresses | tuple[question.Service, ...]) -> Iterator[ir.ItemList]:
        if isinstance(value, tuple):
            return service_lists(value, self.environment)
        return address_lists(value, self.environment, "src")


def address_names(node: question.Addresses) -> Iterator[Word]:
    """Yield the names in a list of addresses."""
    for item in (*node.items, *node.excluded):
        if isinstance(item, Word) and item.text != "any":
            yield item


def service_names(nodes: tuple[question.Service, ...]) -> Iterator[Word]:
    """Yield the words in a list of services that may be names of the file."""
    for node in nodes:
        if isinstance(node.name, Word) and not node.ports and not node.number:
            yield node.name


def unique(nodes: Iterable[Named], what: str, collector: Collector) -> dict[str, Named]:
    """Return *nodes* by name, noting those whose name is taken."""
    found: dict[str, Named] = {}
    for node in nodes:
        first = found.setdefault(node.name.text, node)
        if first is not node and not collector.full:
            related = (Related(first.name.span, "the first one"),)
            message = f"there is {what} `{node.name.text}` already"
            collector.add("FW703", message, node.name.span, "give one of them another name", related)
    return found


def resolve(nodes: list[ast.Definition], broken: list[tuple[str, str]], collector: Collector) -> Names:
    """Return what the definitions of a file stand for, each worked out behind those that it uses.

    *broken* are the kinds and names of definitions that could not be read.
    """
    networks = unique((n for n in nodes if n.kind != "service"), "a network or host", collector)
    kinds = unique((n for n in nodes if n.kind == "service"), "a service", collector)
    names = Names([n for n in nodes if (kinds if n.kind == "service" else networks)[n.name.text] is n])
    for kind, name in (*((n.kind, n.name.text) for n in nodes), *broken):
        if kind == "service":
            names.services[name] = None
        elif kind != "policy":
            names.addresses[name] = None
    environment = names.environment
    for name in _ordered(networks, names.address_uses, collector):
        value = networks[name].value
        assert isinstance(value, question.Addresses)
        names.addresses[name] = addresses(value, environment, collector)
    for name in _ordered(kinds, names.service_uses, collector):
        node = kinds[name]
        if name == "ping" or protocol_number(name) is not None:
            message = f"`{name}` has a meaning of its own and cannot be defined"
            collector.add("FW703", message, node.name.span, "choose another name")
        assert isinstance(node.value, tuple)
        names.services[name] = services(node.value, environment, collector)
    for node in nodes:
        if (kinds if node.kind == "service" else networks)[node.name.text] is not node:
            _look_through(node.value, environment, collector)
    return names


def _look_through(
    value: question.Addresses | tuple[question.Service, ...], environment: Environment, collector: Collector
) -> None:
    """Find the mistakes in a definition whose name is taken."""
    if isinstance(value, tuple):
        services(value, environment, collector)
    else:
        addresses(value, environment, collector)


def _ordered(nodes: dict[str, ast.Definition], uses: dict[str, list[Span]], collector: Collector) -> Iterator[str]:
    """Yield the names of definitions that are in no loop, each behind those that it uses, and note all uses."""
    graph = {name: list(_used(node.value)) for name, node in nodes.items()}
    for words in graph.values():
        for word in words:
            uses.setdefault(word.text, []).append(word.span)
    ordered = order(graph)
    broken = report(ordered.loops, "is made of", collector)
    return (name for name in ordered.names if name not in broken)


def _used(value: question.Addresses | tuple[question.Service, ...]) -> Iterator[Word]:
    return service_names(value) if isinstance(value, tuple) else address_names(value)
