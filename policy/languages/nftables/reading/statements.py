"""Callbacks for statements: what stands in a rule."""

from __future__ import annotations

from typing import Any

from lark import Token

from policy.diagnostic import did_you_mean
from policy.languages.nftables.ast.command import Rule
from policy.languages.nftables.ast.expression import Binary, Expression, SetLiteral, Word
from policy.languages.nftables.ast.statement import (
    Assign,
    ConnectionCount,
    Limit,
    Log,
    Match,
    Meter,
    Nat,
    NoTrack,
    Object,
    Other,
    Queue,
    Quota,
    Reject,
    Reset,
    SetUpdate,
    Silent,
    Statement,
    VerdictMap,
)
from policy.languages.nftables.reading.base import Part, Parts, Refused, unescaped
from policy.languages.nftables.reading.expressions import Expressions

_RELATIONS: dict[str, Any] = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "not": "!"}
_BEGINS = (
    "accept add arp continue counter ct delete dnat drop dup ether exthdr fib frag fwd goto icmp icmpv6 igmp iif iifname ip ip6 jhash"
    " jump limit log mark masquerade meta meter mh notrack numgen oif oifname osf pkttype queue quota redirect reject return"
    " rt sctp skgid skuid snat socket srh symhash synproxy tcp th tproxy udp udplite update vlan"
).split()
"""What statements begin with, for hints."""
_OBJECTS = frozenset({"helper", "timeout", "expectation"})
_SIZED = frozenset({"bytes", "kbytes", "mbytes"})
_TIMES = frozenset({"second", "minute", "hour", "day", "week"})
_LEVELS = frozenset({"emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit"})


class Statements(Expressions):
    """The part of the callbacks that makes statements."""

    def rule(self, parts: Parts) -> Rule:
        statements = tuple(each for each in parts if each is not None and not isinstance(each, (Token, Word)))
        comment = parts[-1].text if isinstance(parts[-1], Word) else None
        return Rule(statements, comment, span=self.span(parts))

    def unknown(self, parts: Parts) -> None:
        word = self.name_of(parts[0])
        raise Refused(f"`{word.text}` begins no statement", word.span, did_you_mean(word.text, _BEGINS))

    # Comparisons

    def relation(self, parts: Parts) -> Token:
        token: Token = parts[0]
        return token

    def implied(self, parts: Parts) -> Match:
        return Match(parts[0], "", parts[1], span=self.span(parts))

    def related(self, parts: Parts) -> Match:
        left, sign, right = parts
        return Match(left, _RELATIONS.get(str(sign), str(sign)), right, span=self.span(parts))

    def masked_flags(self, parts: Parts) -> Part:
        return "masked", parts, self.span(parts)

    def masked(self, parts: Parts) -> Match:
        return self._masked(parts[0], "", parts[1], parts)

    def masked_related(self, parts: Parts) -> Match:
        left, sign, flags = parts
        return self._masked(left, _RELATIONS.get(str(sign), str(sign)), flags, parts)

    def _masked(self, left: Expression, operator: Any, flags: Part, parts: Parts) -> Match:
        value, mask = flags[1]
        masked = Binary("&", left, mask, span=self.span(parts))
        return Match(masked, operator, value, span=self.span(parts))

    def verdict_map(self, parts: Parts) -> VerdictMap:
        return VerdictMap(parts[0], parts[2], span=self.span(parts))

    def assign(self, parts: Parts) -> Statement:
        target, _, value = parts
        span = self.span(parts)
        if isinstance(value, SetLiteral):
            help = "a value is set, not a choice of several"
            raise Refused("a set stands where one value is expected", value.span, help)
        if target.kind == "ct" and target.words[0] in _OBJECTS and not target.words[1]:
            return Object(f"ct {target.words[0]}", value, span=span)
        return Assign(target, value, span=span)

    # What no verdict depends on, and what depends on memory

    def log(self, parts: Parts) -> Log:
        prefix = next((value for name, value, _ in parts[1:] if name == "prefix"), None)
        options = tuple((name, value) for name, value, _ in parts[1:] if name != "prefix")
        names = [name for name, _, _ in parts[1:]]
        for name, _, span in parts[1:]:
            if names.count(name) > 1 and name != "flags":
                raise Refused(f"`{name}` stands twice", span, "leave one out")
        self._fits(dict(options), parts)
        return Log(prefix, options, span=self.span(parts))

    def _fits(self, options: dict[str, str], parts: Parts) -> None:
        """A group takes what a listener does, a level what the kernel writes (nft_log.c)."""
        places = {name: span for name, _, span in parts[1:]}
        if options.get("level") == "audit" and len(places) > 1:
            other = next(span for name, span in places.items() if name != "level")
            raise Refused("`level audit` takes no other option of `log`", other, "leave it out")
        if "group" in options and ({"level", "flags"} & places.keys()):
            name = "level" if "level" in places else "flags"
            raise Refused(f"`{name}` and `group` exclude each other", places[name], "leave one of them out")

    def log_prefix(self, parts: Parts) -> Part:
        return "prefix", parts[1].text, self.span(parts)

    def log_level(self, parts: Parts) -> Part:
        level = str(parts[1])
        level = {"warning": "warn", "error": "err", "panic": "emerg"}.get(level, level)
        if level not in _LEVELS:
            help = did_you_mean(level, _LEVELS) or "one of " + ", ".join(sorted(_LEVELS))
            raise Refused(f"`{level}` is not a level", self.span(parts[1:]), help)
        return "level", level, self.span(parts)

    def log_number(self, parts: Parts) -> Part:
        return str(parts[0]), str(parts[1]), self.span(parts)

    def log_option(self, parts: Parts) -> Part:
        return "flags", parts[1][1], self.span(parts)

    def log_flags(self, parts: Parts) -> Part:
        return "flags", self.text_of(parts), self.span(parts)

    def limit(self, parts: Parts) -> Limit:
        body = parts[1]
        return Limit(body.rate, body.over, span=self.span(parts))

    def limit_packets(self, parts: Parts) -> Limit:
        _, over, _, unit, *burst = parts
        self._one_of(unit, _TIMES)
        last = unit if burst[0] is None else burst[-1]
        first = parts[2] if over is not None else parts[2]
        return Limit(self.text_of([first, last]), over == "over", span=self.span(parts))

    def limit_bytes(self, parts: Parts) -> Limit:
        _, over, first, unit, time, *burst = parts
        size, _, per = str(unit).partition("/")
        self._one_of(unit, _SIZED, size)
        if time is not None:
            raise Refused(f"`{unit} / {time}` is written without spaces", self.span([unit, time]), f"`{unit}/{time}`")
        self._one_of(unit, _TIMES, per)
        if burst[0] is not None:
            self._one_of(burst[2], _SIZED)
        last = unit if burst[0] is None else burst[-1]
        return Limit(self.text_of([first, last]), over == "over", span=self.span(parts))

    def _one_of(self, token: Token, known: frozenset[str], word: str | None = None) -> None:
        word = str(token) if word is None else word
        if word not in known:
            help = did_you_mean(word, known) or "one of " + ", ".join(sorted(known))
            raise Refused(f"`{word}` is not a unit here", self.span([token]), help)

    def quota(self, parts: Parts) -> Quota:
        body = parts[1]
        return Quota(body.size, body.over, span=self.span(parts))

    def quota_body(self, parts: Parts) -> Quota:
        over, number, unit, _, _, used = parts
        self._one_of(unit, _SIZED)
        if used is not None:
            self._one_of(used, _SIZED)
        return Quota(self.text_of([number, unit]), over == "over", span=self.span(parts))

    def counter(self, parts: Parts) -> Silent:
        return Silent("counter", span=self.span(parts))

    def last(self, parts: Parts) -> Silent:
        tokens = [each if isinstance(each, Token) else None for each in parts]
        return Silent("last", span=self.span(tokens))

    def count(self, parts: Parts) -> ConnectionCount:
        return ConnectionCount(self.number_of(parts[3]), parts[2] == "over", span=self.span(parts))

    def object(self, parts: Parts) -> Object:
        return Object(str(parts[0]), parts[2], span=self.span(parts))

    def notrack(self, parts: Parts) -> NoTrack:
        return NoTrack(span=self.span(parts))

    # Verdicts with more to say, NAT

    def reject(self, parts: Parts) -> Reject:
        kind, code = parts[2] if parts[2] is not None else (None, None)
        last = parts[1] if code is None else code
        return Reject(kind, code, span=self.span([parts[0], *([] if kind is None else [last])]))

    def reject_with(self, parts: Parts) -> Any:
        if len(parts) == 2 and parts[0] == "tcp":
            return "tcp reset", Word("reset", span=self.span(parts))
        return str(parts[0]), parts[-1]

    def nat(self, parts: Parts) -> Nat:
        kind, family, form, _, target, flags = parts
        flags = flags or ()
        if form == "prefix":
            flags = (*flags, "netmap")
        return self._nat(kind, family, target, flags, parts[:-1])

    def nat_old(self, parts: Parts) -> Nat:
        return self._nat(parts[0], None, parts[1], parts[2] or (), parts[:-1])

    def _nat(self, kind: Any, family: Any, target: Part | None, flags: Any, parts: Parts) -> Nat:
        address, port = target[1] if target is not None else (None, None)
        kind, family = str(kind), None if family is None else str(family)
        return Nat(kind, family, address, port, tuple(flags), span=self.span(parts))

    def masquerade(self, parts: Parts) -> Nat:
        word, _, port, flags = parts
        target = None if port is None else ("target", (None, port), port.span)
        return self._nat(word, None, target, flags or (), parts[:-1])

    redirect = masquerade

    def tproxy(self, parts: Parts) -> Nat:
        return self._nat(parts[0], parts[1], parts[3], (), parts)

    def nat_target(self, parts: Parts) -> Part:
        return "target", (parts[0], parts[1]), self.span(parts)

    def nat_port(self, parts: Parts) -> Part:
        return "target", (None, parts[0]), self.span(parts)

    def bracketed(self, parts: Parts) -> Any:
        return parts[0]

    def nat_flags(self, parts: Parts) -> tuple[str, ...]:
        return tuple(parts)

    def nat_flag(self, parts: Parts) -> str:
        return str(parts[0])

    def queue(self, parts: Parts) -> Queue:
        _, _, flags, _, target = parts
        return self._queue(flags or (), target, parts)

    def queue_num(self, parts: Parts) -> Queue:
        return self._queue(tuple(parts[3:]), parts[2], parts[:3])

    def queue_flagged(self, parts: Parts) -> Queue:
        return self._queue(parts[1], None, parts[:1])

    def _queue(self, flags: tuple[str, ...], target: Expression | None, parts: Parts) -> Queue:
        if isinstance(target, SetLiteral):
            raise Refused("a set stands where a queue is expected", target.span, "write a number or a range")
        parts = [each for each in parts if not isinstance(each, (tuple, str)) or isinstance(each, Token)]
        return Queue("bypass" in flags, target, flags, span=self.span(parts))

    def queue_flags(self, parts: Parts) -> tuple[str, ...]:
        return tuple(parts)

    queue_flag = nat_flag

    # Sets and objects

    def set_update(self, parts: Parts) -> SetUpdate:
        operation: Any = str(parts[0])
        found: dict[str, Any] = {}
        statements, value = [], None
        for each in parts[4:-1]:
            if each is None:
                continue
            if not isinstance(each, tuple):
                value = each
            elif each[0] == "statement":
                statements.append(each[1])
            else:
                found[each[0]] = each[1]
        timeout = found.get("timeout")
        return SetUpdate(operation, parts[1].name, parts[3], value, timeout, tuple(statements), span=self.span(parts))

    def set_update_old(self, parts: Parts) -> SetUpdate:
        operation: Any = str(parts[1])
        return SetUpdate(operation, parts[-1].name, parts[2], timeout=parts[4], span=self.span(parts))

    def meter(self, parts: Parts) -> Meter:
        _, name, _, size, _, key, *rest = parts
        statements = tuple(each for each in rest[2:-1] if each is not None)
        return Meter(name.text, key, statements, self.number_of(size) if size else None, span=self.span(parts))

    def dup(self, parts: Parts) -> Other:
        return Other("dup", self.text_of(parts), span=self.span(parts))

    def fwd(self, parts: Parts) -> Other:
        return Other("fwd", self.text_of(parts), span=self.span(parts))

    def synproxy(self, parts: Parts) -> Other:
        spans = [parts[0], *parts[1:]]
        return Other("synproxy", self.text_of(spans), span=self.span(spans))

    def synproxy_option(self, parts: Parts) -> Part:
        return "option", str(parts[0]), self.span(parts)

    def flow(self, parts: Parts) -> Object:
        reference = parts[2]
        return Object("flow", Word(reference.name, span=reference.span), span=self.span(parts))

    def xt(self, parts: Parts) -> Other:
        return Other(f"xt {parts[1]}", unescaped(parts[2]), span=self.span(parts))

    def reset(self, parts: Parts) -> Reset:
        return Reset(parts[1], span=self.span(parts))
