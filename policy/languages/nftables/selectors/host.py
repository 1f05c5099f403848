"""What only the host itself knows: its routes, sockets, IPsec; and numbers that are drawn or counted.

Sources: nft(8), FIB, SOCKET, OSF, RT, IPSEC, NUMGEN and HASH EXPRESSIONS; the kernel's nft_fib_ipv4.c
(inet_dev_addr_type), nft_fib_ipv6.c, nft_socket.c, nft_osf.c, nft_rt.c, nft_xfrm.c, nft_numgen.c, nft_hash.c.
"""

from __future__ import annotations

from policy._record import dataclass
from policy.diagnostic import did_you_mean
from policy.ir import NOTHING, Field, Match, all_of, either_of, negated
from policy.languages.nftables import types as t
from policy.languages.nftables.ast.expression import Selector
from policy.languages.nftables.bits import Bits
from policy.languages.nftables.context import Context
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.selectors.base import Operand, vague
from policy.languages.nftables.selectors.payload import version_guard
from policy.packet import Intervals, Names
from policy.packet.address import ANY_ADDRESS, BROADCAST, LOOPBACK, MULTICAST, V4, V4_BASE, V6

_LOOPBACK_BROADCAST = Intervals.of(V4_BASE + 0x7FFFFFFF)
_ALWAYS_LOCAL = LOOPBACK - _LOOPBACK_BROADCAST
_ALWAYS_BROADCAST = BROADCAST | Intervals.of(V4_BASE) | _LOOPBACK_BROADCAST
_SETTLED = _ALWAYS_LOCAL | _ALWAYS_BROADCAST | MULTICAST
_NAMES = {number: name.upper() for name, number in reversed(list(t.ADDRESS_TYPE.names.items()))}
_RESULTS = {"check": t.BOOLEAN, "oif": t.INDEX, "oifname": t.INTERFACE, "type": t.ADDRESS_TYPE}
_FLAGS = ("saddr", "daddr", "mark", "iif", "oif")
_SOCKET = {"transparent": t.FLAG, "wildcard": t.FLAG, "mark": t.MARK, "cgroupv2": t.CGROUP}
_ROUTE = {"classid": t.REALM, "nexthop": t.ADDRESS, "mtu": t.integer(16), "ipsec": t.BOOLEAN}
_IPSEC = {"reqid": t.integer(32), "spi": t.integer(32), "saddr": t.ADDRESS, "daddr": t.ADDRESS}
_VERSIONS = {"ip": t.IPV4, "ip6": t.IPV6}


def fib(context: Context, selector: Selector) -> Operand:
    """Return what the routing says of an address of the packet; raises `Bad`."""
    result, *flags = selector.words
    span = selector.span
    for flag in flags:
        if flag not in _FLAGS:
            raise Bad(
                "FW001",
                f"unknown flag of `fib`: `{flag}`",
                span,
                did_you_mean(flag, _FLAGS) or "one of " + ", ".join(_FLAGS),
            )
    if ("saddr" in flags) is ("daddr" in flags):
        raise Bad("FW001", "`fib` looks up one address", span, "say either `saddr` or `daddr`")
    if "iif" in flags and "oif" in flags:
        raise Bad("FW001", "`fib` looks at one interface", span, "say either `iif` or `oif`")
    if "oif" in flags and result != "type":
        raise Bad("FW001", "`fib … oif` cannot be looked up by `oif`", span)
    if result not in _RESULTS:
        raise Bad("FW001", f"`fib` has no `{result}`", span, "one of " + ", ".join(_RESULTS))
    text = f"fib {'.'.join(flags)} {result}"
    type = _RESULTS[result]
    if result == "type" and flags in (["saddr"], ["daddr"]):
        field = "src" if flags == ["saddr"] else "dst"
        return _AddressType(type, text, span=span, name=field, local=context.host.local)
    return vague(type, text, span=span)


@dataclass(frozen=True, slots=True)
class _AddressType(Operand):
    """What the host calls an address: settled for some, else a question to the host, or `--local`."""

    name: str = ""
    local: Intervals | None = None

    def known(self, values: Intervals | Names, bits: Bits | None) -> Match:
        assert isinstance(values, Intervals)
        if bits is not None:
            return self.open(values, bits)
        numbers = [number for number in _NAMES if number in values]
        return either_of(*(found for number in numbers if (found := self._type(_NAMES[number])) != NOTHING))

    def _inside(self, values: Intervals) -> Match:
        return Field(self.name, values, span=self.span) if values else NOTHING

    def _asked(self, name: str, within: Intervals) -> Match:
        side = "source" if self.name == "src" else "destination"
        host = self.unknown(f"addrtype:{self.name}:{name}", f"the host calls the {side} {name}")
        return all_of(self._inside(within), host) if within else NOTHING

    def _type(self, name: str) -> Match:
        rest = ANY_ADDRESS - _SETTLED - (self.local or Intervals())
        match name:
            case "MULTICAST":
                return either_of(self._inside(MULTICAST & V4), self._asked(name, MULTICAST & V6))
            case "LOCAL":
                if self.local is not None:
                    return self._inside(_ALWAYS_LOCAL | self.local)
                return either_of(self._inside(_ALWAYS_LOCAL), self._asked(name, rest))
            case "BROADCAST":
                return either_of(self._inside(_ALWAYS_BROADCAST), self._asked(name, rest & V4))
            case "UNICAST":
                others = (self._type(each) for each in ("MULTICAST", "LOCAL", "BROADCAST"))
                plain = all_of(self._inside(V4), *(negated(each) for each in others))
                return either_of(plain, self._asked(name, (rest | MULTICAST) & V6))
        return self._asked(name, (rest & V6) | (MULTICAST & V6))


def socket(_: Context, selector: Selector) -> Operand:
    """Return what the socket that a packet is for is like: not modelled; raises `Bad`."""
    return _listed("socket", selector.words[0], _SOCKET, selector)


def route(context: Context, selector: Selector) -> Operand:
    """Return what is known of the route of a packet: not modelled; raises `Bad`."""
    key, family = (*selector.words, "")[:2]
    found = _listed("rt", key, _ROUTE, selector)
    if key != "nexthop":
        return found
    family = family or context.table.family
    if family not in _VERSIONS:
        return found
    return vague(_VERSIONS[family], found.text, version_guard(context, family), certain=False, span=selector.span)


def _listed(kind: str, key: str, known: dict[str, t.DataType], selector: Selector) -> Operand:
    if key not in known:
        help = did_you_mean(key, known) or "one of " + ", ".join(known)
        raise Bad("FW001", f"`{kind}` has no key `{key}`", selector.span, help)
    text = " ".join((kind, *(word for word in selector.words if word)))
    return vague(known[key], text, certain=kind == "rt" and key in ("mtu", "ipsec"), span=selector.span)


def fingerprint(_: Context, selector: Selector) -> Operand:
    """Return the name of the operating system of the sender: not modelled; raises `Bad`."""
    what, ttl = (*selector.words, "")[:2]
    if ttl not in ("", "loose", "skip"):
        raise Bad("FW001", f"`osf` has no ttl `{ttl}`", selector.span, "say `loose` or `skip`")
    return vague(t.TEXT, " ".join(word for word in ("osf", ttl, what) if word), span=selector.span)


def ipsec(_: Context, selector: Selector) -> Operand:
    """Return what a transformation of IPsec has: not modelled."""
    key, family = (*selector.words, "")[2:4]
    type = _VERSIONS.get(family, _IPSEC.get(key, t.ADDRESS))
    return vague(
        type, " ".join(("ipsec", *(word for word in selector.words if word))), certain=False, span=selector.span
    )


def drawn(_: Context, selector: Selector) -> Operand:
    """Return a number that is drawn at random, or counted up."""
    modulus, offset = selector.numbers
    text = f"numgen {selector.words[0]} mod {modulus}" + (f" offset {offset}" if offset else "")
    return vague(t.integer(32, "number"), text, pure=False, span=selector.span)


def hashed(_: Context, selector: Selector) -> Operand:
    """Return a number that is worked out of others."""
    modulus, seed, offset = selector.numbers
    of = f" {selector.of.span.text}" if selector.of is not None else ""
    text = f"{selector.words[0]}{of} mod {modulus} seed {seed} offset {offset}"
    return vague(t.integer(32, "number"), text, certain=False, span=selector.span)
