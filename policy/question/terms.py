"""What a match or a question says, field by field: rules and questions are both made from this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from policy._record import dataclass
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
        addresses = {d.name: d.value for d in definitions if isinstance(d.value, Intervals)}
        return Environment(addresses, {d.name: d.value for d in definitions if isinstance(d.value, tuple)})


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
    groups: dict[tuple[object, ...], list[Service]] = {}
    for service in services:
        varying = next((f.name for f in service if f.name in names), None)
        key = (varying, *(f for f in service if f.name != varying))
        groups.setdefault(key, []).append(service)
    return tuple(_united(str(key[0]), group) for key, group in groups.items())


def _united(name: str, group: list[Service]) -> Service:
    first = group[0]
    at = next((i for i, f in enumerate(first) if f.name == name), None)
    if len(group) == 1 or at is None:
        return first
    fields = [service[at] for service in group]
    ranges = [pair for f in fields if isinstance(f.values, Intervals) for pair in f.values.ranges]
    start, end = fields[0].span, fields[-1].span
    span = start.to(end) if start and end and start.source is end.source else start
    return (*first[:at], Field(name, Intervals.of(*ranges), span=span), *first[at + 1 :])
