"""Builds rules while lark parses them: one method per rule of `grammar/nftables.lark`."""

from __future__ import annotations

from typing import Any

from lark import Token

from policy._record import dataclass
from policy.languages.nftables.ast.command import Rule
from policy.languages.nftables.ast.expression import Binary, Prefix, Range, Selector
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
    VerdictMap,
)
from policy.languages.nftables.reader.expression import ExpressionReader, Masked, milliseconds, number
from policy.source import Span

_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}
_OBJECTS = ("helper", "timeout", "expectation")


class StatementReader(ExpressionReader):
    """The callbacks of rules."""

    def rule(self, parts: list[Any]) -> Rule:
        *statements, last = parts
        comment = None
        if isinstance(last, tuple):
            comment = last[1]
        elif isinstance(last, Token):
            comment = self.text(last)
            statements = statements[:-1]
        elif last is not None:
            statements.append(last)
        return Rule(tuple(each for each in statements if each is not None), comment, span=self.place)

    def match(self, parts: list[Any]) -> Match:
        left, *operator, right = parts
        said = str(operator[0]) if operator else ""
        span = left.span.to(right.span)
        if isinstance(right, Masked):
            masked = Binary("&", left, right.mask, span=left.span.to(right.mask.span))
            return Match(masked, _OPERATORS.get(said, said) or "==", right.value, span=span)  # type: ignore[arg-type]
        return Match(left, _OPERATORS.get(said, said), right, span=span)  # type: ignore[arg-type]

    def match_none(self, parts: list[Any]) -> Match:
        left, right = parts
        return Match(left, "!", right, span=left.span.to(right.span))

    def vmap(self, parts: list[Any]) -> VerdictMap:
        key, _, where = parts
        where = self.node(where)
        return VerdictMap(key, where, span=key.span.to(where.span))

    def assign(self, parts: list[Any]) -> Any:
        target, _, value = parts
        span = target.span.to(value.span)
        if target.kind == "ct" and target.words[0] in _OBJECTS:
            return Object(f"ct {target.words[0]}", value, span=span)
        if target == Selector("meta", ("secmark",)):
            return Object("secmark", value, span=span)
        return Assign(target, value, span=span)

    def reject(self, parts: list[Any]) -> Reject:
        word, _, *how = parts
        said = [part for part in how if part is not None]
        if not said:
            return Reject(span=self.span(word))
        kind = str(said[0])
        if kind == "tcp":
            return Reject("tcp reset", span=self.span(word, said[-1]))
        return Reject(kind, self.node(said[-1]), span=self.span(word, said[-1]))

    def log(self, parts: list[Any]) -> Log:
        word, *options = parts
        prefix = next((text for name, text, _ in options if name == "prefix"), None)
        others = tuple((name, text) for name, text, _ in options if name != "prefix")
        return Log(prefix, others, span=self.span(word, *(token for _, _, token in options)))

    def log_prefix(self, parts: list[Any]) -> Any:
        return "prefix", self.text(parts[1]), parts[1]

    def log_word(self, parts: list[Any]) -> Any:
        said = [part for part in parts[1:] if part is not None]
        return str(parts[0]), " ".join(map(str, said)), said[-1]

    def limit(self, parts: list[Any]) -> Limit:
        word, _, over, rate, _, burst, unit = parts
        text = rate[0] + (f" burst {burst}" if burst is not None else "") + (f" {unit}" if unit is not None else "")
        return Limit(text, str(over) == "over", span=self.span(word, rate[1], burst, unit))

    def rate(self, parts: list[Any]) -> Any:
        said = [str(part) for part in parts if part is not None]
        last = next(part for part in reversed(parts) if part is not None)
        if len(said) == 3:
            return f"{said[0]} {said[1]}/{said[2]}", last
        return (f"{said[0]} {said[1]}" if "/" in said[1] else f"{said[0]}/{said[1]}"), last

    def quota(self, parts: list[Any]) -> Quota:
        word, over, size, unit, _, used, used_unit = parts
        text = f"{size} {unit}" + (f" used {used} {used_unit}" if used is not None else "")
        return Quota(text, str(over) == "over", span=self.span(word, unit, used_unit))

    def counter(self, parts: list[Any]) -> Silent:
        return Silent("counter", span=self.span(*parts))

    def connections(self, parts: list[Any]) -> ConnectionCount:
        _, _, over, count = parts
        return ConnectionCount(number(count), over is not None, span=self.span(*parts))

    def object(self, parts: list[Any]) -> Object:
        kind, how, name = parts
        name = self.node(name)
        text = "flow" if str(kind) == "flow" else str(kind)
        return Object(text, name, span=self.span(kind, how, name))

    def nat(self, parts: list[Any]) -> Nat:
        kind, *rest = parts
        family = next((str(p) for p in rest if isinstance(p, Token) and p.type in ("IP", "IP6")), None)
        flags = next((p.words for p in rest if isinstance(p, _Flags)), ())
        kinds = [p.words for p in rest if isinstance(p, _Kind)]
        target = next((p for p in rest if isinstance(p, _Target)), None)
        plain = [p for p in rest if p is not None and not isinstance(p, _Flags | _Kind | _Target | Token)]
        plain += [p for p in rest if isinstance(p, Token) and p.type not in ("IP", "IP6", "TO")]
        if target is None and plain:
            target = _Target(self.node(plain[0]), None, self.node(plain[0]).span)
        flags = (*flags, *(("netmap",) if ("prefix",) in kinds else ()))
        spans = [each.span for each in (target,) if each is not None]
        end = spans[-1] if spans else self.span(kind)
        end = next((p.span for p in rest if isinstance(p, _Flags)), end)
        address, port = (None, None) if target is None else (target.address, target.port)
        return Nat(str(kind), family, address, port, flags, span=self.span(kind).to(end))  # type: ignore[arg-type]

    def nat_kind(self, parts: list[Any]) -> _Kind:
        return _Kind(tuple(map(str, parts)))

    def nat_flags(self, parts: list[Any]) -> _Flags:
        return _Flags(tuple(map(str, parts)), self.span(*parts))

    def target(self, parts: list[Any]) -> _Target:
        address, port = parts
        return _Target(address, port, address.span if port is None else address.span.to(port.span))

    def only_port(self, parts: list[Any]) -> _Target:
        return _Target(None, parts[0], parts[0].span)

    def bracketed(self, parts: list[Any]) -> _Target:
        *ends, port = [part for part in parts[:-1] if part is not None] + [parts[-1]]
        numbers = [end for end in ends if end.type == "NUMBER"]
        addresses = [self.node(end) for end in ends if end.type == "ADDRESS6"]
        address: Any = addresses[0]
        if len(addresses) > 1:
            address = Range(addresses[0], addresses[1], span=addresses[0].span.to(addresses[1].span))
        elif numbers:
            address = Prefix(address, number(numbers[0]), span=address.span.to(self.span(numbers[0])))
        return _Target(address, port, address.span if port is None else address.span.to(port.span))

    def queue(self, parts: list[Any]) -> Queue:
        word, *options = parts
        flags = tuple(each for name, value, _ in options if name == "flags" for each in value)
        target = next((value for name, value, _ in options if name == "to"), None)
        last = [part for _, _, part in options]
        return Queue("bypass" in flags, target, flags, span=self.span(word, *last))

    def queue_flags(self, parts: list[Any]) -> Any:
        words = [str(part) for part in parts if part.type == "NAME"]
        return "flags", tuple(words), parts[-1]

    def queue_number(self, parts: list[Any]) -> Any:
        _, low, minus, high = parts
        return "to", self.node(low) if minus is None else self.range([low, minus, high]), high or low

    def queue_to(self, parts: list[Any]) -> Any:
        return "to", parts[1], parts[1]

    def update(self, parts: list[Any]) -> SetUpdate:
        how, where, element = parts
        return SetUpdate(str(how), where[1:], **element, span=self.place)  # type: ignore[arg-type]

    def old_update(self, parts: list[Any]) -> SetUpdate:
        _, how, element, where = parts
        return SetUpdate(str(how), where[1:], **element, span=self.place)  # type: ignore[arg-type]

    def element_of_rule(self, parts: list[Any]) -> dict[str, Any]:
        key, _, timeout, *statements, value = parts
        time = None if timeout is None else milliseconds(str(timeout))
        statements = [each for each in statements if each is not None]
        return {"key": key, "value": value, "timeout": time, "statements": tuple(statements)}

    def meter(self, parts: list[Any]) -> Meter:
        at = next(i for i, part in enumerate(parts) if not isinstance(part, Token))
        name, _, size, key, _, _, *statements = parts[at:]
        return Meter(name.text, key, tuple(statements), None if size is None else number(size), span=self.place)

    def bare(self, parts: list[Any]) -> Any:
        if str(parts[0]) == "notrack":
            return NoTrack(span=self.span(parts[0]))
        return Silent("last", span=self.span(*parts))

    def _other(self, kind: str, parts: list[Any], to: Any = None) -> Other:
        span = self.span(*parts)
        return Other(kind, span.text, self.node(to) if to is not None else None, span=span)

    def dup(self, parts: list[Any]) -> Other:
        return self._other("dup", parts, parts[2])

    def fwd(self, parts: list[Any]) -> Other:
        at = next(i for i, part in enumerate(parts) if getattr(part, "type", "") == "TO")
        return self._other("fwd", parts, parts[at + 1])

    def synproxy(self, parts: list[Any]) -> Other:
        return self._other("synproxy", parts)

    def synproxy_option(self, parts: list[Any]) -> Token:
        last: Token = parts[-1]
        return last

    def xt(self, parts: list[Any]) -> Other:
        return self._other(f"xt {parts[1]}", parts)

    def reset(self, parts: list[Any]) -> Reset:
        return Reset(parts[1], span=self.span(*parts))


@dataclass(frozen=True, slots=True)
class _Target:
    address: Any
    port: Any
    span: Span


@dataclass(frozen=True, slots=True)
class _Kind:
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Flags:
    words: tuple[str, ...]
    span: Span
