"""The keys of a configuration. A field of one of these classes, or of `Settings`, is a key: nothing else is to be done.

The annotation says what its value may be (`_kind`), its default is that of the key, and the docstring below it says in
Markdown what it is for: in the JSON Schema and in docs/configuration.md (`schema.py` reads it there).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass, replace
from datetime import date
from enum import StrEnum
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from policy._record import dataclass
from policy.app.config.kinds import Choice, Key, Kind, Many, Named, Plain, Table, filled, keys_from
from policy.diagnostic import Severity
from policy.host import Host, own
from policy.languages import LANGUAGES
from policy.packet import EMPTY, Intervals, Names
from policy.packet.address import parse_prefix

Code = Annotated[str, "code"]
Glob = Annotated[str, "glob"]
Language = Annotated[str, "language"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read, by `ask` and `show` too."""

    language: Language | None = None
    """The language of the rules, as `--language`; without it, it is found out file by file."""
    local: Host | None = None
    """The host's own addresses, as `--local`: `"192.0.2.1/24@eth0"` also says what is behind an interface."""
    ipset: tuple[str, ...] = ()
    """Files with the sets that rules ask for, as `ipset save` writes them and `--ipset` takes them."""


@dataclass(frozen=True, slots=True)
class Checking:
    """How files are checked."""

    select: tuple[Code, ...] = ("default",)
    """The checks that are run, as `--select`: codes, beginnings of codes, names; `default` are those on by default."""
    ignore: tuple[Code, ...] = ()
    """Checks that are not run, selected or not, as `--ignore`."""
    severity: Mapping[Code, Severity] | None = None
    """Other severities of findings, by check; of keys that mean the same check the narrowest counts."""


@dataclass(frozen=True, slots=True)
class Files:
    """Of which files an entry of `[[per-file]]` speaks."""

    files: tuple[Glob, ...]
    """Patterns as in `.gitignore`, from the folder of the configuration; the entry holds for files that one matches."""


@dataclass(frozen=True, slots=True)
class Running:
    """What holds for a whole run of `lint`."""

    paths: tuple[str, ...] = ()
    """The files and directories that are linted where the command names none, from the folder of the configuration."""
    exclude: tuple[Glob, ...] = ()
    """Patterns as in `.gitignore` of files and directories that are left out, unless a file is named itself."""
    fail_on: Literal["never", "error", "warning", "info"] = "warning"
    """The least severity of a finding that makes the exit status 1, as `--fail-on`."""
    budget: float = 60.0
    """How many seconds the checks may take for one file, as `--budget`."""
    baseline: str | None = None
    """The file of known findings, as `--baseline`, from the folder of the configuration."""


@dataclass(frozen=True, slots=True)
class Special:
    """What is said for some files."""

    per_file: tuple[Mapping[str, Any], ...] = ()
    """Entries that say something else for some files: `files`, and any keys that can be said for all files, too."""


def reading_table() -> Table:
    """Return the table of which only what says how files are read is looked at."""
    return _table((), keys_of(Reading), lenient=True)


def whole_table() -> Table:
    """Return the table of everything."""
    from policy.check.settings import Settings

    return _table(keys_of(Running), (*keys_of(Checking), *keys_of(Reading), *keys_of(Settings)), lenient=False)


def _table(run: tuple[Key, ...], anywhere: tuple[Key, ...], lenient: bool) -> Table:
    entry = Table((*keys_of(Files), *anywhere), lenient=lenient)
    entries = Many(entry, "a list of tables, `[[per-file]]`")
    return Table((*anywhere, *run, Key(Special, "per_file", entries)), lenient=lenient)


def keys_of(owner: type) -> tuple[Key, ...]:
    """Return the keys that the fields of a class are. A date is none: today's is not for a configuration to say."""
    return keys_from(owner, _kind)


def _kind(hint: Any) -> Kind | None:
    """Return what values of a type are written as, None for a date."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        (hint,) = (each for each in arguments if each is not NoneType)
        return _kind(hint)
    if origin is Annotated:  # a text, to the type checker
        mark = arguments[1]
        return _TEXTS[mark] if isinstance(mark, str) else _kind(mark)
    if origin is Literal:
        return Choice(arguments)
    if origin is tuple:
        return _list(arguments[0])
    if origin is Mapping:
        key, value = (_kind(each) for each in arguments)
        assert key is not None
        assert value is not None
        return Named(key, value, "a table")
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Choice(tuple(str(each) for each in hint), hint)
    return None if hint is date else _PLAIN[hint]


def _list(item: Any) -> Kind:
    """Return what several of a type are written as: a list, or, where they have names, a table."""
    if is_dataclass(item):
        assert isinstance(item, type)
        make: Callable[..., Any] = item
        named = [key for key in keys_of(item) if key.attribute != "name"]
        keys = tuple(replace(key, kind=filled(key.kind)) if key.default is None else key for key in named)
        some = tuple(key.name for key in keys if key.default is None)
        return Named(_TEXTS["name"], Table(keys, some=some), "a table", lambda name, given: make(name, **given))
    kind = _kind(item)
    assert kind is not None
    return Many(kind, "a list, `[…]`")


def _code(text: str) -> str:
    from policy.app.selection import checks_of

    checks_of(text)
    return text


def _glob(text: str) -> str:
    from pathspec import GitIgnoreSpec

    if not text.strip() or text.startswith("#"):
        raise ValueError(f"`{text}` matches nothing")
    try:
        GitIgnoreSpec.from_lines([text])
    except ValueError:
        raise ValueError(f"`{text}` is no pattern of paths, as `.gitignore` has them") from None
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"`{text}` is no regular expression: {error.msg}") from None
    return text


def _interface(text: str) -> str:
    if not text or text.split() != [text]:
        raise ValueError(f"`{text}` is no name of an interface")
    return text


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("the name is empty")
    return text


def _natural(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is below 0")
    return number


def _seconds(number: float) -> float:
    if not 0 < number < math.inf:
        raise ValueError(f"{number:g} is no number of seconds")
    return number


def _text(meaning: Callable[[str], Any], **schema: Any) -> Plain:
    return Plain("a text", str, {"type": "string", **schema}, meaning)


def _united(found: list[Intervals]) -> Intervals:
    return reduce(or_, found, EMPTY)


_TEXTS: dict[str, Kind] = {
    "code": _text(_code, pattern="^([Ff][Ww][0-9]{0,3}|[A-Za-z][A-Za-z0-9-]*)$"),
    "glob": _text(_glob, minLength=1),
    "language": Choice(tuple(LANGUAGES)),
    "pattern": _text(_pattern, format="regex"),
    "name": _text(_name, minLength=1),
}
"""What texts may be, by the mark of their `Annotated`."""

_PLAIN: dict[type, Kind] = {
    bool: Plain("`true` or `false`", bool, {"type": "boolean"}),
    int: Plain("a whole number", int, {"type": "integer", "minimum": 0}, _natural),
    float: Plain("a number", float, {"type": "number", "exclusiveMinimum": 0}, _seconds),
    str: _text(_name, minLength=1),
    Host: Many(_text(own), "a list of addresses, `[…]`", lambda hosts: reduce(or_, hosts, Host(EMPTY))),
    Intervals: Many(_text(parse_prefix), "a list of addresses, `[…]`", _united),
    Names: Many(_text(_interface), "a list of interfaces, `[…]`", lambda names: Names.of(*names)),
}
