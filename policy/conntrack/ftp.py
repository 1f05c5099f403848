"""What the FTP helper reads in a control connection: where data connections will go.

Source: net/netfilter/nf_conntrack_ftp.c of Linux 6.18, with `loose` off: an address that is not the speaker's own
counts for nothing. It reads only what follows a line that it has seen end, so the first packet of each side says
nothing to it, and it drops what begins like a command that it knows and does not go on so.
"""

from __future__ import annotations

import re
from typing import Literal

from policy._record import dataclass
from policy.conntrack.shift import is_after
from policy.packet.address import V4_BASE, family_of, format_address, parse_address

LASTS = 300.0
"""So many seconds a data connection is awaited."""

PORT = 21
"""The port of servers whose control connections are read."""

_REMEMBERED = 2

Kind = Literal["PORT", "EPRT", "227", "229"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What the helper remembers of a control connection: of each direction, where lines may begin."""

    begins: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())

    def with_line(self, direction: int, seq: int) -> Heard:
        """Return this with another number at which a line may begin; the older one of two is given up for it."""
        known = self.begins[direction]
        if seq in known:
            return self
        if len(known) < _REMEMBERED:
            known = (*known, seq)
        else:
            oldest = known[0] if is_after(known[1], known[0]) else known[1]
            if not is_after(seq, oldest):
                return self
            known = tuple(seq if each == oldest else each for each in known)
        return Heard((self.begins[0], known) if direction else (known, self.begins[1]))


@dataclass(frozen=True, slots=True)
class Command:
    """A command, or an answer, that announces a data connection to a port of an address.

    *begin* and *end*: where in the data that is said.
    """

    kind: Kind
    address: int
    port: int
    begin: int
    end: int


class Partial(Exception):
    """Data that begins like something that announces a connection, and is not all of it."""


def read(data: bytes, direction: int, source: int) -> Command | None:
    """Return what data announces, of the client (*direction* 0) or the server; *source* is who sends it.

    Raises `Partial`.
    """
    kinds: tuple[Kind, Kind] = ("PORT", "EPRT") if not direction else ("227", "229")
    for kind in kinds:
        pattern = kind.encode() if not direction else kind.encode() + b" "
        if len(data) <= len(pattern):
            if pattern[: len(data)] == data.upper():
                raise Partial(kind)
        elif data[: len(pattern)].upper() == pattern:
            found = _command(kind, data, len(pattern), source)
            if found is None:
                raise Partial(kind)
            return found
    return None


def written(kind: Kind, address: int, port: int) -> bytes:
    """Return how the helper says an address and a port in the place of others (nf_nat_ftp.c, `nf_nat_ftp_fmt_cmd`)."""
    if kind == "229":
        return f"|||{port}|".encode()
    if kind == "EPRT" and family_of(address) == 6:
        groups = f"{address:032x}"
        said = ":".join(groups[at : at + 4] for at in range(0, 32, 4))  # `%pI6` leaves out nothing
        return f"|2|{said}|{port}|".encode()
    if kind == "EPRT":
        return f"|1|{format_address(address)}|{port}|".encode()
    return ",".join(str(each) for each in (*(address - V4_BASE).to_bytes(4, "big"), port >> 8, port & 255)).encode()


def _command(kind: Kind, data: bytes, at: int, source: int) -> Command | None:
    if kind == "227":
        digit = re.compile(rb"\d").search(data, at)
        return None if digit is None else _six(kind, data, digit.start(), None)
    at = data.find(b"(" if kind == "229" else b" ", at) + 1
    if not at:
        return None
    if kind == "PORT":
        return _six(kind, data, at, b"\r")
    mark = data[at : at + 1]
    if len(data) - at <= 3 or mark.isdigit() or not 33 <= mark[0] <= 126:
        return None
    if kind == "229":
        return _ported(kind, data, at, at + 3, source) if data[at + 1 : at + 3] == mark * 2 else None
    version = b"1" if family_of(source) == 4 else b"2"
    if data[at + 1 : at + 3] != version + mark:
        return None
    end = data.find(mark, at + 3)
    address = _address(data[at + 3 : end], family_of(source)) if end > 0 else None
    return None if address is None else _ported(kind, data, at, end + 1, address)


def _six(kind: Kind, data: bytes, at: int, closing: bytes | None) -> Command | None:
    """Read four numbers of an address and two of a port; something stands behind them (the *closing* byte)."""
    match = re.compile(rb"[\d,]*").match(data, at)
    assert match is not None
    numbers = [int(each or b"0") for each in match.group().split(b",")]
    behind = data[match.end() : match.end() + 1]
    if len(numbers) != 6 or not behind or (closing is not None and behind != closing):
        return None
    address, port = _joined(numbers[:4]) & 0xFFFFFFFF, _joined(numbers[4:]) & 0xFFFF
    return Command(kind, V4_BASE + address, port, at, match.end())


def _address(text: bytes, family: int) -> int | None:
    if family == 4:
        numbers = text.split(b".")
        said = re.fullmatch(rb"[\d.]*", text) and len(numbers) == 4
        return V4_BASE + (_joined([int(each or b"0") for each in numbers]) & 0xFFFFFFFF) if said else None
    if b":" not in text:
        return None
    try:
        return parse_address(text.decode("ascii"))
    except ValueError:
        return None


def _ported(kind: Kind, data: bytes, begin: int, at: int, address: int) -> Command | None:
    """Read a port between marks."""
    match = re.compile(rb"(\d+)" + re.escape(data[begin : begin + 1])).match(data, at)
    port = 0 if match is None else int(match.group(1)) & 0xFFFF
    return None if match is None or not port else Command(kind, address, port, begin, match.end())


def _joined(numbers: list[int]) -> int:
    """Join bytes as the helper does, which does not look whether they are larger than that."""
    found = 0
    for place, each in enumerate(reversed(numbers)):
        found |= each << 8 * place
    return found
