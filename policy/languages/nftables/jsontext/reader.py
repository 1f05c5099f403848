"""What all readers of parts of the JSON share: members of objects with their kinds, unknown names, places."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NoReturn

from policy.diagnostic import Collector, Diagnostic, did_you_mean
from policy.languages.nftables.jsontext.tree import Node, key_span
from policy.source import Source, Span

Members = dict[str, Node]


class Wrong(Exception):
    """What is being read cannot be: the mistake."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class Reader:
    """A text that is JSON, and where mistakes go."""

    def __init__(self, source: Source, mistakes: Collector) -> None:
        self.source = source
        self.mistakes = mistakes

    def span(self, node: Node) -> Span:
        return Span(self.source, node.start, node.end)

    def fail(self, node: Node, message: str, help: str | None = None, code: str = "FW001") -> NoReturn:
        """Give up what is being read, for what a value is."""
        raise Wrong(Diagnostic(code, message, self.span(node), help))

    def note(self, wrong: Wrong) -> None:
        """Keep a mistake, and go on."""
        self.mistakes.found.append(wrong.diagnostic)

    def members(self, node: Node, what: str, known: Collection[str] | None = None) -> Members:
        """Return the members of an object; notes those that are not *known* (None: all may be)."""
        if not isinstance(node.value, dict):
            self.fail(node, f"{what} is an object in braces, not {kind(node)}")
        if known is not None:
            for name, member in node.value.items():
                if name not in known:
                    self._unknown(name, member, what, known)
        return node.value

    def _unknown(self, name: str, member: Node, what: str, known: Collection[str]) -> None:
        message = f"{what} has no `{name}`"
        help = did_you_mean(name, known) or f"it may have {words(known)}"
        self.mistakes.add("FW001", message, key_span(self.source, member), help)

    def single(self, node: Node, what: str) -> tuple[str, Node]:
        """Return the one name and value of an object that says what it is by a name."""
        members = self.members(node, what)
        if len(members) != 1:
            message = f"{what} is an object with one name, this one has {len(members) or 'none'}"
            self.fail(node, message)
        return next(iter(members.items()))

    def unknown(self, name: str, node: Node, what: str, known: Iterable[str]) -> NoReturn:
        """Give up at a name that says no statement, expression or command."""
        help = did_you_mean(name, known)
        message = f"`{name}` is no {what} that is known"
        raise Wrong(Diagnostic("FW820", message, key_span(self.source, node), help))

    def needed(self, members: Members, name: str, node: Node, what: str) -> Node:
        found = members.get(name)
        if found is None:
            self.fail(node, f"{what} needs `{name}`")
        return found

    def text(self, node: Node, what: str) -> str:
        """Return a string, on one line and without the quotes that script texts cannot have."""
        if not isinstance(node.value, str):
            self.fail(node, f"{what} is a string, not {kind(node)}")
        return node.value

    def one_of(self, node: Node, what: str, known: Collection[str]) -> str:
        text = self.text(node, what)
        if text not in known:
            self.fail(node, f"`{text}` is no {what}", did_you_mean(text, known) or f"it is one of {words(known)}")
        return text

    def number(self, node: Node, what: str, least: int = 0, most: int = 2**63 - 1) -> int:
        if not isinstance(node.value, int) or isinstance(node.value, bool):
            self.fail(node, f"{what} is a whole number, not {kind(node)}")
        if not least <= node.value <= most:
            self.fail(node, f"{what} is from {least} to {most}, not {node.value}")
        return node.value

    def truth(self, node: Node, what: str) -> bool:
        if not isinstance(node.value, bool):
            self.fail(node, f"{what} is true or false, not {kind(node)}")
        return node.value

    def items(self, node: Node) -> list[Node]:
        """Return the values of an array, or the one value that may stand in its place."""
        return node.value if isinstance(node.value, list) else [node]

    def texts(self, node: Node, what: str) -> tuple[str, ...]:
        """Return a string or an array of strings."""
        return tuple(self.text(item, what) for item in self.items(node))


def kind(node: Node) -> str:
    """Return what kind of value something is."""
    match node.value:
        case None:
            return "null"
        case bool():
            return "true" if node.value else "false"
        case int() | float():
            return f"the number {node.value}"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def words(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
