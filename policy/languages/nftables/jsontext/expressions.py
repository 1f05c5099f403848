"""Expressions of the JSON: values, lists, ranges, sets, maps, and what a rule looks at (libnftables-json(5))."""

from __future__ import annotations

import re
from functools import cache, partial

from policy.languages.nftables.ast.expression import (
    Binary,
    Concat,
    Element,
    Expression,
    List,
    Lookup,
    Prefix,
    Range,
    Reference,
    Selector,
    SetLiteral,
    Verdict,
    Word,
)
from policy.languages.nftables.ast.statement import Match
from policy.languages.nftables.jsontext.reader import Members, Reader, Wrong
from policy.languages.nftables.jsontext.selectors import SELECTORS, jhash_numbers
from policy.languages.nftables.jsontext.tree import Node
from policy.languages.nftables.parse import parse_rule
from policy.languages.nftables.text import expression as written
from policy.source import Source, Span

_OPERATORS = ("&", "|", "^", "<<", ">>")
_VERDICTS = ("accept", "drop", "continue", "return", "jump", "goto")
_FORMS = ("concat", "elem", "jhash", "map", "prefix", "range", "set", *_OPERATORS)
_BARE = re.compile(r"[A-Za-z0-9_./+-]+\Z|[0-9A-Fa-f.:]+\Z")


class Expressions(Reader):
    """Reads expressions.

    *texts*: strings are names that script texts have in quotes (those of interfaces, of helpers).
    """

    _in_set = 0

    def expression(self, node: Node, texts: bool = False) -> Expression:
        """Return an expression, of which a string or a number is the simplest."""
        value = node.value
        if isinstance(value, str):
            return self._string(value, node, texts)
        if isinstance(value, bool):
            return Word("exists" if value else "missing", span=self.span(node))
        if isinstance(value, int):
            return Word(str(self.number(node, "a value")), span=self.span(node))
        if isinstance(value, list):
            return List(tuple(self.expression(item, texts) for item in self._some(node)), span=self.span(node))
        if not isinstance(value, dict):
            self.fail(node, "this is no value")
        return self._object(node, texts)

    def _some(self, node: Node) -> list[Node]:
        """Return the items of an array that has some."""
        if not isinstance(node.value, list):
            self.fail(node, "this is to be an array")
        if not node.value:
            self.fail(node, "this array is empty")
        return node.value

    def _string(self, text: str, node: Node, texts: bool) -> Expression:
        span = self.span(node)
        if text.startswith("@"):
            return Reference(text[1:], span=span)
        if text == "*":
            return Word(text, span=span)
        return Word(text, quoted=texts or not _BARE.match(text), span=span)

    def _object(self, node: Node, texts: bool) -> Expression:
        name, inner = self.single(node, "an expression")
        read = SELECTORS.get(name)
        tree = self._selector(read(self, inner), inner) if read else self._form(name, inner, node, texts)
        if not self._in_set:  # there may be very many elements
            self.source.said[tree.span.start, tree.span.end] = partial(written, tree)
        return tree

    def _selector(self, tree: Selector, node: Node) -> Selector:
        """Return a selector that a script can have, too; which fields a protocol has is for the types to say."""
        if not _in_scripts(tree):
            self.fail(node, f"`{written(tree)}` is nothing that rules can look at", "see nft(8), EXPRESSIONS")
        return tree

    def _form(self, name: str, inner: Node, node: Node, texts: bool) -> Expression:
        span = self.span(node)
        if name in _OPERATORS:
            return self._binary(name, inner)
        match name:
            case "concat":
                return Concat(tuple(self.expression(item, texts) for item in self._some(inner)), span=span)
            case "range":
                low, high = self._two(inner, "`range`")
                return Range(self.expression(low, texts), self.expression(high, texts), span=span)
            case "prefix":
                members = self.members(inner, "`prefix`", ("addr", "len"))
                base = self.expression(self.needed(members, "addr", inner, "`prefix`"))
                length = self.number(self.needed(members, "len", inner, "`prefix`"), "`len`", 0, 128)
                return Prefix(base, length, span=span)
            case "set":
                return self.elements(inner)
            case "map":
                key, data = self.key_and_map(inner, "`map`")
                return Lookup(key, data, span=span)
            case "jhash":
                return self._jhash(inner)
            case "elem":
                return self.fail(node, "an element stands in a set only")
            case _:
                return self.unknown(name, inner, "expression", (*_FORMS, *SELECTORS))

    def _two(self, node: Node, what: str) -> tuple[Node, Node]:
        if not isinstance(node.value, list) or len(node.value) != 2:
            self.fail(node, f"{what} is an array of two values")
        return node.value[0], node.value[1]

    def _binary(self, operator: str, node: Node) -> Expression:
        items = self._some(node)
        if len(items) < 2:
            self.fail(node, f"`{operator}` is an array of two values")
        left = self.expression(items[0])
        for item in items[1:]:  # nftables 1.1 writes more than two
            left = Binary(operator, left, self.expression(item), span=self.span(node))  # type: ignore[arg-type] # a key
        return left

    def _jhash(self, node: Node) -> Selector:
        members = self.members(node, "`jhash`", ("mod", "offset", "expr", "seed"))
        of = self.expression(self.needed(members, "expr", node, "`jhash`"))
        return Selector("hash", ("jhash",), jhash_numbers(self, members, node), of, span=self.span(node))

    def key_and_map(self, node: Node, what: str) -> tuple[Expression, Expression]:
        """Return what a map is asked for, and the map: a reference, or one that stands there."""
        members = self.members(node, what, ("key", "data"))
        key = self.expression(self.needed(members, "key", node, what))
        data = self.expression(self.needed(members, "data", node, what))
        if not isinstance(data, SetLiteral | Reference):
            self.fail(members["data"], 'this is to be a map: `{"set": …}`, or `@` with a name')
        return key, data

    def elements(self, node: Node) -> SetLiteral:
        """Return the elements of a set or a map; each that is wrong is a mistake by itself."""
        found = []
        self._in_set += 1
        for item in self.items(node):
            try:
                found.append(self._element(item))
            except Wrong as wrong:
                self.note(wrong)
        self._in_set -= 1
        return SetLiteral(tuple(found), span=self.span(node))

    def _element(self, node: Node) -> Element:
        if isinstance(node.value, list):
            key, value = self._two(node, "an element of a map")
            element = self._key(key)
            return Element(
                element.key,
                self.verdict_or_value(value),
                element.timeout,
                element.expires,
                element.comment,
                element.statements,
                span=self.span(node),
            )
        return self._key(node)

    def _key(self, node: Node) -> Element:
        if not isinstance(node.value, dict) or "elem" not in node.value:
            return Element(self.expression(node), span=self.span(node))
        what = "`elem`"
        _, inner = self.single(node, "an element")
        members = self.members(inner, what, (*_ELEMENT, *_ELEMENT_STATEMENTS))
        return Element(
            self.expression(self.needed(members, "val", inner, what)),
            timeout=self.seconds(members, "timeout"),
            expires=self.seconds(members, "expires"),
            comment=self.text(members["comment"], "`comment`") if "comment" in members else None,
            statements=self.element_statements(members),
            span=self.span(node),
        )

    def element_statements(self, members: Members) -> tuple[object, ...]:  # noqa: ARG002 (see `Statements`)
        """Return the statements of an element, whose names stand among those of its members."""
        return ()

    def seconds(self, members: Members, name: str) -> int | None:
        """Return a time, which the JSON has in seconds, in milliseconds."""
        return self.number(members[name], f"`{name}`", 0, 2**53) * 1000 if name in members else None

    def verdict_or_value(self, node: Node) -> Expression | Verdict:
        """Return what a map has for a key."""
        if isinstance(node.value, dict) and len(node.value) == 1:
            name, inner = next(iter(node.value.items()))
            if name in _VERDICTS:
                return self.verdict(name, inner, node)
        return self.expression(node)

    def verdict(self, name: str, inner: Node, node: Node) -> Verdict:
        """Return a verdict, with the chain that it names."""
        if name not in ("jump", "goto"):
            if inner.value is not None:
                self.fail(inner, f"`{name}` has the value null")
            return Verdict(name, span=self.span(node))  # type: ignore[arg-type] # one of its words
        what = f"`{name}`"
        members = self.members(inner, what, ("target",))
        target = self.needed(members, "target", inner, what)
        chain = Word(self.text(target, "`target`"), span=self.span(target))
        return Verdict(name, chain, span=self.span(node))  # type: ignore[arg-type] # one of its words


@cache
def _in_scripts(tree: Selector) -> bool:
    """Is a selector one that scripts have words for?"""
    text = f"{written(tree)} 1"
    rule = parse_rule(Span(Source("", text), 0, len(text)))
    match rule and rule.statements:
        case (Match(left=found),):
            return found == tree
    return False


_ELEMENT = ("val", "timeout", "expires", "comment")
_ELEMENT_STATEMENTS = ("counter", "limit", "quota", "ct count", "last")
