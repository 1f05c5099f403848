"""What the single statements of a rule ask and do: verdicts, logs, limits, sets that rules fill, and all else.

Sources: nft(8), STATEMENTS; the kernel's nft_reject.c, nft_ct.c (nft_notrack_eval), nft_dynset.c, nft_exthdr.c,
nft_limit.c, nft_connlimit.c, nft_quota.c, nft_synproxy.c. What cannot be had from a packet makes a rule be passed over
(NFT_BREAK), so what a statement reads is a condition too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from policy.diagnostic import did_you_mean
from policy.ir import (
    EVERYTHING,
    Action,
    All,
    Allow,
    Block,
    Either,
    Field,
    Goto,
    Jump,
    Log,
    Match,
    Not,
    Note,
    Opaque,
    Return,
    Set,
    Unknown,
    UnknownAction,
    all_of,
    either_of,
    negated,
)
from policy.languages.nftables import matches
from policy.languages.nftables.assign import assigned
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.context import Context
from policy.languages.nftables.guards import TCP_HEADER
from policy.languages.nftables.reject import rejected
from policy.languages.nftables.translate import translated
from policy.languages.nftables.ways import GOES_ON, Way, does, only
from policy.nat import REWRITES
from policy.packet import INVALID, UNTRACKED, Intervals
from policy.source import Span

_LIMITS = (s.Limit, s.Quota, s.ConnectionCount)


def key_of(*parts: str) -> str:
    """Return a key for `--assume`: words joined by colons, without spaces."""
    return ":".join("-".join(part.split()) for part in parts if part)


def called(name: str, context: Context) -> str:
    """Return the name of the policy of a chain of the table."""
    return f"{context.table.family} {context.table.name} {name}"


def lowered(  # noqa: C901 # one case for each statement
    context: Context, statement: s.Statement
) -> tuple[Way, ...]:
    """Return the ways that a statement may take; mistakes go to the context."""
    match statement:
        case s.Match():
            return only(_told(matches.condition(context, statement), statement))
        case e.Verdict():
            return _verdict(context, statement)
        case s.VerdictMap(key, map_, span=span):
            found = matches.branches(context, key, map_, span)
            return tuple(Way(match, _action(context, value)) for match, value in found if isinstance(value, e.Verdict))
        case s.Reject():
            return rejected(context, statement)
        case s.Log(prefix):
            return does(Log(prefix))
        case s.Limit() | s.Quota() | s.ConnectionCount():
            return only(_limited(statement))
        case s.Silent():
            return GOES_ON
        case s.Object():
            return _object(context, statement)
        case s.NoTrack():
            return _untracked(context)
        case s.Assign() | s.Reset():
            return _guarded(context, statement)
        case s.Nat():
            return translated(context, statement)
        case s.Queue():
            return _queue("" if statement.target is None else statement.target.span.text)
        case s.SetUpdate(operation, name, key, _, _, statements):
            return _remembered(context, f"{operation} @{name}", key, statements)
        case s.Meter(name, key, statements):
            return _remembered(context, f"meter {name}", key, statements)
        case s.Other():
            return _other(statement)
        case _:
            assert_never(statement)


def _told(match: Match, statement: s.Match) -> Match:
    """Return a condition whose fields are told by what they are compared with, as it is written."""
    old = statement.left.left.span if isinstance(statement.left, e.Binary) else statement.left.span
    new = None if isinstance(statement.left, e.Concat) else statement.right.span

    def told(part: Match) -> Match:
        match part:
            case Field(span=span) if span is not None and (new is None or span == old):
                return replace(part, span=new)
            case All(parts):
                return replace(part, parts=tuple(map(told, parts)))
            case Either(parts):
                return replace(part, parts=tuple(map(told, parts)))
            case Not(inner):
                return replace(part, part=told(inner))
        return part

    return told(match)


def _action(context: Context, verdict: e.Verdict) -> tuple[Action, ...]:
    match verdict.kind:
        case "accept":
            return (Allow(),)
        case "drop":
            return (Block(),)
        case "continue":
            return ()
        case "return":
            return (Return(),)
        case "queue":
            return (UnknownAction("queue: a program decides", "queue", frozenset({"allow", "block"})),)
    name, span = chain_of(verdict)
    if name is None or name not in context.table.chains:
        help = did_you_mean(name or "", context.table.chains) or "declare it in the table"
        message = f"the table `{context.table.name}` has no chain `{name}`"
        context.mistakes.add("FW701", message, span, help)
        return ()
    if verdict.kind == "jump":
        return (Jump(called(name, context), span=span),)
    return (Goto(called(name, context), span=span),)


def chain_of(verdict: e.Verdict) -> tuple[str | None, Span]:
    """Return the name of the chain that a verdict leads to, and its place."""
    if isinstance(verdict.chain, e.Word):
        return verdict.chain.text, verdict.chain.span
    return None, verdict.span


def _queue(target: str) -> tuple[Way, ...]:
    return does(UnknownAction("queue: a program decides", key_of("queue", target), frozenset({"allow", "block"})))


def _verdict(context: Context, verdict: e.Verdict) -> tuple[Way, ...]:
    return does(*_action(context, verdict))


def _limited(statement: s.Limit | s.Quota | s.ConnectionCount) -> Unknown:
    match statement:
        case s.Limit(rate, over):
            text, key = f"limit rate {'over ' * over}{rate}", "limit"
        case s.Quota(size, over):
            text, key = f"quota {'over ' * over}{size}", "quota"
        case s.ConnectionCount(count, over):
            text, key = f"ct count {'over ' * over}{count}", "ct-count"
    words = text.split()[-1] if isinstance(statement, s.ConnectionCount) else text.split(" ", 2 - (key == "quota"))[-1]
    return Unknown(text, key_of(key, words), pure=False, span=statement.span)


def _object(context: Context, statement: s.Object) -> tuple[Way, ...]:
    name = statement.name
    guard: Match = EVERYTHING
    if isinstance(name, e.Lookup):
        guard = either_of(*(match for match, _ in matches.branches(context, name.key, name.map, statement.span)))
    text = statement.span.text
    match statement.kind:
        case "limit" | "quota":
            word = name.text if isinstance(name, e.Word) else text
            unknown = Unknown(f"{statement.kind} {word}", key_of(statement.kind, word), pure=False, span=statement.span)
            return only(all_of(guard, unknown))
        case "synproxy":
            return (Way(guard, (UnknownAction(text, key_of("synproxy"), _synproxy()),)),)
        case "counter":
            return only(guard)
    return (Way(guard, (Note(text),)),)


def _synproxy() -> frozenset[str]:
    return frozenset({"allow", "block", "continue"})


def _untracked(context: Context) -> tuple[Way, ...]:
    """Return what `notrack` does: only to packets that connection tracking has not seen, or has not taken."""
    if context.tracked is False:
        return does(Set("state", UNTRACKED))
    if context.tracked is None:
        return does(UnknownAction("notrack, perhaps before connection tracking", "notrack", REWRITES))
    invalid = Field("state", Intervals.of(INVALID))
    return (Way(invalid, (Set("state", UNTRACKED),)), Way(negated(invalid)))


def _guarded(context: Context, statement: s.Assign | s.Reset) -> tuple[Way, ...]:
    if isinstance(statement, s.Assign):
        return assigned(context, statement)
    return (Way(TCP_HEADER, (Set("tcp_options", None), Note(statement.span.text))),)


def _remembered(context: Context, text: str, key: e.Expression, statements: tuple[s.Statement, ...]) -> tuple[Way, ...]:
    """Return what the filling of a set does: it goes on if there is a key, and if what stands behind that holds."""
    parts = [matches.present(context, key)]
    for each in statements:
        if isinstance(each, _LIMITS):
            limit = _limited(each)
            of = f"{text}: {limit.text}"
            parts.append(Unknown(of, key_of(text.replace(" @", ":"), limit.key), pure=False, span=each.span))
        elif isinstance(each, s.Object) and each.kind in ("limit", "quota"):
            parts.append(Unknown(f"{text}: {each.span.text}", key_of(text, each.span.text), pure=False, span=each.span))
    return (Way(all_of(*parts), (Note(text),)),)


def _other(statement: s.Other) -> tuple[Way, ...]:
    kind, text = statement.kind, statement.text or statement.kind
    if kind == "xt match":
        name = text.replace("xt match", "").strip().strip('"') or "xt"
        unknown = Unknown(text, key_of("xt", name), pure=False, opaque=Opaque("match", name), span=statement.span)
        return only(unknown)
    if kind == "xt target":
        name = text.replace("xt target", "").strip().strip('"') or "xt"
        return does(UnknownAction(text, key_of("xt", name), REWRITES | {"allow"}, opaque=Opaque("target", name)))
    if kind == "dup":
        return does(Note(text))
    outcomes = frozenset({"block"}) if kind == "fwd" else _synproxy()
    return does(UnknownAction(text, key_of(*text.split()[:2]), outcomes))
