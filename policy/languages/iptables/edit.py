"""Rules with something changed, as text.

Only the words of the option that changes are replaced. iptables has one prefix for each side, one range of ports or,
with multiport, fifteen ports, and lists of states; of anything else one rule takes one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policy.diagnostic import Collector
from policy.ir import Match, Rule, conjuncts
from policy.ir import with_values as changed
from policy.languages.iptables.ast import Command, Extension, Option
from policy.languages.iptables.options import Context
from policy.languages.iptables.parse import parse_rule
from policy.languages.iptables.rules import lower_match
from policy.languages.iptables.values import MOST_PORTS
from policy.netfilter import STATES
from policy.packet import Intervals, ValueSet
from policy.packet.address import ANY_ADDRESS, format_address, format_range, whole
from policy.source import Source

_OPTIONS = {
    "src": ("source", "src-range"),
    "dst": ("destination", "dst-range"),
    "sport": ("source-port", "source-ports"),
    "dport": ("destination-port", "destination-ports"),
    "state": ("state", "ctstate"),
}
_SIDES = ("src", "dst")
_PORTS = ("sport", "dport")
_LISTS = {"source-port": "--sports", "destination-port": "--dports"}


def with_values(rule: Rule, field: str, values: ValueSet, others: Sequence[Rule], family: int) -> str | None:
    """Return *rule* with *values* in *field* and everything else as it is; None where one rule cannot say it.

    None, too, where it or one of *others* is not appended, but put in at some number. What is returned has been read
    again.
    """
    if not isinstance(values, Intervals) or not values or field not in _OPTIONS:
        return None
    if not all(other.span.text.startswith(("-A", "--append")) for other in others):
        return None
    text = rule.span.text
    if field in _SIDES and "-range" not in text and _value("source", values) is None:
        return None
    if field in _PORTS and sum(1 if low == high else 2 for low, high in values.ranges) > MOST_PORTS:
        return None
    before = parse_rule(Source("", text), family)
    if before is None or before.verb != "-A":
        return None
    after = _edited(text, before, field, values)
    again = None if after is None else parse_rule(Source("", after), family)
    if after is None or again is None:
        return None
    said, old = _match(again, after, family), _match(before, text, family)
    every = ANY_ADDRESS if values == whole(family) else values
    wanted = None if old is None else changed(old, field, every)
    if said is None or wanted is None or set(conjuncts(said)) != set(conjuncts(wanted)):
        return None
    return after


def _match(command: Command, text: str, family: int) -> Match | None:
    mistakes = Collector()
    chain = command.chain.text if command.chain is not None else ""
    found = lower_match(command.rule, chain, Context(Source("", text), family, mistakes))
    return None if mistakes.found else found


def _edited(text: str, command: Command, field: str, values: Intervals) -> str | None:
    """Return the text with another value in the option that asks for *field*."""
    for option, owner in _options(command):
        if option.name in _OPTIONS.get(field, ()) and not option.negated:
            value = _value(option.name, values)
            if value is not None:
                word = option.values[0]
                return text[: word.start] + value + text[word.end :]
            if option.name in _LISTS and owner is not None:
                # Without an option of its own left, `-m tcp` would say something else: it goes.
                alone = len(owner.options) == 1 and text[owner.start : owner.start + 2] == "-m"
                start = owner.start if alone else option.start
                return f"{text[:start]}-m multiport {_LISTS[option.name]} {_ports(values)}{text[option.end :]}"
            return None
    return None


def _options(command: Command) -> Iterator[tuple[Option, Extension | None]]:
    yield from ((option, None) for option in command.rule.general)
    for extension in command.rule.matches:
        yield from ((option, extension) for option in extension.options)


def _value(option: str, values: Intervals) -> str | None:
    """Return how an option says *values*, None where it cannot."""
    low, high = values.ranges[0]
    one = len(values.ranges) == 1
    match option:
        case "source" | "destination":
            text = format_range(low, high)
            return text if one and "-" not in text else None
        case "src-range" | "dst-range":
            return f"{format_address(low)}-{format_address(high)}" if one else None
        case "source-port" | "destination-port":
            return _ports(values) if one else None
        case "source-ports" | "destination-ports":
            return _ports(values)
        case "state" | "ctstate":
            return ",".join(name for name, number in STATES.items() if number in values)
    raise AssertionError(option)


def _ports(values: Intervals) -> str:
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in values.ranges)
