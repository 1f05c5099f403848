"""The lists of a rule, item by item, as checks want to see them: addresses, ports, states."""

from __future__ import annotations

from collections.abc import Iterator

from policy.ir import Item, ItemList
from policy.languages.iptables.ast import Option, RuleSpec, Word
from policy.languages.iptables.options import Bad, Context, Reader
from policy.languages.iptables.values import Host, host_or_set, ports
from policy.netfilter import STATES
from policy.packet import Intervals, ValueSet
from policy.source import Span


def _state(_: Context, word: str) -> Intervals:
    found = next((number for name, number in STATES.items() if word and name.startswith(word.upper())), None)
    return Intervals() if found is None else Intervals.of(found)


_LISTS: dict[str, tuple[str, Reader]] = {
    "source": ("src", host_or_set),
    "destination": ("dst", host_or_set),
    "source-ports": ("sport", ports),
    "destination-ports": ("dport", ports),
    "ports": ("dport", ports),
    "state": ("state", _state),
    "ctstate": ("state", _state),
}
"""The options that take lists: the field whose values they are, and what reads one item."""


def lists_of(rule: RuleSpec, context: Context) -> tuple[ItemList, ...]:
    """Return the lists of a rule whose context has its protocol; what is not a set of values is left out."""
    found = []
    for option in _options(rule):
        if option.name in _LISTS and option.values and "," in option.values[0].text:
            field, read = _LISTS[option.name]
            items = tuple(_items(option.values[0], read, context))
            if len(items) > 1:
                found.append(ItemList(field, items))
    return tuple(found)


def host_bits(rule: RuleSpec, context: Context) -> Iterator[Item]:
    """Yield the prefixes of a rule behind which bits are set; those under a mask that is no prefix are left out."""
    for option in rule.general:
        if option.name in ("source", "destination") and "/" in option.values[0].text:
            for item in _items(option.values[0], host_or_set, context):
                text, slash, _ = item.span.text.strip().rpartition("/")
                if slash and _first(_read(host_or_set, context, text)) != _first(item.values):
                    yield item


def _first(values: object) -> int | None:
    """Return the first of some addresses, None for the name of a host."""
    return values.first if isinstance(values, Intervals) and values else None


def _options(rule: RuleSpec) -> Iterator[Option]:
    yield from rule.general
    for extension in rule.matches:
        yield from extension.options


def _items(word: Word, read: Reader, context: Context) -> Iterator[Item]:
    """Yield the items of a list that stands in the text as it is, without quotes."""
    if Span(context.source, word.start, word.end).text != word.text:
        return
    start = word.start
    for text in word.text.split(","):
        values = _read(read, context, text.strip())
        if isinstance(values, Intervals) and values:
            yield Item(values, span=Span(context.source, start, start + len(text)))
        start += len(text) + 1


def _read(read: Reader, context: Context, text: str) -> ValueSet | Host:
    """Return what an item means; nothing where that is a mistake, which was noted where the rule was lowered."""
    try:
        found: ValueSet | Host = read(context, text)
    except Bad:
        return Intervals()
    return found
