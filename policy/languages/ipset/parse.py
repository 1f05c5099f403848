"""From the text of a file for `ipset restore` to sets, line by line, with all mistakes of the file.

Source: ipset's lib/ipset.c (ipset_parse_stream, build_argv, ipset_parse_argv).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import lark

from policy.diagnostic import Collector, did_you_mean
from policy.language.grammar import open_grammar
from policy.languages.ipset.elements import elements
from policy.languages.ipset.making import Making, created
from policy.languages.ipset.options import add_options
from policy.languages.ipset.values import Wrong, bounded
from policy.source import Source, Span

LONGEST = 1023
"""ipset reads lines into a buffer of 1 KiB."""

LONGEST_NAME = 31

_HOT = re.compile(
    r"add ([\w.:-]+) ([\w.:/,\[\]-]+)(?: timeout ([1-9]\d{0,5}|0))?(?: packets \d{1,18} bytes \d{1,18})?"
    r'(?: comment "[^"]{1,99}")?( nomatch)?',
    re.ASCII,
)
"""What nearly all lines look like: an element of a set that has what is said. The grammar reads all others."""

_COMMANDS = {
    "create": ("n", "new", "c", "-N", "--create"),
    "add": ("a", "-A", "--add"),
    "del": ("d", "-D", "--del"),
    "flush": ("f", "-F", "--flush"),
    "destroy": ("x", "-X", "--destroy"),
    "rename": ("e", "ren", "-E", "--rename"),
    "swap": ("w", "-W", "--swap"),
    "test": ("t", "-T", "--test"),
    "list": ("l", "-L", "--list"),
    "save": ("s", "-S", "--save"),
    "COMMIT": ("commit",),
}
"""The commands of a file, and what else they are called."""

_NAMES = {word: name for name, others in _COMMANDS.items() for word in (name, *others)}
_IGNORED = frozenset(
    {"-exist", "--exist", "-!", "-quiet", "--quiet", "-q", "-sorted", "--sorted", "-resolve", "--resolve"}
)
"""What changes nothing here: a file is read as `ipset -exist restore` reads it."""

Place = tuple[str, int, int]
"""A word of a line, without its quotes, and where it stands there."""


class _Lines:
    """Turns a parsed line into its words."""

    def nothing(self, _: list[lark.Token]) -> list[Place]:
        return []

    def comment(self, _: list[lark.Token]) -> list[Place]:
        return []

    def command(self, children: list[lark.Token | None]) -> list[Place]:
        words = [token for token in children if token is not None and token.type == "WORD"]
        return [(token.replace('"', ""), token.start_pos or 0, token.end_pos or 0) for token in words]


_LINES = _Lines()


class _Unmade(Exception):
    """A set is meant whose `create` is wrong, which has been said."""


class FileParser:
    """Reads files; mistakes go to *mistakes*, and what can be read is kept in *sets*, by name."""

    def __init__(self, mistakes: Collector) -> None:
        self.sets: dict[str, Making] = {}
        self._failed: set[str] = set()
        self._mistakes = mistakes
        self._parser = open_grammar("ipset", _LINES)
        self._commands: dict[str, Callable[[list[str]], None]] = {
            "create": self._create,
            "add": self._add,
            "del": self._del,
            "flush": self._flush,
            "destroy": self._destroy,
            "rename": self._rename,
            "swap": self._swap,
        }

    def parse(self, source: Source) -> None:
        """Read one file, behind those before it."""
        text = source.text
        start, length = 0, len(text)
        if text.startswith("\ufeff"):
            help = "save the file without it"
            self._mistakes.add("FW001", "ipset does not take a byte order mark", Span(source, 0, 1), help)
            start = 1
        hot = _HOT.fullmatch
        while start < length and not self._mistakes.full:
            end = text.find("\n", start)
            end = length if end < 0 else end
            found = hot(text, start, end)
            if found is None or not self._added(found):
                self._line(source, start, end)
            start = end + 1

    def _added(self, found: re.Match[str]) -> bool:
        """Add the element of a usual line; without effect where there is something wrong with it."""
        name, element, timeout, nomatch = found.groups()
        making = self.sets.get(name)
        if making is None or making.known.type.method == "list" or found.end() - found.start() > LONGEST:
            return False
        if nomatch and not making.known.type.nomatch:
            return False
        if found.end() - found.start() > len(name) + len(element) + 5:
            words = found.group().split('"')[0]
            needs = {word for word, option in _NEEDED.items() if f" {word} " in words[len(name) + len(element) + 5 :]}
            if not {_NEEDED[word] for word in needs} <= making.supported:
                return False
        try:
            for each in elements(making, element, 2):
                making.add(each, int(timeout) if timeout else None, nomatch is not None)
        except Wrong:
            return False
        return True

    def _line(self, source: Source, start: int, end: int) -> None:
        line = source.text[start:end]
        if len(line) > LONGEST:
            message = f"the line has {len(line):,} characters, more than ipset reads at once"
            self._mistakes.add("FW001", message, Span(source, start, start + 60), "write it as several lines")
            return
        try:
            places: list[Place] = self._parser.parse(line, start="start")  # type: ignore[assignment] # what the transformer makes
        except lark.exceptions.UnexpectedInput:
            at = start + line.index('"')
            self._mistakes.add("FW001", "the quote is not closed", Span(source, at, end), "write the closing quote")
            return
        places = [place for place in places if place[0] and place[0] not in _IGNORED]
        if not places:
            return
        try:
            self._command([text for text, _, _ in places])
        except _Unmade:
            return
        except Wrong as wrong:
            _, low, high = places[min(wrong.at, len(places) - 1)]
            span = Span(source, start + low, start + high)
            self._mistakes.add(wrong.code, wrong.message, span, wrong.help)

    def _command(self, words: list[str]) -> None:
        name = _NAMES.get(words[0])
        if name is None:
            help = did_you_mean(words[0], _COMMANDS) or "one of " + ", ".join(_COMMANDS)
            raise Wrong("FW001", f"`{words[0]}` is not a command of a file for `ipset restore`", 0, help)
        if name in self._commands:
            self._commands[name](words)

    def _create(self, words: list[str]) -> None:
        _wanted(words, 3, "a name and a type: `create office hash:net`")
        name = words[1]
        if len(name) > LONGEST_NAME:
            raise Wrong(
                "FW001", f"the name `{name}` is too long", 1, f"sets have names of at most {LONGEST_NAME} characters"
            )
        try:
            making = created(words, name)
        except Wrong:
            self._failed.add(name)
            raise
        before = self.sets.setdefault(name, making)
        if before.header != making.header:
            raise Wrong("FW703", f"there is a set `{name}` already, and it is another", 1, "give it another name")

    def _add(self, words: list[str]) -> None:
        making = self._element(words)
        given = add_options(words, 3, making.known.type, making.supported)
        timeout = bounded(given["timeout"].text, 0, 1 << 31, given["timeout"].at) if "timeout" in given else None
        for element in elements(making, words[2], 2, "wildcard" in given):
            if making.known.type.name == "list:set":
                self._member(element[0])
            making.add(element, timeout, "nomatch" in given)

    def _member(self, name: object) -> None:
        assert isinstance(name, str)
        member = self._known(["", "", name], 2)
        if member.known.type.name == "list:set":
            raise Wrong("FW001", f"`{name}` is a list, and a list has no lists", 2, "add the sets that are in it")

    def _del(self, words: list[str]) -> None:
        making = self._element(words)
        add_options(words, 3, making.known.type, making.supported)
        for element in elements(making, words[2], 2, "wildcard" in words[3:]):
            making.remove(element)

    def _element(self, words: list[str]) -> Making:
        _wanted(words, 3, f"a set and an element: `{words[0]} office 10.1.0.0/16`")
        return self._known(words, 1)

    def _flush(self, words: list[str]) -> None:
        _wanted(words, 1, "", most=2)
        for making in (self._known(words, 1),) if len(words) > 1 else self.sets.values():
            making.clear()

    def _destroy(self, words: list[str]) -> None:
        _wanted(words, 1, "", most=2)
        if len(words) == 1:
            for name in self.sets:
                self._unused(name, 0)
            self.sets.clear()
            return
        self._known(words, 1)
        self._unused(words[1])
        del self.sets[words[1]]

    def _rename(self, words: list[str]) -> None:
        _wanted(words, 3, "two names", most=3)
        making = self._known(words, 1)
        old, new = words[1:]
        if new in self.sets:
            raise Wrong("FW703", f"there is a set `{new}` already", 2, "give it another name")
        self._unused(old)
        self.sets[new] = self.sets.pop(old)
        making.known = replace(making.known, name=new)

    def _swap(self, words: list[str]) -> None:
        _wanted(words, 3, "two names", most=3)
        one, other = self._known(words, 1), self._known(words, 2)
        if (one.known.type, one.known.family) != (other.known.type, other.known.family):
            raise Wrong("FW001", f"`{words[1]}` and `{words[2]}` are of different types", 2, "swap sets of one type")
        self.sets[words[1]], self.sets[words[2]] = other, one
        one.known, other.known = replace(one.known, name=words[2]), replace(other.known, name=words[1])

    def _known(self, words: list[str], at: int) -> Making:
        found = self.sets.get(words[at])
        if found is None and words[at] in self._failed:
            raise _Unmade
        if found is None:
            raise Wrong("FW701", f"there is no set `{words[at]}`", at, self._hint(words[at]))
        return found

    def _hint(self, name: str) -> str:
        return did_you_mean(name, self.sets) or "a line like `create NAME TYPE` before it makes a set"

    def _unused(self, name: str, at: int = 1) -> None:
        for each, making in self.sets.items():
            if name in making.known.members:
                raise Wrong("FW001", f"`{name}` is in the list `{each}`", at, f"take it out first: `del {each} {name}`")


_NEEDED = {"timeout": "timeout", "packets": "counters", "comment": "comment"}
"""What the options of usual lines need of their set."""


def _wanted(words: list[str], least: int, what: str, most: int | None = None) -> None:
    if len(words) < least:
        raise Wrong("FW001", f"`{words[0]}` wants more words", len(words) - 1, f"it wants {what}")
    if most is not None and len(words) > most:
        raise Wrong("FW001", f"`{words[most]}` does not belong here", most, "leave it out")
