"""Why a rule matches a packet or not, and what would have to differ, in words."""

from __future__ import annotations

import re
from typing import assert_never

from policy.evaluate import Decision, Known, Step, decide, truth
from policy.ir import (
    All,
    Allow,
    Any,
    Either,
    Field,
    Goto,
    Jump,
    Match,
    Not,
    Rule,
    Ruleset,
    Unknown,
)
from policy.packet import FIELDS, PORT_PROTOCOLS, Intervals, Masked, Packet, Value
from policy.packet.address import families_of, whole
from policy.packet.text import set_text, value_text

_WORD = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
MOST_CANDIDATES = 400
"""So many allow rules are tried when the nearest one is looked for."""


def because(step: Step) -> str:
    """Return why the rule of *step* matched, did not, or could not be decided."""
    if step.implicit == "state":
        return f"connection state {value_text('state', step.packet.values['state'])}"
    if step.implicit == "default" or step.rule is None:
        return "no rule decided"
    if step.matched:
        return "matches"
    return reason(step.rule.match, step.packet, step.known, step.matched)


def reason(match: Match, packet: Packet, known: Known, answer: bool | None) -> str:
    """Return the first cause for *match* being false (or, with *answer* None, open) for *packet*."""
    match match:
        case All(parts):
            culprit = next(part for part in parts if truth(part, packet, known) is answer)
            return reason(culprit, packet, known, answer)
        case Either(parts):
            if not parts:
                return "can never match"
            wanted = [part for part in parts if truth(part, packet, known) is answer]
            return _either(wanted, packet, known, answer)
        case Not(part):
            if answer is None:
                return reason(part, packet, known, None)
            return _excluded(part, packet, known)
        case Field(name):
            value = packet.get(name)
            if value is None:
                return _absent(name, packet)
            if answer is None:
                return f"the {FIELDS[name].title} is not said: it may be {_wanted(match, packet)}"
            return f"{FIELDS[name].title} {value_text(name, value)} is not {_wanted(match, packet)}"
        case Unknown(text):
            return f"not known: {text}" if answer is None else f"`{text}` is assumed not to hold"
        case Any():
            return "always matches"
        case _:
            assert_never(match)


def _either(parts: list[Match], packet: Packet, known: Known, answer: bool | None) -> str:
    """Of alternatives, the one that went furthest says most."""
    ranked = sorted(parts, key=lambda part: len(failing(part, packet, known)))
    first = reason(ranked[0], packet, known, answer)
    others = len(parts) - 1
    return first if answer is None or not others else f"{first} (nor {others} more alternative{'s'[: others > 1]})"


def _excluded(part: Match, packet: Packet, known: Known) -> str:
    """Why a negated part holds, which makes the rule fail."""
    match part:
        case Field(name):
            value = packet.get(name)
            assert value is not None
            return f"{FIELDS[name].title} {value_text(name, value)} is excluded ({_wanted(part, packet)})"
        case All(parts):
            return " and ".join(_excluded(inner, packet, known) for inner in parts)
        case Either(parts):
            culprit = next(inner for inner in parts if truth(inner, packet, known))
            return _excluded(culprit, packet, known)
        case Unknown(text):
            return f"`{text}` is assumed to hold, and is excluded"
        case Not(inner):
            return reason(inner, packet, known, False)
        case Any():
            return "can never match"
        case _:
            assert_never(part)


def _wanted(field: Field, packet: Packet) -> str:
    """The values that a field wants: by the name that the file gives them, or as they are."""
    values = field.values
    if field.name in ("src", "dst") and isinstance(values, Intervals):
        mine = values & whole(packet.family)
        if not mine:
            (other,) = families_of(values) or {0}
            return f"an IPv{other} address" if other else "any address"
        text = set_text(field.name, mine)
        text = text if mine.size == 1 else f"in {text}"
    else:
        text = set_text(field.name, values)
        if isinstance(values, Masked) and field.name != "flags":
            text = f"{text} (value/mask)"
    written = field.span.text if field.span else ""
    return f"{text} (`{written}`)" if _WORD.fullmatch(written) and written != text else text


def _absent(name: str, packet: Packet) -> str:
    title = FIELDS[name].title
    protocol = packet.get("proto")
    if isinstance(protocol, int) and name in ("sport", "dport") and protocol not in PORT_PROTOCOLS:
        return f"{value_text('proto', protocol)} has no {title}"
    if name in ("in", "out") and (hook := packet.get("hook")) is not None:
        return f"there is no {title} at {value_text('hook', hook)}"
    return f"the packet has no {title}"


def failing(match: Match, packet: Packet, known: Known) -> tuple[Match, ...]:
    """Return the fewest parts of *match* that would have to turn out otherwise for it to be true."""
    if truth(match, packet, known):
        return ()
    match match:
        case All(parts):
            return tuple(leaf for part in parts for leaf in failing(part, packet, known))
        case Either(parts) if parts:
            return min((failing(part, packet, known) for part in parts), key=len)
    return (match,)


def nearest_allow(ruleset: Ruleset, packet: Packet) -> tuple[Rule, tuple[str, ...], Packet] | None:
    """Return the allow rule that the fewest changes to a blocked *packet* would satisfy, and those changes.

    Only a rule whose changed packet really passes is named: it has been through `decide`. None where
    there is none within `MOST_CANDIDATES`.
    """
    hook = packet.get("hook")
    found: list[tuple[int, int, Rule, tuple[Match, ...]]] = []
    for rule in _reachable(ruleset, hook if isinstance(hook, int) else None):
        if any(isinstance(action, Allow) for action in rule.actions):
            leaves = failing(rule.match, packet, {})
            if leaves and all(isinstance(leaf, Field) for leaf in leaves):
                found.append((len(leaves), len(found), rule, leaves))
    for _, _, rule, leaves in sorted(found, key=lambda each: each[:2])[:MOST_CANDIDATES]:
        changed = _changed(packet, leaves)
        if changed is None:
            continue
        decision: Decision = decide(ruleset, changed)
        if decision.verdict == "allow" and decision.rule is rule:
            words = tuple(f"{FIELDS[f.name].title} {_wanted(f, packet)}" for f in leaves if isinstance(f, Field))
            return rule, words, changed
    return None


def _reachable(ruleset: Ruleset, hook: int | None) -> list[Rule]:
    """All rules that a packet at *hook* may come to."""
    waiting = [entry.policy for entry in ruleset.at(hook) if entry.main]
    seen: set[str] = set()
    rules: list[Rule] = []
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for rule in ruleset.policies[name].rules:
            rules.append(rule)
            waiting += [action.policy for action in rule.actions if isinstance(action, Jump | Goto)]
    return rules


def _changed(packet: Packet, leaves: tuple[Match, ...]) -> Packet | None:
    """The packet with the fields of *leaves* as they are wanted, where it stays well-formed."""
    changes: dict[str, Value] = {}
    for leaf in leaves:
        if not isinstance(leaf, Field) or packet.get(leaf.name) is None or leaf.name == "proto":
            return None
        values = leaf.values
        if isinstance(values, Masked):
            changes[leaf.name] = values.value
        elif isinstance(values, Intervals):
            mine = values & whole(packet.family) if leaf.name in ("src", "dst") else values
            if not mine:
                return None
            changes[leaf.name] = mine.first
        elif values.exact and not values.negated:
            changes[leaf.name] = min(values.exact)
        else:
            return None
    return packet.with_values(changes)
