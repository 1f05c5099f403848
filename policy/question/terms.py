"""What a match or a question says, field by field: rules and questions are both made from this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from policy.ir import Definition, Field, Match, Service, all_of, either_of
from policy.packet import Intervals, ValueSet


@dataclass(frozen=True, slots=True)
class Terms:
    """The packets of any of *services* (none named: of all) that also have every one of *fields*.

    A service is a conjunction of the fields `proto`, `dport`, `icmp_type` and `icmp_code`; *fields*
    holds at most one of each of `src`, `dst`, `sport`, `dport`, `in`, `out`, `hook`, `state`, `flags`
    and the further ones of `with`.
    """

    services: tuple[Service, ...] = ()
    fields: tuple[Field, ...] = ()

    def get(self, name: str) -> ValueSet | None:
        """Return the values that a field of *fields* is bound to, or None."""
        return next((f.values for f in self.fields if f.name == name), None)


@dataclass(slots=True)
class Environment:
    """What the names of a file stand for. A value None is a definition that has a mistake of its own."""

    addresses: Mapping[str, Intervals | None] = field(default_factory=dict)
    services: Mapping[str, tuple[Service, ...] | None] = field(default_factory=dict)

    @staticmethod
    def of(definitions: tuple[Definition, ...]) -> Environment:
        """Return the names that a rule set defines."""
        environment = Environment({}, {})
        addresses, services = {}, {}
        for each in definitions:
            if isinstance(each.value, Intervals):
                addresses[each.name] = each.value
            elif each.value is not None:
                services[each.name] = each.value
        environment.addresses, environment.services = addresses, services
        return environment


def match_of(terms: Terms) -> Match:
    """Return the match of a rule that says *terms*."""
    return all_of(*([service_match(terms.services)] if terms.services else ()), *terms.fields)


def service_match(services: tuple[Service, ...]) -> Match:
    """Return the packets of any of *services*."""
    return either_of(*(all_of(*service) for service in services))


def merged(services: list[Service]) -> tuple[Service, ...]:
    """Return the same services in fewer: ports of one protocol together, and protocols of one set of ports."""
    return _merge(_merge(services, "dport", "icmp_type"), "proto")


def _merge(services: list[Service] | tuple[Service, ...], *names: str) -> tuple[Service, ...]:
    """Unite services that differ in one field only, which is one of *names*."""
    if len(services) < 2:
        return tuple(services)
    groups: dict[object, list[Service]] = {}
    for service in services:
        varying = next((f.name for f in service if f.name in names), None)
        key = (varying, *(f for f in service if f.name != varying))
        groups.setdefault(key if varying else (None, service), []).append(service)
    return tuple(_united(group, names) for group in groups.values())


def _united(group: list[Service], names: tuple[str, ...]) -> Service:
    first = group[0]
    if len(group) == 1:
        return first
    at, field_ = next((i, f) for i, f in enumerate(first) if f.name in names)
    ranges = [pair for service in group for pair in service[at].values.ranges]  # type: ignore[union-attr]
    spans = [service[at].span for service in group if service[at].span is not None]
    span = spans[0].to(spans[-1]) if spans and spans[0] and spans[-1] else None  # type: ignore[union-attr]
    union = Field(field_.name, Intervals.of(*ranges), span=span)
    return (*first[:at], union, *first[at + 1 :])
