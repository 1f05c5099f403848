"""What a named set is: its type, its family, its elements.

Source: ipset(8); the kernel's include/linux/netfilter/ipset/ip_set.h and net/netfilter/ipset/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from policy._record import dataclass

PartKind = Literal["ip", "net", "port", "mark", "mac", "iface", "set"]
"""What one part of an element is: an address, a network, a protocol with its port, …"""


@dataclass(frozen=True, slots=True)
class SetType:
    """A type of sets: what the *parts* of its elements are.

    *families* are those of which a set can be (none: its sets hold for packets of any). *nomatch*: elements may be
    exceptions.
    """

    name: str
    parts: tuple[PartKind, ...]
    families: tuple[int, ...] = (4, 6)

    @property
    def method(self) -> str:
        """How the kernel stores it: `hash`, `bitmap` or `list`."""
        return self.name.partition(":")[0]

    @property
    def nomatch(self) -> bool:
        return "net" in self.parts


TYPES: dict[str, SetType] = {
    each.name: each
    for each in (
        SetType("hash:ip", ("ip",)),
        SetType("hash:net", ("net",)),
        SetType("hash:ip,port", ("ip", "port")),
        SetType("hash:net,port", ("net", "port")),
        SetType("hash:net,iface", ("net", "iface")),
        SetType("hash:ip,port,ip", ("ip", "port", "ip")),
        SetType("hash:ip,port,net", ("ip", "port", "net")),
        SetType("hash:net,net", ("net", "net")),
        SetType("hash:net,port,net", ("net", "port", "net")),
        SetType("hash:ip,mark", ("ip", "mark")),
        SetType("hash:mac", ("mac",), ()),
        SetType("bitmap:ip", ("ip",), (4,)),
        SetType("bitmap:ip,mac", ("ip", "mac"), (4,)),
        SetType("bitmap:port", ("port",), ()),
        SetType("list:set", ("set",), ()),
    )
}
"""Every type that the kernel has, by name."""


@dataclass(frozen=True, slots=True)
class Interface:
    """The interface of an element: all whose names begin with *name* if it is a *wildcard*.

    *port*: the port of a bridge is meant (`physdev:`).
    """

    name: str
    wildcard: bool = False
    port: bool = False


Part = int | tuple[int, int] | Interface | str | None
"""A part of an element.

Addresses and networks are ranges of `packet.address`; a port is `protocol << 16 | port`, for ICMP with
`type << 8 | code` in place of the port; marks and MACs are numbers, a MAC that is still to be learnt None; a set is its
name.
"""

Element = tuple[Part, ...]

NOMATCH, TIMED = 1, 2
"""What is said of an element, as bits: that it is an exception; that it will go, and may be gone."""


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A set of the kernel. *elements* have what is said of them; those of a list are in its order.

    *family* is None for a type that holds for packets of any. *mask* is what of an address is looked at, as
    `netmask` or `bitmask` say it, *markmask* what of a mark.
    """

    name: str
    type: SetType
    family: int | None
    elements: Mapping[Element, int] = field(default_factory=dict, repr=False)
    mask: int | None = None
    markmask: int = (1 << 32) - 1

    @property
    def members(self) -> tuple[str, ...]:
        """The sets that are in a list."""
        return tuple(part for (part, *_) in self.elements if isinstance(part, str))
