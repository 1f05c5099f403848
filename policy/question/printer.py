"""Writes the tree of a question, or of the match of a rule, as text: the parser reads the same tree from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policy.question import ast


def match_text(match: ast.Match) -> str:
    """Return a match in one line."""
    return " ".join(part for part in (*columns(match), tail(match)) if part)


def columns(match: ast.Match) -> tuple[str, str, str]:
    """Return the service, `from` and `to` parts of a match, empty where it has none."""
    source = f"from {_endpoint(match.source)}" if match.source else ""
    destination = f"to {_endpoint(match.destination)}" if match.destination else ""
    return services_text(match.services), source, destination


def tail(match: ast.Match) -> str:
    """Return what a match says besides."""
    words = (
        ("in", match.arrives),
        ("out", match.leaves),
        ("at", match.hooks),
        ("state", match.states),
    )
    parts = [f"{keyword} {names_text(found)}" for keyword, found in words if found]
    if match.flags is not None:
        of = f"/{_joined(match.flags.of)}" if match.flags.of else ""
        parts.append(f"flags {_joined(match.flags.named)}{of}")
    if match.settings:
        parts.append("with " + ", ".join(map(_setting, match.settings)))
    return " ".join(parts)


def services_text(services: Iterable[ast.Service]) -> str:
    """Return a list of services."""
    return ", ".join(map(_service, services))


def addresses_text(addresses: ast.Addresses) -> str:
    """Return a list of addresses."""
    excluded = f" except {', '.join(map(_item, addresses.excluded))}" if addresses.excluded else ""
    return ", ".join(map(_item, addresses.items)) + excluded


def names_text(words: Iterable[ast.Word]) -> str:
    """Return a list of names."""
    return ", ".join(word.text for word in words)


def _joined(words: Iterable[ast.Word]) -> str:
    return ",".join(word.text for word in words)


def _endpoint(node: ast.Endpoint) -> str:
    addresses = addresses_text(node.addresses)
    if not node.ports:
        return addresses
    if not node.socket:
        return f"{addresses} port {_set(node.ports)}"
    (item,) = node.addresses.items
    in_brackets = isinstance(item, ast.Address) and ":" in item.text
    return f"{f'[{addresses}]' if in_brackets else addresses}:{_value(node.ports[0])}"


def _item(item: ast.Item) -> str:
    return f"{item.low.text}-{item.high.text}" if isinstance(item, ast.Between) else item.text


def _service(node: ast.Service) -> str:
    name = _value(node.name)
    if node.number:
        return f"proto {name}"
    if node.code is not None:
        return f"{name}/{_value(node.ports[0])}/{_value(node.code)}"
    return f"{name}/{_set(node.ports)}" if node.ports else name


def _setting(node: ast.Setting) -> str:
    return f"{node.name.text} {_set(node.values)}"


def _set(values: Sequence[ast.Value]) -> str:
    return _value(values[0]) if len(values) == 1 else f"{{{','.join(map(_value, values))}}}"


def _value(node: ast.Value) -> str:
    """Return a value as it was written, else in the shortest way."""
    match node:
        case ast.Word(text):
            return text
        case ast.Range(low, high, span):
            return "".join(span.text.split()) or (str(low) if low == high else f"{low}-{high}")
        case ast.Bits(value, mask, span):
            return "".join(span.text.split()) or f"{value:#x}/{mask:#x}"
