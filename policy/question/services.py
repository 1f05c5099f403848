"""What the service part of a match means."""

from __future__ import annotations

from collections.abc import Iterable

from policy.diagnostic import Collector
from policy.ir import Field, Service
from policy.packet import PORT_PROTOCOLS, Intervals
from policy.packet.fields import ICMP, ICMP6
from policy.packet.names import (
    icmp_type,
    icmp_type_names,
    protocol_name,
    protocol_names,
    protocol_number,
    service_ports,
)
from policy.question import ast
from policy.question.addresses import numbers, ports
from policy.question.hints import hint
from policy.question.terms import Environment, merged
from policy.source import Span

_FAMILY = {ICMP: 4, ICMP6: 6}
_USUAL = ("any", "ping", "tcp", "udp", "icmp", "icmp6", "sctp", "gre", "esp", "ah")
_PING = ((ICMP, 8), (ICMP6, 128))


def services(
    nodes: Iterable[ast.Service], environment: Environment, collector: Collector
) -> tuple[Service, ...] | None:
    """Return the alternatives of a list, none for `any`; None if there was a mistake in it."""
    found: list[Service] = []
    everything = good = True
    for node in nodes:
        alternatives = _service(node, environment, collector)
        if alternatives is None:
            good = False
        elif alternatives:
            found += alternatives
        else:
            everything = False
    if not good:
        return None
    return merged(found) if everything else ()


def _service(node: ast.Service, environment: Environment, collector: Collector) -> tuple[Service, ...] | None:
    match node:
        case ast.Service(ast.Word("any")):
            return ()
        case ast.Service(ast.Range(low, high, span)):
            protocol = numbers(low, high, span, 255, "protocol", collector)
            return None if protocol is None else ((Field("proto", protocol, span=span),),)
        case ast.Service(ast.Word(name, span), number=True):
            value = protocol_number(name)
            if value is None:
                help = hint(name, protocol_names(), collector)
                collector.add("FW701", f"there is no protocol `{name}`", span, help or "write its number, `proto 47`")
            return None if value is None else (_protocol(value, span),)
        case ast.Service(ast.Word(name, span), ()):
            return _named(name, span, environment, collector)
        case ast.Service(ast.Word(name, span)):
            return _detailed(node, name, span, environment, collector)
    raise AssertionError(node)


def _protocol(number: int, span: Span) -> Service:
    return (Field("proto", Intervals.of(number), span=span),)


def _named(name: str, span: Span, environment: Environment, collector: Collector) -> tuple[Service, ...] | None:
    if name in environment.services:
        return environment.services[name]
    if name == "ping":
        return tuple((*_protocol(p, span), Field("icmp_type", Intervals.of(t), span=span)) for p, t in _PING)
    number = protocol_number(name)
    if number is not None:
        return (_protocol(number, span),)
    if by_protocol := service_ports(name):
        said = " or ".join(f"`{protocol_name(each)}/{name}`" for each in by_protocol)
        collector.add("FW701", f"`{name}` is the name of a port, not of a service", span, f"say {said}")
        return None
    help = hint(name, (*environment.services, *_USUAL), collector)
    if name in environment.addresses:
        help = "it is an address: it stands after `from` or `to`"
    collector.add("FW701", f"there is no service `{name}`", span, help or f"define it: `service {name} = tcp/…`")
    return None


def _detailed(
    node: ast.Service, name: str, span: Span, environment: Environment, collector: Collector
) -> tuple[Service, ...] | None:
    number = protocol_number(name)
    if number is None:
        if name in environment.services or name == "ping":
            collector.add("FW504", f"`{name}` is a service, which has its ports already", node.span)
        else:
            help = hint(name, _USUAL, collector) or hint(name, protocol_names(), collector)
            collector.add("FW701", f"there is no protocol `{name}`", span, help)
        return None
    if number in _FAMILY:
        return _icmp(node, number, collector)
    if number not in PORT_PROTOCOLS:
        collector.add("FW504", f"the protocol `{name}` has no ports", node.span, f"say `{name}` alone")
        return None
    if node.code is not None:
        collector.add("FW001", f"`{name}` has ports, and no code behind them", node.code.span)
        return None
    protocol = _protocol(number, span)
    found = ports(node.ports, protocol[0].values, collector)  # type: ignore[arg-type]
    place = node.ports[0].span.to(node.ports[-1].span)
    return None if found is None else ((*protocol, Field("dport", found, span=place)),)


def _icmp(node: ast.Service, protocol: int, collector: Collector) -> tuple[Service, ...] | None:
    found: list[Service] = []
    good = True
    for each in node.ports:
        fields = _icmp_fields(each, protocol, node.code, collector)
        if fields is None:
            good = False
        else:
            found.append((*_protocol(protocol, node.name.span), *fields))
    return merged(found) if good else None


def _icmp_fields(
    kind: ast.Port, protocol: int, code: ast.Port | None, collector: Collector
) -> tuple[Field, ...] | None:
    fields: tuple[Field, ...] | None
    match kind:
        case ast.Range(low, high, span):
            types = numbers(low, high, span, 255, "ICMP type", collector)
            fields = None if types is None else (Field("icmp_type", types, span=span),)
        case ast.Word(name, span):
            fields = _icmp_name(name, span, protocol, collector)
    if code is None:
        return fields
    if isinstance(code, ast.Word):
        collector.add("FW001", "the code of an ICMP type is a number", code.span)
        return None
    if fields is not None and len(fields) == 2:
        collector.add("FW001", f"`{kind.span.text}` is a type with its code already", code.span)
        return None
    codes = numbers(code.low, code.high, code.span, 255, "ICMP code", collector)
    return None if fields is None or codes is None else (*fields, Field("icmp_code", codes, span=code.span))


def _icmp_name(name: str, span: Span, protocol: int, collector: Collector) -> tuple[Field, ...] | None:
    family = _FAMILY[protocol]
    known = icmp_type(name, family)
    if known is not None:
        number, code = known
        field = Field("icmp_type", Intervals.of(number), span=span)
        return (field,) if code is None else (field, Field("icmp_code", Intervals.of(code), span=span))
    other, other_name = (6, "icmp6") if family == 4 else (4, "icmp")
    if icmp_type(name, other) is not None:
        collector.add("FW603", f"`{name}` is a type of IPv{other} only", span, f"say `{other_name}/{name}`")
    else:
        help = hint(name, icmp_type_names(family), collector)
        collector.add("FW701", f"there is no ICMP type `{name}`", span, help or "write its number")
    return None
