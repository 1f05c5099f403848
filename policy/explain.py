"""Why a rule matches a packet or not, and what would have to differ, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import assert_never

from policy.evaluate import Decision, Known, Step, decide, truth
from policy.evaluate.truth import Key
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
    walk,
)
from policy.packet import EMPTY, FIELDS, PORT_PROTOCOLS, Intervals, Masked, Packet, Value, complete
from policy.packet.address import families_of, whole
from policy.packet.text import set_text, value_text

_WORD = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
MOST_CANDIDATES = 25
"""So many of the nearest allow rules are tried: each trial is a walk through all rules."""

_ENDLESS = 1 << 62


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
            if match.called and answer is False:
                return f"the packet is not {match.called}"
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


def failed_field(match: Match, packet: Packet, known: Known) -> str:
    """Return the title of the field for which *match* is false, to sum up many rules."""
    match match:
        case All(parts):
            return failed_field(next(part for part in parts if truth(part, packet, known) is False), packet, known)
        case Either(parts) if parts:
            return failed_field(parts[0], packet, known)
        case Not(part):
            named = next((inner for inner in walk(part) if isinstance(inner, Field)), None)
            return FIELDS[named.name].title if named else "other conditions"
        case Field(name):
            return FIELDS[name].title
    return "other conditions"


def _either(parts: list[Match], packet: Packet, known: Known, answer: bool | None) -> str:
    """Alternatives that fail by one field are told as one; else the one that went furthest says most."""
    causes = [_cause(part, packet, known, answer) for part in parts]
    fields = [cause for cause in causes if isinstance(cause, Field) and isinstance(cause.values, Intervals)]
    if len(fields) == len(causes) and len({cause.name for cause in fields}) == 1:
        union = Intervals.of(*(pair for cause in fields for pair in cause.values.ranges))  # type: ignore[union-attr]
        return reason(Field(fields[0].name, union), packet, known, answer)
    furthest = min(parts, key=lambda part: len(failing(part, packet, known)))
    return reason(furthest, packet, known, answer)


def _cause(match: Match, packet: Packet, known: Known, answer: bool | None) -> Match:
    """Return the part that `reason` would name."""
    while isinstance(match, All):
        match = next(part for part in match.parts if truth(part, packet, known) is answer)
    return match


def _excluded(part: Match, packet: Packet, known: Known) -> str:
    """Why a negated part holds, which makes the rule fail."""
    match part:
        case Field(name):
            value = packet.get(name)
            assert value is not None
            return f"{FIELDS[name].title} {value_text(name, value)} is excluded ({_wanted(part, packet)})"
        case All(parts):
            return " and ".join(_excluded(inner, packet, known) for inner in parts) or "can never match"
        case Either(called=str(name)):
            return f"the packet is {name}, which is excluded"
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
            return f"an IPv{other} address" if other else set_text(field.name, mine)
        text = set_text(field.name, mine)
        text = text if mine.size == 1 else f"in {text}"
    else:
        text = set_text(field.name, values)
        if isinstance(values, Masked) and field.name not in ("flags", "ctstatus"):
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
    found = _fewest(match, packet, known, _ENDLESS)
    assert found is not None
    return found


def _fewest(match: Match, packet: Packet, known: Known, most: int) -> tuple[Match, ...] | None:
    """Return the same; None where they are more than *most*, which spares most of a long list of alternatives."""
    match match:
        case All(parts):
            leaves: tuple[Match, ...] = ()
            for part in parts:
                more = _fewest(part, packet, known, most - len(leaves))
                if more is None:
                    return None
                leaves += more
            return leaves
        case Either(parts) if parts:
            best: tuple[Match, ...] | None = None
            for part in parts:
                found = _fewest(part, packet, known, most)
                if found is not None and (best is None or _farness(found) < _farness(best)):
                    best = found
                    # The same number is nearer only without another protocol.
                    most = len(found) - (not _farness(found)[1])
                    if most < 0:
                        break
            return best
    if truth(match, packet, known):
        return ()
    return (match,) if most > 0 else None


def _farness(leaves: tuple[Match, ...]) -> tuple[int, bool]:
    """The fewer the better, and another protocol is farther than any other difference."""
    return len(leaves), any(isinstance(leaf, Field) and leaf.name == "proto" for leaf in leaves)


def nearest_allow(
    ruleset: Ruleset, packet: Packet, assume: Mapping[str, bool] | None = None
) -> tuple[Rule, tuple[str, ...], Packet] | None:
    """Return the allow rule that the fewest changes to a blocked *packet* would satisfy, and those changes.

    Unknowns are as *assume* settles them. Only a rule whose changed packet really passes is named: it has been
    through `decide`. None where there is none within `MOST_CANDIDATES`.
    """
    known: dict[Key, bool] = dict((assume or {}).items())
    hook = packet.get("hook")
    found: list[tuple[tuple[int, float], Rule, tuple[Match, ...]]] = []
    for rule in _reachable(ruleset, hook if isinstance(hook, int) else None):
        if any(isinstance(action, Allow) for action in rule.actions):
            leaves = failing(rule.match, packet, known)
            if leaves and all(isinstance(leaf, Field) for leaf in leaves):
                found.append(((len(leaves), sum(_distance(packet, leaf) for leaf in leaves)), rule, leaves))
    for _, rule, leaves in sorted(found, key=lambda each: each[0])[:MOST_CANDIDATES]:
        changed = _changed(packet, leaves)
        if changed is None:
            continue
        decision: Decision = decide(ruleset, changed, assume=assume)
        if decision.verdict == "allow" and decision.rule is rule:
            words = tuple(f"{FIELDS[f.name].title} {_wanted(f, packet)}" for f in leaves if isinstance(f, Field))
            return rule, words, changed
    return None


def _distance(packet: Packet, leaf: Match) -> float:
    """How far a number is from those that are wanted, as a part of all; other things are as far as can be."""
    if not isinstance(leaf, Field) or leaf.name == "proto" or FIELDS[leaf.name].labels:
        return 1.0
    value, wanted, domain = packet.get(leaf.name), leaf.values, FIELDS[leaf.name].domain
    if not isinstance(value, int) or not isinstance(wanted, Intervals) or not isinstance(domain, Intervals):
        return 1.0
    return min((abs(value - end) for pair in wanted.ranges for end in pair), default=domain.size) / domain.size


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
        if not isinstance(leaf, Field):
            return None
        old, values = packet.get(leaf.name), leaf.values
        if leaf.name == "proto" and isinstance(values, Intervals):
            values &= PORT_PROTOCOLS if isinstance(old, int) and old in PORT_PROTOCOLS else EMPTY
        if old is None:
            return None
        if isinstance(values, Masked):
            changes[leaf.name] = old & ~values.mask | values.value if isinstance(old, int) else values.value
        elif isinstance(values, Intervals):
            mine = values & whole(packet.family) if leaf.name in ("src", "dst") else values
            if not mine:
                return None
            changes[leaf.name] = mine.first
        elif values.exact and not values.negated:
            changes[leaf.name] = min(values.exact)
        else:
            return None
    dropped = ("flags", "tcp_options") if "proto" in changes else ()
    changed = Packet({name: value for name, value in {**packet.values, **changes}.items() if name not in dropped})
    try:
        whole_packet = complete(changed.values)
        return whole_packet if dropped or whole_packet == changed else None
    except ValueError:
        return None
