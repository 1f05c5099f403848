"""Statements of the JSON (libnftables-json(5), STATEMENTS)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from policy.languages.nftables.ast.expression import (
    Binary,
    Concat,
    Element,
    Expression,
    Reference,
    Selector,
    SetLiteral,
    Word,
)
from policy.languages.nftables.ast.statement import (
    Assign,
    ConnectionCount,
    Limit,
    Match,
    Meter,
    NoTrack,
    Object,
    Other,
    Quota,
    Reset,
    SetUpdate,
    Silent,
    Statement,
    VerdictMap,
)
from policy.languages.nftables.jsontext.actions import Actions
from policy.languages.nftables.jsontext.reader import Members, Wrong
from policy.languages.nftables.jsontext.tree import Node
from policy.languages.nftables.parse import parse_rule
from policy.languages.nftables.text import statement as written
from policy.source import Source, Span

_BIT_FIELDS = {
    ("payload", ("tcp", "flags")),
    ("ct", ("state", "", "")),
    ("ct", ("status", "", "")),
    ("ct", ("label", "", "")),
    ("ct", ("event", "", "")),
}
"""Selectors whose values are bits, of which a rule may ask for any."""
_NAMES = {
    ("meta", "iif"), ("meta", "oif"), ("meta", "iifname"), ("meta", "oifname"), ("meta", "ibrname"),
    ("meta", "obrname"), ("meta", "sdifname"), ("meta", "time"), ("meta", "day"), ("meta", "hour"),
    ("ct", "helper"), ("osf", "name"), ("osf", "version"), ("fib", "oifname"),
}  # fmt: skip
"""Selectors with names that nft prints in quotes."""
_EXISTENCE = ("exthdr", "tcpopt", "ipopt", "dccpopt", "chunk", "fib")
_COMPARISONS = ("==", "!=", "<", ">", "<=", ">=", "in", "!")


class Statements(Actions):
    """Reads statements."""

    def statements(self, node: Node) -> tuple[Statement, ...]:
        """Return the statements of a rule; each that is wrong is a mistake by itself."""
        if not isinstance(node.value, list):
            self.fail(node, "the statements of a rule are an array")
        found = []
        for item in node.value:
            try:
                found.append(self.statement(item))
            except Wrong as wrong:
                self.note(wrong)
        return tuple(found)

    def statement(self, node: Node) -> Statement:
        if isinstance(node.value, str):
            return self._script(node.value, node)
        name, inner = self.single(node, "a statement")
        read = _READERS.get(name)
        if read is None:
            self.unknown(name, inner, "statement", _READERS)
        found = read(self, inner, node)
        self.source.said[node.start, node.end] = partial(written, found)
        return found

    def _script(self, text: str, node: Node) -> Statement:
        """Return a statement that nft has written as a script has it, for want of a form in JSON."""
        line, column = self.source.position(node.start + 1)
        # The text behind its own place in this file, so that lines and columns are right.
        source = Source(self.source.name, "\n" * (line - 1) + " " * (column - 1) + text)
        rule = parse_rule(Span(source, len(source.text) - len(text), len(source.text)))
        if rule is None or len(rule.statements) != 1 or rule.comment is not None:
            self.fail(node, "this is no statement", "nft writes one as text if it has no form for it")
        return rule.statements[0]

    def element_statements(self, members: Members) -> tuple[object, ...]:
        return tuple(
            _READERS[name](self, inner, inner)
            for name, inner in members.items()
            if name in ("counter", "limit", "quota", "ct count", "last")
        )

    def match(self, node: Node, whole: Node) -> Statement:
        members = self.members(node, "`match`", ("left", "op", "right"))
        left = self.expression(self.needed(members, "left", node, "`match`"))
        operator = self.one_of(self.needed(members, "op", node, "`match`"), "comparison", _COMPARISONS)
        right_node = self.needed(members, "right", node, "`match`")
        named = isinstance(left, Selector) and (left.kind, left.words[0]) in _NAMES
        if isinstance(right_node.value, bool):
            left = _option(left)
        right = self._truth(left, right_node) or self.expression(right_node, texts=named)
        if operator == "in" or (operator == "==" and not _exact(left, right)):
            operator = ""
        return Match(left, operator, right, span=self.span(whole))  # type: ignore[arg-type] # one of the comparisons

    def _truth(self, left: Expression, node: Node) -> Expression | None:
        """Return `true` and `false` as script texts have them for what is looked at."""
        if not isinstance(node.value, bool):
            return None
        exists = isinstance(left, Selector) and (left.kind in _EXISTENCE or left.words[0] in ("ipsec", "secpath"))
        words = ("missing", "exists") if exists else ("0", "1")
        return Word(words[node.value], span=self.span(node))

    def vmap(self, node: Node, whole: Node) -> Statement:
        key, data = self.key_and_map(node, "`vmap`")
        return VerdictMap(key, data, span=self.span(whole))

    def counter(self, node: Node, whole: Node) -> Statement:
        if node.value is None or (isinstance(node.value, dict) and not _expression_like(node.value)):
            if node.value is not None:
                self.members(node, "`counter`", ("packets", "bytes"))
            return Silent("counter", span=self.span(whole))
        return Object("counter", self.expression(node), span=self.span(whole))

    def last(self, node: Node, whole: Node) -> Statement:
        if node.value is not None:
            self.members(node, "`last`", ("used",))
        return Silent("last", span=self.span(whole))

    def limit(self, node: Node, whole: Node) -> Statement:
        if not isinstance(node.value, dict) or _expression_like(node.value):
            return Object("limit", self.expression(node), span=self.span(whole))
        members = self.members(node, "`limit`", ("rate", "per", "rate_unit", "burst", "burst_unit", "inv"))
        return self.limit_of(members, node, whole)

    def limit_of(self, members: Members, node: Node, whole: Node) -> Limit:
        """Return a limit from its members."""
        rate = self.number(self.needed(members, "rate", node, "`limit`"), "`rate`")
        per = self.one_of(members["per"], "time", _TIMES) if "per" in members else "second"
        unit = self.one_of(members["rate_unit"], "unit", ("packets", *_BYTES)) if "rate_unit" in members else "packets"
        text = f"{rate}/{per}" if unit == "packets" else f"{rate} {unit}/{per}"
        burst = self.number(members["burst"], "`burst`") if "burst" in members else 0
        if unit == "packets":
            text += f" burst {burst} packets" if burst not in (0, 5) else ""
        elif burst:
            of = self.one_of(members["burst_unit"], "unit", _BYTES) if "burst_unit" in members else "bytes"
            text += f" burst {burst} {of}"
        return Limit(text, self.inverted(members), span=self.span(whole))

    def inverted(self, members: Members) -> bool:
        return "inv" in members and self.truth(members["inv"], "`inv`")

    def quota(self, node: Node, whole: Node) -> Statement:
        if not isinstance(node.value, dict) or _expression_like(node.value):
            return Object("quota", self.expression(node), span=self.span(whole))
        what = "`quota`"
        members = self.members(node, what, ("val", "val_unit", "used", "used_unit", "inv"))
        size = self.number(self.needed(members, "val", node, what), "`val`")
        text = f"{size} {self._unit(members, 'val_unit')}"
        if "used" in members and (used := self.number(members["used"], "`used`")):
            text += f" used {used} {self._unit(members, 'used_unit')}"
        return Quota(text, self.inverted(members), span=self.span(whole))

    def _unit(self, members: Members, name: str) -> str:
        return self.one_of(members[name], "unit", _BYTES) if name in members else "bytes"

    def connections(self, node: Node, whole: Node) -> Statement:
        members = self.members(node, "`ct count`", ("val", "inv"))
        count = self.number(self.needed(members, "val", node, "`ct count`"), "`val`", 0, 2**32 - 1)
        return ConnectionCount(count, self.inverted(members), span=self.span(whole))

    def notrack(self, node: Node, whole: Node) -> Statement:
        if node.value is not None:
            self.members(node, "`notrack`", ())
        return NoTrack(span=self.span(whole))

    def mangle(self, node: Node, whole: Node) -> Statement:
        members = self.members(node, "`mangle`", ("key", "value"))
        key = self.needed(members, "key", node, "`mangle`")
        target = self.expression(key)
        value = self.needed(members, "value", node, "`mangle`")
        if not isinstance(target, Selector):
            self.fail(key, "this is nothing that can be set")
        if isinstance(value.value, bool):
            return Assign(target, Word(str(int(value.value)), span=self.span(value)), span=self.span(whole))
        if target.kind == "meta" and target.words == ("secmark",):
            return Object("secmark", self.expression(value), span=self.span(whole))
        return Assign(target, self.expression(value), span=self.span(whole))

    def reset(self, node: Node, whole: Node) -> Statement:
        target = _option(self.expression(node))
        if not isinstance(target, Selector):
            self.fail(node, "`reset` takes out a TCP option")
        return Reset(target, span=self.span(whole))

    def set_update(self, node: Node, whole: Node) -> Statement:
        return self._update(node, whole, "`set`", "set", "stmt")

    def map_update(self, node: Node, whole: Node) -> Statement:
        return self._update(node, whole, "`map`", "map", "data")

    def _update(self, node: Node, whole: Node, what: str, target: str, last: str) -> Statement:
        members = self.members(node, what, ("op", "elem", target, last))
        operation = self.one_of(self.needed(members, "op", node, what), "operation", ("add", "update", "delete"))
        elem = self.needed(members, "elem", node, what)
        name = self.needed(members, target, node, what)
        reference = self.expression(name)
        if not isinstance(reference, Reference):
            self.fail(name, f"{what} needs `@` with the name of a set")
        element = self._key(elem)
        statements: tuple[Statement, ...] = ()
        value = None
        if target == "map":
            value = self.expression(self.needed(members, last, node, what))
        elif last in members:
            statements = tuple(self.statement(each) for each in self.items(members[last]))
        return SetUpdate(
            operation,  # type: ignore[arg-type] # one of the operations
            reference.name,
            element.key,
            value,
            element.timeout,
            (*element.statements, *statements),  # type: ignore[arg-type] # they are statements
            span=self.span(whole),
        )

    def meter(self, node: Node, whole: Node) -> Statement:
        what = "`meter`"
        members = self.members(node, what, ("name", "key", "stmt", "size"))
        element: Element = self._key(self.needed(members, "key", node, what))
        statement = self.statement(self.needed(members, "stmt", node, what))
        name = self.text(self.needed(members, "name", node, what), "`name`")
        size = self.number(members["size"], "`size`", 0, 2**32 - 1) if "size" in members else None
        return Meter(name, element.key, (statement,), size, span=self.span(whole))

    def xt(self, node: Node, whole: Node) -> Statement:
        if node.value is None:
            return Other("xt match", "xt match", span=self.span(whole))
        members = self.members(node, "`xt`")
        type = self.text(members["type"], "`type`") if "type" in members else "match"
        name = self.text(members["name"], "`name`") if "name" in members else ""
        kind = "xt target" if type in ("target", "watcher") else "xt match"
        return Other(kind, f'xt {type} "{name}"', span=self.span(whole))


def _exact(left: Expression, right: Expression) -> bool:
    """Does `==` say something here that no operator at all does not say?"""
    if isinstance(left, Binary):
        return True
    if not isinstance(left, Selector) or (left.kind, left.words) not in _BIT_FIELDS:
        return False
    return not isinstance(right, Reference | Concat) and not (isinstance(right, SetLiteral) and len(right.elements) > 1)


def _option(tree: Expression) -> Expression:
    """Return a TCP option as a whole, which JSON has as its first bytes where it has no name."""
    if isinstance(tree, Selector) and tree.kind == "tcpopt" and tree.words == ("@",):
        return Selector("tcpopt", (str(tree.numbers[0]),), span=tree.span)
    return tree


def _expression_like(members: Members) -> bool:
    return len(members) == 1 and next(iter(members)) == "map"


_BYTES = ("bytes", "kbytes", "mbytes")
_TIMES = ("second", "minute", "hour", "day", "week")
_Read = Callable[[Statements, Node, Node], Statement]


def _verdict(name: str) -> _Read:
    return lambda reader, node, whole: reader.verdict(name, node, whole)


_READERS: dict[str, _Read] = {
    "accept": _verdict("accept"),
    "continue": _verdict("continue"),
    "counter": Statements.counter,
    "ct count": Statements.connections,
    "ct expectation": Statements.ct_expectation,
    "ct helper": Statements.ct_helper,
    "ct timeout": Statements.ct_timeout,
    "dnat": Statements.dnat,
    "drop": _verdict("drop"),
    "dup": Statements.dup,
    "flow": Statements.flow,
    "fwd": Statements.fwd,
    "goto": _verdict("goto"),
    "jump": _verdict("jump"),
    "last": Statements.last,
    "limit": Statements.limit,
    "log": Statements.log,
    "mangle": Statements.mangle,
    "map": Statements.map_update,
    "masquerade": Statements.masquerade,
    "match": Statements.match,
    "meter": Statements.meter,
    "notrack": Statements.notrack,
    "queue": Statements.queue,
    "quota": Statements.quota,
    "redirect": Statements.redirect,
    "reject": Statements.reject,
    "reset": Statements.reset,
    "return": _verdict("return"),
    "secmark": Statements.secmark,
    "set": Statements.set_update,
    "snat": Statements.snat,
    "synproxy": Statements.synproxy,
    "tproxy": Statements.tproxy,
    "vmap": Statements.vmap,
    "xt": Statements.xt,
}
