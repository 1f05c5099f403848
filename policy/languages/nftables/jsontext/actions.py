"""Statements of the JSON that do something with a packet: translation, rejection, logs, queues, objects."""

from __future__ import annotations

from policy.languages.nftables.ast.expression import Word
from policy.languages.nftables.ast.statement import Log, Nat, Object, Other, Queue, Reject, Statement
from policy.languages.nftables.jsontext.expressions import Expressions
from policy.languages.nftables.jsontext.reader import Members
from policy.languages.nftables.jsontext.tree import Node
from policy.languages.nftables.text.expressions import expression

_NAT_FLAGS = ("random", "fully-random", "persistent", "netmap")
_NAT_KINDS = {
    "snat": ("addr", "family", "port"),
    "dnat": ("addr", "family", "port"),
    "tproxy": ("addr", "family", "port"),
}
_REJECTS = ("tcp reset", "icmp", "icmpv6", "icmpx")


class Actions(Expressions):
    """Reads the statements that act."""

    def dnat(self, node: Node, whole: Node) -> Statement:
        return self._nat("dnat", node, whole)

    def snat(self, node: Node, whole: Node) -> Statement:
        return self._nat("snat", node, whole)

    def tproxy(self, node: Node, whole: Node) -> Statement:
        return self._nat("tproxy", node, whole)

    def masquerade(self, node: Node, whole: Node) -> Statement:
        return self._nat("masquerade", node, whole)

    def redirect(self, node: Node, whole: Node) -> Statement:
        return self._nat("redirect", node, whole)

    def _nat(self, kind: str, node: Node, whole: Node) -> Statement:
        known = (*_NAT_KINDS.get(kind, ("port",)), "flags", "type_flags")
        members = {} if node.value is None else self.members(node, f"`{kind}`", known)
        family = self.one_of(members["family"], "family", ("ip", "ip6")) if "family" in members else None
        flags = [self.one_of(each, "flag", _NAT_FLAGS) for each in self._flags(members, "flags")]
        for each in self._flags(members, "type_flags"):
            if self.one_of(each, "flag", ("interval", "prefix", "concat")) == "prefix" and "netmap" not in flags:
                flags.append("netmap")
        return Nat(
            kind,  # type: ignore[arg-type] # one of the kinds
            family,  # type: ignore[arg-type] # one of the families
            self.expression(members["addr"]) if "addr" in members else None,
            self.expression(members["port"]) if "port" in members else None,
            tuple(flags),
            span=self.span(whole),
        )

    def _flags(self, members: Members, name: str) -> list[Node]:
        return self.items(members[name]) if name in members else []

    def reject(self, node: Node, whole: Node) -> Statement:
        members = {} if node.value is None else self.members(node, "`reject`", ("type", "expr"))
        kind = self.one_of(members["type"], "kind of reject", _REJECTS) if "type" in members else None
        code = self.expression(members["expr"]) if "expr" in members else None
        return Reject(kind, code, span=self.span(whole))

    def log(self, node: Node, whole: Node) -> Statement:
        known = ("prefix", "group", "snaplen", "queue-threshold", "level", "flags")
        members = {} if node.value is None else self.members(node, "`log`", known)
        prefix = self.text(members["prefix"], "`prefix`") if "prefix" in members else None
        options = [
            (name, self.text(members[name], f"`{name}`") if name == "level" else self._count(members[name], name))
            for name in ("level", "group", "snaplen", "queue-threshold")
            if name in members
        ]
        flags = [self.text(each, "a flag of `log`") for each in self._flags(members, "flags")]
        return Log(prefix, (*options, *_log_flags(flags)), span=self.span(whole))

    def _count(self, node: Node, name: str) -> str:
        return str(self.number(node, f"`{name}`", 0, 2**32 - 1))

    def queue(self, node: Node, whole: Node) -> Statement:
        members = {} if node.value is None else self.members(node, "`queue`", ("num", "flags"))
        flags = [self.one_of(each, "flag of `queue`", ("bypass", "fanout")) for each in self._flags(members, "flags")]
        target = self.expression(members["num"]) if "num" in members else None
        return Queue("bypass" in flags, target, tuple(flags), span=self.span(whole))

    def ct_helper(self, node: Node, whole: Node) -> Statement:
        return self._used("ct helper", node, whole)

    def ct_timeout(self, node: Node, whole: Node) -> Statement:
        return self._used("ct timeout", node, whole)

    def ct_expectation(self, node: Node, whole: Node) -> Statement:
        return self._used("ct expectation", node, whole)

    def secmark(self, node: Node, whole: Node) -> Statement:
        return self._used("secmark", node, whole)

    def _used(self, kind: str, node: Node, whole: Node) -> Statement:
        return Object(kind, self.expression(node), span=self.span(whole))

    def flow(self, node: Node, whole: Node) -> Statement:
        members = self.members(node, "`flow`", ("op", "flowtable"))
        if "op" in members:
            self.one_of(members["op"], "operation", ("add",))
        name = self.needed(members, "flowtable", node, "`flow`")
        return Object(
            "flow", Word(self.text(name, "`flowtable`").removeprefix("@"), span=self.span(name)), span=self.span(whole)
        )

    def synproxy(self, node: Node, whole: Node) -> Statement:
        if isinstance(node.value, str) or (isinstance(node.value, dict) and "map" in node.value):
            return self._used("synproxy", node, whole)
        return Other("synproxy", " ".join(["synproxy", *self.synproxy_words(node)]), span=self.span(whole))

    def synproxy_words(self, node: Node, extra: tuple[str, ...] = ()) -> list[str]:
        """Return what a synproxy says, part by part."""
        members = {} if node.value is None else self.members(node, "`synproxy`", ("mss", "wscale", "flags", *extra))
        parts = [f"{name} {self._count(members[name], name)}" for name in ("mss", "wscale") if name in members]
        flags = [self.one_of(each, "flag", ("timestamp", "sack-perm")) for each in self._flags(members, "flags")]
        return [*parts, *([" ".join(flags)] if flags else [])]

    def dup(self, node: Node, whole: Node) -> Statement:
        members = self.members(node, "`dup`", ("addr", "dev"))
        to = self.expression(self.needed(members, "addr", node, "`dup`"))
        device = f" device {expression(self.expression(members['dev'], texts=True))}" if "dev" in members else ""
        return Other("dup", f"dup to {expression(to)}{device}", to, span=self.span(whole))

    def fwd(self, node: Node, whole: Node) -> Statement:
        members = self.members(node, "`fwd`", ("dev", "family", "addr"))
        family = f" {self.one_of(members['family'], 'family', ('ip', 'ip6'))}" if "family" in members else ""
        device = self.expression(self.needed(members, "dev", node, "`fwd`"), texts=True)
        to = self.expression(members["addr"]) if "addr" in members else device
        text = f"fwd{family} to {expression(to)}" + (f" device {expression(device)}" if to is not device else "")
        return Other("fwd", text, to, span=self.span(whole))


def _log_flags(flags: list[str]) -> list[tuple[str, str]]:
    """Return flags of a log as options: those of one header stand together."""
    found: dict[str, list[str]] = {}
    for each in flags:
        group, _, rest = each.partition(" ")
        found.setdefault(group, []).extend([rest] if rest else [])
    return [("flags", " ".join([group, *rest])) for group, rest in found.items()]
