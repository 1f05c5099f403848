"""What a script has made when it is at its end: the tables, as the kernel would then have them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from policy._record import dataclass
from policy.languages.nftables.ast.command import Family, Hook, NamedObject, NamedSet, Rule
from policy.languages.nftables.ast.expression import Element, Expression, SetLiteral
from policy.source import Source, Span
from policy.written import Replaced, Stray, Suppression


@dataclass(slots=True)
class ChainState:
    """A chain with its rules in order. A base chain has a *hook*, whose *priority* is a number (0 without a hook).

    *drops*: its policy is drop. *order*: how many base chains were registered before it.
    """

    name: str
    span: Span
    hook: Hook | None = None
    priority: int = 0
    drops: bool = False
    order: int = 0
    rules: list[Rule] = field(default_factory=list)
    policy_span: Span | None = None
    suppressions: tuple[Suppression, ...] = ()


@dataclass(slots=True)
class SetState:
    """A named set or map with its elements."""

    definition: NamedSet
    elements: list[Element] = field(default_factory=list)


@dataclass(slots=True)
class TableState:
    """A table: *dormant* ones do nothing. No variable is left in any of its rules and sets."""

    family: Family
    name: str
    span: Span
    dormant: bool = False
    chains: dict[str, ChainState] = field(default_factory=dict)
    sets: dict[str, SetState] = field(default_factory=dict)
    objects: dict[tuple[str, str], NamedObject] = field(default_factory=dict)
    suppressions: tuple[Suppression, ...] = ()


@dataclass(slots=True)
class State:
    """The tables in the order in which they were made, and what else the texts say.

    *variables* are the names that `define` gave (the last definition of each), with the places that use them.
    *worked_out* is what has been found out of it, each thing once.
    """

    sources: list[Source]
    tables: dict[tuple[Family, str], TableState] = field(default_factory=dict)
    variables: list[Defined] = field(default_factory=list)
    replaced: list[Replaced] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)
    stray: list[Stray] = field(default_factory=list)
    worked_out: dict[object, object] = field(default_factory=dict, compare=False, repr=False)


@dataclass(slots=True)
class Defined:
    """A name that `define` gives, with its value and the places that use it."""

    name: str
    value: Expression
    span: Span
    uses: list[Span] = field(default_factory=list)
    suppressions: tuple[Suppression, ...] = ()


def flat(elements: Iterable[Element]) -> list[Element]:
    """Return elements, those of sets in the set among them."""
    found: list[Element] = []
    for each in elements:
        if isinstance(each.key, SetLiteral) and each.value is None:
            found += flat(each.key.elements)
        else:
            found.append(each)
    return found
