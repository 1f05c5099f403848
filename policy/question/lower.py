"""What a match means: its tree and the names of a file give `Terms`, or mistakes."""

from __future__ import annotations

from collections.abc import Iterable

from policy.diagnostic import Collector, Related
from policy.ir import Field, Service
from policy.packet import FIELDS, HOOKS, LONGEST_INTERFACE, PORT_PROTOCOLS, STATES, Intervals, Masked, Names, ValueSet
from policy.packet.address import V4_BASE
from policy.packet.fields import ICMP, ICMP6
from policy.packet.names import TCP_FLAGS, protocol_name
from policy.question import ast
from policy.question.addresses import addresses, numbers, ports
from policy.question.hints import hint
from policy.question.services import services
from policy.question.terms import Environment, Terms
from policy.source import Span

FURTHER = tuple(
    name
    for name in FIELDS
    if name
    not in {"hook", "in", "out", "proto", "src", "dst", "sport", "dport", "icmp_type", "icmp_code", "flags", "state"}
)
"""The fields that `with` knows: those that no other word of the language speaks of."""

_BOTH, _V4, _V6 = frozenset({4, 6}), frozenset({4}), frozenset({6})
_FLAGS = {name.lower(): bit for name, bit in TCP_FLAGS.items()}


def terms(match: ast.Match, environment: Environment, collector: Collector) -> Terms:
    """Return what *match* says; what has a mistake is left out and noted in *collector*."""
    before = len(collector.found)
    alternatives = services(match.services, environment, collector) if match.services else ()
    fields: list[Field] = []
    if match.source is not None:
        _endpoint(match.source, "src", "sport", alternatives, environment, collector, fields)
    if match.destination is not None:
        _endpoint(match.destination, "dst", "dport", alternatives, environment, collector, fields)
    if match.arrives:
        fields.append(_interfaces("in", match.arrives, collector))
    if match.leaves:
        fields.append(_interfaces("out", match.leaves, collector))
    if match.hooks:
        fields += _labels("hook", "hook", HOOKS, match.hooks, collector)
    if match.states:
        fields += _labels("state", "connection state", STATES, match.states, collector)
    if match.flags is not None:
        fields += _flags(match.flags, collector)
    if match.settings:
        fields += _settings(match.settings, collector)
    found = Terms(alternatives or (), tuple(fields))
    if len(collector.found) == before and alternatives is not None:
        _check_families(found, match, collector)
    return found


def _endpoint(
    node: ast.Endpoint,
    side: str,
    port: str,
    alternatives: tuple[Service, ...] | None,
    environment: Environment,
    collector: Collector,
    fields: list[Field],
) -> None:
    """Add what `from` or `to` says to *fields*."""
    found = addresses(node.addresses, environment, collector)
    if found is not None and not _is_any(node.addresses):
        fields.append(Field(side, found, span=node.addresses.span))
    if not node.ports:
        return
    place = node.ports[0].span.to(node.ports[-1].span)
    protocols: Intervals | None = None
    if alternatives:
        protocols = Intervals.of(*(pair for service in alternatives for pair in _protocols(service).ranges))
        if portless := protocols - PORT_PROTOCOLS:
            culprit = next(service for service in alternatives if _protocols(service).meets(portless))
            name = protocol_name(portless.first)
            at = culprit[0].span
            related = (Related(at, f"`{name}` has none"),) if at else ()
            collector.add("FW504", f"the protocol `{name}` has no ports", place, "leave the port out", related)
            return
    numbers_ = ports(node.ports, protocols, collector)
    if numbers_ is not None:
        fields.append(Field(port, numbers_, span=place))


def _is_any(node: ast.Addresses) -> bool:
    return not node.excluded and any(isinstance(item, ast.Word) and item.text == "any" for item in node.items)


def _protocols(service: Service) -> Intervals:
    return service[0].values  # type: ignore[return-value]


def _interfaces(field: str, words: tuple[ast.Word, ...], collector: Collector) -> Field:
    for word in words:
        if len(word.text) > LONGEST_INTERFACE:
            help = f"Linux has names of at most {LONGEST_INTERFACE} characters"
            collector.add("FW001", f"interface name `{word.text}` is too long", word.span, help)
    return Field(field, Names.of(*(word.text for word in words)), span=words[0].span.to(words[-1].span))


def _labels(
    field: str, title: str, labels: tuple[str, ...], words: tuple[ast.Word, ...], collector: Collector
) -> Iterable[Field]:
    """Return the field with the values of *words*; nothing if one of them is unknown."""
    found = [_label(word, title, labels, collector) for word in words]
    if None not in found:
        values = Intervals.of(*(number for number in found if number is not None))
        yield Field(field, values, span=words[0].span.to(words[-1].span))


def _label(word: ast.Word, title: str, labels: tuple[str, ...], collector: Collector) -> int | None:
    if word.text in labels:
        return labels.index(word.text)
    help = hint(word.text, labels, collector) or f"there are {', '.join(labels)}"
    collector.add("FW701", f"there is no {title} `{word.text}`", word.span, help)
    return None


def _flags(node: ast.Flags, collector: Collector) -> Iterable[Field]:
    named, of = (_flag_bits(words, collector) for words in (node.named, node.of))
    if named is None or of is None:
        return
    if not node.of:
        yield Field("flags", Intervals.of(named), span=node.span)
    elif named & ~of:
        wrong = next(w for w in node.named if _FLAGS.get(w.text, 0) & ~of)
        collector.add(
            "FW001", f"`{wrong.text}` is not one of the flags that are looked at", wrong.span, "name it after `/` too"
        )
    else:
        yield Field("flags", Masked(named, of), span=node.span)


def _flag_bits(words: tuple[ast.Word, ...], collector: Collector) -> int | None:
    if len(words) == 1 and words[0].text == "none":
        return 0
    bits = 0
    good = True
    for word in words:
        if word.text in _FLAGS:
            bits |= _FLAGS[word.text]
        else:
            good = False
            help = hint(word.text, _FLAGS, collector) or f"there are {', '.join(_FLAGS)}; `none` stands alone"
            collector.add("FW701", f"there is no TCP flag `{word.text}`", word.span, help)
    return bits if good else None


def _settings(nodes: tuple[ast.Setting, ...], collector: Collector) -> Iterable[Field]:
    seen: dict[str, ast.Setting] = {}
    for node in nodes:
        name = node.name.text
        if name not in FURTHER:
            help = hint(name, FURTHER, collector) or f"there are {', '.join(FURTHER)}"
            collector.add("FW701", f"there is no field `{name}` for `with`", node.name.span, help)
        elif name in seen:
            related = (Related(seen[name].span, "the first time"),)
            collector.add("FW001", f"`{name}` stands twice", node.span, "write `{…}` for several values", related)
        else:
            seen[name] = node
            values = _setting(node, collector)
            if values is not None:
                yield Field(name, values, span=node.span)


def _setting(node: ast.Setting, collector: Collector) -> ValueSet | None:
    title = FIELDS[node.name.text].title
    if len(node.values) == 1 and isinstance(bits := node.values[0], ast.Bits):
        last = _last(node.name.text)
        if bits.value & ~bits.mask or bits.mask > last:
            collector.add("FW001", f"the value of {title} has bits that its mask has not", bits.span)
            return None
        return Masked(bits.value, bits.mask)
    found = [_value(node.name.text, title, value, collector) for value in node.values]
    if None in found:
        return None
    return Intervals.of(*(pair for each in found if each is not None for pair in each.ranges))


def _last(name: str) -> int:
    return FIELDS[name].domain.ranges[-1][1]  # type: ignore[union-attr]


def _value(name: str, title: str, value: ast.Value, collector: Collector) -> Intervals | None:
    labels = FIELDS[name].labels
    match value:
        case ast.Word(text) if name == "mac" and ":" in text:
            return Intervals.of(int(text.replace(":", ""), 16))
        case ast.Word() if labels:
            number = _label(value, title, labels, collector)
            return None if number is None else Intervals.of(number)
        case ast.Range(low, high, span) if not labels and name != "mac":
            return numbers(low, high, span, _last(name), title, collector)
        case ast.Word(span=span) | ast.Range(span=span) | ast.Bits(span=span):
            wanted = "one of " + ", ".join(labels) if labels else "`aa:bb:cc:dd:ee:ff`" if name == "mac" else "a number"
            collector.add("FW001", f"this is no value for {title}", span, f"write {wanted}")
            return None


def _families(addresses: Intervals) -> frozenset[int]:
    """Return the families of addresses, of which there are some; IPv4 stands above IPv6 on the line."""
    ranges = addresses.ranges
    if ranges[0][0] >= V4_BASE:
        return _V4
    return _V6 if ranges[-1][1] < V4_BASE else _BOTH


def _check_families(found: Terms, match: ast.Match, collector: Collector) -> None:
    """Note it when no packet can match because it would have to be of two families."""
    source, destination = found.get("src"), found.get("dst")
    families = _BOTH
    span: Span = match.span
    related: tuple[Related, ...] = ()
    for values, node in ((source, match.source), (destination, match.destination)):
        if isinstance(values, Intervals) and values and node is not None:
            rest = families & _families(values)
            if not rest:
                related = (Related(span, f"IPv{min(families)} only"),)
                message = f"the source has IPv{min(families)} addresses only, the destination none"
                collector.add("FW603", message, node.addresses.span, "no packet has two families", related)
                return
            families, span = rest, node.addresses.span
    if found.services and all(_other_family(service, families) for service in found.services):
        (family,) = families
        at = found.services[0][0].span or match.span
        related = (Related(span, f"IPv{family} only"),)
        better = "icmp6" if family == 6 else "icmp"
        collector.add("FW603", f"IPv{family} has no such ICMP type", at, f"say `{better}`", related)


def _other_family(service: Service, families: frozenset[int]) -> bool:
    """Does a service speak of ICMP types that packets of *families* do not have?"""
    if not any(f.name == "icmp_type" for f in service):
        return False
    spoken = {family for protocol, family in ((ICMP, 4), (ICMP6, 6)) if protocol in _protocols(service)}
    return not spoken & families
