"""The match part of a rule, which is also the question language, as it was written.

Spans take no part in equality: two texts with the same tree mean the same.
"""

from __future__ import annotations

from dataclasses import field

from policy._record import dataclass
from policy.source import Span


@dataclass(frozen=True, slots=True)
class Word:
    """A name, a word with a meaning (`any`, `new`, `eth0`), or a literal that is one (a MAC address)."""

    text: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """An address or a prefix, `10.1.0.0/16`, not yet looked into."""

    text: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Between:
    """The addresses from *low* to *high*."""

    low: Address
    high: Address

    @property
    def span(self) -> Span:
        return self.low.span.to(self.high.span)


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from *low* to *high*; a number alone is a range of one."""

    low: int
    high: int
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Bits:
    """The numbers whose bits under *mask* are those of *value*: `0x1/0xff`."""

    value: int
    mask: int
    span: Span = field(compare=False, repr=False)


Item = Word | Address | Between
Port = Word | Range
Value = Word | Range | Bits


@dataclass(frozen=True, slots=True)
class Addresses:
    """A list of addresses and names, without those after `except`."""

    items: tuple[Item, ...]
    excluded: tuple[Item, ...] = ()

    @property
    def span(self) -> Span:
        return self.items[0].span.to((self.excluded or self.items)[-1].span)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What `from` or `to` says; *socket*: written as `ADDRESS:PORT`."""

    addresses: Addresses
    ports: tuple[Port, ...] = ()
    socket: bool = False

    @property
    def span(self) -> Span:
        return self.addresses.span.to(self.ports[-1].span) if self.ports else self.addresses.span


@dataclass(frozen=True, slots=True)
class Service:
    """A kind of traffic: `any`, `web`, `tcp`, `tcp/{80,443}`, `icmp/3/4`; *number*: written as `proto 47`."""

    name: Word | Range
    ports: tuple[Port, ...] = ()
    code: Port | None = None
    number: bool = False

    @property
    def span(self) -> Span:
        last = self.code or (self.ports[-1] if self.ports else self.name)
        return self.name.span.to(last.span)


@dataclass(frozen=True, slots=True)
class Flags:
    """The TCP flags that are set, and *of* which (none named: of all)."""

    named: tuple[Word, ...]
    of: tuple[Word, ...] = ()

    @property
    def span(self) -> Span:
        return self.named[0].span.to((self.of or self.named)[-1].span)


@dataclass(frozen=True, slots=True)
class Setting:
    """What `with` says about a further field."""

    name: Word
    values: tuple[Value, ...]

    @property
    def span(self) -> Span:
        return self.name.span.to(self.values[-1].span)


@dataclass(frozen=True, slots=True)
class Match:
    """Which packets are meant. What is left out is empty or None."""

    services: tuple[Service, ...] = ()
    source: Endpoint | None = None
    destination: Endpoint | None = None
    arrives: tuple[Word, ...] = ()
    leaves: tuple[Word, ...] = ()
    hooks: tuple[Word, ...] = ()
    states: tuple[Word, ...] = ()
    flags: Flags | None = None
    settings: tuple[Setting, ...] = ()
    span: Span = field(compare=False, repr=False, kw_only=True)

    @property
    def addresses(self) -> tuple[Addresses, ...]:
        """The lists of addresses in it."""
        return tuple(each.addresses for each in (self.source, self.destination) if each is not None)
