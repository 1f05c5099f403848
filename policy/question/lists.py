"""The lists of a match or a definition, item by item, as checks want to see them.

Only what has several items, or an exception, is read again for this: most rules have no list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from policy.diagnostic import Collector
from policy.ir import Item, ItemList, Service
from policy.packet import HOOKS, STATES, Intervals, Names
from policy.packet.address import parse_address, parse_prefix
from policy.question import ast
from policy.question.addresses import addresses, ports
from policy.question.services import services
from policy.question.terms import Environment
from policy.source import Span


def match_lists(match: ast.Match, environment: Environment) -> tuple[ItemList, ...]:
    """Return the lists of a match without mistakes."""
    found = list(service_lists(match.services, environment))
    for endpoint, side, port in ((match.source, "src", "sport"), (match.destination, "dst", "dport")):
        if endpoint is not None:
            found += address_lists(endpoint.addresses, environment, side)
            if len(endpoint.ports) > 1:
                found.append(_ports(endpoint.ports, port, _protocols(match.services, environment)))
    for words, field in ((match.arrives, "in"), (match.leaves, "out")):
        if len(words) > 1:
            found.append(ItemList(field, tuple(Item(Names.of(word.text), span=word.span) for word in words)))
    for words, field, labels in ((match.hooks, "hook", HOOKS), (match.states, "state", STATES)):
        if len(words) > 1:
            items = (Item(Intervals.of(labels.index(word.text)), span=word.span) for word in words)
            found.append(ItemList(field, tuple(items)))
    return tuple(found)


def address_lists(node: ast.Addresses, environment: Environment, field: str) -> Iterator[ItemList]:
    """Yield a list of addresses, if it is one, as values of *field*."""
    if len(node.items) > 1 or node.excluded:
        items, excepted = (tuple(_address(each, environment) for each in some) for some in (node.items, node.excluded))
        yield ItemList(field, items, excepted)


def host_bits(*nodes: ast.Addresses) -> tuple[Item, ...]:
    """Return the prefixes in lists of addresses without mistakes behind which bits are set."""
    found = (each for node in nodes for each in (*node.items, *node.excluded) if isinstance(each, ast.Address))
    prefixes = ((each, _with_host_bits(each.text)) for each in found if "/" in each.text)
    return tuple(Item(values, span=each.span) for each, values in prefixes if values is not None)


@lru_cache(1 << 14)
def _with_host_bits(text: str) -> Intervals | None:
    """Return the addresses of a prefix, None where its address is the first of them."""
    values = parse_prefix(text)
    return None if parse_address(text.partition("/")[0]) == values.first else values


def service_lists(nodes: tuple[ast.Service, ...], environment: Environment) -> Iterator[ItemList]:
    """Yield a list of services, if it is one, and the lists of ports and ICMP types in it."""
    if len(nodes) > 1:
        yield ItemList(None, tuple(Item(_services([node], environment), span=_whole(node)) for node in nodes))
    for node in nodes:
        if len(node.ports) > 1:
            each = (ast.Service(node.name, (port,), node.code, node.number) for port in node.ports)
            kinds = zip(node.ports, (_services([alone], environment) for alone in each), strict=True)
            yield ItemList(None, tuple(Item(kind, span=port.span) for port, kind in kinds))


def _whole(node: ast.Service) -> Span:
    """Return the place of a service with `proto` before it and its closing brace, if it has them."""
    span = node.span
    if node.number:
        return Span(span.source, span.source.text.rindex("proto", 0, span.start), span.end)
    if node.ports and "{" in span.source.text[node.name.span.end : node.ports[0].span.start]:
        return Span(span.source, span.start, span.source.text.index("}", span.end) + 1)
    return span


def _address(node: ast.Item, environment: Environment) -> Item:
    return Item(addresses(ast.Addresses((node,)), environment, Collector()) or Intervals(), span=node.span)


def _services(nodes: Iterable[ast.Service], environment: Environment) -> tuple[Service, ...]:
    return services(nodes, environment, Collector()) or ()


def _ports(nodes: tuple[ast.Port, ...], field: str, protocols: Intervals | None) -> ItemList:
    found = (Item(ports([node], protocols, Collector()) or Intervals(), span=node.span) for node in nodes)
    return ItemList(field, tuple(found))


def _protocols(nodes: Iterable[ast.Service], environment: Environment) -> Intervals | None:
    """Return the protocols of a list of services, None for any."""
    known = [service[0].values for service in _services(nodes, environment)]
    return Intervals.of(*(pair for values in known if isinstance(values, Intervals) for pair in values.ranges)) or None
