"""Random matches of iptables: all whose answer hangs on the packet alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.kernel.packets import MACS, PORTS, TTLS
from tests.kernel.world import DEVICES, World


@dataclass(frozen=True)
class Place:
    """Where a rule stands, and what its `-p` said before the match."""

    world: World
    hooks: frozenset[str]  # the built-in chains that lead there
    user: bool  # in a chain of its own
    tracked: bool  # connection tracking may be used
    backend: str
    proto: int | None = None
    negated: bool = False

    @property
    def v4(self) -> bool:
        return self.world.family == 4


def random_match(r: Random, place: Place) -> str:
    """Return the words of one match that may stand there."""
    return _MATCHES[r.choice(_candidates(place))](r, place)


def negate(r: Random, words: str, share: float = 0.3) -> str:
    """Return the words, sometimes negated."""
    return f"! {words}" if r.random() < share else words


_PORT_MODULES = {6: "tcp", 17: "udp", 132: "sctp", 136: "udplite", 33: "dccp"}
_STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
_LENGTHS = (0, 20, 28, 40, 44, 52, 60, 100, 140, 500, 65535)
_MASKS = {
    4: ("255.0.0.255", "0.0.0.5", "255.255.0.0", "0.255.0.0", "255.0.255.0", "0.0.0.1"),
    6: ("::ffff", "ffff::", "ffff:0:ffff::", "::1", "ffff::ffff"),
}
_PREFIXES = {4: (1, 8, 12, 15, 16, 24, 25, 31, 32), 6: (3, 8, 16, 32, 33, 48, 64, 127, 128)}
_TOS = [
    "0x10",
    "0x08/0x3f",
    "0",
    "Minimize-Delay",
    "Normal-Service",
    "0x00/0x03",
    "3/3",
    "0x20/0xf0",
    "255",
    "0x11/0x10",
    "Minimize-Cost",
]
_MARKS = ["0", "1", "2", "0x10", "0x1/0x1", "0x10/0xf0", "0/0xff", "0xff", "3", "0x3/0x1"]
_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")
_FLAG_LISTS = [
    "SYN",
    "ACK",
    "FIN",
    "RST",
    "SYN,ACK",
    "SYN,RST,ACK",
    "ALL",
    "NONE",
    "FIN,SYN",
    "PSH",
    "URG,PSH",
    "FIN,SYN,RST,ACK",
]
_ICMP = {
    4: [
        "any",
        "8",
        "0",
        "3",
        "3/1",
        "3/3",
        "echo-request",
        "echo-reply",
        "destination-unreachable",
        "port-unreachable",
        "255",
        "redirect",
        "time-exceeded",
        "host-unreachable",
        "8/1",
        "255/3",
        "ping",
        "13",
    ],
    6: [
        "128",
        "129",
        "1",
        "1/4",
        "1/0",
        "echo-request",
        "echo-reply",
        "destination-unreachable",
        "port-unreachable",
        "packet-too-big",
        "neighbor-solicitation",
        "router-solicitation",
        "135",
        "255",
        "255/3",
        "time-exceeded",
        "136/0",
    ],
}
_HEADERS = ("hop", "dst", "route", "frag", "auth", "esp", "none", "prot")


def _candidates(place: Place) -> list[str]:
    """Return the names of the matches that may stand there, the more interesting ones several times."""
    names = ["address"] * 4 + [
        "iprange",
        "length",
        "ttl",
        "dscp",
        "tos",
        "mark",
        "pkttype",
        "comment",
        "ecn",
        "addrtype",
    ]
    if place.user or not place.hooks & {"OUTPUT", "POSTROUTING"}:
        names += ["in"] * 2
    if place.user or not place.hooks & {"INPUT", "PREROUTING"}:
        names += ["out"] * 2
    if not place.hooks & {"OUTPUT", "POSTROUTING"}:
        names += ["mac"]
    if not place.hooks & {"INPUT", "FORWARD", "PREROUTING"}:
        names += ["owner"] * 2
    if place.tracked:
        names += ["state"] * 5 + ["ctstate"] * 3 + ["ctdir"] * 2
    names += ["fragment"] if place.v4 else ["ipv6header", "extension", "extension"]
    if place.negated:
        # Only the nft back end takes ports behind a negated protocol.
        return names + (["ports"] if place.proto in (6, 17) and place.backend == "nft" else [])
    if place.proto in _PORT_MODULES:
        names += ["ports"] * 6 + ["multiport"] * 4
    if place.proto == 6:
        names += ["flags"] * 4 + ["syn"] + ["option"] * 2
    if place.proto == (1 if place.v4 else 58):
        names += ["icmp"] * 8
    return names


def address(r: Random, world: World) -> str:
    """Return an address of the world, with any mask; `/0` only where it cannot be negated (no back end loads that)."""
    found = _one_address(r, world)
    way = r.random()
    if way < 0.4:
        return found
    mask = r.choice(_PREFIXES[world.family]) if way < 0.8 else r.choice(_MASKS[world.family])
    return f"{found}/{mask}"


def _one_address(r: Random, world: World) -> str:
    behind = [each for addresses in world.behind.values() for each in addresses]
    return r.choice((*world.sources, *world.local, *behind, *world.broadcast))


def _address(r: Random, place: Place) -> str:
    side = r.choice("sd")
    if r.random() < 0.08:
        return f"-{side} {address(r, place.world)},{address(r, place.world)}"
    return negate(r, f"-{side} {address(r, place.world)}")


def _device(side: str) -> Callable[[Random, Place], str]:
    names = (*DEVICES, "lo", "eth+", "e+", "ppp+", "+", "wan+", "eth0+")
    return lambda r, _: negate(r, f"-{side} {r.choice(names)}")


def _two(r: Random, first: Callable[[], str], second: Callable[[], str]) -> str:
    """Return one or both of two options."""
    way = r.random()
    words = ([first()] if way < 0.6 else []) + ([second()] if way >= 0.45 else [])
    return " ".join(words)


def _iprange(r: Random, place: Place) -> str:
    def addresses() -> str:
        first, last = _one_address(r, place.world), _one_address(r, place.world)
        return f"{first}-{last}" if r.random() < 0.9 else first

    return "-m iprange " + _two(
        r, lambda: negate(r, f"--src-range {addresses()}"), lambda: negate(r, f"--dst-range {addresses()}")
    )


def _span(r: Random, values: Sequence[int]) -> str:
    first, last = r.choice(values), r.choice(values)
    if first > last and r.random() < 0.9:
        first, last = last, first
    return r.choice((f"{first}", f"{first}:{last}", f"{first}:{last}", f"{first}:", f":{last}"))


def _ttl(r: Random, place: Place) -> str:
    name = "ttl" if place.v4 else "hl"
    how, value = r.choice(("eq", "lt", "gt")), r.choice((*TTLS, 1, 4, 62, 127, 254, 0))
    option = f"--{name}-{how} {value}"
    return f"-m {name} " + (negate(r, option) if how == "eq" else option)


def _dscp(r: Random, _: Place) -> str:
    value = f"--dscp {r.choice((0, 4, 10, 46, 63, 2, 11))}"
    name = "--dscp-class " + r.choice(("EF", "CS1", "AF11", "BE", "CS0"))
    return "-m dscp " + negate(r, r.choice((value, name)))


def _ecn(r: Random, place: Place) -> str:
    option = f"--ecn-ip-ect {r.randrange(4)}"
    if place.proto == 6 and not place.negated and r.random() < 0.6:
        option = r.choice(("--ecn-tcp-ece", "--ecn-tcp-cwr"))
    return "-m ecn " + negate(r, option)


def _owner(r: Random, _: Place) -> str:
    users = ("0", "1000", "1000-1001", "root", "1-999", "0-1000", "1001")
    groups = ("0", "1000", "1000-1001", "1001")
    return "-m owner " + _two(
        r,
        lambda: negate(r, f"--uid-owner {r.choice(users)}"),
        lambda: negate(r, f"--gid-owner {r.choice(groups)}"),
    )


def _addrtype(r: Random, place: Place) -> str:
    names = ["LOCAL", "MULTICAST", "UNICAST", "UNSPEC"] + ["BROADCAST"] * place.v4

    def types() -> str:
        return ",".join(r.sample(names, r.choice((1, 1, 1, 2))))

    return "-m addrtype " + _two(
        r, lambda: negate(r, f"--src-type {types()}"), lambda: negate(r, f"--dst-type {types()}")
    )


def _states(r: Random) -> str:
    return ",".join(r.sample(_STATES, r.choice((1, 1, 2, 3))))


def _direction(r: Random) -> str:
    return "--ctdir " + r.choice(("ORIGINAL", "REPLY"))


def _ctstate(r: Random, _: Place) -> str:
    words = "-m conntrack " + negate(r, f"--ctstate {_states(r)}")
    return words if r.random() < 0.8 else f"{words} {_direction(r)}"


def _ipv6header(r: Random, _: Place) -> str:
    names = ",".join(r.sample(_HEADERS, r.choice((1, 1, 2, 3))))
    if r.random() < 0.3:
        names = r.choice(("prot", "hop,prot", "hop,dst,prot", "frag,prot"))
    return "-m ipv6header " + negate(r, f"--header {names}") + (" --soft" if r.random() < 0.5 else "")


def _extension(r: Random, _: Place) -> str:
    return r.choice(("-m frag", "-m frag --fragfirst", "-m rt", "-m hbh", "-m dst", "-m ah"))


def _port_range(r: Random) -> str:
    first, last = sorted((r.choice(PORTS), r.choice(PORTS)))
    if r.random() < 0.6:
        return str(first)
    return r.choice((f"{first}:{last}", f"{first}:{last}", f":{last}", f"{first}:"))


def _ports(r: Random, place: Place) -> str:
    module = _PORT_MODULES[place.proto or 6]
    if module == "udplite":
        return f"-m multiport --ports {_port_list(r)}"
    words = _two(r, lambda: negate(r, f"--dport {_port_range(r)}"), lambda: negate(r, f"--sport {_port_range(r)}"))
    return words if module in ("tcp", "udp") and r.random() < 0.2 else f"-m {module} {words}"


def _port_list(r: Random) -> str:
    slots = []
    for _ in range(r.randint(1, 4)):
        first, last = sorted((r.choice(PORTS), r.choice(PORTS)))
        slots.append(f"{first}:{last}" if first < last and r.random() < 0.4 else str(first))
    return ",".join(slots)


def _multiport(r: Random, _: Place) -> str:
    return "-m multiport " + negate(r, f"{r.choice(('--sports', '--dports', '--ports'))} {_port_list(r)}")


def _flag_list(r: Random) -> str:
    return ",".join(r.sample(_FLAGS, r.randint(1, 5))) if r.random() < 0.4 else r.choice(_FLAG_LISTS)


def _icmp(r: Random, place: Place) -> str:
    words = "-m icmp ! --icmp-type" if place.v4 else "-m icmp6 ! --icmpv6-type"
    return f"{words if r.random() < 0.3 else words.replace('! ', '')} {r.choice(_ICMP[place.world.family])}"


_MATCHES: dict[str, Callable[[Random, Place], str]] = {
    "address": _address,
    "in": _device("i"),
    "out": _device("o"),
    "iprange": _iprange,
    "length": lambda r, _: "-m length " + negate(r, f"--length {_span(r, _LENGTHS)}"),
    "ttl": _ttl,
    "dscp": _dscp,
    "tos": lambda r, _: "-m tos " + negate(r, f"--tos {r.choice(_TOS)}"),
    "mark": lambda r, _: "-m mark " + negate(r, f"--mark {r.choice(_MARKS)}"),
    "pkttype": lambda r, _: "-m pkttype " + negate(r, f"--pkt-type {r.choice(('unicast', 'broadcast', 'multicast'))}"),
    "mac": lambda r, _: "-m mac " + negate(r, f"--mac-source {r.choice((*MACS, '00:00:00:00:00:00'))}"),
    "comment": lambda _r, _: '-m comment --comment "a b"',
    "ecn": _ecn,
    "owner": _owner,
    "addrtype": _addrtype,
    "state": lambda r, _: "-m state " + negate(r, f"--state {_states(r)}"),
    "ctstate": _ctstate,
    "ctdir": lambda r, _: f"-m conntrack {_direction(r)}",
    "fragment": lambda r, _: negate(r, "-f"),
    "ipv6header": _ipv6header,
    "extension": _extension,
    "ports": _ports,
    "multiport": _multiport,
    "flags": lambda r, _: "-m tcp " + negate(r, f"--tcp-flags {_flag_list(r)} {_flag_list(r)}"),
    "syn": lambda r, _: "-m tcp " + negate(r, "--syn"),
    "option": lambda r, _: "-m tcp " + negate(r, f"--tcp-option {r.choice((2, 2, 3, 4, 8, 1, 200))}"),
    "icmp": _icmp,
}
