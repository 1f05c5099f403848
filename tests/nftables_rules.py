"""Rules of nftables as conditions, packets, and whether they meet."""

from __future__ import annotations

from policy.diagnostic import Collector, Diagnostic
from policy.evaluate.truth import truth
from policy.host import UNKNOWN_HOST, Host
from policy.ir import Match
from policy.languages.nftables import matches
from policy.languages.nftables.ast.statement import Match as Condition
from policy.languages.nftables.ast.statement import Statement, VerdictMap
from policy.languages.nftables.context import Context
from policy.languages.nftables.parse import parse
from policy.languages.nftables.refuse.rules import refuse_rule
from policy.languages.nftables.script import run
from policy.packet import FORWARD, INPUT, OUTPUT, Packet, Value, complete
from policy.packet.address import parse_address
from policy.source import Source

HOOKS = {"input": INPUT, "output": OUTPUT, "forward": FORWARD}


def read(
    rule: str,
    family: str = "inet",
    hooks: tuple[str, ...] = ("input",),
    tracked: bool | None = True,
    sets: str = "",
    more: str = "",
    host: Host = UNKNOWN_HOST,
) -> tuple[Context, list[Statement]]:
    """Return the statements of a rule in a table, and where they stand; *more* are other rules of the chain."""
    text = f"table {family} t {{\n{sets}\nchain c {{ type filter hook input priority 0;\n{rule}\n{more}\n}}\n}}\n"
    source = Source("x.nft", text)
    mistakes = Collector()
    state = run(parse(source, mistakes), source, mistakes)
    ((_, table),) = state.tables.items()
    chain = table.chains["c"]
    context = Context(state, table, chain, frozenset(hooks), tracked, host, mistakes)
    return context, list(chain.rules[0].statements)


def match(rule: str, **how: object) -> Match:
    """Return the condition of a rule with one statement."""
    context, statements = read(rule, **how)  # type: ignore[arg-type]
    (statement,) = statements
    assert isinstance(statement, Condition)
    assert not context.mistakes.found, context.mistakes.found
    found = matches.condition(context, statement)
    assert not context.mistakes.found, context.mistakes.found
    return found


def mistakes(rule: str, **how: object) -> list[Diagnostic]:
    """Return what is wrong with the conditions of a rule."""
    context, statements = read(rule, **how)  # type: ignore[arg-type]
    assert context.chain is not None
    if context.mistakes.found:
        return context.mistakes.found
    refuse_rule(context, context.chain.rules[0])
    for statement in statements:
        if isinstance(statement, Condition):
            matches.condition(context, statement)
        elif isinstance(statement, VerdictMap):
            matches.branches(context, statement.key, statement.map, statement.span)
    return context.mistakes.found


def packet(hook: str = "input", **given: Value | str) -> Packet:
    """Return a whole packet; addresses may be text."""
    values: dict[str, Value] = {"hook": HOOKS[hook], "proto": 6, "src": "10.0.0.1", "dst": "10.0.0.2", **given}
    for name in ("src", "dst"):
        if isinstance(text := values[name], str):
            values[name] = parse_address(text)
    usual: dict[str, Value] = {"sport": 40000, "dport": 80} if values["proto"] in (6, 17, 132) else {}
    usual |= {"in": "eth0"} if hook != "output" else {}
    usual |= {"out": "eth1"} if hook != "input" else {}
    return complete({**usual, **values})


def holds(found: Match, one: Packet, **known: bool) -> bool | None:
    """Does a packet meet a condition? None: that hangs on something unknown."""
    return truth(found, one, {key.replace("__", ":"): value for key, value in known.items()})
