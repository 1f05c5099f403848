"""Does what a script says, command after command, on tables that are empty at first (nft(8)).

What a host has before the script is not known: `flush ruleset` makes no difference, and what a script deletes without
having made it is taken to be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from typing import TypeVar, cast

from policy._record import dataclass
from policy.diagnostic import Collector, Related, did_you_mean
from policy.languages.nftables.ast.command import (
    Add,
    Chain,
    Command,
    Define,
    Family,
    Include,
    NamedObject,
    NamedSet,
    Part,
    Place,
    Remove,
    Rule,
    Script,
    Table,
)
from policy.languages.nftables.ast.expression import SetLiteral, Variable, Word
from policy.languages.nftables.base import priority_of, refuse_flags, refuse_hook
from policy.languages.nftables.include import Includes
from policy.languages.nftables.known import alike, names_known, together
from policy.languages.nftables.parse import parse, parse_part
from policy.languages.nftables.problem import note_empty
from policy.languages.nftables.state import ChainState, SetState, State, TableState, flat
from policy.languages.nftables.variables import Scope
from policy.source import Source, Span
from policy.written import Replaced

LONGEST_NAME = 255
"""In bytes; the kernel's `NFT_NAME_MAXLEN` is one more."""

T = TypeVar("T", Table, Chain, NamedSet)


def run(script: Script, source: Source, mistakes: Collector) -> State:
    """Return what the tables are when a script, and what it includes, is done; mistakes are noted."""
    runner = _Runner(State([source]), mistakes, Includes(source, mistakes))
    runner.note(script)
    runner.commands(script.commands, Scope(mistakes))
    return runner.state


@dataclass(slots=True)
class _Runner:
    state: State
    mistakes: Collector
    includes: Includes
    registered: int = 0
    handles: dict[int, Rule] = field(default_factory=dict)

    def note(self, script: Script | Part) -> None:
        self.state.suppressions += script.suppressions
        self.state.stray += script.stray

    def commands(self, commands: Iterable[Command], scope: Scope) -> None:
        for command in commands:
            match command:
                case Define():
                    self.define(command, scope)
                case Include():
                    for text in self.included(command):
                        script = parse(text, self.mistakes)
                        self.note(script)
                        self.commands(script.commands, scope)
                case Add():
                    self.add(command, scope)
                case Remove():
                    self.remove(command, scope)
            if self.mistakes.full:
                return

    def included(self, command: Include) -> Iterator[Source]:
        """Yield the texts that a command includes, as long as each is the one that is read."""
        for source in self.includes.texts(command):
            self.state.sources.append(source)
            yield source
            self.includes.leave()

    def parts(self, command: Include, of: T) -> Iterator[T]:
        """Yield what each text that a block includes says of it."""
        for source in self.included(command):
            part = parse_part(source, of, self.mistakes)
            if part is not None:
                self.note(part)
                yield cast("T", part.of)

    def define(self, command: Define, scope: Scope) -> None:
        made = scope.define(command)
        if made is not None:
            self.state.variables.append(made)

    # Adding

    def add(self, command: Add, scope: Scope) -> None:
        place, what = command.place, command.what
        if isinstance(what, Table):
            self.table(what, command.operation == "create", scope)
            return
        table = self.found(place)
        if table is None:
            return
        match what:
            case Chain():
                self.chain(table, what, command.operation == "create", scope)
            case NamedSet():
                self.named_set(table, what, command.operation == "create", scope)
            case NamedObject():
                made = table.objects.setdefault((what.kind, what.name), what)
                if made is not what and command.operation == "create":
                    self.exists(what.kind, what.name, what.name_span, made.name_span)
            case Rule():
                self.rule(table, what, command, scope)
            case SetLiteral() | Variable():
                named = self.found_set(table, place)
                if named is not None:
                    self.elements(named, what, scope, place.span)

    def table(self, table: Table, fresh: bool, scope: Scope) -> None:
        key = (table.family, table.name)
        self.check_name(table.name, table.name_span)
        made = self.state.tables.get(key)
        if made is not None and fresh:
            self.exists("table", table.name, table.name_span, made.span)
        if made is None:
            made = TableState(table.family, table.name, table.span)
            self.state.tables[key] = made
        refuse_flags(table, self.mistakes)
        made.dormant = "dormant" in table.flags  # a table that is said again without it does something again
        made.suppressions += table.suppressions
        # Sets and chains may be named before they stand there, variables may not.
        for rule in [*self.body(made, table, scope.inner())]:
            names_known(made, rule, self.mistakes)

    def body(self, table: TableState, said: Table, scope: Scope) -> Iterator[Rule]:
        """Do what stands in a table, and yield the rules, whose names are still to be looked up."""
        for each in said.body:
            match each:
                case Define():
                    self.define(each, scope)
                case Include():
                    for part in self.parts(each, said):
                        yield from self.body(table, part, scope)
                case Chain():
                    yield from self.rules(table, self.declared(table, each, False, scope), each, scope.inner())
                case NamedSet():
                    self.named_set(table, each, False, scope)
                case NamedObject():
                    table.objects.setdefault((each.kind, each.name), each)

    def chain(self, table: TableState, chain: Chain, fresh: bool, scope: Scope) -> None:
        for rule in [*self.rules(table, self.declared(table, chain, fresh, scope), chain, scope.inner())]:
            names_known(table, rule, self.mistakes)

    def declared(self, table: TableState, chain: Chain, fresh: bool, scope: Scope) -> ChainState:
        self.check_name(chain.name, chain.name_span)
        made = table.chains.get(chain.name)
        if made is not None and (fresh or (chain.hook is not None and made.hook is None)):
            self.exists("chain", chain.name, chain.name_span, made.span)
            return made
        if made is None:
            made = table.chains[chain.name] = ChainState(chain.name, chain.name_span)
        self.options(table, made, chain, scope)
        return made

    def options(self, table: TableState, made: ChainState, chain: Chain, scope: Scope) -> None:
        """Take what a block, or what it includes, says of its chain."""
        made.suppressions += chain.suppressions
        if chain.hook is not None:
            hook = scope.filled(chain.hook)
            refuse_hook(table.family, hook, self.mistakes)
            priority = priority_of(table.family, hook, scope, self.mistakes)
            if made.hook is None:
                made.order = self.registered
                self.registered += 1
            elif (made.hook.type, made.hook.hook, made.priority) != (hook.type, hook.hook, priority):
                self.exists("base chain of another kind", chain.name, hook.span, made.span)
            made.hook, made.priority = hook, priority
        if chain.policy is not None:
            self.policy(made, chain, scope)

    def policy(self, made: ChainState, chain: Chain, scope: Scope) -> None:
        said = scope.filled(chain.policy)
        span = chain.policy_span or said.span
        if not isinstance(said, Word) or said.text not in ("accept", "drop"):
            self.mistakes.add("FW001", f"`{said.span.text}` is no policy", span, "a policy is `accept` or `drop`")
        elif made.hook is None:
            message = f"`{chain.name}` is no base chain, and has no policy"
            self.mistakes.add("FW001", message, span, "say `type filter hook … priority …;` before it")
        else:
            made.drops, made.policy_span = said.text == "drop", span

    def rules(self, table: TableState, made: ChainState, chain: Chain, scope: Scope) -> Iterator[Rule]:
        """Add the rules of a chain to it, and yield them."""
        for rule in chain.rules:
            match rule:
                case Rule():
                    made.rules.append(self.filled(rule, scope))
                    yield made.rules[-1]
                case Define():
                    self.define(rule, scope)
                case Include():
                    for part in self.parts(rule, chain):
                        self.options(table, made, part, scope)
                        yield from self.rules(table, made, part, scope)

    def filled(self, rule: Rule, scope: Scope) -> Rule:
        return scope.filled(rule) if "$" in rule.span.text else rule

    def rule(self, table: TableState, rule: Rule, command: Add, scope: Scope) -> None:
        chain = self.found_chain(table, command.place)
        if chain is None:
            return
        rule = self.filled(rule, scope)
        names_known(table, rule, self.mistakes)
        if command.handle is not None:
            message = "which rule has this handle, the text does not say"
            self.mistakes.add("FW820", message, command.span, "write the rules in their order, or say `index`")
            return
        if command.index is not None and not 0 <= command.index < len(chain.rules):
            message = f"`{chain.name}` has {len(chain.rules)} rules: there is none with index {command.index}"
            self.mistakes.add("FW001", message, command.span, "the first rule has index 0")
            return
        match command.operation:
            case "insert":
                chain.rules.insert(command.index or 0, rule)
            case "add" | "create":
                chain.rules.insert(len(chain.rules) if command.index is None else command.index + 1, rule)
            case "replace":
                self.mistakes.add("FW001", "`replace rule` needs a handle", command.span, "say `handle N`")

    # Sets

    def named_set(self, table: TableState, named: NamedSet, fresh: bool, scope: Scope) -> None:
        self.check_name(named.name, named.name_span)
        for include in named.includes:
            for part in self.parts(include, named):
                named = together(named, part, include)
        made = table.sets.get(named.name)
        if made is not None and (fresh or not alike(made.definition, named)):
            what = "map" if made.definition.is_map else "set"
            self.exists(what, named.name, named.name_span, made.definition.name_span)
            return
        if made is None:
            if named.type is None:
                message = f"the set `{named.name}` has no type"
                self.mistakes.add("FW001", message, named.name_span, "say `type ipv4_addr;` or `typeof ip saddr;`")
            made = table.sets[named.name] = SetState(replace(named, elements=None))
        if named.elements is not None:
            self.elements(made, named.elements, scope, named.name_span)

    def elements(self, named: SetState, said: SetLiteral | Variable, scope: Scope, span: Span) -> None:
        found = scope.filled(said) if isinstance(said, Variable) or "$" in said.span.text else said
        if not isinstance(found, SetLiteral):
            self.mistakes.add("FW001", "these are no elements of a set", span, "write `{ …, … }`")
            return
        note_empty(said, self.mistakes)
        named.elements += flat(found.elements)

    # Removing

    def remove(self, command: Remove, scope: Scope) -> None:
        place = command.place
        match command.operation, command.kind:
            case "list" | "get" | "reset" | "monitor" | "describe" | "export", _:
                return
            case "flush", "ruleset":
                for key in [key for key in self.state.tables if place.family in (None, key[0])]:
                    self.gone(self.state.tables.pop(key), command.span)
                return
            case "flush" | "delete" | "destroy" | "rename", _:
                pass
        if place.table is None:
            return
        key = (place.family or "ip", place.table)
        table = self.state.tables.get(key)
        if table is None:
            if command.operation == "delete" and command.kind == "table":
                return  # one that the host had
            if command.operation in ("flush", "destroy"):
                return
            self.unknown_table(place)
            return
        if command.kind == "table":
            if command.operation == "flush":
                self.emptied(table.chains.values(), "table", table.name, command.span)
            else:
                self.gone(self.state.tables.pop(key), command.span)
            return
        self.removed(table, command, scope)

    def removed(self, table: TableState, command: Remove, scope: Scope) -> None:
        place = command.place
        if place.handle is not None:
            message = "what has this handle, the text does not say"
            self.mistakes.add("FW820", message, command.span, "name it, or leave it out of the text")
            return
        name = place.name or ""
        match command.kind:
            case "chain" if command.operation == "flush":
                chain = self.found_chain(table, place)
                if chain is not None:
                    self.emptied([chain], "chain", chain.name, command.span)
            case "chain" if command.operation == "rename":
                chain = self.found_chain(table, place)
                if chain is not None and command.to:
                    del table.chains[name]
                    chain.name = command.to
                    table.chains[command.to] = chain
            case "chain":
                chain = self.found_chain(table, place)
                if chain is not None:
                    del table.chains[name]
            case "set" | "map" | "meter":
                named = self.found_set(table, place)
                if named is not None and command.operation == "flush":
                    named.elements.clear()
                elif named is not None:
                    del table.sets[name]
            case "element":
                self.without(table, command, scope)
            case _:
                table.objects.pop((command.kind, name), None)

    def without(self, table: TableState, command: Remove, scope: Scope) -> None:
        named = self.found_set(table, command.place)
        if named is None or command.elements is None:
            return
        note_empty(command.elements, self.mistakes)
        found = scope.filled(command.elements)
        keys = {each.key for each in flat(found.elements)} if isinstance(found, SetLiteral) else set()
        have = {each.key for each in named.elements}
        for each in flat(found.elements) if isinstance(found, SetLiteral) else ():
            if each.key not in have and command.operation == "delete":
                self.mistakes.add("FW001", "the set has no such element", each.span, "delete what was added")
        named.elements[:] = [each for each in named.elements if each.key not in keys]

    def gone(self, table: TableState, span: Span) -> None:
        rules = tuple(rule.span for chain in table.chains.values() for rule in chain.rules)
        if rules:
            self.state.replaced.append(Replaced(f"the table `{table.name}`", rules, first=table.span, span=span))

    def emptied(self, chains: Iterable[ChainState], kind: str, name: str, span: Span) -> None:
        chains = list(chains)
        rules = tuple(rule.span for chain in chains for rule in chain.rules)
        if rules:
            self.state.replaced.append(Replaced(f"the {kind} `{name}`", rules, first=chains[0].span, span=span))
        for chain in chains:
            chain.rules.clear()

    # Names

    def found(self, place: Place) -> TableState | None:
        table = self.state.tables.get((place.family or "ip", place.table or ""))
        if table is None:
            self.unknown_table(place)
        return table

    def unknown_table(self, place: Place) -> None:
        family: Family = place.family or "ip"
        known = {name for each, name in self.state.tables if each == family}
        others = [each for each, name in self.state.tables if name == place.table]
        help = f"there is one of family `{others[0]}`" if others else did_you_mean(place.table or "", known)
        message = f"there is no table `{family} {place.table}`"
        self.mistakes.add("FW701", message, place.span, help or f"add it before: `table {family} {place.table}`")

    def found_chain(self, table: TableState, place: Place) -> ChainState | None:
        found = table.chains.get(place.name or "")
        if found is None:
            help = did_you_mean(place.name or "", table.chains)
            self.mistakes.add("FW701", f"there is no chain `{place.name}` in `{table.name}`", place.span, help)
        return found

    def found_set(self, table: TableState, place: Place) -> SetState | None:
        found = table.sets.get(place.name or "")
        if found is None:
            help = did_you_mean(place.name or "", table.sets)
            self.mistakes.add("FW701", f"there is no set `{place.name}` in `{table.name}`", place.span, help)
        return found

    def check_name(self, name: str, span: Span) -> None:
        if len(name.encode()) > LONGEST_NAME:
            self.mistakes.add("FW001", f"the name is longer than {LONGEST_NAME} bytes", span, "shorten it")

    def exists(self, what: str, name: str, span: Span, first: Span) -> None:
        related = (Related(first, "it is made here"),)
        self.mistakes.add("FW703", f"there is a {what} `{name}` already", span, "use another name", related)
