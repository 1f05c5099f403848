"""A table as iptables-restore fills it, command by command: chains, policies and lowered rules.

Source: iptables 1.8.9, iptables/xtables-restore.c and nft.c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from typing import TYPE_CHECKING

from policy._record import dataclass
from policy.diagnostic import did_you_mean
from policy.ir import Rule, all_of
from policy.languages.iptables import targets
from policy.languages.iptables.ast import Command, Declaration, RuleSpec, Table, Word
from policy.languages.iptables.lists import host_bits, lists_of
from policy.languages.iptables.matches.time import last_day
from policy.languages.iptables.options import Context
from policy.languages.iptables.rules import lower_match, lower_target
from policy.netfilter import BUILT_IN, MAIN_TABLE, MEETS_NAT, NOT_LOOPED
from policy.source import Span
from policy.written import Replaced, Suppression

if TYPE_CHECKING:
    from datetime import date

_STANDARD = ("ACCEPT", "DROP", "QUEUE", "RETURN")


@dataclass(slots=True)
class Chain:
    """A chain with its rules and, of a built-in one, its policy; *weights*: how many rules of the kernel each is."""

    name: str
    span: Span | None = None
    policy: str = "ACCEPT"
    policy_span: Span | None = None
    suppressions: tuple[Suppression, ...] = ()
    rules: list[Rule] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)


class TableState:
    """The chains of one table while the commands of its block are done."""

    def __init__(self, table: Table, context: Context) -> None:
        self.name = table.name.text
        self.span = Span(context.source, table.name.start, table.name.end)
        self.context = replace(context, table=self.name)
        self.built_in = BUILT_IN[self.name]
        self.chains = {name: Chain(name) for name in self.built_in}
        self.replaced: list[Replaced] = []
        self.prefix = "" if self.name == MAIN_TABLE else f"{self.name}:"
        self.roots = _roots(table, self.built_in)
        self.known = frozenset(self.built_in) | _declared(table)
        for statement in table.statements:
            if context.mistakes.full:
                return
            if isinstance(statement, Declaration):
                self._declare(statement)
            else:
                self._command(statement)

    def _fail(self, part: Word | Command, code: str, message: str, help: str | None = None) -> None:
        self.context.mistakes.add(code, message, self._span(part), help)

    def _span(self, part: Word | Command | Declaration) -> Span:
        return Span(self.context.source, part.start, part.end)

    def _declare(self, line: Declaration) -> None:
        name = line.chain.text
        if name in self.built_in:
            self._policy(line.chain, line.policy, line)
        elif self._named(line.chain, _STANDARD):
            before, chain = self.chains.get(name), Chain(name, self._span(line.chain), suppressions=line.suppressions)
            self.chains[name] = chain
            if before is not None and before.rules and before.span is not None and chain.span is not None:
                gone = tuple(rule.span for rule in before.rules)
                self.replaced.append(Replaced(f"the chain `{name}`", gone, first=before.span, span=chain.span))

    def _policy(self, chain: Word, policy: Word, line: Declaration | Command) -> None:
        if policy.text in ("ACCEPT", "DROP"):
            found = self.chains[chain.text]
            found.policy, found.policy_span = policy.text, self._span(line)
            found.suppressions += line.suppressions
        elif policy.text != "-":
            self._fail(policy, "FW001", f"bad policy `{policy.text}`", "a built-in chain has ACCEPT or DROP")

    def _named(self, word: Word, taken: tuple[str, ...] | list[str]) -> bool:
        """Is this a name that a chain may have? If not, say so."""
        name = word.text
        if len(name) > 28:
            self._fail(word, "FW001", f"chain name `{name}` is too long", "28 characters are the most")
        elif name[:1] in ("-", "!"):
            self._fail(word, "FW001", f"a chain name may not begin with `{name[0]}`")
        elif name in taken:
            self._fail(
                word, "FW703", f"chain name `{name}` clashes with the target of that name", "choose another name"
            )
        else:
            return True
        return False

    def _command(self, command: Command) -> None:
        verbs: dict[str, Callable[[Command, Word], None]] = {
            "-A": self._append,
            "-I": self._insert,
            "-C": self._check,
            "-D": self._delete,
            "-N": self._new,
            "-P": self._set_policy,
            "-F": self._flush,
            "-X": self._remove,
        }
        if command.verb in ("-L", "-S", "-Z"):
            if command.chain is not None:
                self._find(command.chain)
            return
        if command.chain is not None:
            verbs[command.verb](command, command.chain)
            return
        for name in list(self.chains):
            if command.verb == "-F":
                self.chains[name].rules.clear()
                self.chains[name].weights.clear()
            elif name not in self.built_in:
                self._remove(command, Word(name, command.start, command.end))

    def _find(self, word: Word) -> Chain | None:
        chain = self.chains.get(word.text)
        if chain is None:
            help = did_you_mean(word.text, self.chains) or f"declare it before, with `:{word.text} - [0:0]`"
            self._fail(word, "FW701", f"the {self.name} table has no chain `{word.text}` here", help)
        return chain

    def lower(self, command: Command, name: str) -> Rule:
        """Return the rule of a command in the chain *name*."""
        spec, context = command.rule, self.context
        context.roots = self.roots.get(name, frozenset())
        match = lower_match(spec, name, context)
        if self.name == "nat" and name in self.built_in:
            match = all_of(MEETS_NAT, *((NOT_LOOPED,) if name in ("PREROUTING", "INPUT") else ()), match)
        actions = lower_target(spec, self.prefix, self.known, context)
        word = spec.target_word
        return Rule(
            match,
            actions,
            note=_comment(spec),
            suppressions=command.suppressions,
            expires=_expires(spec),
            span=self._span(command),
            action_span=None if word is None else self._span(word),
            lists=lists_of(spec, context),
            host_bits=tuple(host_bits(spec, context)),
        )

    def _append(self, command: Command, word: Word) -> None:
        chain = self._find(word)
        rule = self.lower(command, word.text)
        if chain is not None:
            chain.rules.append(rule)
            chain.weights.append(_weight(command.rule))

    def _insert(self, command: Command, word: Word) -> None:
        chain = self._find(word)
        rule = self.lower(command, word.text)
        if chain is None:
            return
        at = self._place(command, word, chain)
        if at is None:
            return
        chain.rules.insert(at, rule)
        chain.weights.insert(at, _weight(command.rule))

    def _place(self, command: Command, word: Word, chain: Chain) -> int | None:
        """Return the index for the number of a command, which may be one more than there are; None, with a mistake."""
        at, left = 0, (command.number or 1) - 1
        while at < len(chain.rules) and left >= chain.weights[at]:
            left -= chain.weights[at]
            at += 1
        inside = at < len(chain.rules)
        if not left and not (inside and command.verb == "-D" and chain.weights[at] > 1):
            return at
        message = "the number falls inside a rule with several addresses" if inside else "the rule number is too big"
        help = f"`{word.text}` has {sum(chain.weights)} rules here"
        self._fail(command, "FW820" if inside else "FW001", message, help)
        return None

    def _delete(self, command: Command, word: Word) -> None:
        chain = self._find(word)
        if chain is None:
            return
        if command.number:
            at = self._place(command, word, chain)
        else:
            rule = self.lower(command, word.text)
            at = next((i for i, other in enumerate(chain.rules) if other == rule), len(chain.rules))
        if at is None:
            return
        if at == len(chain.rules):
            self._fail(command, "FW701", f"`{word.text}` has no such rule here", "rules are deleted as they were added")
            return
        del chain.rules[at], chain.weights[at]

    def _check(self, command: Command, word: Word) -> None:
        chain = self._find(word)
        rule = self.lower(command, word.text)
        if chain is not None and rule not in chain.rules:
            self._fail(command, "FW701", f"`{word.text}` has no such rule here", "`-C` asks for a rule as it was added")

    def _new(self, command: Command, word: Word) -> None:
        if word.text in self.chains:
            self._fail(word, "FW703", f"chain `{word.text}` already exists", "declare it once")
        elif self._named(word, targets.names()):
            self.chains[word.text] = Chain(word.text, self._span(word), suppressions=command.suppressions)

    def _set_policy(self, command: Command, word: Word) -> None:
        assert command.policy is not None
        if word.text not in self.built_in:
            self._fail(word, "FW001", f"`{word.text}` is not a built-in chain: it can have no policy")
        elif command.policy.text == "-":
            self._fail(command.policy, "FW001", "bad policy `-`", "a built-in chain has ACCEPT or DROP")
        else:
            self._policy(word, command.policy, command)

    def _flush(self, _: Command, word: Word) -> None:
        chain = self._find(word)
        if chain is not None:
            chain.rules.clear()
            chain.weights.clear()

    def _remove(self, command: Command, word: Word) -> None:
        chain = self._find(word)
        if chain is None:
            return
        if word.text in self.built_in:
            self._fail(command, "FW001", f"the built-in chain `{word.text}` cannot be deleted")
        elif chain.rules or self._used(word.text):
            self._fail(
                command, "FW001", f"chain `{word.text}` is in use, or not empty", "flush it, and what jumps to it"
            )
        else:
            del self.chains[word.text]

    def _used(self, name: str) -> bool:
        wanted = self.prefix + name
        return any(
            getattr(action, "policy", None) == wanted
            for chain in self.chains.values()
            for rule in chain.rules
            for action in rule.actions
        )


def _declared(table: Table) -> frozenset[str]:
    """Return the names of all chains that a block makes."""
    return frozenset(
        one.chain.text
        for one in table.statements
        if one.chain is not None and (isinstance(one, Declaration) or one.verb == "-N")
    )


def _roots(table: Table, built_in: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """Return the built-in chains from which each chain can be reached."""
    calls: dict[str, set[str]] = {}
    for statement in table.statements:
        if isinstance(statement, Command) and statement.chain is not None:
            word = statement.rule.target_word
            if word is not None and statement.rule.target is None:
                calls.setdefault(statement.chain.text, set()).add(word.text)
    found: dict[str, set[str]] = {}
    for root in built_in:
        todo = [root]
        while todo:
            name = todo.pop()
            if root not in found.setdefault(name, set()):
                found[name].add(root)
                todo += calls.get(name, ())
    return {name: frozenset(roots) for name, roots in found.items()}


def _weight(rule: RuleSpec) -> int:
    """Return how many rules of the kernel a rule with lists of addresses becomes."""
    weight = 1
    for name in ("source", "destination"):
        option = rule.option(name)
        if option is not None:
            weight *= option.values[0].text.count(",") + 1
    return weight


def _expires(rule: RuleSpec) -> date | None:
    """Return the day on which a rule matches for the last time (`-m time --datestop`), in UTC."""
    for extension in rule.matches:
        option = extension.first("datestop") if extension.name == "time" else None
        if option is not None:
            return last_day(option.values[0].text)
    return None


def _comment(rule: RuleSpec) -> str | None:
    for extension in rule.matches:
        if extension.name == "comment" and extension.options:
            return extension.options[0].values[0].text.strip() or None
    return None
