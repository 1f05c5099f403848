"""The packets that follow the first ones of connections, where rules have rewritten those: as sets of first packets.

The reply is the mirror of the first packet as it left, and connection tracking undoes in it what was done to that; the
next packet gets what the first one got (`packet.connection.known` says so of single connections).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from policy.evaluate.looks import looks_at
from policy.ir import Block, Rewrite, Ruleset
from policy.packet import ANY_NAME, FIELDS, FORWARD, INPUT, OUTPUT, ROUTING, Packet, Value, complete
from policy.packet.connection import BACK, known
from policy.packet.fields import UNTRACKED, losing
from policy.packet.packet import has
from policy.reach.course import add
from policy.reach.effects import changed_fields
from policy.reach.flow import Flow
from policy.reach.roles import View
from policy.sets.now import Due, Now
from policy.sets.truth import S, Sets

_TO, _BY = ("dst", "dport"), ("src", "sport")
_LEFT = frozenset({*_TO, *_BY, "in", "out"})
_MARKS = frozenset({"ctmark", "ctstatus"})


def kept(ruleset: Ruleset) -> frozenset[str]:
    """Return the fields of first packets, as they leave, that matter for those that follow; none without changes."""
    changed = frozenset[str]().union(*(changed_fields(policy.rules) for policy in ruleset.policies.values()))
    marks = _MARKS if not changed.isdisjoint(_MARKS) and looks_at(ruleset, *_MARKS) else frozenset()
    marks |= changed & {"state"}
    return marks if changed.isdisjoint(_LEFT) else _LEFT | marks


def marked(ruleset: Ruleset) -> frozenset[str]:
    """Return the fields of what follows, as it leaves, that matter behind it: the mark, where rules change it."""
    return kept(ruleset) & {"ctmark"}


def diverted(first: Flow[S, Any]) -> S:
    """Return the packets that may leave at another hook than where they came, of a flow with what is `kept`."""
    ways = (packets for now, packets in first.finals.items() if now.hook != first.sets.hook)
    return first.sets.union(packets.some() for packets in ways)


def following(
    ruleset: Ruleset,
    plain: View[S, Any],
    first: Flow[S, Any],
    going: S,
    assume: Mapping[str, bool] | None = None,
    most: int | None = None,
    earlier: Flow[S, Any] | None = None,
) -> Flow[S, Any]:
    """Return what becomes of the packets that follow in the connections *going*, whose *first* packets may pass.

    *plain* is the view of them where no rule rewrites the first ones, *earlier* what became of those that came before,
    if any did. Where an action that is not modelled let a
    first packet pass, those that follow may pass, or may not.
    """
    found = _following(ruleset, plain, first, going, assume, most, earlier)
    for end, packets in first.passes.items():
        if unclear := first.possible(packets) & going:
            found.forked = True
            add(found.allows, {end: unclear})
            add(found.blocks, {replace(end, action=Block()): unclear})
    return found


def _following(
    ruleset: Ruleset,
    plain: View[S, Any],
    first: Flow[S, Any],
    going: S,
    assume: Mapping[str, bool] | None,
    most: int | None,
    earlier: Flow[S, Any] | None,
) -> Flow[S, Any]:
    sets: Sets[S, Any] = plain.sets
    ways: dict[object, tuple[View[S, Any], dict[Any, S]]] = {}
    sent = plain.firsts[0].get("hook") == OUTPUT
    for now, packets in first.finals.items():
        left: Now[Any] = now
        names = {name for name, _ in left.changed}
        to, by = (not names.isdisjoint(side) for side in (_TO, _BY))
        aside = "ctstatus" in left.lost
        looped = sent and left.hook == INPUT
        key = (left.hook, to, by, aside) if to or by or aside or looped else None
        if key not in ways:
            ways[key] = (plain if key is None else _view(plain, left.hook, to, by, aside)), {}
        view, starts = ways[key]
        start = _start(view, left, to, by, sent)
        here = (packets & going).apart_from(*view.open)
        if by and left.hook == INPUT and view.role in BACK:
            start, picked = view.changed(start, Rewrite((("out", ANY_NAME),)))
            here = here & picked
        for begun, some in _behind(earlier, start, here) if earlier and not aside else ((start, here),):
            if some:
                starts[begun] = starts[begun] | some if begun in starts else some
    if ways.keys() <= {None} and all(starts.keys() <= {plain.original} for _, starts in ways.values()):
        within = going.apart_from(*plain.open)
        return Flow(ruleset, plain, within, assume, passing=False, most=most, kept=marked(ruleset))
    flows = []
    for view, starts in ways.values():
        within = going.apart_from(*view.open) & sets.union(starts.values()).some()
        flows.append(Flow(ruleset, view, within, assume, passing=False, starts=starts, kept=marked(ruleset)))
    return Flow.joined(flows)


def _behind(earlier: Flow[S, Any], start: Now[Any], here: S) -> Iterator[tuple[Now[Any], S]]:
    """Yield packets as they arrive behind an *earlier* one, with the mark that this leaves the connection."""
    for now, packets in earlier.finals.items():
        after: Now[Any] = now
        yield start.with_field("ctmark", after.get("ctmark")), here & packets.some()


def _view(plain: View[S, Any], hook: int | None, to: bool, by: bool, aside: bool) -> View[S, Any]:
    """Return the view of packets that follow such that have been rewritten, or not tracked, and left at a *hook*."""
    first, role = plain.firsts[0], plain.role
    left = _left(first, hook)
    rewritten = {*(_TO if to else ()), *(_BY if by else ()), *(("in",) if hook != first.get("hook") else ())}
    gone = left.with_values({"state": UNTRACKED}) if aside else left
    (other,) = (each.packet for each in known(first, gone, rewritten) if each.role == role)
    looped = first.get("hook") == OUTPUT and hook == INPUT
    return View(plain.sets, role, [left if role in BACK and (looped or not aside) else first], [other])


def _left(first: Packet, hook: int | None) -> Packet:
    """Return a box of first packets as it is at the hook where they leave, apart from what was rewritten."""
    if hook == first.get("hook"):
        return first
    values: dict[str, Value] = {**first.values, **({} if hook is None else {"hook": hook})}
    for name in ("in", "out", "mac", "uid", "gid"):
        if not has(values, name):
            values.pop(name, None)
        elif name not in values:
            values[name] = FIELDS[name].domain  # type: ignore[assignment] # no domain is a mask
    return complete(values)


def _start(view: View[S, Any], left: Now[Any], to: bool, by: bool, sent: bool) -> Now[Any]:
    """Return packets that follow as they arrive, where the first ones *left* so, with what is due to them.

    *sent*: the host has sent the first ones.
    """
    marks = tuple(item for item in left.changed if item[0] in _MARKS)
    if "ctstatus" in left.lost:
        state = view.others[0].get("state")
        by_lo = tuple(item for item in left.changed if item[0] == "in")
        looped = sent and left.hook == INPUT and view.role in BACK
        alone: Now[Any] = view.seen(Now(left.hook, left.like, by_lo)) if looped else view.original
        return alone.without(losing(state)) if isinstance(state, int) else alone
    if not (to or by or (sent and left.hook == INPUT)):
        plain: Now[Any] = view.seen(Now(left.hook, left.like, marks))
        return plain
    only = Now(left.hook, left.like, tuple(item for item in left.changed if item[0] in _LEFT | _MARKS))
    if view.role in BACK:
        start: Now[Any] = view.seen(only)
        back = (("out", "in"),) if left.hook == FORWARD else ()
        hook = FORWARD if back else ROUTING if left.hook == INPUT else None
        aside = ROUTING if left.hook in (FORWARD, OUTPUT) else None
        undone: Due[Any] = Due("dst", hook, (*back, ("dst", "src"), ("dport", "sport")), aside)
        hidden: Due[Any] = Due("src", None, (("src", "dst"), ("sport", "dport")))
        due = (*((undone,) if by else ()), *((hidden,) if to else ()))
    else:
        start = view.seen(Now(left.hook, left.like, marks))
        # The rest of the chains of OUTPUT sees the former interface.
        way = ("out", *_TO) if left.has("out") and not sent else _TO
        redirected: Due[Any] = Due("dst", ROUTING if sent else left.hook, tuple((name, left.get(name)) for name in way))
        masked: Due[Any] = Due("src", None, tuple((name, left.get(name)) for name in _BY))
        due = (*((redirected,) if to else ()), *((masked,) if by else ()))
    return Now(start.hook, start.like, start.changed, due)
