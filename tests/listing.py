"""Rules as `iptables -L -n` and fffuu print them: the form in which verified results stand beside the corpus."""

from __future__ import annotations

import re
from collections.abc import Iterable

from policy.ir import All, Allow, Block, Entry, Field, Match, Policy, Rule, Ruleset
from policy.packet import HOOKS, Intervals, Names
from policy.packet.address import parse_address, parse_prefix
from policy.packet.names import protocol_number
from policy.source import Source, Span

_RULE = re.compile(r"(ACCEPT|DROP) +(\S+) +-- +(\S+) +(\S+)(.*)")
_CHAIN = re.compile(r"Chain (\w+) \(policy (\w+)\)")
_EXTRA = re.compile(r"(?:tcp|udp) |(in|out): (\S+)|([sd])p(?:or)?ts?: ?(\d+)(?::(\d+))?")
_NOWHERE = Span(Source("listing", ""), 0, 0)


def listed(text: str, hook: int) -> Ruleset:
    """Return the chain of *hook* of an `iptables -L -n` text."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"Chain {HOOKS[hook].upper()} "))
    found = _CHAIN.match(lines[start])
    assert found is not None
    end = next((n for n in range(start, len(lines)) if not lines[n].strip()), len(lines))
    return simple(lines[start + 2 : end], hook, accepting=found[2] == "ACCEPT")


def simple(lines: Iterable[str], hook: int, accepting: bool = False) -> Ruleset:
    """Return the rules of *lines*, and what holds behind the last."""
    default = Allow() if accepting else Block()
    policy = Policy("rules", tuple(_rule(line) for line in lines))
    return Ruleset("listing", frozenset({4}), {"rules": policy}, {hook: (Entry("rules", default),)})


def _rule(line: str) -> Rule:
    found = _RULE.fullmatch(line)
    assert found is not None, line
    action, protocol, source, destination, extra = found.groups()
    parts: list[Match] = []
    if protocol != "all":
        number = int(protocol) if protocol.isdigit() else protocol_number(protocol)
        assert number is not None, line
        parts.append(Field("proto", Intervals.of(number)))
    for name, text in (("src", source), ("dst", destination)):
        if text != "0.0.0.0/0":
            parts.append(Field(name, parse_prefix(text)))
    assert not _EXTRA.sub("", extra).strip(), line
    for direction, interface, side, low, high in _EXTRA.findall(extra):
        if direction:
            parts.append(Field(direction, Names.of(interface)))
        elif side:
            parts.append(Field(f"{side}port", Intervals.of((int(low), int(high or low)))))
    return Rule(All(tuple(parts)), (Allow() if action == "ACCEPT" else Block(),), span=_NOWHERE)


def addresses(text: str) -> Intervals:
    """Return the addresses of `{1.0.0.0 .. 1.0.0.9} u 2.0.0.0`."""
    found = Intervals()
    for part in text.split(" u "):
        low, _, high = part.strip("{}").partition(" .. ")
        found |= Intervals.of((parse_address(low), parse_address(high or low)))
    return found
