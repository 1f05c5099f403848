"""How a match or target declares its options, and what its lowering gets to see of them.

The tables mirror `struct xt_option_entry` in the extensions/ of iptables 1.8.9: which options there are, what value
each takes, which may be inverted, which exclude or need each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any as Anything

from policy._record import dataclass
from policy.diagnostic import Collector
from policy.host import UNKNOWN_HOST, Host
from policy.ir import Action, Match, Policy
from policy.languages.iptables import ast
from policy.source import Source, Span


class Bad(Exception):
    """A value that iptables refuses: the code and text of the mistake, and what to do."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


@dataclass(frozen=True, slots=True)
class Protocol:
    """The value of `-p`: a number (0: any protocol)."""

    number: int = 0
    negated: bool = False
    start: int = 0


@dataclass(slots=True)
class Context:
    """What the lowering of a rule may need to know of the file and of the place where the rule stands."""

    source: Source
    family: int
    mistakes: Collector
    host: Host = UNKNOWN_HOST
    volatile: frozenset[str] = frozenset()
    """Targets in the file that rewrite addresses."""
    table: str = "filter"
    roots: frozenset[str] = frozenset()
    """The built-in chains of the table through which packets come to the rule."""
    protocol: Protocol = Protocol()
    changed_sets: frozenset[str] | None = frozenset()
    """The sets that targets in the file change, None where these may be any."""
    looked_up: dict[object, Match] = field(default_factory=dict)
    """What look-ups in sets find, by what they ask."""
    implied: dict[str, Policy] = field(default_factory=dict)
    """Implied policies that rules go to: what a target does where that hangs on the packet."""


Reader = Callable[..., Anything]
"""Turns the context and the texts of an option's values into what the lowering works with; raises `Bad`."""


@dataclass(frozen=True, slots=True)
class Opt:
    """An option. Without a *read* it is a flag; *words* is how many values it takes."""

    name: str
    read: Reader | None = None
    also: tuple[str, ...] = ()
    invert: bool = False
    words: int = 1
    required: bool = False
    repeat: bool = False
    excludes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def takes(self) -> int:
        """How many values the option takes."""
        return self.words if self.read is not None else 0


@dataclass(frozen=True, slots=True)
class Arg:
    """An option as it was given, its value read."""

    value: Anything
    negated: bool
    option: ast.Option


Args = Mapping[str, Arg]
"""The options of one match or target, by name."""


@dataclass(frozen=True, slots=True)
class Given:
    """What lowering gets: the match or target as written, its options, and the context."""

    extension: ast.Extension
    args: Args
    context: Context

    def __contains__(self, name: str) -> bool:
        return name in self.args

    def span(self, name: str | None = None) -> Span:
        """Return the place of an option, or of the whole match."""
        part = self.args[name].option if name else self.extension
        return Span(self.context.source, part.start, part.end)

    def value(self, name: str, default: Anything = None) -> Anything:
        """Return the value of an option, or *default* where it was not given."""
        found = self.args.get(name)
        return found.value if found is not None else default

    @property
    def text(self) -> str:
        """The match or target as people write it, on one line."""
        words = [self.extension.name]
        for option in self.extension.options:
            words += ["!"] * option.negated + ["--" + option.name, *(word.text for word in option.values)]
        return " ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extension:
    name: str
    options: tuple[Opt, ...] = ()
    one_of: tuple[str, ...] = ()
    protocols: tuple[int, ...] = ()
    families: tuple[int, ...] = (4, 6)
    takes_any: bool = False
    chains: tuple[str, ...] = ()
    by_name: dict[str, Opt] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for option in self.options:
            for name in (option.name, *option.also):
                self.by_name[name] = option


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchModule(_Extension):
    """A match: *one_of* its options must be given, and the rule must say `-p` with one of *protocols* if any.

    *takes_any*: its options are not known; whatever follows is taken for them. *chains*: the built-in chains from
    which the kernel lets a packet come to it (empty: all).
    """

    lower: Callable[[Given], Match]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetModule(_Extension):
    """A target, and the *tables* in which the kernel takes it (empty: all)."""

    lower: Callable[[Given], tuple[Action, ...]]
    tables: tuple[str, ...] = ()


Module = MatchModule | TargetModule
