"""Terms that the matches lower to, with the negation that the kernel gives them."""

from __future__ import annotations

from policy.ir import (
    Action,
    Field,
    Jump,
    Match,
    Opaque,
    Policy,
    Return,
    Rule,
    Unknown,
    all_of,
    either_of,
    negated,
)
from policy.languages.iptables.options import Given
from policy.netfilter import LOOPED, NOT_LOOPED
from policy.packet import FIELDS, ValueSet


def has(name: str) -> Field:
    """Return the packets that have a field at all."""
    return Field(name, FIELDS[name].domain)


def term(given: Given, option: str, field: str, values: ValueSet | None = None) -> Match:
    """Return the condition that a field has the values of an option (or *values*).

    Negated it still wants the field to be there: an extension of the kernel that finds no header to look at does
    not match, whatever its `!` says.
    """
    arg = given.args[option]
    inner = Field(field, arg.value if values is None else values, span=given.span(option))
    return all_of(has(field), negated(inner)) if arg.negated else inner


def tracked_already(given: Given, yet: Match, tracked: Match) -> Match:
    """Return what the raw table sees of a connection: *yet* nothing, but what comes back by `lo` is *tracked*."""
    if "PREROUTING" not in given.context.roots:
        return yet
    return either_of(all_of(LOOPED, tracked), all_of(NOT_LOOPED, yet))


def only(given: Given, match: Match, actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """Return what a target does to the packets that match; the others go on."""
    context, span = given.context, given.span()
    name = f"{context.table}:-j {given.text}"
    rules = (Rule(match, (*actions, Return()), span=span),)
    context.implied.setdefault(name, Policy(name, rules, implied=True, span=span))
    return (Jump(name),)


def signed(given: Given, option: str, match: Match) -> Match:
    """Return a condition, or its plain opposite where the option has a `!`."""
    return negated(match) if given.args[option].negated else match


def unknown(
    given: Given, key: str, *, pure: bool = True, option: str | None = None, opaque: Opaque | None = None
) -> Unknown:
    """Return a condition that is not modelled, with the text of the match."""
    return Unknown(given.text, key_of(key), pure, opaque=opaque, span=given.span(option))


def key_of(*parts: str) -> str:
    """Return a key for `--assume`: words joined by colons, without spaces."""
    return ":".join("-".join(part.split()) for part in parts if part)


def target_key(given: Given, *before: str) -> str:
    """Return a key for what a target does: its name and the values of its options."""
    return key_of(*before, given.extension.name, *(word.text for one in given.extension.options for word in one.values))
