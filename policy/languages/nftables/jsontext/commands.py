"""Commands of the JSON, and what a listing has without one, which is added (libnftables-json(5))."""

from __future__ import annotations

from policy.languages.nftables.ast.command import Add, Command, Place, Remove
from policy.languages.nftables.jsontext.definitions import FAMILIES, OBJECTS, Definitions
from policy.languages.nftables.jsontext.reader import Members
from policy.languages.nftables.jsontext.tree import Node

_ADDING = ("add", "create", "insert", "replace")
_REMOVING = ("delete", "destroy", "flush", "reset", "list", "rename")
_VERBS = (*_ADDING, *_REMOVING)
_THINGS = ("table", "chain", "rule", "set", "map", "element", *OBJECTS)
_SCHEMA = 1


class Commands(Definitions):
    """Reads commands."""

    def command(self, node: Node) -> Command | None:
        """Return one command; None for what says nothing of rules."""
        name, inner = self.single(node, "a command")
        if name == "metainfo":
            self._metainfo(inner)
            return None
        if name in _ADDING:
            thing, what = self.single(inner, f"what `{name}` is about")
            return self._add(name, thing, what, node)
        if name in _REMOVING:
            thing, what = self.single(inner, f"what `{name}` is about")
            return self._remove(name, thing, what, node)
        if name in _THINGS:
            return self._add("", name, inner, node)
        return self.unknown(name, inner, "command", (*_VERBS, *_THINGS))

    def _metainfo(self, node: Node) -> None:
        members = self.members(node, "`metainfo`")
        version = members.get("json_schema_version")
        if version is not None and self.number(version, "`json_schema_version`") > _SCHEMA:
            self.fail(version, f"version {version.value} of the JSON is not known", f"version {_SCHEMA} is", "FW820")

    def _add(self, verb: str, thing: str, node: Node, whole: Node) -> Command:
        """Return the addition of a thing; a *verb* is missing in a listing."""
        span = self.span(whole)
        operation = verb or "add"
        match thing:
            case "table":
                table = self.table(node)
                place = Place(table.family, span=span)
                return Add(operation, table, place, span=span)  # type: ignore[arg-type] # one of the verbs
            case "rule":
                return self._add_rule(operation, node, whole, listed=not verb)
            case "element":
                members = self.members(node, "`element`", ("family", "table", "name", "elem"))
                place = self.place(members, node, "`element`", "name")
                elements = self.elements(self.needed(members, "elem", node, "`element`"))
                return Add(operation, elements, place, span=span)  # type: ignore[arg-type] # one of the verbs
        if thing not in _THINGS:
            self.unknown(thing, node, "object", _THINGS)
        members = self.members(node, f"`{thing}`")
        place = self.place(members, node, f"`{thing}`")
        what = (
            self.chain(node, listed=not verb)
            if thing == "chain"
            else self.set_of(thing, node)
            if thing in ("set", "map")
            else self.object_of(thing, node)
        )
        return Add(operation, what, place, span=span)  # type: ignore[arg-type] # one of the verbs

    def _add_rule(self, operation: str, node: Node, whole: Node, listed: bool) -> Command:
        rule, members = self.rule(node)
        place = self.place(members, node, "`rule`", "chain")
        handle = self.number(members["handle"], "`handle`") if "handle" in members else None
        index = self.number(members["index"], "`index`", 0, 2**32 - 1) if "index" in members else None
        if listed:
            rule = type(rule)(rule.statements, rule.comment, handle, span=rule.span)
            handle = None
        elif operation == "replace" and handle is None:
            self.fail(node, "`replace` needs the `handle` of a rule")
        return Add(operation, rule, place, handle, index, span=self.span(whole))  # type: ignore[arg-type] # one of the verbs

    def _remove(self, verb: str, thing: str, node: Node, whole: Node) -> Command:
        span = self.span(whole)
        plural = thing.removesuffix("s") if thing not in _THINGS else thing
        if thing not in ("ruleset", "meter", "meters") and plural not in _THINGS:
            self.unknown(thing, node, "object", ("ruleset", "meter", *_THINGS))
        members = {} if node.value is None else self.members(node, f"`{thing}`")
        family = self.family_said(members)
        handle = self.number(members["handle"], "`handle`") if "handle" in members else None
        table = self._said(members, "table")
        name = self._said(members, "chain" if thing == "rule" else "name")
        if thing == "table":
            table, name = name, None
        if table is None and thing != "ruleset" and plural == thing and not (thing == "table" and handle is not None):
            self.fail(node, f"`{thing}` needs the name of a table")
        if thing != "ruleset":
            family = family or "ip"
        place = Place(family, table, name, handle, span=self.span(node))  # type: ignore[arg-type] # one of the families
        elements = self.elements(members["elem"]) if thing == "element" and "elem" in members else None
        if verb == "rename":
            to = self.text(self.needed(members, "newname", node, "`rename`"), "`newname`")
            return Remove("rename", thing, place, to=to, span=span)
        return Remove(verb, thing, place, elements, span=span)  # type: ignore[arg-type] # one of the verbs

    def family_said(self, members: Members) -> str | None:
        """Return the family that is said, if one is."""
        return self.one_of(members["family"], "family", FAMILIES) if "family" in members else None

    def _said(self, members: Members, name: str) -> str | None:
        return self.text(members[name], f"`{name}`") if name in members else None
