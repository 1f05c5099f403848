"""Which protocols a rule has asked for so far, as nft keeps them while it reads a rule (src/proto.c, `proto_ctx`).

What a rule reads of a header asks for that header's protocol; another one of the same layer is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.context import Context
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.types import ETHER_TYPE, ICMP_TYPE, ICMPV6_TYPE, NF_PROTO, PROTOCOL, DataType
from policy.languages.nftables.values import values
from policy.packet import Intervals

_NETWORK = frozenset({"ip", "ip6", "arp"})
_NUMBERS = {
    "icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "comp": 108,
    "sctp": 132, "udplite": 136,
}  # fmt: skip
_NAMES = {number: name for name, number in _NUMBERS.items()}
_FIELDS = {
    ("icmp", "id"): (8, 0), ("icmp", "sequence"): (8, 0), ("icmp", "mtu"): (3,), ("icmp", "gateway"): (5,),
    ("icmpv6", "id"): (128, 129), ("icmpv6", "sequence"): (128, 129), ("icmpv6", "mtu"): (2,),
    ("icmpv6", "max-delay"): (130,), ("icmpv6", "packet-too-big"): (2,), ("icmpv6", "parameter-problem"): (4,),
}  # fmt: skip
"""The types of ICMP that have a field (payload_gen_icmp_dependency)."""
_PROTOCOLS = {2: "ip", 10: "ip6"}
_VERSIONS = {"icmp": "ip", "igmp": "ip", "icmpv6": "ip6"}
_TYPES = {0x0800: "ip", 0x86DD: "ip6", 0x0806: "arp"}
_VLAN = frozenset({0x8100, 0x88A8})
_CARRIES = {("payload", "ip", "protocol"), ("payload", "ip6", "nexthdr"), ("meta", "l4proto")}


class Layers:
    """The protocols that a rule has asked for, layer by layer.

    *network* is `ip`, `ip6`, `arp` or None; *transports* are the numbers of the protocols above it, none where nothing
    says them.
    """

    def __init__(self, context: Context) -> None:
        family = context.table.family
        self.context = context
        self.network: str | None = family if family in _NETWORK else None
        self.said: str | None = None
        self.link: int | None = None
        self.transports: tuple[int, ...] = ()
        self.icmp_types: tuple[int, ...] = ()
        self.entry = False
        """Has the protocol of the entry in connection tracking been asked for?"""

    def takes(self, statement: s.Statement) -> None:
        """Take note of all that a statement reads and says."""
        for selector, _ in selectors(statement):
            self.reads(selector)
        if isinstance(statement, s.Match):
            self.matched(statement)

    def reads(self, selector: e.Selector) -> None:
        """Take note of what a rule reads, and of what that cannot be read beside."""
        if selector.kind == "exthdr" and self.context.table.family == "inet":
            self._reads_network("ip6", selector)
        if selector.kind != "payload":
            return
        protocol, field = selector.words[0], selector.words[1]
        if protocol in _NETWORK:
            self._reads_network(protocol, selector)
        elif protocol == "vlan":
            if self.link is not None and self.link not in _VLAN:
                self._conflict("ether", "vlan", selector)
            self.link = None
        elif protocol in _NUMBERS:
            number = _NUMBERS[protocol]
            other = next((each for each in self.transports if each != number), None)
            if other is not None:
                self._conflict(_NAMES.get(other, str(other)), protocol, selector)
            self.transports = (number,)
            self.network = self.network or _VERSIONS.get(protocol)
            wanted = _FIELDS.get((protocol, field))
            if wanted is not None and not set(self.icmp_types) <= set(wanted):
                types = ", ".join(map(str, self.icmp_types))
                message = f"`{protocol} {field}` is read of packets of type {wanted[0]}, and the rule wants {types}"
                self.context.mistakes.add("FW001", message, selector.span, "leave one of them out")

    def _reads_network(self, protocol: str, selector: e.Selector) -> None:
        if self.network is not None and self.network != protocol and self.context.table.family not in ("ip", "ip6"):
            self._conflict(self.network, protocol, selector)
        self.network = protocol

    def _conflict(self, one: str, other: str, selector: e.Selector) -> None:
        code = "FW603" if {one, other} <= {"ip", "ip6", "icmp", "icmpv6"} else "FW001"
        message = f"the rule asks for {one} already, so `{selector.span.text}` cannot be read"
        self.context.mistakes.add(code, message, selector.span, "write two rules")

    def matched(self, statement: s.Match) -> None:
        """Take note of what a comparison says of the protocols."""
        left = statement.left
        if not isinstance(left, e.Selector) or statement.operator not in ("", "=="):
            return
        words = (left.kind, *left.words)
        if words in _CARRIES:
            numbers = self._numbers(PROTOCOL, statement.right)
            if words[0] == "payload":  # of the others, nft does not know that the header of IP leads to them
                numbers = tuple(each for each in numbers if each in _NAMES and each != _NUMBERS["gre"])
            if numbers:
                self.transports = numbers
        elif words in (("payload", "ether", "type"), ("meta", "protocol"), ("payload", "vlan", "type")):
            numbers = self._numbers(ETHER_TYPE, statement.right)
            if len(numbers) == 1:
                self.link = numbers[0] if words[0] == "payload" else None
                self.said = _TYPES.get(numbers[0], "another")
                if self.context.table.family in ("bridge", "netdev") and numbers[0] not in _VLAN:
                    self.network = self.said
        elif words == ("meta", "nfproto") and isinstance(statement.right, e.Word):
            self.network = {"ipv4": "ip", "ipv6": "ip6", "2": "ip", "10": "ip6"}.get(statement.right.text, self.network)
        elif words[:2] == ("ct", "l3proto"):
            versions = self._numbers(NF_PROTO, statement.right)
            self.network = _PROTOCOLS.get(versions[0], self.network) if len(versions) == 1 else self.network
        elif words[:2] == ("ct", "protocol"):
            self.entry = True
        elif words in (("payload", "icmp", "type"), ("payload", "icmpv6", "type")):
            type = ICMP_TYPE if words[1] == "icmp" else ICMPV6_TYPE
            self.icmp_types = self._numbers(type, statement.right) or self.icmp_types

    def _numbers(self, type: DataType, right: e.Expression) -> tuple[int, ...]:
        keys = [each.key for each in right.elements] if isinstance(right, e.SetLiteral) else [right]
        found: list[int] = []
        for key in keys:
            try:
                known = values(type, key).known
            except Bad:
                return ()
            if not isinstance(known, Intervals) or len(known.ranges) != 1 or known.ranges[0][0] != known.ranges[0][1]:
                return ()
            found.append(known.ranges[0][0])
        return tuple(found)


def selectors(  # noqa: C901 # one case for each kind of node
    node: object, inside: str = ""
) -> Iterator[tuple[e.Selector, str]]:
    """Yield what a statement reads, in order; *inside* says of what it is a part: `concat`, `lookup`, `value`."""
    match node:
        case e.Selector(of=of):
            yield from selectors(of, "hash")
            yield node, inside
        case s.Match(left, _, right):
            yield from selectors(left)
            yield from selectors(right)
        case s.VerdictMap(key):
            yield from selectors(key, "lookup")
        case e.Lookup(key):
            yield from selectors(key, "lookup")
        case s.Assign(target, value):
            yield from selectors(target, "target")
            yield from selectors(value, "value")
        case s.Object(_, name):
            yield from selectors(name, "value")
        case s.Nat(address=address, port=port):
            yield from selectors(address, "value")
            yield from selectors(port, "value")
        case s.Queue(target=target):
            yield from selectors(target, "value")
        case s.SetUpdate(key=key, value=value):
            yield from selectors(key, "value")
            yield from selectors(value, "value")
        case s.Meter(key=key):
            yield from selectors(key, "value")
        case e.Concat(parts):
            for part in parts:
                yield from selectors(part, "concat")
        case e.List(parts):
            for part in parts:
                yield from selectors(part, inside)
        case e.Binary(_, left, right):
            yield from selectors(left, inside)
            yield from selectors(right, inside)
