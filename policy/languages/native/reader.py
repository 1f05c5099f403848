"""Builds the tree of a statement while lark parses it: one method per rule of `grammar/native.lark`."""

from __future__ import annotations

from typing import Any

from policy.languages.native import ast
from policy.question.ast import Match, Word
from policy.question.reader import Reader, once
from policy.source import Span


class NativeReader(Reader):
    """The callbacks of the grammar."""

    # Definitions

    def network(self, parts: list[Any]) -> ast.Definition:
        keyword, name, value = parts
        return ast.Definition(keyword.value, self.word_of(name), value, self._whole(keyword, value.span))

    host = network

    def service_definition(self, parts: list[Any]) -> ast.Definition:
        keyword, name, value = parts
        return ast.Definition(keyword.value, self.word_of(name), value, self._whole(keyword, value[-1].span))

    def include(self, parts: list[Any]) -> ast.Include:
        keyword, path = parts
        span = self.span(path)
        inner = Span(self.source, span.start + 1, span.end - 1)
        return ast.Include(Word(inner.text, inner), self._whole(keyword, span))

    def _whole(self, keyword: Any, last: Span) -> Span:
        return self.span(keyword).to(last)

    # Policies

    def policy(self, parts: list[Any]) -> ast.Policy:
        keyword, name, *options = parts
        found = once(options)
        span = self.span(name)
        return ast.Policy(self.word_of(name), **found, span=self._whole(keyword, span))

    def bound(self, parts: list[Any]) -> Any:
        return "hooks", *parts

    def stateless(self, parts: list[Any]) -> Any:
        return "stateless", parts[0], True

    def last_match(self, parts: list[Any]) -> Any:
        return "last_match", parts[0], True

    def default(self, parts: list[Any]) -> ast.Default:
        keyword, action = parts
        return ast.Default(self.word_of(action), self._whole(keyword, self.span(action)))

    # Rules

    def rule(self, parts: list[Any]) -> ast.Rule:
        action, match, *modifiers = parts
        return self._rule(action, match, None, modifiers)

    def call(self, parts: list[Any]) -> ast.Rule:
        action, target, match, *modifiers = parts
        return self._rule(action, match, self.word_of(target), modifiers)

    def _rule(self, action: Any, match: Match, target: Word | None, modifiers: list[Any]) -> ast.Rule:
        said = once(modifiers) if modifiers else {}
        return ast.Rule(self.word_of(action), match, target, **said, span=self.place)

    def label(self, parts: list[Any]) -> Any:
        return "label", parts[0], self.word_of(parts[1])

    def until(self, parts: list[Any]) -> Any:
        return "until", parts[0], self.word_of(parts[1])

    def note(self, parts: list[Any]) -> Any:
        return "note", parts[0], parts[1].value[1:-1]

    def owner(self, parts: list[Any]) -> Any:
        return "owner", parts[0], parts[1].value.strip('"')

    def log(self, parts: list[Any]) -> Any:
        return "log", parts[0], True
