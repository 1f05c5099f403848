"""What lists of addresses and of ports mean."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from policy.diagnostic import Collector
from policy.packet import EMPTY, Intervals
from policy.packet.address import ANY_ADDRESS, format_address, parse_address, parse_prefix
from policy.packet.names import PORT_CATEGORIES, protocol_name, service_ports
from policy.question import ast
from policy.question.hints import hint
from policy.question.terms import Environment
from policy.source import Span

_LAST_PORT = 65535
_parse_prefix = lru_cache(1 << 14)(parse_prefix)


def addresses(node: ast.Addresses, environment: Environment, collector: Collector) -> Intervals | None:
    """Return the addresses of a list; None if there was a mistake in it."""
    items = [_item(item, environment, collector) for item in node.items]
    excluded = [_item(item, environment, collector) for item in node.excluded]
    if None in items or None in excluded:
        return None
    all_of_it = _union(items)
    return all_of_it - _union(excluded) if excluded else all_of_it


def _union(sets: list[Intervals | None]) -> Intervals:
    if len(sets) == 1:
        return sets[0] or EMPTY
    return Intervals.of(*(pair for each in sets if each is not None for pair in each.ranges))


def _item(item: ast.Item, environment: Environment, collector: Collector) -> Intervals | None:
    match item:
        case ast.Word("any"):
            return ANY_ADDRESS
        case ast.Word(name, span):
            if name in environment.addresses:
                return environment.addresses[name]
            unknown_address(name, span, environment, collector)
            return None
        case ast.Address(text, span):
            try:
                return _parse_prefix(text)
            except ValueError as error:
                collector.add("FW003", str(error), span)
                return None
        case ast.Between(low, high):
            return _between(low, high, item.span, collector)


def unknown_address(name: str, span: Span, environment: Environment, collector: Collector) -> None:
    """Note that no network or host has a name."""
    help = hint(name, (*environment.addresses, "any"), collector)
    if help is None and name in environment.services:
        help = "it is a service: it stands before `from` and `to`"
    collector.add("FW701", f"there is no network or host `{name}`", span, help or f"define it: `network {name} = …`")


def _between(low: ast.Address, high: ast.Address, span: Span, collector: Collector) -> Intervals | None:
    ends = [_end(end, collector) for end in (low, high)]
    first, last = ends
    if first is None or last is None:
        return None
    if (":" in low.text) != (":" in high.text):
        collector.add("FW603", "a range goes from one address to another of the same family", span)
        return None
    if first > last:
        turned = f"{format_address(last)}-{format_address(first)}"
        collector.add("FW502", "the range is reversed, so no address is in it", span, f"did you mean `{turned}`?")
        return None
    return Intervals.of((first, last))


def _end(node: ast.Address, collector: Collector) -> int | None:
    try:
        return parse_address(node.text)
    except ValueError as error:
        collector.add(
            "FW003", str(error), node.span, "a range has an address at either end" if "/" in node.text else None
        )
        return None


def ports(nodes: Iterable[ast.Port], protocols: Intervals | None, collector: Collector) -> Intervals | None:
    """Return the ports of a list, with service names as *protocols* have them (None: any); None after a mistake."""
    found = [_port(node, protocols, collector) for node in nodes]
    return None if None in found else _union(found)


def _port(node: ast.Port, protocols: Intervals | None, collector: Collector) -> Intervals | None:
    match node:
        case ast.Range(low, high, span):
            return numbers(low, high, span, _LAST_PORT, "port", collector)
        case ast.Word(name, span):
            if name in PORT_CATEGORIES:
                return Intervals.of(PORT_CATEGORIES[name])
            return _service_port(name, span, protocols, collector)


def _service_port(name: str, span: Span, protocols: Intervals | None, collector: Collector) -> Intervals | None:
    by_protocol = service_ports(name)
    found = [pair for number, pair in by_protocol.items() if protocols is None or number in protocols]
    if found:
        return Intervals.of(*found)
    if by_protocol:
        others = " and ".join(protocol_name(number) for number in by_protocol)
        collector.add("FW701", f"`{name}` is a service of {others} only", span, "write the number of the port")
        return None
    from policy.packet.names import service_names

    help = hint(name, (*service_names(), *PORT_CATEGORIES), collector)
    collector.add("FW701", f"there is no port called `{name}`", span, help or "write the number of the port")
    return None


def numbers(low: int, high: int, span: Span, last: int, what: str, collector: Collector) -> Intervals | None:
    """Return the numbers from *low* to *high*, which must not be above *last*; None after a mistake."""
    code = "FW501" if what == "port" else "FW001"
    if max(low, high) > last:
        shown = max(low, high) if low <= last or high <= last or low == high else low
        name = f"{what} {shown}" if shown < 1 << 40 else f"this {what}"
        collector.add(code, f"{name} is out of range: the highest is {last}", span)
        return None
    if low > high:
        collector.add("FW502", f"the range is reversed, so no {what} is in it", span, f"did you mean `{high}-{low}`?")
        return None
    return Intervals.of((low, high))
