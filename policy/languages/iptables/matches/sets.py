"""set: exact where the set is known, and no target of the file changes it.

Sources: iptables-extensions(8); libxt_set.h; the kernel's xt_set.c; `policy.ipset` for what a look-up finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from policy._record import dataclass
from policy.diagnostic import did_you_mean
from policy.ipset import Direction, Lookup, NamedSet, found_in
from policy.ir import EVERYTHING, NOTHING, Either, Field, Match, Opaque, Unknown
from policy.languages.iptables import ast
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import signed, unknown
from policy.languages.iptables.values import number
from policy.netfilter import BEFORE_ROUTING
from policy.source import Span

MOST_DIRECTIONS = 6

_CHANGING = ("add-set", "del-set")
REWRITING = frozenset({"DNAT", "REDIRECT", "NETMAP", "DNPT", "SNPT"})
"""Targets behind which a packet may be looked up once more, with other addresses."""


@dataclass(frozen=True, slots=True)
class Named:
    """A set by its name, and the sides of a packet that are looked up in it."""

    name: str
    directions: tuple[Direction, ...]

    def __str__(self) -> str:
        return f"{self.name}:{','.join(self.directions)}"


def match_set(context: Context, name: str, directions: str) -> Named:
    """Read the name of a set and which sides of the packet are looked up in it."""
    found: list[Direction] = []
    for item in directions.split(","):
        if item not in ("src", "dst"):
            raise Bad("FW001", f"`{item}` is not a side of a packet", "say `src` or `dst`, with commas between them")
        found.append("src" if item == "src" else "dst")
    if len(found) > MOST_DIRECTIONS:
        raise Bad("FW001", f"{len(found)} sides are too many", f"{MOST_DIRECTIONS} is the most that iptables takes")
    sets = context.host.sets
    if sets is not None and name not in sets:
        help = (
            did_you_mean(name, sets) or "iptables-restore refuses the file unless its sets are there: give theirs, too"
        )
        raise Bad("FW701", f"there is no set `{name}` in the files of sets", help)
    family = sets[name].family if sets is not None else None
    if family not in (None, context.family):
        raise Bad("FW603", f"the set `{name}` is of IPv{family}", f"the rules are for IPv{context.family}")
    return Named(name, tuple(found))


def changed_sets(file: ast.File, known: Mapping[str, NamedSet] | None) -> frozenset[str] | None:
    """Return the sets that SET targets of a file change; None where these may be any."""
    named = set(_changed(file))
    if not named or not named <= (known or {}).keys():
        return None if named else frozenset()
    assert known is not None
    # A list passes on to its members what is done with it, and finds what its members do.
    found = named.union(*(known[name].members for name in named))
    return frozenset(found | {name for name, each in known.items() if found.intersection(each.members)})


def _changed(file: ast.File) -> Iterator[str]:
    for table in file.tables:
        for statement in table.statements:
            target = statement.rule.target if isinstance(statement, ast.Command) else None
            if target is not None and target.name == "SET":
                yield from (option.values[0].text for option in target.options if option.name in _CHANGING)


def _set(given: Given) -> Match:
    named: Named = given.value("match-set")
    context = given.context
    counting = {f"{what}-{how}" for what in ("packets", "bytes") for how in ("eq", "lt", "gt")} & set(given.args)
    changed = context.changed_sets is None or named.name in context.changed_sets
    rewritten = bool(context.volatile & REWRITING)
    if context.host.sets is None or counting or changed:
        opaque = Opaque("set", named.name) if context.host.sets is None else None
        pure = not (counting or changed or rewritten)
        found: Match = unknown(given, f"set:{named}", pure=pure, option="match-set", opaque=opaque)
    else:
        output = _output(context)
        key = named, "return-nomatch" in given, output
        if key not in context.looked_up:
            lookup = Lookup(named.directions, context.family, key[1], output, pure=not rewritten)
            context.looked_up[key] = found_in(named.name, lookup, context.host.sets)
        found = context.looked_up[key]
        if isinstance(found, Field):
            word = given.args["match-set"].option.values[0]
            found = replace(found, span=Span(context.source, word.start, word.end))
        elif found != NOTHING:
            found = Either((found,), called=f"in set {named.name} ({','.join(named.directions)})")
    return signed(given, "match-set", found)


def _output(context: Context) -> Match:
    """Return where an output interface is known: behind routing."""
    if not context.roots & BEFORE_ROUTING:
        return EVERYTHING
    if context.roots <= BEFORE_ROUTING:
        return NOTHING
    return Unknown("the packet is already routed", "routed", pure=False)


_COUNTER = number(64)

MATCHES = (
    MatchModule(
        name="set",
        options=(
            Opt("match-set", match_set, invert=True, words=2, required=True),
            Opt("return-nomatch"),
            Opt("update-counters", invert=True),
            Opt("update-subcounters", invert=True),
            *(
                Opt(f"{what}-{how}", _COUNTER, invert=how == "eq")
                for what in ("packets", "bytes")
                for how in ("eq", "lt", "gt")
            ),
        ),
        lower=_set,
    ),
)
