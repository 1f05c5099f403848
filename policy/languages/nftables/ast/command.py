"""Commands of a script, and what they make: tables, chains, rules, sets, objects (nft(8))."""

from __future__ import annotations

from typing import Literal

from policy._record import dataclass
from policy.ir.match import mark
from policy.languages.nftables.ast.expression import Expression, SetLiteral, Variable, Word
from policy.languages.nftables.ast.statement import Statement
from policy.source import Span
from policy.written import Stray, Suppression

Family = Literal["ip", "ip6", "inet", "arp", "bridge", "netdev"]


@dataclass(frozen=True, slots=True)
class Hook:
    """`type TYPE hook HOOK [device(s)] priority PRIORITY`: *priority* is a name (or "") and a number to add.

    *priority_variable* is there where one is written; what reads the script puts its value into *priority*.
    """

    type: str
    hook: str
    priority: tuple[str, int] = ("", 0)
    devices: tuple[Expression, ...] = ()
    priority_variable: Variable | None = None
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Rule:
    """The statements of a rule, in order; *handle* where it is known."""

    statements: tuple[Statement, ...]
    comment: str | None = None
    handle: int | None = None
    suppressions: tuple[Suppression, ...] = mark(())
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain; a base chain has a *hook*, and *policy* if it is written (a verdict's word, or a variable)."""

    name: str
    hook: Hook | None = None
    policy: Expression | None = None
    rules: tuple[Rule | Define | Include, ...] = ()
    flags: tuple[str, ...] = ()
    comment: str | None = None
    suppressions: tuple[Suppression, ...] = mark(())
    policy_span: Span | None = mark()
    name_span: Span = mark()
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A named set, or with a *value* a map: its type as words (`type`) or as an expression (`typeof`).

    *value* is `("verdict",)`, words of types, an object (`("counter",)` …), or an expression. *timeout* and *gc* are
    in milliseconds.
    """

    name: str
    type: tuple[str, ...] | Expression | None
    value: tuple[str, ...] | Expression | None = None
    is_map: bool = False
    flags: tuple[str, ...] = ()
    timeout: int | None = None
    gc: int | None = None
    size: int | None = None
    policy: str | None = None
    auto_merge: bool = False
    comment: str | None = None
    elements: SetLiteral | Variable | None = None
    statements: tuple[Statement, ...] = ()
    includes: tuple[Include, ...] = ()
    suppressions: tuple[Suppression, ...] = mark(())
    name_span: Span = mark()
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class NamedObject:
    """`counter`, `quota`, `limit`, `ct helper`, `ct timeout`, `ct expectation`, `secmark`, `synproxy`, `flowtable`.

    *text* is what stands between the braces; for a `limit` and a `quota` *statement* says it.
    """

    kind: str
    name: str
    text: str = ""
    statement: Statement | None = None
    comment: str | None = None
    name_span: Span = mark()
    span: Span = mark()


Definition = Chain | NamedSet | NamedObject


@dataclass(frozen=True, slots=True)
class Table:
    """`table [FAMILY] NAME { … }`; *body* in the order of the text, with what stands between (`define`, `include`)."""

    family: Family
    name: str
    body: tuple[Definition | Define | Include, ...] = ()
    flags: tuple[str, ...] = ()
    comment: str | None = None
    suppressions: tuple[Suppression, ...] = mark(())
    name_span: Span = mark()
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Place:
    """What a command is about: a table, and where it is said a chain, set or object of it.

    *table* may be None for `flush ruleset` with or without a family; *name* is a name, or a number behind `handle`.
    """

    family: Family | None
    table: str | None = None
    name: str | None = None
    handle: int | None = None
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Add:
    """`add`, `create`, `insert`, `replace` of a thing: *what* is a `Table` (also where nothing is written before
    the word `table`), a `Chain`, set or object in the table of *place*, a `Rule` in a chain, or elements for a set.

    *index* and *handle* say where a rule goes (`index N`, `handle N`, `position N`).
    """

    operation: Literal["add", "create", "insert", "replace"]
    what: Table | Definition | Rule | SetLiteral | Variable
    place: Place
    handle: int | None = None
    index: int | None = None
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Remove:
    """`delete`, `destroy`, `flush`, `reset`, `list`, `rename`, `monitor` …

    *kind* is `ruleset`, `table`, `chain`, `rule`, `set`, `map`, `element`, `counter` …; *elements* are those of
    `delete element`, *to* the name of a `rename`.
    """

    operation: Literal["delete", "destroy", "flush", "reset", "list", "get", "rename", "monitor", "describe", "export"]
    kind: str
    place: Place
    elements: SetLiteral | Variable | None = None
    to: str | None = None
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Define:
    """`define NAME = VALUE`, `redefine …`; *value* None: `undefine NAME`."""

    operation: Literal["define", "redefine", "undefine"]
    name: str
    value: Expression | None
    suppressions: tuple[Suppression, ...] = mark(())
    name_span: Span = mark()
    span: Span = mark()


@dataclass(frozen=True, slots=True)
class Include:
    """`include "PATH"`; the path may have wildcards (glob(7)), and is looked for beside the file that names it."""

    path: Word
    span: Span = mark()


Command = Add | Remove | Define | Include


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that one text says, in order.

    *suppressions* hold for the whole file, *stray* are comments for fwpolicy that belong to nothing.
    """

    commands: tuple[Command, ...]
    suppressions: tuple[Suppression, ...] = mark(())
    stray: tuple[Stray, ...] = mark(())


@dataclass(frozen=True, slots=True)
class Part:
    """Everything that a text says which a block includes: *of* is what the text makes of that block."""

    of: Table | Chain | NamedSet
    suppressions: tuple[Suppression, ...] = mark(())
    stray: tuple[Stray, ...] = mark(())


__all__ = [
    "Add",
    "Chain",
    "Command",
    "Define",
    "Definition",
    "Family",
    "Hook",
    "Include",
    "NamedObject",
    "NamedSet",
    "Part",
    "Place",
    "Remove",
    "Rule",
    "Script",
    "Table",
]
