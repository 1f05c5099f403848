"""What is found in sets and maps, as matches: anonymous ones, and named ones with what rules may add to them.

Sources: nft(8), SETS and MAPS; nftables 1.0.6: src/evaluate.c (set types), src/intervals.c; the kernel's nft_lookup.c,
nft_dynset.c, nft_set_pipapo.c.
"""

from __future__ import annotations

from collections.abc import Sequence

from policy._record import dataclass
from policy.diagnostic import did_you_mean
from policy.ir import NOTHING, Either, Field, Match, Unknown, all_of, either_of, negated
from policy.languages.nftables import types as t
from policy.languages.nftables.ast.expression import Concat, Expression, Reference, Selector, SetLiteral, Verdict, Word
from policy.languages.nftables.contents import LIMITED, SURE, Entry, contents
from policy.languages.nftables.context import Context
from policy.languages.nftables.facts import facts
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.rows import Key, found
from policy.languages.nftables.selectors import operand
from policy.languages.nftables.selectors.base import key_of
from policy.languages.nftables.state import SetState

Found = tuple[Match, Expression | Verdict]


def found_in(context: Context, key: tuple[Key, ...], where: Expression) -> Match:
    """Return the condition that a key is in a set, beside what its parts want themselves; raises `Bad`."""
    if isinstance(where, Reference):
        return _Named(context, key, where).member()
    if isinstance(where, SetLiteral):
        return _member(key, contents(_types(key), where.elements), "")
    raise Bad("FW001", "a set is expected here", where.span, "write `{ … }` or `@name`")


def looked_up(context: Context, key: tuple[Key, ...], where: Expression) -> list[Found]:
    """Return what a map has for a key: disjoint conditions, each with a value; raises `Bad`."""
    if isinstance(where, Reference):
        return _Named(context, key, where).values()
    if isinstance(where, SetLiteral):
        return _values(key, contents(_types(key), where.elements, is_map=True), "")
    raise Bad("FW001", "a map is expected here", where.span, "write `{ KEY : VALUE, … }` or `@name`")


def _types(key: Sequence[Key]) -> tuple[t.DataType, ...]:
    return tuple(each.operand.type for each in key)


# Entries as matches


def _match(key: tuple[Key, ...], entry: Entry, name: str) -> Match:
    inside = _there(key) if entry.rows is None else found(key, entry.rows)
    if inside == NOTHING or entry.how == SURE:
        return inside
    where = f"set {name}" if name else "the set"
    words = ".".join(each.text for each in key)
    if entry.how == LIMITED:
        text = f"what an element of {where} limits is within it"
        return all_of(inside, Unknown(text, key_of("set", name, "limit", words), pure=False, span=key[0].span))
    text = f"an element with a timeout still being in {where}"
    return all_of(inside, Unknown(text, key_of("set", name, "timeout", words), span=key[0].span))


def _there(key: Sequence[Key]) -> Match:
    """Return the packets that have all parts of a key: what `*` stands for, an IPv6 packet has no `ip saddr`."""
    return all_of(*dict.fromkeys(each.operand.present for each in key))


def _member(key: tuple[Key, ...], entries: Sequence[Entry], name: str) -> Match:
    return either_of(*(match for entry in entries if (match := _match(key, entry, name)) != NOTHING))


def _values(key: tuple[Key, ...], entries: Sequence[Entry], name: str) -> list[Found]:
    made: list[Found] = []
    for entry in entries:
        match = _match(key, entry, name)
        if entry.rows is None:
            match = all_of(match, *(negated(other) for other, _ in made))
        assert entry.value is not None
        if match != NOTHING:
            made.append((match, entry.value))
    return made


# Named sets


@dataclass(slots=True)
class _Named:
    """A look-up in a named set or map."""

    context: Context
    key: tuple[Key, ...]
    where: Reference

    def member(self) -> Match:
        """Return the packets that are found, whatever a map has for them."""
        state = self._state()
        memo = ("member", *self._memo())
        kept = self.context.state.worked_out.get(memo)
        if kept is None:
            kept = self._changed(_member(self.key, self._entries(state), self.where.name))
            self.context.state.worked_out[memo] = kept
        match: Match = kept  # type: ignore[assignment]
        if match == NOTHING or isinstance(match, Field):
            return match
        return Either((match,), called=f"in set {self.where.name}")

    def values(self) -> list[Found]:
        """Return what a map has for packets."""
        state = self._state()
        if not state.definition.is_map:
            help = "write it without `map` or `vmap`, to ask whether something is in it"
            raise Bad("FW001", f"`{self.where.name}` is a set, not a map", self.where.span, help)
        if self._ident() in facts(self.context.state).adds:
            message = f"rules add to the map `{self.where.name}`: what it then has for a key is not modelled"
            raise Bad("FW820", message, self.where.span)
        memo = ("values", *self._memo())
        kept = self.context.state.worked_out.get(memo)
        if kept is None:
            kept = self.context.state.worked_out[memo] = _values(self.key, self._entries(state), self.where.name)
        made: list[Found] = kept  # type: ignore[assignment]
        if self._ident() in facts(self.context.state).deletes:
            return [(all_of(match, self._unknown("deleted", "still")), value) for match, value in made]
        return made

    def _state(self) -> SetState:
        sets = self.context.table.sets
        state = sets.get(self.where.name)
        if state is None:
            message = f"the table `{self.context.table.name}` has no set `{self.where.name}`"
            help = did_you_mean(self.where.name, sets) or "declare it in the table"
            raise Bad("FW701", message, self.where.span, help)
        return state

    def _ident(self) -> tuple[str, str, str]:
        return (self.context.table.family, self.context.table.name, self.where.name)

    def _memo(self) -> tuple[object, ...]:
        parts = tuple((each.operand, each.bits) for each in self.key)
        return (*self._ident(), parts, self.context.hooks, self.context.tracked)

    def _entries(self, state: SetState) -> list[Entry]:
        memo = ("contents", *self._ident())
        types = set_types(self.context, state)
        self._fits(types)
        kept = self.context.state.worked_out.get(memo)
        if kept is None:
            definition = state.definition
            made = contents(types, state.elements, is_map=definition.is_map, definition=definition)
            kept = self.context.state.worked_out[memo] = made
        entries: list[Entry] = kept  # type: ignore[assignment]
        return entries

    def _fits(self, types: Sequence[t.DataType]) -> None:
        mine = _types(self.key)
        if len(mine) != len(types) or not all(map(_alike, mine, types)):
            wanted, read = (" . ".join(type.title for type in each) for each in (types, mine))
            message = f"`{self.where.name}` is a set of {wanted}, and {read} is looked up in it"
            both = {type.kind for type in (*mine, *types)}
            code = "FW603" if {"ipv4", "ipv6"} <= both else "FW001"
            raise Bad(code, message, self.where.span)

    def _changed(self, match: Match) -> Match:
        """Return what is found, where rules may add to the set or delete from it."""
        known = facts(self.context.state)
        if self._ident() in known.deletes and match != NOTHING:
            match = all_of(match, self._unknown("deleted", "still"))
        said = self.context.table.sets[self.where.name].definition
        by_programs = said.timeout is not None or not {"dynamic", "timeout"}.isdisjoint(said.flags)
        if self._ident() in known.adds or by_programs:
            match = either_of(*(each for each in (match, self._unknown("added", "by now")) if each != NOTHING))
        return match

    def _unknown(self, what: str, when: str) -> Unknown:
        words = ".".join(each.text for each in self.key)
        text = f"{words} is in the set {self.where.name} {when}"
        return Unknown(text, key_of("set", self.where.name, what, words), pure=False, span=self.where.span)


def _alike(one: t.DataType, other: t.DataType) -> bool:
    if "integer" in (one.name, other.name):
        return one.base == other.base and one.named == other.named
    if "address" in (one.kind, other.kind):
        return one.kind in ("ipv4", "ipv6", "address") and other.kind in ("ipv4", "ipv6", "address")
    return one.name == other.name


def set_types(context: Context, state: SetState) -> tuple[t.DataType, ...]:
    """Return the types of the parts of a set's key; raises `Bad`."""
    said = state.definition.type
    if said is None:
        raise Bad("FW001", "the set has no type", state.definition.name_span, "say it with `type` or `typeof`")
    if isinstance(said, tuple):
        return tuple(_type(word, state) for word in said)
    parts = said.parts if isinstance(said, Concat) else (said,)
    return tuple(_type_of(context, part) for part in parts)


def _type(word: str, state: SetState) -> t.DataType:
    if word not in t.TYPES:
        help = did_you_mean(word, t.TYPES)
        raise Bad("FW001", f"unknown type `{word}`", state.definition.name_span, help)
    return t.TYPES[word]


def _type_of(context: Context, part: Expression) -> t.DataType:
    if isinstance(part, Selector):
        return operand(context, part).type
    if isinstance(part, Word) and part.text in t.TYPES:
        return t.TYPES[part.text]
    raise Bad("FW001", "`typeof` wants what is read from a packet", part.span)
