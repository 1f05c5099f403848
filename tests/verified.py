"""Rule files of the corpus and what verified tools found out about them, as sets of packets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from policy.ir import EVERYTHING, All, Field, Match, Not, Ruleset, all_of, either_of
from policy.languages.iptables import read
from policy.packet import ESTABLISHED, NEW, Intervals, Masked, Names
from policy.packet.address import V4, parse_prefix
from policy.packet.fields import TCP
from policy.reach import Flow
from policy.reach.classes import Pair, Side, classes, spread
from policy.sets import Budget, PacketSet, Space
from policy.source import Source

SYN_ALONE = Masked(0b00010, 0b10111)
NOT_FRAGMENTED = Field("fragment", Intervals.of(0))
STATE = {"NEW": NEW, "ESTABLISHED": ESTABLISHED}

# What iptables-restore refuses: options of other versions, and MAC addresses that were made anonymous.
REPAIRS = (
    (r" --something-else| --days \S+", ""),
    (r"--mac(?:-source)? \S+", "--mac-source 02:00:00:00:00:01"),
    (r" -m icmp6 --icmpv6-type \d+", ""),
    (r"(--string \S+)(?! --algo)", r"\1 --algo bm"),
)

Networks = Mapping[str, Intervals]


def table(file: Path, name: str = "filter") -> Ruleset:
    """Return one table of a dump, so far as iptables would load it."""
    found = re.search(rf"^\*{name}$.*?^COMMIT$", file.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    text = found[0] + "\n"
    for pattern, instead in REPAIRS:
        text = re.sub(pattern, instead, text)
    return read(Source(file.name, text))


def networks(text: str) -> Intervals:
    """Return the addresses of prefixes with spaces between them."""
    found = Intervals()
    for prefix in text.split():
        found |= parse_prefix(prefix)
    return found


def assignment(text: str) -> Networks:
    """Return the addresses behind each interface, as fffuu reads them."""
    found: dict[str, Intervals] = {}
    for name, negated, prefixes in re.findall(r"(\w+) = (all_but_those_ips )?\[([^]]*)\]", text):
        inside = networks(prefixes.replace(",", " "))
        found[name] = V4 - inside if negated else inside
    return found


def behind(interfaces: Networks, both_ways: bool) -> Match:
    """Return that what comes in on an interface is from its addresses, and, *both_ways*, that nothing else is."""
    parts: list[Match] = []
    for name, inside in interfaces.items():
        on, source = Field("in", Names.of(name)), Field("src", inside)
        parts.append(either_of(Not(on), source))
        if both_ways:
            parts.append(either_of(on, Not(source)))
    return all_of(*parts)


def first_packets() -> Match:
    """Return the packets that the authors look at: new, in TCP with SYN alone, not fragmented."""
    syn = either_of(Not(Field("proto", Intervals.of(TCP))), Field("flags", SYN_ALONE))
    return all_of(Field("state", Intervals.of(NEW)), NOT_FRAGMENTED, syn)


def service(port: int, state: str) -> Match:
    """Return TCP from port 10000 to *port*, with SYN alone where it is new."""
    parts = [Field("proto", Intervals.of(TCP)), Field("sport", Intervals.of(10000)), Field("dport", Intervals.of(port))]
    parts += [Field("state", Intervals.of(STATE[state])), NOT_FRAGMENTED]
    return All((*parts, *([Field("flags", SYN_ALONE)] if state == "NEW" else [])))


@dataclass(frozen=True)
class Verdicts:
    """The packets of *within* that may be accepted, and those that are, whatever is not known."""

    space: Space
    within: PacketSet
    may: PacketSet
    sure: PacketSet

    def through(self, rules: Ruleset) -> PacketSet:
        """Return which packets of *within* other rules let pass."""
        return Flow(rules, self.space, self.within).allowed

    def coarse(self, packets: PacketSet) -> PacketSet:
        """Return *packets* told apart by what an `iptables -L -n` text speaks of."""
        kept = ("proto", "src", "dst", "sport", "dport", "state", "fragment")
        return packets.apart_from(*(name for name in self.space.layout.fields if name not in kept))


def verdicts(
    rules: Ruleset,
    hook: int,
    within: Match = EVERYTHING,
    others: Iterable[Ruleset] = (),
    also: Sequence[Match] = (),
    assume: Mapping[str, bool] | None = None,
) -> Verdicts:
    """Send the packets of *within* through *rules*, in a space where *others* and *also* can be asked about."""
    space = Space([rules, *others], [within, *also], hook, Budget(seconds=None))
    packets = space.of_match(within)
    flow = Flow(rules, space, packets, assume)
    return Verdicts(space, packets, flow.allowed | flow.depends, flow.allowed)


Matrix = tuple[frozenset[Intervals], frozenset[tuple[Intervals, Intervals]]]
"""Classes of addresses, and which of them may reach which."""

EVERYBODY: Side = (Intervals.of(0), V4)


def matrix(rules: Ruleset, hook: int, within: Match) -> Matrix:
    """Return the classes of addresses that are alike as senders and as receivers, and who may reach whom."""
    pairs = [
        Pair(
            (Intervals.of(0), spread(region.values.get("src", V4))),
            (Intervals.of(0), spread(region.values.get("dst", V4))),
        )
        for region in verdicts(rules, hook, within).may.regions()
    ]
    senders, receivers = classes([pairs], EVERYBODY, EVERYBODY)
    both = [one & two for ((_, one),) in senders for ((_, two),) in receivers if one & two]
    edges = [
        (one, two)
        for one in both
        for two in both
        if any(one.first in pair.source[1] and two.first in pair.target[1] for pair in pairs)
    ]
    return frozenset(both), frozenset(edges)
