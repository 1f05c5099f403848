"""The one form that every language is lowered to, and that every engine and check reads.

Meanings that all engines share:

* `Field` on a packet without that field is false, so its `Not` is true.
* `Unknown` is a truth value that cannot be known here. A pure one is a function of the packet and the
  moment: equal keys share one truth value. An impure one is a fresh value at every occurrence and every
  call path. An answer is definite exactly when all truth values give the same verdict.
* The actions of a rule are done in order, up to the first that ends the rule.
* Spans, texts and other marks of the writing take no part in equality.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal
from typing import Any as _Anything

from policy._record import dataclass
from policy.packet import FIELDS, Intervals, Value, ValueSet
from policy.source import Source, Span
from policy.written import Replaced, Stray, Suppression

if TYPE_CHECKING:
    from datetime import date


def _mark(default: _Anything = None) -> _Anything:
    """A field that describes the writing: it takes no part in equality."""
    return field(default=default, compare=False, repr=False, kw_only=True)


# Matches


@dataclass(frozen=True, slots=True)
class Any:
    """Every packet."""


@dataclass(frozen=True, slots=True)
class All:
    """The packets that match every part (all packets, without parts).

    *guarded*: the first part follows from the others, and is there to tell soon that a packet does not match.
    """

    parts: tuple[Match, ...]
    guarded: bool = _mark(False)


@dataclass(frozen=True, slots=True)
class Either:
    """The packets that match at least one part (none, without parts); a long one is *called* by a name."""

    parts: tuple[Match, ...]
    called: str | None = _mark()


@dataclass(frozen=True, slots=True)
class Not:
    """The well-formed packets that do not match the part."""

    part: Match


@dataclass(frozen=True, slots=True)
class Field:
    """The packets that have the field *name* (a key of `packet.FIELDS`) with a value in *values*."""

    name: str
    values: ValueSet
    span: Span | None = _mark()


@dataclass(frozen=True, slots=True)
class Opaque:
    """What a front end cannot look into: the *name* of a `match`, a `target` or a `set` that it does not know."""

    kind: Literal["match", "target", "set"]
    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A condition that is not modelled; *text* says it to people, *key* names it for `--assume`.

    One that the front end cannot look into is *opaque*; a limit is only one that nobody can know.
    """

    text: str
    key: str
    pure: bool = True
    opaque: Opaque | None = _mark()
    span: Span | None = _mark()


Match = Any | All | Either | Not | Field | Unknown
Service = tuple[Field, ...]
"""The fields that a kind of traffic has, all of them: protocol, destination ports, ICMP type and code."""

NOTHING = Either(())
EVERYTHING = Any()

# Actions


@dataclass(frozen=True, slots=True)
class Allow:
    """Let the packet pass (in netfilter: past this table)."""


@dataclass(frozen=True, slots=True)
class Block:
    """Drop the packet silently."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Block the packet and tell the sender, with *how* (an ICMP type or `tcp-reset`; None: the usual)."""

    how: str | None = None


@dataclass(frozen=True, slots=True)
class Jump:
    """Go through another policy; when it returns, go on behind this rule."""

    policy: str
    span: Span | None = _mark()


@dataclass(frozen=True, slots=True)
class Goto:
    """Go through another policy; when it returns, return from this one too."""

    policy: str
    span: Span | None = _mark()


@dataclass(frozen=True, slots=True)
class Return:
    """Leave this policy; in an entry policy: take its default."""


@dataclass(frozen=True, slots=True)
class Set:
    """Clear the bits under *mask* of a field, then set (or, *xor*, flip) those of *value*; None: they become unknown.

    Without a connection (`state`) its fields are lost.
    """

    field: str
    value: int | None
    mask: int = (1 << 32) - 1
    xor: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """Clear the bits under *mask* of a field, then flip those of *source* under *taken*; on packets that have both."""

    field: str
    source: str
    mask: int = (1 << 32) - 1
    taken: int = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Change fields of the packet (NAT); the rules that follow see the new ones.

    A new `hook` gives it the fields of packets there; *status* are bits of `ctstatus` set where a value really changes.
    An *alike* source port is of the `packet.fields.PORT_CLASSES` of the old one."""

    changes: tuple[tuple[str, Value], ...]
    status: int = 0
    alike: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Do something that no verdict depends on: *text* says what (remember in a list, clamp the MSS …)."""

    text: str


@dataclass(frozen=True, slots=True)
class Log:
    """Write the packet to a log."""

    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class UnknownAction:
    """An action that is not modelled: any of *outcomes* may be what happens.

    `continue`: as if it were not there; `pass`: the packet passes, whatever the entries that follow would say (a
    rewrite may take it to another hook).
    """

    text: str
    key: str
    outcomes: frozenset[str] = frozenset({"allow", "block", "continue"})
    opaque: Opaque | None = _mark()


Verdict = Allow | Block | Reject
Change = Set | Copy | Rewrite
Action = Verdict | Jump | Goto | Return | Change | Note | Log | UnknownAction

# Rules


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list as written, and what it means: values of a field, or alternative services (none: any)."""

    values: ValueSet | tuple[Service, ...]
    span: Span = _mark()


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

    *lists* are those of the match with several items, or an exception; *host_bits* its prefixes like `10.1.2.3/24`."""

    match: Match
    actions: tuple[Action, ...]
    label: str | None = None
    note: str | None = None
    owner: str | None = None
    expires: date | None = None
    suppressions: tuple[Suppression, ...] = _mark(())
    span: Span = _mark()
    action_span: Span | None = _mark()
    lists: tuple[ItemList, ...] = _mark(())
    host_bits: tuple[Item, ...] = _mark(())


@dataclass(frozen=True, slots=True)
class Policy:
    """An ordered list of rules. Without a *default* it returns, or, where it is the entry, takes the entry's.

    One that is *implied* is not in the text, and holds all the same: how packets are routed. Its *suppressions* hold
    for its rules and its default too, its *default_suppressions* for the default alone.
    """

    name: str
    rules: tuple[Rule, ...]
    default: Verdict | None = None
    last_match: bool = False
    implied: bool = False
    span: Span | None = _mark()
    default_span: Span | None = _mark()
    suppressions: tuple[Suppression, ...] = _mark(())
    default_suppressions: tuple[Suppression, ...] = _mark(())


@dataclass(frozen=True, slots=True)
class Entry:
    """A policy where packets enter the rules at a hook.

    *default* is taken when the policy ends or returns without one of its own. *stateful*: established and
    related packets are allowed, and invalid ones blocked, before the rules. *main*: this entry decides
    what is let in (in netfilter the filter table); an allow of the others is only "no objection".

    Only packets that are at *hook* when they come to the entry go through it (None: all do): rewriting takes packets to
    another hook. Behind an entry that *translates* connection tracking does to the packets of a known connection what
    its first one got: a new destination (`dst`), or a new source (`src`). *point* is where a packet meets it, in the
    words of its language: `prerouting`, `routing`.
    """

    policy: str
    default: Verdict
    stateful: bool = False
    main: bool = True
    table: str = "filter"
    hook: int | None = None
    translates: Literal["dst", "src"] | None = None
    point: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A name that a file gives to a value: addresses, or alternative services.

    *text* is the value as written, *uses* are the places that mention the name, *lists* and *host_bits* as in `Rule`.
    """

    name: str
    kind: str
    text: str
    value: Intervals | tuple[Service, ...] | None = None
    span: Span = _mark()
    uses: tuple[Span, ...] = _mark(())
    suppressions: tuple[Suppression, ...] = _mark(())
    lists: tuple[ItemList, ...] = _mark(())
    host_bits: tuple[Item, ...] = _mark(())


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
    sources: tuple[Source, ...] = _mark(())
    suppressions: tuple[Suppression, ...] = _mark(())
    stray: tuple[Stray, ...] = _mark(())
    replaced: tuple[Replaced, ...] = _mark(())

    def at(self, hook: int | None) -> tuple[Entry, ...]:
        """Return the entries that a packet at *hook* goes through, in order."""
        return self.entries.get(hook) or self.entries.get(None, ())


def walk(match: Match) -> list[Match]:
    """Return a match and all its parts, depth first."""
    found: list[Match] = []
    _gather(match, found)
    return found


def _gather(match: Match, found: list[Match]) -> None:
    found.append(match)
    match match:
        case All(parts) | Either(parts):
            for part in parts:
                _gather(part, found)
        case Not(part):
            _gather(part, found)


def all_of(*parts: Match) -> Match:
    """Return the conjunction, without needless nodes."""
    flat: list[Match] = []
    for part in parts:
        match part:
            case Any():
                continue
            case All(inner):
                flat += inner
            case _:
                flat.append(part)
    return flat[0] if len(flat) == 1 else All(tuple(flat)) if flat else EVERYTHING


def either_of(*parts: Match) -> Match:
    """Return the disjunction, without needless nodes."""
    flat: list[Match] = []
    for part in parts:
        match part:
            case Any():
                return EVERYTHING
            case Either(inner):
                flat += inner
            case _:
                flat.append(part)
    return flat[0] if len(flat) == 1 else Either(tuple(flat))


def negated(match: Match) -> Match:
    """Return the negation, without double ones."""
    return match.part if isinstance(match, Not) else Not(match)


def conjuncts(match: Match) -> tuple[Match, ...]:
    """Return the conditions that must all hold, in order; `all_of` makes the match of them again."""
    match match:
        case Any():
            return ()
        case All(parts):
            return parts
    return (match,)


def with_values(match: Match, name: str, values: ValueSet) -> Match | None:
    """Return a match with other values of a field, none where they are all; None unless one conjunct is that field."""
    parts = conjuncts(match)
    at = [number for number, part in enumerate(parts) if isinstance(part, Field) and part.name == name]
    if len(at) != 1:
        return None
    wanted = () if name in ("src", "dst") and values == FIELDS[name].domain else (Field(name, values),)
    return all_of(*parts[: at[0]], *wanted, *parts[at[0] + 1 :])
