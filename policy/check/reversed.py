"""Ranges that end before they begin, where the firewall loads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policy.ir import Field, Not, Rule, conjuncts
from policy.packet.address import parse_address
from policy.packet.values import EMPTY
from policy.source import Span


@dataclass(frozen=True, slots=True)
class Reversed:
    """A range of the field *name*, in which nothing is: as it was *written*, *turned* round, and where.

    *negated*: does the rule ask for what is not in it, which is everything?
    """

    name: str
    written: str
    turned: str
    span: Span
    negated: bool


def reversed_ranges(rule: Rule) -> Iterator[Reversed]:
    """Yield the conditions of a rule that a range which ends before it begins makes empty."""
    for part in conjuncts(rule.match):
        negated = isinstance(part, Not)
        condition = part.part if isinstance(part, Not) else part
        if isinstance(condition, Field) and condition.values == EMPTY and condition.span is not None:
            written = condition.span.text.split()[-1]
            turned = _turned(written, "-") or _turned(written, ":")
            if turned is not None:
                yield Reversed(condition.name, written, turned, condition.span, negated)


def unmatchable(rule: Rule) -> bool:
    """Does a rule match no packet for a range that ends before it begins?"""
    return any(not each.negated for each in reversed_ranges(rule))


def _turned(written: str, sign: str) -> str | None:
    """Return a range the other way round, or None unless its first end is the greater one."""
    low, found, high = written.partition(sign)
    first, last = _number(low), _number(high)
    return f"{high}{sign}{low}" if found and first is not None and last is not None and first > last else None


def _number(text: str) -> int | None:
    """Return the value of an address or a number, as C writes it."""
    for read in (parse_address, lambda text: int(text, 0)):
        try:
            return read(text)
        except ValueError:
            continue
    return None
