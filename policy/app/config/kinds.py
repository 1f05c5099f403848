"""What values of a text may be: how each kind is read, what is said of another, and its JSON Schema.

Configurations in TOML and scenarios in YAML are made of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields, replace
from typing import Any, Protocol, get_type_hints

from policy._record import dataclass
from policy.app.problem import CannotAnswer
from policy.diagnostic import Related, did_you_mean

Schema = dict[str, Any]

_MOST = 1 << 1023
"""From here on whole numbers are none with a fraction."""

_MOST_SHOWN = 20
"""Of more keys that there are, only those are shown that begin as what was written."""


class Note(Protocol):
    """Is told of something wrong: where, what, and what to do; *code* where it is not the usual one."""

    def __call__(
        self, at: At, message: str, help: str | None = None, code: str | None = None, related: tuple[Related, ...] = ()
    ) -> None: ...


class Meaningless(ValueError):
    """A value means nothing: why, what to do, and the code of that where it is not the usual one."""

    def __init__(self, message: str, help: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.help = help
        self.code = code


class Notation(Protocol):
    """How a language writes values."""

    def called(self, at: At, value: Any) -> str:
        """Return what a value is, in words that follow "not"."""

    def hint(self, at: At, wanted: type, value: Any) -> str | None:
        """Return how a value of the type that is *wanted* is written, where *value* is known to have been meant so."""


@dataclass(frozen=True, slots=True)
class At:
    """A place in a text: the way to it, and whether its key is meant or its value."""

    path: tuple[str | int, ...]
    note: Note
    notation: Notation
    key: bool = False

    def below(self, step: str | int, key: bool = False) -> At:
        """Return the place of a key, or of an item."""
        return replace(self, path=(*self.path, step), key=key)

    def wrong(
        self, message: str, help: str | None = None, code: str | None = None, related: tuple[Related, ...] = ()
    ) -> None:
        """Note what is wrong here."""
        self.note(self, message, help, code, related)

    def other(self, words: str, wanted: type, value: Any) -> None:
        """Note that a value is none of those in *words*, of the type that is *wanted*, but of another one."""
        called, hint = self.notation.called(self, value), self.notation.hint(self, wanted, value)
        self.wrong(f"{self.name} must be {words}, not {called}", hint)

    def unknown(self, known: Iterable[str]) -> None:
        """Note that there is no such key, only those *known*."""
        name = str(self.path[-1])
        known = sorted(known)
        some = known if len(known) <= _MOST_SHOWN else [each for each in known if each.startswith(name)]
        there = "there are " + ", ".join(f"`{each}`" for each in some) if some else None
        self.wrong(f"there is no key {self.name} here", did_you_mean(name, known) or there)

    @property
    def name(self) -> str:
        """What is said to be here, in a message."""
        step = self.path[-1]
        return f"`{step}`" if isinstance(step, str) else f"each item of `{self.path[-2]}`"


class Kind(Protocol):
    """A kind of values."""

    def schema(self, describe: Describe) -> Schema:
        """Return the JSON Schema of such values."""

    def read(self, value: Any, at: At) -> Any:
        """Return what a value means; None, after noting what is wrong, where it is none of this kind."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Values of one type, in *words* "a text".

    *meaning* raises `ValueError`, `Meaningless` or `CannotAnswer` for one that means nothing.
    """

    words: str
    type: type
    json: Schema
    meaning: Callable[[Any], Any] = lambda value: value

    def schema(self, describe: Describe) -> Schema:  # noqa: ARG002 (it has no keys that would be described)
        return dict(self.json)

    def read(self, value: Any, at: At) -> Any:
        if self.type is float and type(value) is int:
            value = float(value) if abs(value) < _MOST else math.inf
        if type(value) is not self.type:
            at.other(self.words, self.type, value)
            return None
        try:
            return self.meaning(value)
        except CannotAnswer as error:
            at.wrong(str(error), error.help)
        except Meaningless as error:
            at.wrong(str(error), error.help, error.code)
        except ValueError as error:
            at.wrong(str(error))
        return None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few texts; *make* turns it into what it means."""

    options: tuple[str, ...]
    make: Callable[[str], Any] = str

    @property
    def words(self) -> str:
        *others, last = (f"`{option}`" for option in self.options)
        return f"{', '.join(others)} or {last}" if others else last

    def schema(self, describe: Describe) -> Schema:  # noqa: ARG002 (it has no keys that would be described)
        return {"enum": list(self.options)}

    def read(self, value: Any, at: At) -> Any:
        if value in self.options:
            return self.make(value)
        if at.key:
            at.unknown(self.options)
        elif isinstance(value, str):
            at.wrong(f"{at.name} must be {self.words}, not `{value}`", did_you_mean(value, self.options))
        else:
            at.other(self.words, str, value)
        return None


@dataclass(frozen=True, slots=True)
class Many:
    """A list of *item*, of *least* items; *make* turns what the items mean into what the list does."""

    item: Kind
    words: str
    make: Callable[[list[Any]], Any] = tuple
    least: int = 0

    def schema(self, describe: Describe) -> Schema:
        least: Schema = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.item.schema(describe), **least}

    def read(self, value: Any, at: At) -> Any:
        if not isinstance(value, list):
            at.other(self.words, list, value)
            return None
        if len(value) < self.least:
            at.wrong(f"{at.name} is empty", "write what is in it, or leave the key out")
            return None
        items = [self.item.read(each, at.below(number)) for number, each in enumerate(value)]
        return self.make([each for each in items if each is not None])


def filled(kind: Kind) -> Kind:
    """Return a kind with at least one item, if it is one of lists: where an empty one would mean nothing."""
    return replace(kind, least=1) if isinstance(kind, Many) else kind


@dataclass(frozen=True, slots=True)
class Named:
    """A table with keys of the user's choice; *make* gives what a key and its value mean together."""

    key: Kind
    value: Kind
    words: str
    make: Callable[[str, Any], Any] = lambda _, value: value

    def schema(self, describe: Describe) -> Schema:
        return {
            "type": "object",
            "propertyNames": self.key.schema(describe),
            "additionalProperties": self.value.schema(describe),
        }

    def read(self, value: Any, at: At) -> Any:
        if not isinstance(value, dict):
            at.other(self.words, dict, value)
            return None
        found = {}
        for name, each in value.items():
            known = self.key.read(name, at.below(name, key=True))
            meant = self.value.read(each, at.below(name))
            if known is not None and meant is not None:
                found[name] = self.make(name, meant)
        return found


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table: which attribute of which class it gives, and what its value may be.

    An attribute that would be a word of Python ends with `_`.
    """

    owner: type
    attribute: str
    kind: Kind
    default: Any = None
    needed: bool = False

    @property
    def name(self) -> str:
        return self.attribute.rstrip("_").replace("_", "-")


Describe = Callable[[Key], str]
"""Says what a key is for, in Markdown."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with known keys; what is read is a dictionary of the attributes that are given.

    At least one of the keys *some* must be there, and exactly one of the keys *one*. *lenient*: other keys are passed
    over.
    """

    keys: tuple[Key, ...]
    words: str = "a table"
    some: tuple[str, ...] = ()
    lenient: bool = False
    one: tuple[str, ...] = ()

    def schema(self, describe: Describe) -> Schema:
        schema: Schema = {"type": "object", "additionalProperties": False, "properties": {}}
        for key in self.keys:
            entry = {"description": describe(key), **key.kind.schema(describe)}
            if isinstance(key.default, str | int | float):
                entry["default"] = key.default
            schema["properties"][key.name] = entry
        if needed := [key.name for key in self.keys if key.needed]:
            schema["required"] = needed
        if self.some:
            schema["anyOf"] = [{"required": [name]} for name in self.some]
        if self.one:
            schema["oneOf"] = [{"required": [name]} for name in self.one]
        return schema

    def read(self, value: Any, at: At) -> Any:
        if not isinstance(value, dict):
            at.other(self.words, dict, value)
            return None
        keys = {key.name: key for key in self.keys}
        found = {}
        for name, each in value.items():
            if name in keys:
                meant = keys[name].kind.read(each, at.below(name))
                if meant is not None:
                    found[keys[name].attribute] = meant
            elif not self.lenient:
                at.below(name, key=True).unknown(keys)
        for key in self.keys:
            if key.needed and key.name not in value:
                at.wrong(f"`{key.name}` is missing here")
        if self.some and not any(name in value for name in self.some):
            at.wrong(f"{at.name} says nothing", f"write {' or '.join(f'`{name}`' for name in self.some)}")
        there = [name for name in value if name in self.one]
        if self.one and not there and keys.keys() >= value.keys():
            at.wrong(
                f"{at.name} has none of the keys {', '.join(f'`{name}`' for name in self.one)}", "write one of them"
            )
        for name in there[1:]:
            at.below(name, key=True).wrong(f"`{name}` stands beside `{there[0]}`", "write one of them")
        return found


def keys_from(owner: type, kind: Callable[[Any], Kind | None]) -> tuple[Key, ...]:
    """Return the keys that the fields of a class are; *kind* gives that of a type, None where it is no key."""
    hints = get_type_hints(owner, include_extras=True)
    found = []
    for each in fields(owner):
        one = kind(hints[each.name])
        if one is not None:
            needed = each.default is MISSING and each.default_factory is MISSING
            found.append(Key(owner, each.name, filled(one) if needed else one, each.default, needed))
    return tuple(found)
