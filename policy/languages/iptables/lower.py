"""From the AST of a file to the IR: tables in netfilter's order, their chains as policies.

Which built-in chains a packet goes through, and where rewriting takes it, is said in `ways`. DROP ends everything
in any table, and ACCEPT only the table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from policy.diagnostic import Collector
from policy.host import Host
from policy.ir import Allow, Block, Definition, Goto, Jump, Policy, Rule, Ruleset, all_of
from policy.languages.iptables import ast
from policy.languages.iptables.matches.sets import REWRITING, changed_sets
from policy.languages.iptables.options import Context
from policy.languages.iptables.tables import Chain, TableState
from policy.languages.iptables.tracking import tracks
from policy.languages.iptables.ways import ways
from policy.looping import arriving, looping
from policy.nat import any_ports
from policy.netfilter import BUILT_IN, DEEPEST_JUMP, MAIN_TABLE, MEETS_NAT, NOT_LOOPED, tracking
from policy.packet import OUTPUT
from policy.routing import ending, minds_ttl
from policy.source import Span
from policy.written import Replaced, Stray

_VOLATILE = (*sorted(REWRITING), "MASQUERADE", "SNAT")


def lower(file: ast.File, host: Host, mistakes: Collector) -> Ruleset:
    """Return the ruleset of *file*; what is wrong goes to *mistakes*."""
    volatile = frozenset(name for name in _VOLATILE if f" {name}" in file.source.text)
    changed = changed_sets(file, host.sets)
    context = Context(file.source, file.family, mistakes, host, volatile, changed_sets=changed)
    every = [TableState(table, context) for table in file.tables]
    states = {state.name: state for state in every}
    policies: dict[str, Policy] = dict(context.implied)
    tracked = tracks(rule.span for state in states.values() for chain in state.chains.values() for rule in chain.rules)
    for state in states.values():
        for chain in state.chains.values():
            policies.update((policy.name, policy) for policy in _policies(state, chain, tracked))
    policies = any_ports(policies)
    for chain_name in BUILT_IN[MAIN_TABLE]:
        policies.setdefault(chain_name, Policy(chain_name, (), Allow()))
    entries = ways(states, policies, host)
    _check_calls(policies, sorted({entry.policy for each in entries.values() for entry in each}), mistakes)
    definitions = _definitions(states.values(), policies)
    ruleset = Ruleset(
        "iptables" if file.family == 4 else "ip6tables",
        frozenset({file.family}),
        policies,
        entries,
        definitions,
        sources=(file.source,),
        suppressions=file.suppressions,
        stray=(*file.stray, *_ineffective(file, policies.values())),
        replaced=tuple(_replaced(every)),
    )
    ruleset = arriving(ruleset)
    if any(entry.translates for entry in entries[OUTPUT]):
        ruleset = looping(ruleset)
    return ending(ruleset) if minds_ttl(policies.values()) else ruleset


def _replaced(states: Iterable[TableState]) -> Iterator[Replaced]:
    """Yield the chains and tables that begin anew, where rules are lost."""
    last: dict[str, TableState] = {}
    for state in states:
        yield from state.replaced
        before = last.get(state.name)
        if before is not None:
            gone = tuple(rule.span for chain in before.chains.values() for rule in chain.rules)
            if gone:
                yield Replaced(f"the table `{state.name}`", gone, first=before.span, span=state.span)
        last[state.name] = state


def _ineffective(file: ast.File, policies: Collection[Policy]) -> Iterator[Stray]:
    """Yield the comments at what later lines of the file undo, and at lines that make nothing."""
    written = [each for table in file.tables for line in table.statements for each in line.suppressions]
    if written:
        kept = [each for policy in policies for each in policy.suppressions]
        kept += [each for policy in policies for rule in policy.rules for each in rule.suppressions]
        heard = {each.span.start for each in kept}
        for each in written:
            if each.span.start not in heard:
                yield Stray("what it belongs to is not in force", span=each.span)


def _policies(state: TableState, chain: Chain, tracked: bool) -> Iterator[Policy]:
    """Yield a chain as a policy; a built-in one has its default.

    The policy DROP of a chain of the nat table is a rule behind a call of the chain, so that a RETURN comes to it, too:
    only the first packet of a connection does. If no rule has connections *tracked* it is not known whether any are.
    """
    name = state.prefix + chain.name
    rules = tuple(chain.rules)
    span, silent = chain.policy_span, chain.suppressions
    if chain.name not in state.built_in:
        yield Policy(name, rules, span=chain.span, suppressions=silent)
    elif state.name != "nat" or chain.policy != "DROP" or span is None:
        default = Allow() if chain.policy != "DROP" else Block()
        yield Policy(name, rules, default, span=span, default_span=span, suppressions=silent)
    else:
        inner = name + ":rules"
        yield Policy(inner, rules, span=span, suppressions=silent)
        seen = all_of(MEETS_NAT, NOT_LOOPED) if chain.name in ("PREROUTING", "INPUT") else MEETS_NAT
        drops = seen if tracked else all_of(seen, tracking(span))
        whole = (Rule(seen, (Jump(inner),), span=span), Rule(drops, (Block(),), span=span))
        yield Policy(name, whole, Allow(), span=span, suppressions=silent)


def _calls(policy: Policy) -> Iterator[tuple[str, Span | None]]:
    for rule in policy.rules:
        for action in rule.actions:
            if isinstance(action, Jump | Goto):
                yield action.policy, action.span


def _check_calls(policies: Mapping[str, Policy], entries: Iterable[str], mistakes: Collector) -> None:
    """Note loops and too deep nesting among the chains that packets can reach; others load."""
    depth: dict[str, int] = {}
    for entry in entries:
        path = {entry: None}
        stack = [(entry, _calls(policies[entry]), 0)]
        while stack:
            name, calls, deepest = stack.pop()
            for called, span in calls:
                if called in path:
                    if span is not None:
                        way = list(path)[list(path).index(called) :]
                        message = "a packet would go round for ever: " + " → ".join([*way, called])
                        mistakes.add("FW116", message, span, "let one of the chains return")
                elif called in depth:
                    deepest = max(deepest, depth[called] + 1)
                elif called in policies:
                    stack += [(name, calls, deepest), (called, _calls(policies[called]), 0)]
                    path[called] = None
                    break
            else:
                depth[name] = deepest
                path.pop(name, None)
                if stack:
                    parent, rest, so_far = stack.pop()
                    stack.append((parent, rest, max(so_far, deepest + 1)))
        if depth[entry] > DEEPEST_JUMP:
            span = next(
                (span for called, span in _calls(policies[entry]) if depth.get(called, 0) >= DEEPEST_JUMP), None
            )
            if span is not None:
                message = f"chains are nested {depth[entry]} deep below `{entry}`: nf_tables loads {DEEPEST_JUMP}"
                mistakes.add("FW820", message, span, "put the rules of the innermost chains where they are called")


def _definitions(states: Iterable[TableState], policies: Mapping[str, Policy]) -> tuple[Definition, ...]:
    """Return the chains that the file makes, with the places that jump to them."""
    uses: dict[str, list[Span]] = {}
    for policy in policies.values():
        for called, span in _calls(policy):
            if span is not None:
                uses.setdefault(called, []).append(span)
    return tuple(
        Definition(
            state.prefix + chain.name,
            "chain",
            chain.name,
            span=chain.span,
            uses=tuple(uses.get(state.prefix + chain.name, ())),
        )
        for state in states
        for chain in state.chains.values()
        if chain.span is not None and chain.name not in state.built_in
    )
