"""Tables, chains, rules, sets and objects of the JSON (libnftables-json(5), RULESET ELEMENTS)."""

from __future__ import annotations

from functools import partial

from policy.languages.nftables.ast.command import (
    Chain,
    Family,
    Hook,
    NamedObject,
    NamedSet,
    Place,
    Rule,
    Table,
)
from policy.languages.nftables.ast.expression import Expression, Selector, SetLiteral, Word
from policy.languages.nftables.ast.statement import Quota, Statement
from policy.languages.nftables.jsontext.reader import Members
from policy.languages.nftables.jsontext.statements import Statements
from policy.languages.nftables.jsontext.tree import Node
from policy.languages.nftables.text import rule as written
from policy.languages.nftables.text.expressions import duration, quoted

FAMILIES = ("ip", "ip6", "inet", "arp", "bridge", "netdev")
OBJECTS = ("counter", "quota", "limit", "ct helper", "ct timeout", "ct expectation", "secmark", "synproxy", "flowtable")
_PLACE = ("family", "table", "name", "handle")
_SET_FLAGS = ("constant", "interval", "timeout", "dynamic")


class Definitions(Statements):
    """Reads definitions; *what* is the word that names one in the JSON, *node* its object."""

    def family(self, members: Members) -> Family:
        """Return the family of something, `ip` where it says none."""
        if "family" not in members:
            return "ip"
        return self.one_of(members["family"], "family", FAMILIES)  # type: ignore[return-value] # one of them

    def place(self, members: Members, node: Node, what: str, name: str | None = None) -> Place:
        """Return the table of something, with the name of a thing in it that stands under *name*."""
        table = self.text(self.needed(members, "table", node, what), "`table`")
        inner = self.text(self.needed(members, name, node, what), f"`{name}`") if name else None
        return Place(self.family(members), table, inner, span=self.span(node))

    def named(self, members: Members, node: Node, what: str) -> tuple[str, Node]:
        found = self.needed(members, "name", node, what)
        name = self.text(found, "`name`")
        if not name:
            self.fail(found, "this name is empty")
        return name, found

    def _comment(self, members: Members) -> str | None:
        return self.text(members["comment"], "`comment`") if "comment" in members else None

    def table(self, node: Node) -> Table:
        members = self.members(node, "`table`", ("family", "name", "handle", "flags", "comment"))
        name, place = self.named(members, node, "`table`")
        flags = []
        for each in self.items(members["flags"]) if "flags" in members else ():
            flag = self.text(each, "a flag of a table")
            if flag not in ("dormant", "owner", "persist"):
                help = "nftables 1.0.6 writes chance text for `dormant`: list the rules without `-j`"
                self.mistakes.add("FW001", f"`{flag}` is no flag of a table", self.span(each), help)
            else:
                flags.append(flag)
        return Table(
            self.family(members),
            name,
            flags=tuple(flags),
            comment=self._comment(members),
            name_span=self.span(place),
            span=self.span(node),
        )

    def chain(self, node: Node, listed: bool = False) -> Chain:
        """Return a chain; in a listing of nft 1.0.6 one of a device does not say which."""
        what = "`chain`"
        known = (*_PLACE, "newname", "type", "hook", "prio", "dev", "policy", "comment", "flags")
        members = self.members(node, what, known)
        name, place = self.named(members, node, what)
        policy = members.get("policy")
        return Chain(
            name,
            self._hook(members, node, listed),
            Word(self.one_of(policy, "policy", ("accept", "drop")), span=self.span(policy)) if policy else None,
            flags=self.texts(members["flags"], "a flag") if "flags" in members else (),
            comment=self._comment(members),
            policy_span=self.span(policy) if policy else None,
            name_span=self.span(place),
            span=self.span(node),
        )

    def _hook(self, members: Members, node: Node, listed: bool) -> Hook | None:
        given = [name for name in ("type", "hook", "prio") if name in members]
        if not given:
            return None
        type = self.needed(members, "type", node, "a base chain")
        hook = self.needed(members, "hook", node, "a base chain")
        priority = self.needed(members, "prio", node, "a base chain")
        devices: tuple[Expression, ...] = tuple(
            Word(self.text(each, "a device"), quoted=True, span=self.span(each)) for each in self._flags(members, "dev")
        )
        if listed and not devices and hook.value in ("ingress", "egress"):
            devices = (SetLiteral((), span=self.span(hook)),)
        return Hook(
            self.one_of(type, "type of a base chain", ("filter", "nat", "route")),
            self.one_of(hook, "hook", _HOOKS),
            ("", self.number(priority, "`prio`", -(2**31), 2**31 - 1)),
            devices,
            span=self.span(type),
        )

    def rule(self, node: Node) -> tuple[Rule, Members]:
        """Return a rule, and the members that say where it goes."""
        members = self.members(
            node, "`rule`", ("family", "table", "chain", "expr", "handle", "index", "position", "comment")
        )
        statements = self.statements(self.needed(members, "expr", node, "`rule`"))
        rule = Rule(statements, self._comment(members), span=self.span(node))
        if statements:
            self.source.said[node.start, node.end] = partial(written, rule)
        return rule, members

    def set_of(self, what: str, node: Node) -> NamedSet:
        """Return a named set or map."""
        said = f"`{what}`"
        members = self.members(node, said, (*_PLACE, *_SET, *(("map",) if what == "map" else ())))
        name, place = self.named(members, node, said)
        value = self._types(self.needed(members, "map", node, said)) if what == "map" else None
        flags = [self.one_of(each, "flag of a set", _SET_FLAGS) for each in self._flags(members, "flags")]
        statements: tuple[Statement, ...] = ()
        for each in self._flags(members, "stmt"):
            statements += (self.statement(each),)
        return NamedSet(
            name,
            self._types(self.needed(members, "type", node, said)),
            value,
            is_map=what == "map",
            flags=tuple(flags),
            timeout=self.seconds(members, "timeout"),
            gc=self.seconds(members, "gc-interval"),
            size=self.number(members["size"], "`size`", 0, 2**32 - 1) if "size" in members else None,
            policy=self.one_of(members["policy"], "policy", ("performance", "memory")) if "policy" in members else None,
            auto_merge="auto-merge" in members and self.truth(members["auto-merge"], "`auto-merge`"),
            comment=self._comment(members),
            elements=self.elements(members["elem"]) if "elem" in members else None,
            statements=statements,
            name_span=self.span(place),
            span=self.span(node),
        )

    def _types(self, node: Node) -> tuple[str, ...] | Expression:
        """Return the types of a key or a value: names, or what has the type."""
        if isinstance(node.value, dict):
            name, inner = self.single(node, "a type")
            of = self.expression(inner if name == "typeof" else node)
            if isinstance(of, Selector) or name in ("typeof", "concat"):
                return of
            self.fail(node, "this is no type")
        texts = [part.strip() for text in self.texts(node, "a type") for part in text.split(" . ")]
        if not texts or not all(texts):
            self.fail(node, "a type is needed here")
        return tuple(texts)

    def object_of(self, what: str, node: Node) -> NamedObject:
        """Return a named object of a kind that is a key of `OBJECTS`."""
        members = self.members(node, f"`{what}`", (*_PLACE, "comment", *_OBJECT_MEMBERS[what]))
        name, place = self.named(members, node, f"`{what}`")
        text, statement = self._object_text(what, members, node)
        return NamedObject(
            what, name, text, statement, self._comment(members), name_span=self.span(place), span=self.span(node)
        )

    def _object_text(self, what: str, members: Members, node: Node) -> tuple[str, Statement | None]:
        match what:
            case "counter":
                numbers = [
                    f"{each} {self.number(members[each], f'`{each}`')}"
                    for each in ("packets", "bytes")
                    if each in members
                ]
                return " ".join(numbers), None
            case "quota":
                quota = self._quota_of(members, node)
                return f"{'over ' if quota.over else ''}{quota.size}", quota
            case "limit":
                limit = self.limit_of(members, node, node)
                return f"rate {'over ' if limit.over else ''}{limit.rate}", limit
            case "synproxy":
                return "; ".join(self.synproxy_words(node, (*_PLACE, "comment"))), None
            case _:
                return "; ".join(self._lines(members)), None

    def _quota_of(self, members: Members, node: Node) -> Quota:
        text = f"{self.number(self.needed(members, 'bytes', node, '`quota`'), '`bytes`')} bytes"
        if "used" in members and (used := self.number(members["used"], "`used`")):
            text += f" used {used} bytes"
        return Quota(text, self.inverted(members), span=self.span(node))

    def _lines(self, members: Members) -> list[str]:
        """Return what an object says, one thing in a line, as script texts have it."""
        lines = []
        protocol = self.text(members["protocol"], "`protocol`") if "protocol" in members else None
        if "type" in members:
            of = f" protocol {protocol}" if protocol else ""
            lines.append(f"type {quoted(self.text(members['type'], '`type`'))}{of}")
        elif protocol:
            lines.append(f"protocol {protocol}")
        if "dport" in members:
            lines.append(f"dport {self.number(members['dport'], '`dport`', 0, 65535)}")
        if "timeout" in members:
            lines.append(f"timeout {duration(self.number(members['timeout'], '`timeout`'))}")
        if "size" in members:
            lines.append(f"size {self.number(members['size'], '`size`')}")
        if "l3proto" in members:
            lines.append(f"l3proto {self.one_of(members['l3proto'], 'family', FAMILIES)}")
        if "policy" in members:
            times = self.members(members["policy"], "`policy`")
            policy = ", ".join(f"{state} : {self.number(time, 'a time')}" for state, time in times.items())
            lines.append(f"policy = {{ {policy} }}")
        if "context" in members:
            lines.append(quoted(self.text(members["context"], "`context`")))
        if "hook" in members:
            priority = self.number(members["prio"], "`prio`", -(2**31), 2**31 - 1) if "prio" in members else 0
            lines.append(f"hook {self.text(members['hook'], '`hook`')} priority {priority}")
        if "dev" in members:
            devices = ", ".join(quoted(each) for each in self.texts(members["dev"], "a device"))
            lines.append(f"devices = {{ {devices} }}")
        return lines


_HOOKS = ("prerouting", "input", "forward", "output", "postrouting", "ingress", "egress")
_SET = ("type", "policy", "flags", "elem", "timeout", "gc-interval", "size", "auto-merge", "comment", "stmt")
_OBJECT_MEMBERS: dict[str, tuple[str, ...]] = {
    "counter": ("packets", "bytes"),
    "quota": ("bytes", "used", "inv"),
    "limit": ("rate", "per", "rate_unit", "burst", "burst_unit", "unit", "inv"),
    "ct helper": ("type", "protocol", "l3proto"),
    "ct timeout": ("protocol", "l3proto", "policy", "state", "value"),
    "ct expectation": ("protocol", "l3proto", "dport", "timeout", "size"),
    "secmark": ("context",),
    "synproxy": ("mss", "wscale", "flags"),
    "flowtable": ("hook", "prio", "dev", "flags"),
}
