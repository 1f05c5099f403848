"""The host that packets meet: the addresses and routes that are known of it, and those that a packet needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, summarize_address_range

from policy.host import Host
from policy.kernel.devices import LO, Devices
from policy.kernel.making import CannotMake
from policy.kernel.probe import Probe
from policy.kernel.tools import Failed
from policy.packet import Intervals
from policy.packet.address import (
    BROADCAST,
    LOOPBACK,
    MULTICAST,
    UNSPECIFIED,
    format_address,
    parse_address,
    whole,
)

Needs = Mapping[str, str]
"""For addresses the device that they are behind; `lo`: the host's own."""

ELSEWHERE = "elsewhere0"
"""The device that all packets leave by of which nothing else is known."""

_SPECIAL = LOOPBACK | MULTICAST | BROADCAST | UNSPECIFIED
_SENT_BY_ROUTE = MULTICAST | BROADCAST
_TABLES = ("main", "local")
_MADE_UP = {4: "198.18.0.1", 6: "2001:2::1"}
"""The address of devices of which none is known, as REDIRECT and MASQUERADE need one (RFC 2544, RFC 5180)."""
_ALONE = {4: 32, 6: 128}
_LINK = Intervals.of((0xFE80 << 112, (0xFEC0 << 112) - 1))


class Place:
    """The addresses and routes of one namespace; raises `tools.Unavailable` and `tools.Failed`."""

    def __init__(self, devices: Devices, family: int, host: Host) -> None:
        self._devices = devices
        self._family = family
        self._nodad = " nodad" if family == 6 else ""
        self._own = (host.local or Intervals()) & whole(family)
        self._routes = [route for route in host.routes if route.to & whole(family)]
        self._host = host
        self._addressed: set[str] = set()
        self._undo: list[str] = []
        self._add({route.interface for route in self._routes} | {ELSEWHERE})
        heard = "broadcast" if family == 4 else "anycast"
        devices.set_up(
            [
                *(f"route replace local {each} dev {LO}" for each in _prefixes(self._own - LOOPBACK)),
                *(f"route replace {each} dev {r.interface}" for r in self._routes for each in _prefixes(r.to)),
                *(
                    f"route replace {heard} {each} dev {r.interface}"
                    for r in self._routes
                    for each in _prefixes(r.heard)
                ),
                f"route add default dev {ELSEWHERE} metric 4096",
            ]
        )

    def needs(self, probe: Probe) -> Needs:
        """Return what has to be so that a packet comes to its hook; raises `CannotMake` where it never does."""
        found: dict[str, str] = {}
        src, dst = probe.src, probe.dst
        match probe.hook:
            case "input":
                wanted = ((dst, LO), (src, probe.device_in))
            case "output":
                wanted = ((src, LO), (dst, probe.device_out))
            case _:
                wanted = ((dst, probe.device_out), (src, probe.device_in))
        for address, device in wanted:
            number = parse_address(address)
            own = number in self._own
            if address == dst and probe.hook != "input" and own and device != LO:
                raise CannotMake(f"{address} is an address of this host: the packet is for the host itself")
            if device == LO and not (own or number in _SPECIAL or self._may_be_own(number)):
                raise CannotMake(f"{address} is no address of this host")
            if probe.hook != "input" and number in LOOPBACK and LO not in (device, probe.device_out):
                raise CannotMake(f"packets of {address} leave by {LO} alone")
            if number in _SPECIAL and not (probe.hook == "output" and number in _SENT_BY_ROUTE):
                continue
            if own and address == src:
                continue
            if address == _MADE_UP[self._family] and device != LO:
                raise CannotMake(f"{address} is the address of devices whose own is not known")
            if found.setdefault(address, device) != device:
                raise CannotMake(f"{address} cannot be on both sides of the host")
        return found

    def _may_be_own(self, number: int) -> bool:
        known = self._host.local is not None and self._own
        return not known or any(number in route.heard for route in self._routes)

    def settle(self, needs: Needs, probes: Sequence[Probe]) -> None:
        """Have what some packets need, and nothing else beside what is known of the host."""
        self._add({name for each in probes for name in (each.device_in, each.device_out)} | {*needs.values()})
        words, self._undo = self._undo, []
        for address, device in needs.items():
            number = parse_address(address)
            if device == LO and (number in self._own or any(number in route.heard for route in self._routes)):
                continue
            if device != LO and self._host.way(number) == device:
                continue
            kind = "multicast " if number in MULTICAST and self._family == 6 else ""
            line = (
                f"route {{}} local {address} dev {LO}"
                if device == LO
                else f"route {{}} {kind}{address} dev {device} table {_TABLES[bool(kind)]}"
            )
            if device == LO and number in _LINK:  # it belongs to one link
                link = next(
                    (each.device_in or each.device_out for each in probes if address in (each.src, each.dst)), LO
                )
                line = f"addr {{}} {address}/128 dev {link}"
            words.append(line.format("add") + (self._nodad if line.startswith("addr") else ""))
            self._undo.append(line.format("del"))
        if words:
            self._devices.set_up(words)
        for each in probes:
            if each.hook == "input" and parse_address(each.dst) in MULTICAST:
                try:
                    self._devices.join(each.dst, each.device_in)
                except OSError as error:
                    raise Failed(f"the group {each.dst} cannot be joined: {error.strerror}") from None

    def _add(self, names: set[str]) -> None:
        new = sorted(names - self._addressed - {LO, ""})
        self._devices.add(new)
        alone = _ALONE[self._family]
        self._devices.set_up(f"addr add {self._address(name)}/{alone} dev {name}{self._nodad}" for name in new)
        self._addressed |= set(new)

    def _address(self, device: str) -> str:
        """Return an address of the host for a device: one that is known to be in its network, else any."""
        near: list[Intervals] = [route.to & self._own for route in self._routes if route.interface == device]
        known = next((each for each in (*near, self._own - LOOPBACK) if each), None)
        if known is None:
            return _MADE_UP[self._family]
        low, high = known.ranges[0]
        return format_address(low + 1 if high - low > 1 else low)


def _prefixes(addresses: Intervals) -> Iterator[str]:
    for low, high in addresses.ranges:
        yield from map(str, summarize_address_range(ip_address(format_address(low)), ip_address(format_address(high))))
