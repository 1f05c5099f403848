"""YAML with places: what a text says, and where each key and each value stands.

PyYAML reads YAML 1.1. It says of each scalar what it is there, and what is read in two ways by people (`010`, `22:22`)
is a mistake here. Keys are texts, whatever they look like. Of YAML, all is refused that makes one thing stand in two
places, or mean something else than is written: anchors, aliases, merge keys, tags, further documents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from yaml import events

from policy.app.config.kinds import At
from policy.app.config.places import Path, Places
from policy.diagnostic import Collector, Diagnostic, Mistakes, Related
from policy.source import Source, Span, Unreadable

CODE = "FW001"
"""The code of what is wrong with a scenario, where nothing else fits."""

LARGEST = 16 * 1024 * 1024
"""The longest scenario that is read, in characters."""

DEEPEST = 32
"""So many lists and mappings may stand in each other."""

_TAG = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FRACTION = re.compile(r"[-+]?[0-9]+\.[0-9]*|[-+]?\.[0-9]+")
_MOST_DIGITS = 20
_CALLED: Mapping[type, str] = {
    int: "a whole number",
    float: "a number with a fraction",
    str: "a text",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
}
_NO = ("no", "off", "false", "n")


def read_yaml(source: Source) -> tuple[Places, Collector]:
    """Return what a text says, a mapping, and where, with what is wrong in places and leaves the rest to be read.

    Raises `Unreadable` if it is too long, and `Mistakes` if it is no YAML, or no mapping.
    """
    if len(source.text) > LARGEST:
        raise Unreadable(source.name, f"is larger than {LARGEST // 2**20} MiB", "keep its rules in files of their own")
    reading = _Reading(source)
    try:
        value = reading.document()
    except yaml.reader.ReaderError as error:
        span = Span(source, error.position, error.position + 1)
        message = f"the character U+{ord(source.text[error.position]):04X} may not stand in YAML"
        reading.collected.add(CODE, message, span, "write it as an escape, in double quotes")
    except yaml.MarkedYAMLError as error:
        reading.collected.found.append(_no_yaml(source, error))
    else:
        if isinstance(value, dict):
            return Places(source, value, reading.keys, reading.values), reading.collected
        start = reading.values.get((), Span(source, 0, 0))
        message = "a scenario is a mapping: `title:`, `hosts:`, `steps:`" if value is not None else "the file is empty"
        reading.collected.add(CODE, message, start, "docs/scenarios.md has an example")
    raise Mistakes(reading.collected.found)


class YamlNotation:
    """How YAML writes values."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def called(self, at: At, value: Any) -> str:
        if isinstance(value, bool):
            return f"yes or no, as YAML reads `{self._places.span(at).text}`"
        return _CALLED[type(value)]

    def hint(self, at: At, wanted: type, value: Any) -> str | None:
        if wanted is list and isinstance(value, str):
            return f"write `{at.path[-1]}: [{self._places.span(at).text}]`"
        if wanted is str and isinstance(value, bool | int | float):
            return f'in quotes it is a text: `"{self._places.span(at).text}"`'
        if wanted is bool and isinstance(value, str):
            return "write `yes` or `no`, without quotes"
        return None


def _no_yaml(source: Source, error: yaml.MarkedYAMLError) -> Diagnostic:
    """Return what PyYAML says, with a word on what is usually the reason."""
    mark = error.problem_mark or error.context_mark
    at = min(mark.index if mark else 0, len(source.text))
    problem = error.problem or error.context or "it cannot be read"
    help = None
    if source.text[at : at + 1] == "\t":
        problem, help = "a tab may not stand in the indentation", "indent with spaces"
    elif problem.startswith("found character"):
        help = "write it in quotes, where a text is meant"
    elif "mapping values are not allowed" in problem:
        help = "a text with `: ` in it stands in quotes; lines of one mapping begin in one column"
    elif error.context:
        help = f"this was found {error.context}"
    return Diagnostic(CODE, f"this is no YAML: {problem.replace(chr(10), ' ')}", Span(source, at, at + 1), help)


class _Reading:
    """Makes values of the events of a text, and notes where they are and what is wrong."""

    def __init__(self, source: Source) -> None:
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}
        self.collected = Collector()
        self._source = source
        self._loader: Any = None  # its methods have no types

    def document(self) -> Any:
        """Return the value of the one document, None without one."""
        self._loader = yaml.SafeLoader(self._source.text)
        value = None
        number = 0
        while not isinstance(event := self._loader.get_event(), events.StreamEndEvent):
            if isinstance(event, events.DocumentStartEvent):
                number += 1
                if event.version or event.tags:
                    self._wrong("a scenario has no directives", event, "leave out what begins with `%`")
            elif isinstance(event, events.NodeEvent):
                if number > 1:
                    self._wrong("a scenario is one document, this is another one", event, "leave out `---`")
                    break
                value = self._node(event, (), 0)
        return value

    def _wrong(self, message: str, event: Any, help: str | None = None, related: tuple[Related, ...] = ()) -> None:
        if not self.collected.full:
            self.collected.add(CODE, message, self._span(event), help, related)

    def _span(self, event: Any) -> Span:
        """Return the place of an event: the first line of it."""
        start, end = event.start_mark.index, event.end_mark.index
        text = self._source.text
        line = text.find("\n", start)
        end = min(end, len(text) if line < 0 else line)
        return Span(self._source, start, start + len(text[start:end].rstrip()))

    def _node(self, event: Any, path: Path, depth: int) -> Any:
        """Return what begins with an event; it has been taken, and all that is in it is."""
        if isinstance(event, events.AliasEvent):
            self._place(path, event)
            self._wrong(f"`*{event.anchor}` repeats what stands elsewhere", event, "write it out")
            return None
        if event.anchor:
            self._wrong(
                f"`&{event.anchor}` is an anchor, and a scenario has none", event, "write out what it stands for"
            )
        if isinstance(event, events.ScalarEvent):
            self._place(path, event)
            return self._scalar(event)
        if event.tag:
            self._wrong(f"`{event.tag}` is a tag, and a scenario has none", event, "leave it out")
        if depth == DEEPEST:
            message = f"more than {DEEPEST} lists and mappings stand in each other"
            raise Mistakes([*self.collected.found, Diagnostic(CODE, message, self._span(event), "write fewer levels")])
        many = isinstance(event, events.SequenceStartEvent)
        self._place(path, event, self._many_end(event))
        return self._list(path, depth) if many else self._mapping(path, depth)

    def _many_end(self, event: Any) -> int | None:
        """Return where what is seen of a list or mapping ends: what is in brackets is not known yet."""
        return None if event.flow_style else self._line_end(event.start_mark.index)

    def _line_end(self, start: int) -> int:
        text = self._source.text
        line = text.find("\n", start)
        return start + len(text[start : line if line >= 0 else len(text)].rstrip())

    def _place(self, path: Path, event: Any, end: int | None = None) -> None:
        span = self._span(event) if end is None else Span(self._source, event.start_mark.index, end)
        if span.start < span.end:
            self.values[path] = span

    def _end(self, path: Path, event: Any) -> None:
        """Note where a list or mapping in brackets ends."""
        found = self.values.get(path)
        if found and self._source.text[found.start] in "[{":
            self.values[path] = Span(self._source, found.start, min(event.end_mark.index, self._line_end(found.start)))

    def _list(self, path: Path, depth: int) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := self._loader.get_event(), events.SequenceEndEvent):
            found.append(self._node(event, (*path, len(found)), depth + 1))
        self._end(path, event)
        return found

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := self._loader.get_event(), events.MappingEndEvent):
            key = self._key(event, path, depth)
            if key is not None and (*path, key) in self.keys:
                first = (Related(self.keys[*path, key], "here first"),)
                self._wrong(f"the key `{key}` stands here twice", event, "leave one of them out", first)
                key = None
            if key is None:
                self._node(self._loader.get_event(), (*path, "", ""), depth + 1)
                continue
            self.keys[*path, key] = self._span(event)
            found[key] = self._node(self._loader.get_event(), (*path, key), depth + 1)
        self._end(path, event)
        return found

    def _key(self, event: Any, path: Path, depth: int) -> str | None:
        """Return the text of a key; None, after noting why, where it is none."""
        if not isinstance(event, events.ScalarEvent):
            self._node(event, (*path, "", ""), depth + 1)
            self._wrong("a key is a text", event, "write `KEY: VALUE`")
            return None
        if event.anchor or event.tag:
            self._wrong("a key has no anchor and no tag", event, "leave it out")
        if event.implicit[0] and event.value == "<<":
            self._wrong("`<<` takes over what stands elsewhere", event, "write it out")
            return None
        if not event.value:
            self._wrong("there is no key before this `:`", event, "write `KEY: VALUE`")
            return None
        return str(event.value)

    def _scalar(self, event: Any) -> Any:
        """Return what a scalar is: a text, unless it is written without quotes and looks like something else."""
        text: str = event.value
        if event.tag:
            self._wrong(f"`{event.tag}` is a tag, and a scenario has none", event, "leave it out; texts have quotes")
            return text
        if not event.implicit[0]:
            return text
        tag = self._loader.resolve(yaml.ScalarNode, text, (True, False)).removeprefix(_TAG)
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() not in _NO
        if tag in ("int", "float"):
            return self._number(tag, text, event)
        if tag in ("merge", "value"):
            self._wrong(f"`{text}` alone means something else in YAML", event, f'in quotes it is a text: `"{text}"`')
        return text

    def _number(self, tag: str, text: str, event: Any) -> int | float | None:
        if len(text) <= _MOST_DIGITS:
            if tag == "int" and _WHOLE.fullmatch(text):
                return int(text)
            if tag == "float" and _FRACTION.fullmatch(text):
                return float(text)
        read = f"YAML reads `{text}` as a number"
        if ":" in text:
            read += " to the base of 60"
        elif re.fullmatch(r"[-+]?0[0-7_]+", text):
            read += " to the base of 8"
        help = f'write it in quotes, `"{text}"`, where a text is meant, and other numbers with digits alone'
        self._wrong(read, event, help)
        return None
