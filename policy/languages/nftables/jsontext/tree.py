"""JSON with places: what a text says, and where each of its values and keys stands (RFC 8259).

The standard library's reader gives no places. This one refuses what nft's (jansson) refuses too: whole numbers of
more than 64 bits, half of a surrogate pair, the character NUL, and text behind the end.
"""

from __future__ import annotations

import json
import re

from policy.source import Source, Span

DEEPEST = 100
"""How many levels of brackets are read: far more than rules have, far fewer than Python's own calls allow."""

_BLANK = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r'"([^"\\\x00-\x1f]*)"')
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = {"true": True, "false": False, "null": None}
_MOST_DIGITS = 19

Value = dict[str, "Node"] | list["Node"] | str | int | float | None


class NoJson(Exception):
    """A text is no JSON; the place, what is wrong, and what to do."""

    def __init__(self, message: str, span: Span, help: str | None = None) -> None:
        super().__init__(message)
        self.span = span
        self.help = help


class Node:
    """A value between *start* and *end*; *key* is where the name stands that an object gives it, -1 without one."""

    __slots__ = ("end", "key", "start", "value")

    def __init__(self, value: Value, start: int, end: int) -> None:
        self.value = value
        self.start = start
        self.end = end
        self.key = -1


def read_json(source: Source) -> Node:
    """Return what a text says; raises `NoJson` at the first place where it is none."""
    walk = _Walk(source)
    node = walk.value(walk.skip(1 if source.text.startswith("\ufeff") else 0), 0)
    end = walk.skip(node.end)
    if end < len(source.text):
        raise walk.wrong("text behind the end of the JSON", end, len(source.text), "a file holds one JSON value")
    return node


def key_span(source: Source, node: Node) -> Span:
    """Return where the name of a member of an object stands."""
    found = _STRING.match(source.text, node.key)
    return Span(source, node.key, found.end() if found else node.key)


class _Walk:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = source.text

    def skip(self, at: int) -> int:
        """Return where the next thing begins."""
        if self._text[at : at + 1] not in " \t\r\n":
            return at
        found = _BLANK.match(self._text, at)
        return found.end() if found else at

    def wrong(self, message: str, start: int, end: int | None = None, help: str | None = None) -> NoJson:
        last = len(self._text)
        start = min(start, last)
        return NoJson(f"this is no JSON: {message}", Span(self._source, start, min(end or start + 1, last)), help)

    def value(self, at: int, depth: int) -> Node:
        """Read the value that begins at a place."""
        found = _PLAIN.match(self._text, at)
        if found:
            return Node(found[1], at, found.end())
        sign = self._text[at : at + 1]
        if sign in ("{", "[") and depth >= DEEPEST:
            raise NoJson("the JSON is nested too deeply", Span(self._source, at, at + 1), "write it with fewer levels")
        if sign == "{":
            return self._object(at, depth + 1)
        if sign == "[":
            return self._array(at, depth + 1)
        if sign == '"':
            text, end = self._string(at)
            return Node(text, at, end)
        return self._scalar(at)

    def _object(self, start: int, depth: int) -> Node:
        members: dict[str, Node] = {}
        at = self.skip(start + 1)
        if self._text[at : at + 1] == "}":
            return Node(members, start, at + 1)
        while True:
            if self._text[at : at + 1] != '"':
                raise self.wrong("a name in double quotes is expected here", at)
            found = _PLAIN.match(self._text, at)
            name, end = (found[1], found.end()) if found else self._string(at)
            end = self.skip(end)
            if self._text[end : end + 1] != ":":
                raise self.wrong(f"`:` is expected behind `{name}`", end)
            node = self.value(self.skip(end + 1), depth)
            node.key = at
            members[name] = node
            at = self.skip(node.end)
            sign = self._text[at : at + 1]
            if sign == "}":
                return Node(members, start, at + 1)
            if sign != ",":
                raise self._unended(start, at, "}")
            at = self.skip(at + 1)

    def _array(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        at = self.skip(start + 1)
        if self._text[at : at + 1] == "]":
            return Node(items, start, at + 1)
        while True:
            node = self.value(at, depth)
            items.append(node)
            at = self.skip(node.end)
            sign = self._text[at : at + 1]
            if sign == "]":
                return Node(items, start, at + 1)
            if sign != ",":
                raise self._unended(start, at, "]")
            at = self.skip(at + 1)

    def _unended(self, start: int, at: int, end: str) -> NoJson:
        if at >= len(self._text):
            return self.wrong(f"`{self._text[start]}` has no `{end}`", start)
        return self.wrong(f"`,` or `{end}` is expected here", at)

    def _string(self, at: int) -> tuple[str, int]:
        found = _STRING.match(self._text, at)
        if not found:
            line = self._text.find("\n", at)
            raise self.wrong("this string is wrong or has no end", at, line if line >= 0 else len(self._text))
        text: str = json.loads(found[0])
        if any("\ud800" <= sign <= "\udfff" or sign == "\0" for sign in text):
            raise self.wrong("this string has what is no character", at, found.end())
        return text, found.end()

    def _scalar(self, at: int) -> Node:
        found = _NUMBER.match(self._text, at)
        if found:
            digits = found[0]
            if found[1] or found[2]:
                return Node(float(digits), at, found.end())
            if len(digits.lstrip("-")) > _MOST_DIGITS or not -(2**63) <= int(digits) < 2**63:
                raise self.wrong("this number is too large", at, found.end(), "numbers have 64 bits at most")
            return Node(int(digits), at, found.end())
        found = _WORD.match(self._text, at)
        if found and found[0] in _WORDS:
            return Node(_WORDS[found[0]], at, found.end())
        if at >= len(self._text):
            raise self.wrong("the text ends where a value is expected", at)
        raise self.wrong("a value is expected here", at, found.end() if found else at + 1)
