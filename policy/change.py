"""Changes of the rules that checks offer, and what they come to in the text.

A check names a change of the IR; the front end says which edits of the text make it (`FrontEnd.edits`); `policy.fix`
applies them and proves what they do.
"""

from __future__ import annotations

from policy._record import dataclass
from policy.ir import Definition, ItemList, Match, Policy, Rule, Verdict
from policy.packet import Intervals
from policy.source import Span


@dataclass(frozen=True, slots=True)
class RemoveRule:
    """Take a rule out."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class MergeRules:
    """Write one rule, as *text*, instead of several that follow each other."""

    rules: tuple[Rule, ...]
    text: str


@dataclass(frozen=True, slots=True)
class RemoveItem:
    """Take one item (by its place) out of a list of a rule or definition, from among its items or its exceptions."""

    of: ItemList
    item: Span


@dataclass(frozen=True, slots=True)
class WriteAddresses:
    """Write other addresses, one range or prefix of them, where an address stands."""

    place: Span
    values: Intervals


@dataclass(frozen=True, slots=True)
class WriteAction:
    """Write another verdict where the action of a rule, or a default, stands."""

    place: Span
    action: Verdict


@dataclass(frozen=True, slots=True)
class RemoveDefinition:
    """Take a definition out."""

    definition: Definition


@dataclass(frozen=True, slots=True)
class RemovePolicy:
    """Take a policy out, with all its rules."""

    policy: Policy


Change = RemoveRule | MergeRules | RemoveItem | WriteAddresses | WriteAction | RemoveDefinition | RemovePolicy


@dataclass(frozen=True, slots=True)
class Edit:
    """Write *text* instead of what stands at *span*."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Announced:
    """What a fix changes for packets, and that nothing else changes.

    The *packets* (as they arrive, at *hooks*, None: at all) get *verdict*. Where *rules* are given (their places), they
    get what is said when those rules have this verdict instead of theirs, or, without one, are left out.
    """

    packets: Match
    verdict: Verdict | None = None
    hooks: tuple[int | None, ...] | None = None
    rules: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Fix:
    """What can be done about a finding: *description* says it ("remove this rule").

    Nothing *announced*: the rules mean the same afterwards. A *safe* one also takes away nothing that somebody may have
    wanted. *rests*: places that have to stay as they are for it.
    """

    description: str
    edits: tuple[Edit, ...]
    safe: bool = True
    announced: Announced | None = None
    rests: tuple[Span, ...] = ()
