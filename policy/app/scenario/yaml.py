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

from policy._record import dataclass
from policy.app.config.kinds import At
from policy.app.config.places import Path, Places
from policy.diagnostic import Collector, Diagnostic, Mistakes, Related
from policy.source import Source, Span, Unreadable

CODE = "FW001"
"""The code of what is wrong with a text, where nothing else fits."""

LARGEST = 16 * 1024 * 1024
"""The longest text that is read, in characters."""


@dataclass(frozen=True, slots=True)
class Genre:
    """What a text in YAML is, as messages say it: `a scenario`, some of its keys, the page about it."""

    name: str
    keys: tuple[str, ...]
    page: str


SCENARIO = Genre("a scenario", ("title", "hosts", "steps"), "docs/scenarios.md")

DEEPEST = 32
"""So many lists and mappings may stand in each other."""

_TAG = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FRACTION = re.compile(r"[-+]?[0-9]+\.[0-9]*|[-+]?\.[0-9]+")
_BLANK = " \t\r\n"
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

_SPACE = "a text with `: ` or ` #` in it, or with `:` at its end, stands in quotes"
_COLUMN = "lines of one mapping, or of one list, begin in one column"
_PROBLEMS: tuple[tuple[str, str, str | None], ...] = (
    ("cannot start any token", "", "write it in quotes, where a text is meant"),
    ("mapping values are not allowed", "a second `:` stands in one line", f"{_SPACE}; {_COLUMN}"),
    ("found unexpected end of stream", "a quote is not closed", "write another one at its end"),
    ("but got '<stream end>'", "a bracket is not closed", "write the other one"),
    ("but found '<stream end>'", "something is missing at the end", "brackets are closed, and keys have values"),
    ("node content, but found ':'", "nothing stands before `:`", 'what begins with `:` stands in quotes: `"::1"`'),
    ("but got ':'", "neither `,` nor a bracket stands before `:`", f"{_SPACE}; brackets are closed"),
    ("but got", "neither `,` nor a bracket stands before this", _SPACE),
    ("<block end>", "this line belongs to nothing above it", _COLUMN),
    ("", "", None),
)
"""What PyYAML says (a part of it), what is said here, and what to do; the last one fits all."""


def read_yaml(source: Source, genre: Genre = SCENARIO) -> tuple[Places, Collector]:
    """Return what a text says, a mapping, and where, with what is wrong in places and leaves the rest to be read.

    Raises `Unreadable` if it is too long, and `Mistakes` if it is no YAML, or no mapping.
    """
    if len(source.text) > LARGEST:
        raise Unreadable(source.name, f"is larger than {LARGEST // 2**20} MiB", "keep its rules in files of their own")
    reading = _Reading(source, genre)
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
        keys = ", ".join(f"`{key}:`" for key in genre.keys)
        message = f"{genre.name} is a mapping: {keys}" if value is not None else "the file is empty"
        reading.collected.add(CODE, message, start, f"{genre.page} has an example")
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
    problem = (error.problem or error.context or "it cannot be read").replace("\n", " ")
    help: str | None = "indent with spaces"
    if source.text[at : at + 1] == "\t":
        problem = "a tab may not stand in the indentation"
    else:
        problem, help = next((word or problem, do) for part, word, do in _PROBLEMS if part in problem)
    begins = error.context_mark.index if error.context_mark and error.problem_mark else at
    related = (Related(Span(source, begins, begins + 1), "what it is in begins here"),) if begins < at else ()
    span = Span(source, at, min(at + 1, len(source.text)))
    return Diagnostic(CODE, f"this is no YAML: {problem}", span, help, related=related)


class _Reading:
    """Makes values of the events of a text, and notes where they are and what is wrong."""

    def __init__(self, source: Source, genre: Genre) -> None:
        self._genre = genre.name
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}
        self.collected = Collector()
        self._source = source
        self._ends: dict[int, int] = {}
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
                    self._wrong(f"{self._genre} has no directives", event, "leave out what begins with `%`")
            elif isinstance(event, events.NodeEvent):
                if number > 1:
                    self._wrong(f"{self._genre} is one document, this is another one", event, "leave out `---`")
                    break
                value = self._node(event, (), 0)
        return value

    def _wrong(self, message: str, event: Any, help: str | None = None, related: tuple[Related, ...] = ()) -> None:
        if not self.collected.full:
            self.collected.add(CODE, message, self._span(event), help, related)

    def _mark(self, event: Any) -> Span:
        """Return the place of the anchor or the tag that an event begins with."""
        start = event.start_mark.index
        return Span(self._source, start, start + len(self._source.text[start : start + 200].split()[0]))

    def _refuse(self, event: Any) -> None:
        """Note that an anchor, or a tag, stands before something."""
        if event.anchor or event.tag:
            what = "an anchor" if event.anchor else "a tag"
            help = "write out what it stands for" if event.anchor else "leave it out; texts have quotes"
            span = self._mark(event)
            self.collected.add(CODE, f"`{span.text}` is {what}, and {self._genre} has none", span, help)

    def _span(self, event: Any) -> Span:
        """Return the place of an event: the first line of it."""
        start = event.start_mark.index
        end = min(event.end_mark.index, self._line_end(start))
        return Span(self._source, start, start + len(self._source.text[start:end].rstrip(_BLANK)))

    def _node(self, event: Any, path: Path, depth: int) -> Any:
        """Return what begins with an event; it has been taken, and all that is in it is."""
        if isinstance(event, events.AliasEvent):
            self._place(path, event)
            self._wrong(f"`*{event.anchor}` repeats what stands elsewhere", event, "write it out")
            return None
        self._refuse(event)
        if isinstance(event, events.ScalarEvent):
            self._place(path, event)
            return self._scalar(event)
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
        """Return where the line of a place ends, or its blanks begin."""
        line, _ = self._source.position(start)
        if line not in self._ends:
            self._ends[line] = self._source.starts()[line - 1] + len(self._source.line(line).rstrip(_BLANK))
        return max(start, self._ends[line])

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
            if key in found:
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
        self._refuse(event)
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
        if event.tag or not event.implicit[0]:
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
