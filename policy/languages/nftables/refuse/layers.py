"""Which protocols a rule has asked for before a statement, in every family.

In ip, ip6 and inet `protocols` says it, and lowering notes what cannot meet. In bridge and netdev the Ethernet header
comes first, and nothing is lowered.
"""

from __future__ import annotations

from dataclasses import replace

from policy.diagnostic import Collector
from policy.languages.nftables import types as t
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.chains import VERSIONS
from policy.languages.nftables.context import Context
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.protocols import Protocols, selectors_of, speak
from policy.languages.nftables.selectors.payload import TRANSPORTS
from policy.languages.nftables.values import values
from policy.packet import Intervals

_NETWORKS = {0x0800: "ip", 0x86DD: "ip6", 0x0806: "arp"}
_VLAN = frozenset({0x8100, 0x88A8})
_NUMBERS = {number: name for name, number in TRANSPORTS.items()}


class Layers:
    """The protocols that a rule has asked for so far.

    *network* is `ip`, `ip6`, `arp`, `another` or None; *transports* are the names of the protocols above it, None where
    nothing says them.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.network: str | None = None
        self.transports: frozenset[str] | None = None
        self._link: int | None = None
        family = context.table.family
        self._protocols = Protocols(family if family in ("ip", "ip6") else None)
        self._quiet = replace(context, mistakes=Collector())
        if family in ("ip", "ip6", "arp"):
            self.network = family

    def step(self, statement: s.Statement) -> None:
        """Take note of what a statement says of the protocols."""
        if self.context.table.family in VERSIONS:
            speak(self._quiet, self._protocols, statement)
            self.network, self.transports = self._protocols.version, self._protocols.transports
            return
        for selector, _ in selectors_of(statement):
            if selector.kind == "payload":
                self._reads(selector.words[0], selector)
        if isinstance(statement, s.Match) and statement.operator in ("", "=="):
            self._told(statement)

    def _reads(self, protocol: str, selector: e.Selector) -> None:
        if protocol == "vlan":
            if self._link is not None and self._link not in _VLAN:
                self._conflict("another type of Ethernet", selector)
            self._link = None
        elif protocol in ("ip", "ip6", "arp"):
            if self.network not in (None, protocol):
                self._conflict(self.network or "", selector)
            self.network = protocol
        elif protocol in TRANSPORTS:
            if self.transports not in (None, {protocol}):
                self._conflict(", ".join(sorted(self.transports or ())), selector)
            self.transports = frozenset({protocol})

    def _conflict(self, other: str, selector: e.Selector) -> None:
        message = f"the rule is of {other} before, so `{selector.span.text}` cannot be read"
        self.context.mistakes.add("FW001", message, selector.span, "write a rule for each")

    def _told(self, statement: s.Match) -> None:
        if not isinstance(statement.left, e.Selector):
            return
        match statement.left.kind, statement.left.words:
            case ("payload", ("ether" | "vlan", "type")) | ("meta", ("protocol",)):
                number = _one(t.ETHER_TYPE, statement.right)
                if number is not None and number not in _VLAN:
                    self.network = _NETWORKS.get(number, "another")
                self._link = number if statement.left.words[0] == "ether" else self._link
            case ("payload", ("ip", "protocol") | ("ip6", "nexthdr")) | ("meta", ("l4proto",)):
                number = _one(t.PROTOCOL, statement.right)
                if number is not None:
                    self.transports = frozenset({_NUMBERS.get(number, str(number))})


def _one(type: t.DataType, right: e.Expression) -> int | None:
    """Return the number of a constant; None where it is several, or wrong (said elsewhere)."""
    try:
        known = values(type, right).known
    except Bad:
        return None
    if isinstance(known, Intervals) and len(known.ranges) == 1 and known.ranges[0][0] == known.ranges[0][1]:
        return known.ranges[0][0]
    return None
