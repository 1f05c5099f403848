"""Random single packets for real rules, drawn from the edges of what the rules name: nothing of the sets is used."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from policy.evaluate.truth import truth
from policy.ir import All, Either, Field, Match, Not, Ruleset, walk
from policy.packet import FIELDS, Intervals, Masked, Names, Packet, Value, ValueSet, complete, has
from policy.packet.address import ANY_ADDRESS, whole

DECIDING = ("proto", "fragment", "state")
TRIES = 40


class Sampler:
    """Draws packets at one hook; *ruleset* says which values are worth drawing."""

    def __init__(self, ruleset: Ruleset, hook: int | None, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.families = sorted(ruleset.families)
        self.hook = hook
        self.edges: dict[str, list[int | str]] = {}
        for policy in ruleset.policies.values():
            for rule in policy.rules:
                for part in walk(rule.match):
                    if isinstance(part, Field):
                        self.edges.setdefault(part.name, []).extend(_edges(part.name, part.values))

    def matching(self, match: Match, count: int) -> Iterator[Packet]:
        """Yield up to *count* packets that match, or may match."""
        for _ in range(count):
            for _ in range(TRIES):
                packet = self._packet(dict(self._wanted(match, True)))
                if packet is not None and truth(match, packet, {}) is not False:
                    yield packet
                    break

    def _wanted(self, match: Match, holds: bool) -> Iterator[tuple[str, int | str]]:
        """Yield values of fields that are likely to make a match true (or false)."""
        match match:
            case Field(name, values):
                choices = [value for value in self._values(name, values) if (value in values) is holds]  # type: ignore[operator] # of one kind
                if choices:
                    yield name, self.random.choice(choices)
            case Not(part):
                yield from self._wanted(part, not holds)
            case All(parts) | Either(parts):
                every = isinstance(match, All) is holds
                for part in parts if every or not parts else [self.random.choice(parts)]:
                    yield from self._wanted(part, holds)
            case _:
                return

    def _values(self, name: str, values: ValueSet) -> Sequence[int | str]:
        found = [*_edges(name, values), *self.edges.get(name, ())]
        if isinstance(values, Intervals) and values:
            low, high = self.random.choice(values.ranges)
            found.append(self.random.randint(low, high))
        if isinstance(values, Masked):
            bits = (1 << 33) - 1 if name in ("src", "dst") else FIELDS[name].domain.ranges[-1][1]  # type: ignore[union-attr] # numbers
            found.append(self.random.getrandbits(bits.bit_length()) & bits & ~values.mask | values.value)
        return found

    def _packet(self, wanted: dict[str, int | str]) -> Packet | None:
        pick = self.random
        family = pick.choice(self.families)
        for side in ("src", "dst"):
            if side in wanted:
                family = 4 if wanted[side] >= 1 << 128 else 6  # type: ignore[operator] # an address is a number
        given: dict[str, Value] = {} if self.hook is None else {"hook": self.hook}
        for side in ("src", "dst"):
            near = [value for value in self.edges.get(side, ()) if isinstance(value, int) and value in whole(family)]
            low, high = whole(family).ranges[0]
            given[side] = wanted.get(side, pick.choice([*near, pick.randint(low, high)]))
        protocols = (6, 17, 1 if family == 4 else 58, 47)
        usual = {"proto": protocols, "fragment": (0, 0, 0, 1, 2), "state": (0, 0, 1, 2, 3, 4)}
        for name in DECIDING:
            given[name] = wanted.get(name, pick.choice([*usual[name], *self.edges.get(name, ())]))
        try:
            for name in FIELDS:
                if name in given or name == "hook" or not has(given, name):
                    continue
                if name in wanted:
                    given[name] = wanted[name]
                elif name in self.edges:
                    given[name] = pick.choice(self.edges[name])
                elif name in ("sport", "dport"):
                    given[name] = pick.randint(0, 65535)
            return complete(given)
        except ValueError:
            return None


def _edges(name: str, values: ValueSet) -> list[int | str]:
    """Return the values just inside and just outside a set."""
    match values:
        case Names(exact, prefixes):
            return [*exact, *prefixes, *(prefix + "0" for prefix in prefixes), "elsewhere9"]
        case Masked(value, mask):
            domain = FIELDS[name].domain
            assert isinstance(domain, Intervals)
            every = domain.ranges[-1][1]
            near = [value, value | (every & ~mask), *(value ^ bit for bit in _bits(mask & every))]
            return [number for number in near if number in domain]
        case Intervals(ranges):
            domain = ANY_ADDRESS if name in ("src", "dst") else FIELDS[name].domain
            assert isinstance(domain, Intervals)
            near = [edge for low, high in ranges[:50] for edge in (low - 1, low, high, high + 1)]
            return [number for number in near if number in domain]
    raise AssertionError(values)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        yield mask & -mask
        mask &= mask - 1
