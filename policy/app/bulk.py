"""Many packets against one rule set: JSON lines in, JSON lines out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NoReturn

from policy._record import dataclass
from policy.app.answer import Asking, PacketAnswer
from policy.app.hooks import Hooks
from policy.app.problem import CannotAnswer
from policy.diagnostic import did_you_mean
from policy.evaluate import Decision, Index, decide, is_implied
from policy.ir import Allow, Block, Field, Reject, Rule, Ruleset
from policy.joined import with_unseen
from policy.netfilter import LANGUAGES
from policy.packet import FIELDS, HOOKS, Packet, Value, complete
from policy.packet.address import LOOPBACK
from policy.packet.codec import values_from_json
from policy.routing import ending, without_martians

LONGEST_LINE = 1 << 16
"""A longer line, in bytes, is an error: a packet takes a few hundred."""

_LONGEST_MESSAGE = 400
_NEEDED = ("src", "dst", "proto")
_ACTIONS = {Allow: "accept", Block: "drop", Reject: "reject"}
_BOM = b"\xef\xbb\xbf"

Row = dict[str, Any]
"""One line of the output: `id`, `verdict`, `action` and `line`, or `id` and `error`."""


class _Wrong(Exception):
    """A line that says no packet; `str()` says why."""


@dataclass(frozen=True, slots=True)
class _Side:
    """A set of rules, and what is worked out of it once."""

    ruleset: Ruleset
    hooks: Hooks
    index: Index
    routed: Mapping[tuple[bool, bool], Ruleset]
    """The same with what the routing drops: for packets that say their TTL, and for those with loopback addresses."""

    def where(self, values: Mapping[str, Value]) -> tuple[int | None, ...]:
        """Return the hooks that a packet is asked at: the one that it names, else those that it may be at."""
        hook = values.get("hook")
        return (hook,) if isinstance(hook, int) else self.hooks.asked(values)


@dataclass(frozen=True, slots=True)
class Asked:
    """A packet that was asked about, at the first hook that it may be at."""

    ruleset: Ruleset
    answer: PacketAnswer


class Bulk:
    """Answers packet after packet; what can be worked out once is.

    Packets of the other IP version are for the *counterpart*, if there is one: the answers then say the `file`, too.
    """

    def __init__(self, ruleset: Ruleset, asking: Asking, counterpart: Ruleset | None = None) -> None:
        pair = with_unseen((ruleset,) if counterpart is None else (ruleset, counterpart))
        self._sides = tuple(_side(each, Hooks(each, asking.host, pair)) for each in pair)
        self._assume = asking.assume
        self._several = counterpart is not None

    def answers(self, lines: BinaryIO) -> Iterator[Row]:
        """Yield the answer for each line that is not blank; in bounded memory, however many and long they are."""
        yield from (row for row, _ in self.answered(lines))

    def answered(self, lines: BinaryIO) -> Iterator[tuple[Row, Asked | None]]:
        """Yield the same with the packets that were asked about, None where a line says none."""
        first = True
        while line := lines.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                _skip_line(lines)
                yield {"id": None, "error": f"the line is longer than {LONGEST_LINE} bytes"}, None
            elif line := (line.removeprefix(_BOM) if first else line).strip():
                yield self._answered(line)
            first = False

    def answer(self, line: bytes) -> Row:
        """Return the answer for one packet, or what is wrong with the line."""
        return self._answered(line)[0]

    def _answered(self, line: bytes) -> tuple[Row, Asked | None]:
        name = None
        try:
            given = _object(line)
            name = _name(given)
            rule, asked = self._decide(given)
        except (_Wrong, CannotAnswer, ValueError) as error:
            return {"id": name, "error": _message(error)}, None
        decision = asked.answer.decision
        file = {"file": rule.span.source.name if rule else None} if self._several else {}
        row = {
            "id": name,
            "verdict": decision.verdict,
            "action": _ACTIONS.get(type(decision.action)),
            **file,
            "line": rule.span.line if rule else None,
        }
        return row, asked

    def _decide(self, given: Mapping[str, Any]) -> tuple[Rule | None, Asked]:
        """Return the decision, and the rule of a text that takes it at every hook of the packet, if one does."""
        _check(given)
        values = values_from_json({key: value for key, value in given.items() if key != "id"})
        side = self._side(Packet(values).family)
        (hook, *others) = side.where(values)
        answer = self._decide_at(side, hook, values)
        first = answer.decision
        same_rule = True
        for other in others:
            decision = self._decide_at(side, other, values).decision
            if (decision.verdict, decision.action) != (first.verdict, first.action):
                hooks = " or ".join(f"`{HOOKS[each]}`" for each in (hook, *others) if each is not None)
                raise _Wrong(f"the answer is not the same at every hook: say `hook`, {hooks}")
            same_rule = same_rule and decision.rule is first.rule
        said = same_rule and not is_implied(first, side.routed[True, True])
        return first.rule if said else None, Asked(side.ruleset, answer)

    def _side(self, family: int) -> _Side:
        for side in self._sides:
            if family in side.ruleset.families:
                return side
        raise _Wrong(f"these rules do not speak of IPv{family}")

    def _decide_at(self, side: _Side, hook: int | None, values: Mapping[str, Value]) -> PacketAnswer:
        packet = complete(values if hook is None else {**values, "hook": hook})
        loopback = any(packet.test(name, LOOPBACK) is True for name in ("src", "dst"))
        ruleset = side.routed["ttl" in values, loopback]
        decision = decide(ruleset, packet, assume=self._assume, index=side.index)
        if decision.verdict == "mixed":
            raise _Wrong(_missing(packet, decision))
        return PacketAnswer("first", packet, (), decision)


def _side(ruleset: Ruleset, hooks: Hooks) -> _Side:
    linux = ruleset.language in LANGUAGES
    some = {False: ruleset, True: ending(ruleset) if linux else ruleset}
    routed = {
        (ttl, loopback): without_martians(each) if loopback and linux else each
        for ttl, each in some.items()
        for loopback in (False, True)
    }
    return _Side(ruleset, hooks, Index(), routed)


def _skip_line(lines: BinaryIO) -> None:
    while (rest := lines.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


def _missing(packet: Packet, decision: Decision) -> str:
    """Name the fields that the packet leaves open and the rules ask for."""
    asked = dict.fromkeys(atom.name for atom in decision.open if isinstance(atom, Field))
    names = ", ".join(f"`{name}`" for name in asked if not isinstance(packet.get(name), int | str))
    return f"the rules treat such packets differently: say {names}"


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line.decode("utf-8"), object_pairs_hook=_without_doubles, parse_constant=_not_json)
    except UnicodeDecodeError:
        raise _Wrong("the line is not UTF-8") from None
    except RecursionError:
        raise _Wrong("the line is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _Wrong(f"the line is not JSON: {error.msg[:1].lower()}{error.msg[1:]} in column {error.colno}") from None
    except ValueError:
        raise _Wrong("the line has a number that is too long") from None
    if not isinstance(found, dict):
        raise _Wrong('the line is not a JSON object, `{"src": …}`')
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise _Wrong(f"`{double}` stands twice")
    return found


def _not_json(text: str) -> NoReturn:
    raise _Wrong(f"`{text}` is not a JSON value")


def _name(given: Mapping[str, Any]) -> str | int | float | None:
    name = given.get("id")
    if name is None or (isinstance(name, str | int) and not isinstance(name, bool)):
        return name
    if isinstance(name, float) and name - name == 0:
        return name
    raise _Wrong("the `id` must be a text or a number")


def _check(given: Mapping[str, Any]) -> None:
    """Raise `_Wrong` for keys that are unknown or missing."""
    for key in given:
        if key not in FIELDS and key != "id":
            hint = did_you_mean(key, (*FIELDS, "id"))
            raise _Wrong(f"there is no field `{key[:80]}`" + (f": {hint}" if hint else ""))
    for key in _NEEDED:
        if given.get(key) is None:
            raise _Wrong(f"the {FIELDS[key].title} (`{key}`) is missing")


def _message(error: Exception) -> str:
    help = getattr(error, "help", None)
    text = f"{error}: {help}" if help else str(error)
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
