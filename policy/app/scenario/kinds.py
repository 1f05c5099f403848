"""What values of a scenario may be, beside those of a configuration."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from policy._record import dataclass
from policy.app.config.kinds import At, Choice, Describe, Kind, Many, Meaningless, Plain, Schema, Table
from policy.diagnostic import did_you_mean
from policy.packet import PORT_PROTOCOLS
from policy.packet.address import bits, family_of, format_address, parse_address, prefix
from policy.packet.names import protocol_name, protocol_number, service_names, service_ports
from policy.simulate.scenario import Network, Ports

NONE: Final = "none"
"""What is written for no firewall."""

SENDER: Final = "sender"
"""What is written for whoever sent the last datagram that was received."""

RESERVED = (NONE, SENDER, "default", "yes", "no", "on", "off", "true", "false", "null", "y", "n")
"""What neither a host nor a socket can be called."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")
_SOCKET = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,127}")
_INTERFACE = re.compile(r"[^\s/:]{1,15}")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(ms|s|min|h|d)", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}
_LONGEST = 366 * 86400
_PROTOCOLS = {"tcp": 6, "udp": 17}
_PORTS = "^([Tt][Cc][Pp]|[Uu][Dd][Pp])/.+$"
_NUMBERS = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Either:
    """A value of one of several types, in *words* all together; *kinds* by those types."""

    words: str
    kinds: Mapping[type, Kind]

    def schema(self, describe: Describe) -> Schema:
        return {"anyOf": [kind.schema(describe) for kind in self.kinds.values()]}

    def read(self, value: Any, at: At) -> Any:
        kind = self.kinds.get(type(value))
        if kind is None:
            at.other(self.words, list if list in self.kinds else dict, value)
            return None
        return kind.read(value, at)


@dataclass(frozen=True, slots=True)
class Short:
    """What stands for a table that has one *key* alone."""

    key: str
    kind: Kind

    def schema(self, describe: Describe) -> Schema:
        return self.kind.schema(describe)

    def read(self, value: Any, at: At) -> Any:
        meant = self.kind.read(value, at)
        return None if meant is None else {self.key: meant}


@dataclass(frozen=True, slots=True)
class Alone:
    """What stands for a list of itself alone."""

    item: Kind

    def schema(self, describe: Describe) -> Schema:
        return self.item.schema(describe)

    def read(self, value: Any, at: At) -> Any:
        meant = self.item.read(value, at)
        return None if meant is None else (meant,)


@dataclass(frozen=True, slots=True)
class Numbered:
    """Texts of which a part may be forgotten, so that a number is left: then it is said what is missing."""

    text: Plain

    def schema(self, describe: Describe) -> Schema:
        return self.text.schema(describe)

    def read(self, value: Any, at: At) -> Any:
        return self.text.read(str(value) if type(value) is int else value, at)


@dataclass(frozen=True, slots=True)
class Said:
    """What a value means, and where it stands."""

    value: Any
    at: At


@dataclass(frozen=True, slots=True)
class Placed:
    """What is read with its place, `Said`: items of a list, of which some may be none."""

    kind: Kind

    def schema(self, describe: Describe) -> Schema:
        return self.kind.schema(describe)

    def read(self, value: Any, at: At) -> Any:
        meant = self.kind.read(value, at)
        return None if meant is None else Said(meant, at)


@dataclass(frozen=True, slots=True)
class Always:
    """A text that means one thing alone."""

    text: str
    value: Any
    other: Kind

    def schema(self, describe: Describe) -> Schema:
        return self.other.schema(describe)

    def read(self, value: Any, at: At) -> Any:
        return self.value if value == self.text else self.other.read(value, at)


def text(meaning: Callable[[str], Any], words: str = "a text", **schema: Any) -> Plain:
    """Return the kind of texts that mean something."""
    return Plain(words, str, {"type": "string", **schema}, meaning)


def short(words: str, key: str, kind: Kind, table: Table) -> Either:
    """Return the kind of a table, or of what stands for one with one *key*."""
    return Either(words, {str: Short(key, kind), dict: table})


def some(words: str, item: Kind) -> Either:
    """Return the kind of a list with something in it, or of a text that stands for a list of itself alone."""
    return Either(words, {str: Alone(item), list: Many(item, words, least=1)})


def _whole(given: str) -> str:
    if any("\ud800" <= each <= "\udfff" for each in given):
        raise ValueError("the text has half of a character: `\\uD800` to `\\uDFFF` are none by themselves")
    return given


def _not_empty(given: str) -> str:
    _whole(given)
    if not given.strip():
        raise ValueError("the text is empty")
    return given


def _name(given: str) -> str:
    if given.lower() in RESERVED:
        raise ValueError(f"`{given}` has a meaning of its own, and is no name")
    if not _NAME.fullmatch(given):
        raise Meaningless(
            f"`{given}` is no name", "a name begins with a letter, and has letters, digits, `-`, `_`, `.`"
        )
    return given


def _socket(given: str) -> str:
    if given.lower() in RESERVED or not _SOCKET.fullmatch(given):
        raise Meaningless(
            f"`{given}` is no name of a socket", "a name begins with a letter, and has no space and no `/`"
        )
    return given


def _interface(given: str) -> str:
    if not _INTERFACE.fullmatch(given) or given in (".", ".."):
        raise ValueError(f"`{given}` is no name of an interface: that has 1 to 15 characters, no space, no `/`, no `:`")
    return given


def duration(given: str) -> float:
    """Return the seconds of `500ms`, `5s`, `2min`, `1h`, `5d`."""
    found = _DURATION.fullmatch(given)
    if found is None:
        raise Meaningless(
            f"`{given}` is no length of time", "write `500ms`, `5s`, `2min`, `1h`, or a number of seconds"
        )
    return seconds(float(found[1]) * _UNITS[found[2]])


def seconds(number: float) -> float:
    """Return a number of seconds, if that much time may pass."""
    if not 0 <= number <= _LONGEST or math.isnan(number):
        raise ValueError("a length of time is from 0 to 366 days")
    return float(number)


def address(given: str) -> int:
    """Return the number of an address; raises `Meaningless`."""
    try:
        return parse_address(given)
    except ValueError as error:
        raise Meaningless(str(error), code="FW003") from None


def place(given: str) -> str | int:
    """Return an address, or the name of a host."""
    return address(given) if ":" in given or re.fullmatch(r"[0-9./]+", given, re.ASCII) else given


def _network(given: str) -> Network:
    """Return what `ADDRESS/LENGTH` says."""
    number, slash, length = given.partition("/")
    found = address(number)
    most = bits(family_of(found))
    if not slash:
        raise Meaningless(
            f"`{given}` has no length", f"write `{given}/{24 if most == 32 else 64}`, for example", "FW003"
        )
    if not (length.isascii() and length.isdigit() and len(length) <= 3 and int(length) <= most):
        raise Meaningless(f"`{length}` is not the length of a prefix: that is 0 to {most}", code="FW003")
    return Network(found, int(length))


def target(given: str) -> Network | None:
    """Return the network that a route is for, None for `default`."""
    if given == "default":
        return None
    if not re.fullmatch(r"[0-9.]+/.*|.*:.*", given, re.ASCII):
        hint = did_you_mean(given, ["default"]) or "write `10.0.0.0/8`, for example"
        raise Meaningless(f"`{given}` is neither `default` nor a network", hint, "FW003")
    found = _network(given)
    low = prefix(found.address, found.length).first
    if low != found.address:
        right = f"{format_address(low)}/{found.length}"
        raise Meaningless(f"`{given}` has bits behind the prefix", f"the network is `{right}`", "FW003")
    return found


def port_number(number: int) -> int:
    """Return a port, if it is one that can be used."""
    if not 1 <= number <= 65535:
        raise Meaningless(f"{number} is no port: these are 1 to 65535", code="FW501")
    return number


def _ports(given: str) -> Ports:
    """Return what `tcp/80`, `tcp/http` or `tcp/1-1024` says."""
    name, slash, which = given.partition("/")
    if slash and not which:
        raise Meaningless(f"`{given}` names no port", f"write `{given}80`, for example")
    if not slash:
        raise Meaningless(f"`{given}` has no protocol", f"write `tcp/{given}` or `udp/{given}`", "FW504")
    proto = _PROTOCOLS.get(name.lower())
    if proto is None:
        known = protocol_number(name)
        if known is None:
            raise Meaningless(
                f"there is no protocol `{name}`", did_you_mean(name, _PROTOCOLS) or "write `tcp` or `udp`"
            )
        has = "is not simulated" if known in PORT_PROTOCOLS else "has no ports"
        raise Meaningless(f"`{name}` {has}", "write `tcp` or `udp`")
    return Ports(proto, *_range(which, proto))


def _range(which: str, proto: int | None) -> tuple[int, int]:
    found = _NUMBERS.fullmatch(which)
    if found:
        first = port_number(int(found[1]))
        last = port_number(int(found[2])) if found[2] else first
        if last < first:
            raise Meaningless(f"`{which}` ends before it begins", f"write `{last}-{first}`", "FW502")
        return first, last
    if proto is None:
        raise Meaningless(f"`{which}` are no ports", "write `32768-60999`, for example")
    ports = service_ports(which)
    if proto not in ports:
        others = [f"`{protocol_name(other)}/{which}`" for other in ports if other in _PROTOCOLS.values()]
        hint = did_you_mean(which, service_names()) if which and not others else None
        help = f"there is {others[0]}" if others else hint or "write the number of the port"
        raise Meaningless(f"there is no service `{which}` of {protocol_name(proto)}", help)
    return ports[proto]


def _port(given: str) -> Ports:
    found = _ports(given)
    if found.first != found.last:
        raise Meaningless(f"`{given}` are several ports", "write one of them")
    return found


def _dynamic(given: str) -> tuple[int, int]:
    named = {"linux": (32768, 60999), "dynamic": (49152, 65535)}
    return named.get(given) or _range(given, None)


def _version(number: int) -> int:
    if number not in (4, 6):
        raise ValueError(f"there is no version {number} of IP here: write 4 or 6")
    return number


def _above(least: int, most: int) -> Callable[[int], int]:
    def meaning(number: int) -> int:
        if not least <= number <= most:
            raise ValueError(f"{number} is not from {least} to {most}")
        return number

    return meaning


def natural(least: int = 0, most: int = 1 << 30) -> Plain:
    """Return the kind of whole numbers in a range."""
    schema: Schema = {"type": "integer", "minimum": least, "maximum": most}
    return Plain("a whole number", int, schema, _above(least, most))


def options(words: Iterable[str]) -> Choice:
    """Return the kind of a few words."""
    return Choice(tuple(words))


TEXT = text(_not_empty, minLength=1)
ANY_TEXT = text(_whole)
NAME = text(_name, "a name", pattern=f"^{_NAME.pattern}$")
HOST = text(str, "the name of a host")
SOCKET = text(str, "the name of a socket")
NEW_SOCKET = text(_socket, "a name for a socket")
INTERFACE = text(_interface, "the name of an interface")
PLUG = Placed(text(str, "`HOST/INTERFACE`"))
ADDRESS = text(address, "an address")
PLACE = text(place, "a host or an address")
NETWORK = text(_network, "an address with its length, `192.0.2.1/24`")
TARGET = text(lambda given: (target(given),), "`default` or a network")
PORT = Numbered(text(_port, "a protocol and a port, `tcp/80`", pattern=_PORTS))
PORTS = Numbered(text(_ports, "a protocol and ports, `tcp/1-1024`", pattern=_PORTS))
DYNAMIC = Numbered(text(_dynamic, "ports, `32768-60999`, `linux` or `dynamic`"))
VERSION = Plain("4 or 6", int, {"enum": [4, 6]}, _version)
YES_NO = Plain("yes or no", bool, {"enum": [True, False, "yes", "no"]})  # the last two are texts in YAML 1.2
NUMBER_OF_PORT = Plain("the number of a port", int, {"type": "integer", "minimum": 1, "maximum": 65535}, port_number)
_TIME = Plain("a number of seconds", float, {"type": "number", "minimum": 0}, seconds)
_WRITTEN = text(duration, pattern=f"^{_DURATION.pattern}$")
DURATION = Either("a length of time, `5s`", {str: _WRITTEN, int: _TIME, float: _TIME})
