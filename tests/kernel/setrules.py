"""Random sets of the kernel, and matches that ask for them."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from policy.ipset import TYPES
from policy.kernel.tools import Failed, run
from tests.kernel.packets import MACS, PORTS
from tests.kernel.world import DEVICES, World

_PROTOCOLS = {4: ("tcp", "tcp", "udp", "sctp", "udplite"), 6: ("tcp", "tcp", "udp", "sctp", "udplite")}
_ICMP = {4: ("icmp:8/0", "icmp:0/0", "icmp:echo-request", "icmp:host-unreachable", "icmp:8/1"),
         6: ("icmpv6:128/0", "icmpv6:echo-reply", "icmpv6:1/4", "icmpv6:packet-too-big")}  # fmt: skip
_OTHER = ("gre:0", "esp:0", "dccp:0", "253:0")
_LENGTHS = {4: (1, 2, 4, 8, 12, 15, 16, 20, 24, 25, 30, 31, 32), 6: (1, 3, 16, 32, 33, 48, 49, 64, 112, 127, 128)}
_DEVICES = (*DEVICES, "lo")


@dataclass(frozen=True)
class Drawn:
    """One random set: the lines that make it, and how many parts its elements have."""

    name: str
    type: str
    lines: list[str]
    parts: int


@dataclass(frozen=True)
class Refused:
    """A line of a file that the kernel refuses."""

    text: str
    number: int
    error: str


class Sets:
    """Random sets of one IP version."""

    def __init__(self, r: Random, world: World, types: Sequence[str]) -> None:
        self._r = r
        self._family = world.family
        behind = [each for addresses in world.behind.values() for each in addresses]
        self._addresses = sorted({*world.sources, *world.local, *behind})
        self._types = types

    def draw(self, number: int) -> Drawn:
        """Return a set of any type, with elements near the packets."""
        r = self._r
        type = r.choice(self._types)
        name = f"s{number}"
        options = ""
        if type.startswith("hash:") and type != "hash:mac":
            options += " family inet6" if self._family == 6 else r.choice(("", " family inet"))
        low = high = None
        mask = None
        if type == "bitmap:port":
            low, high = r.choice(((0, 65535), (20, 100), (1000, 9000)))
            options += f" range {low}-{high}"
        elif type.startswith("bitmap:ip"):
            options += " range 10.1.0.0/16"
        if type == "hash:ip" and r.random() < 0.4:
            mask = r.choice(_LENGTHS[self._family])
            options += f" netmask {mask}"
        timeout = r.random() < 0.25
        options += r.choice((" timeout 0", " timeout 900")) if timeout else ""
        lines = [f"create {name} {type}{options}"]
        lines += [
            f"add {name} {self._element(type, (low, high))}{self._options(type, timeout)}"
            for _ in range(r.choice((0, 1, 3, 6, 12, 25)))
        ]
        return Drawn(name, type, lines, len(TYPES[type].parts))

    def list_of(self, number: int, members: Sequence[Drawn]) -> Drawn:
        """Return a list of some of the sets."""
        r = self._r
        name = f"s{number}"
        timeout = r.random() < 0.2
        lines = [f"create {name} list:set" + " timeout 0" * timeout]
        lines += [
            f"add {name} {each.name}" + " timeout 800" * (timeout and r.random() < 0.5)
            for each in r.sample(list(members), min(len(members), r.choice((0, 1, 2, 3))))
        ]
        return Drawn(name, "list:set", lines, max((each.parts for each in members), default=1))

    def _options(self, type: str, timeout: bool) -> str:
        r = self._r
        found = ""
        if timeout and r.random() < 0.5:
            found += r.choice((" timeout 0", " timeout 800"))
        if TYPES[type].nomatch and r.random() < 0.3:
            found += " nomatch"
        if type == "hash:net,iface" and r.random() < 0.2:
            found += " wildcard"
        return found

    def _element(self, type: str, bounds: tuple[int | None, int | None]) -> str:
        if type == "bitmap:port":
            low, high = bounds
            inside = [port for port in PORTS if low is not None and high is not None and low <= port <= high]
            one, other = self._r.choice(inside), self._r.choice(inside)
            return str(one) if self._r.random() < 0.7 else f"{one}-{other}"
        if type.startswith("bitmap:ip"):
            inside_range = [each for each in self._addresses if each.startswith("10.1.")]
            found = self._r.choice((*inside_range, "10.1.3.4"))
            return f"{found},{self._r.choice(MACS)}" if type.endswith("mac") else found
        words = [self._part(kind, number, type) for number, kind in enumerate(TYPES[type].parts)]
        return ",".join(words)

    def _part(self, kind: str, number: int, type: str) -> str:
        r = self._r
        match kind:
            case "ip":
                found = r.choice(self._addresses)
                if self._family == 4 and number == 0 and r.random() < 0.1:
                    return f"{found}/{r.choice((29, 30, 31))}"
                return found
            case "net":
                if self._family == 4 and r.random() < 0.08:
                    near = [each for each in self._addresses if each.startswith("10.")]
                    return "-".join(r.sample(near, 2))
                if type == "hash:net,iface" and r.random() < 0.1:
                    return "0.0.0.0/0" if self._family == 4 else "::/0"
                return f"{r.choice(self._addresses)}/{r.choice(_LENGTHS[self._family])}"
            case "port":
                return self._service()
            case "mac":
                return r.choice(MACS)
            case "mark":
                return r.choice(("0", "1", "0x10"))
            case _:
                return r.choice((*_DEVICES, "eth", "e", "physdev:eth0"))

    def _service(self) -> str:
        r = self._r
        way = r.random()
        if way < 0.15:
            return r.choice(_ICMP[self._family])
        if way < 0.25:
            return r.choice(_OTHER)
        port = r.choice(PORTS)
        proto = r.choice(_PROTOCOLS[self._family])
        if way < 0.4:
            return f"{proto}:{port}-{min(65535, port + r.choice((1, 5, 60)))}"
        return r.choice((f"{proto}:{port}", f"{proto}:{port}", str(port)))


def draw(r: Random, world: World, types: Sequence[str]) -> list[Drawn]:
    """Return six sets, and two lists of them."""
    maker = Sets(r, world, types)
    sets = [maker.draw(at) for at in range(6)]
    return [*sets, *(maker.list_of(at, sets) for at in (6, 7))]


def available(family: int) -> list[str]:
    """Return the types of sets that this kernel has."""
    found = []
    for name, type in TYPES.items():
        if name == "list:set" or (type.families and family not in type.families):
            continue
        words = {"bitmap:port": ("range", "0-9")}.get(name, ("range", "10.0.0.0/24") if "bitmap" in name else ())
        try:
            run("ipset", "create", "trial", name, *words)
            run("ipset", "destroy", "trial")
        except Failed:
            continue
        found.append(name)
    return found


def destroy() -> None:
    """Take all sets away; nf_tables lets go of those of its rules a little after these are gone."""
    run("ipset", "flush")  # what is in a list is in use
    for _ in range(100):
        try:
            run("ipset", "destroy")
        except Failed:
            time.sleep(0.02)
        else:
            return
    raise Failed("sets are still in use")


def load_sets(sets: Sequence[Drawn]) -> tuple[str, list[Refused]]:
    """Load sets, in the place of all others, without the lines that the kernel refuses; return what is loaded."""
    lines = [line for each in sets for line in each.lines]
    refused: list[Refused] = []
    while True:
        destroy()
        text = "".join(f"{line}\n" for line in lines)
        try:
            run("ipset", "-exist", "restore", stdin=text)
        except Failed as error:
            found = re.search(r"line (\d+)", str(error))
            if found is None:
                raise
            refused.append(Refused(text, int(found[1]), str(error)))
            del lines[int(found[1]) - 1]
        else:
            return text, refused


def random_match(r: Random, sets: Sequence[Drawn]) -> str:
    """Return a match on one of the sets, now and then with a side too many or too few."""
    one = r.choice(sets)
    count = max(1, one.parts + r.choice((0, 0, 0, 0, 1, -1)))
    sides = ",".join(r.choice(("src", "dst")) for _ in range(count))
    sign = "! " if r.random() < 0.25 else ""
    more = " --return-nomatch" if r.random() < 0.2 else ""
    return f"-m set {sign}--match-set {one.name} {sides}{more}"
