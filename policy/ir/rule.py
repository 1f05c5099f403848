"""Rules, the policies that they are in, and where packets enter these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from policy._record import dataclass
from policy.ir.action import Action, Verdict
from policy.ir.match import Match, Service, mark
from policy.packet import Intervals, ValueSet
from policy.source import Source, Span
from policy.written import Replaced, Stray, Suppression

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list as written, and what it means: values of a field, or alternative services (none: any)."""

    values: ValueSet | tuple[Service, ...]
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class ItemList:
    """A list of a rule or a definition with its single items, which the matches have united.

    *field* is the one whose values they are (`src` in a definition of addresses), None for services. The list
    means any of *items*, and none of *excepted*.
    """

    field: str | None
    items: tuple[Item, ...]
    excepted: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A match and what is done with the packets that match. `span` is the whole rule as it was written.

    *lists* are those of the match with several items, or an exception; *host_bits* its prefixes like `10.1.2.3/24`.
    A *part* belongs to the rule before it: together they are one rule of the text, which asks, does something and asks
    again, or does this here and that there."""

    match: Match
    actions: tuple[Action, ...]
    label: str | None = None
    note: str | None = None
    owner: str | None = None
    expires: date | None = None
    suppressions: tuple[Suppression, ...] = mark(())
    span: Span = mark()
    action_span: Span | None = mark()
    lists: tuple[ItemList, ...] = mark(())
    host_bits: tuple[Item, ...] = mark(())
    part: bool = mark(False)


@dataclass(frozen=True, slots=True)
class Policy:
    """An ordered list of rules. Without a *default* it returns, or, where it is the entry, takes the entry's.

    One that is *implied* is not in the text, and holds all the same: how packets are routed. Where it *is told*, its
    rules stand in the text, but in another policy: they go on there, or mean something else. The *suppressions* of a
    policy hold for its rules and its default too, its *default_suppressions* for the default alone.
    """

    name: str
    rules: tuple[Rule, ...]
    default: Verdict | None = None
    last_match: bool = False
    implied: bool = False
    is_told: bool = False
    span: Span | None = mark()
    default_span: Span | None = mark()
    suppressions: tuple[Suppression, ...] = mark(())
    default_suppressions: tuple[Suppression, ...] = mark(())


@dataclass(frozen=True, slots=True)
class Entry:
    """A policy where packets enter the rules at a hook.

    *default* is taken when the policy ends or returns without one of its own. *stateful*: established and
    related packets are allowed, and invalid ones blocked, before the rules. *main*: this entry decides
    what is let in (in netfilter the filter table); an allow of the others is only "no objection".

    Only packets that are at *hook* when they come to the entry go through it (None: all do): rewriting takes packets to
    another hook. So do only those of the IP version *family*. Behind an entry that *translates* connection tracking
    does to the packets of a known connection what its first one got: a new destination (`dst`), or a new source
    (`src`). *point* is where a packet meets it, in the words of its language: `prerouting`, `routing`;
    *priority* says in what order there (netfilter's, the lowest first).
    """

    policy: str
    default: Verdict
    stateful: bool = False
    main: bool = True
    table: str = "filter"
    hook: int | None = None
    translates: Literal["dst", "src"] | None = None
    point: str | None = None
    family: int | None = None
    priority: int | None = mark()


@dataclass(frozen=True, slots=True)
class Definition:
    """A name that a file gives to a value: addresses, or alternative services.

    *text* is the value as written, *uses* are the places that mention the name, *lists* and *host_bits* as in `Rule`.
    """

    name: str
    kind: str
    text: str
    value: Intervals | tuple[Service, ...] | None = None
    span: Span = mark()
    uses: tuple[Span, ...] = mark(())
    suppressions: tuple[Suppression, ...] = mark(())
    lists: tuple[ItemList, ...] = mark(())
    host_bits: tuple[Item, ...] = mark(())


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Everything that one file (with what it includes) says.

    `entries[hook]` are walked in order until one blocks; the key None holds at every hook. *families*
    are the IP versions that the rules speak of. *suppressions* hold for a whole text, *stray* are comments that do
    nothing, *replaced* is what the text itself takes back.
    """

    language: str
    families: frozenset[int]
    policies: Mapping[str, Policy]
    entries: Mapping[int | None, tuple[Entry, ...]]
    definitions: tuple[Definition, ...] = ()
    sources: tuple[Source, ...] = mark(())
    suppressions: tuple[Suppression, ...] = mark(())
    stray: tuple[Stray, ...] = mark(())
    replaced: tuple[Replaced, ...] = mark(())

    def at(self, hook: int | None) -> tuple[Entry, ...]:
        """Return the entries that a packet at *hook* goes through, in order."""
        return self.entries.get(hook) or self.entries.get(None, ())
