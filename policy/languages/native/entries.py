"""Where the policies of a file hold, and which of them may call which."""

from __future__ import annotations

from collections.abc import Mapping

from policy import ir
from policy.diagnostic import Collector, Related
from policy.languages.native import ast
from policy.languages.native.loops import order, report
from policy.packet import HOOKS
from policy.question.ast import Word
from policy.question.hints import hint

Entries = dict[int | None, tuple[ir.Entry, ...]]


def entries(
    nodes: Mapping[str, ast.Policy], policies: Mapping[str, ir.Policy], whole: bool, collector: Collector
) -> Entries:
    """Return the entry at each hook: of bound policies at theirs, of an unbound one that nobody calls at every hook.

    Without the *whole* of the text, some of which could not be read, nothing is said of policies that seem uncalled.
    """
    calls = {name: _calls(node) for name, node in nodes.items()}
    _check_calls(nodes, calls, collector)
    called = {word.text for words in calls.values() for word in words}
    found: dict[int | None, ast.Policy] = {}
    for name, node in nodes.items():
        for word in node.hooks:
            _bind(node, word, found, collector)
        if whole and not node.hooks and name not in called:
            _bind_everywhere(node, found, collector)
    if None in found:
        for hook, node in found.items():
            if hook is not None:
                everywhere = found[None]
                message = (
                    f"`{everywhere.name.text}` is bound to no hook and called by no policy, so it holds at every hook"
                )
                related = (Related(node.name.span, f"`{node.name.text}` holds at {HOOKS[hook]} too"),)
                collector.add("FW703", message, everywhere.name.span, "say `at` which hooks, or call it", related)
                break
    return {hook: (_entry(node, policies[node.name.text]),) for hook, node in found.items()}


def _entry(node: ast.Policy, policy: ir.Policy) -> ir.Entry:
    return ir.Entry(node.name.text, policy.default or ir.Block(), stateful=not node.stateless)


def _bind(node: ast.Policy, word: Word, found: dict[int | None, ast.Policy], collector: Collector) -> None:
    if word.text not in HOOKS:
        help = hint(word.text, HOOKS, collector) or f"there are {', '.join(HOOKS)}"
        collector.add("FW701", f"there is no hook `{word.text}`", word.span, help)
        return
    first = found.setdefault(HOOKS.index(word.text), node)
    if first is not node:
        related = (Related(first.name.span, "the first one"),)
        message = f"`{first.name.text}` is the policy at {word.text} already"
        collector.add("FW703", message, word.span, "a hook has one policy, which may call others", related)


def _bind_everywhere(node: ast.Policy, found: dict[int | None, ast.Policy], collector: Collector) -> None:
    first = found.setdefault(None, node)
    if first is not node:
        one, other = first.name.text, node.name.text
        message = f"`{other}` and `{one}` are both bound to no hook and called by no policy, so both hold at every hook"
        related = (Related(first.name.span, f"`{one}`"),)
        collector.add("FW703", message, node.name.span, "say `at` which hooks, or call one from the other", related)


def _calls(node: ast.Policy) -> list[Word]:
    """Return the policies that a policy calls, at the places where it does."""
    return [rule.target for rule in node.body if isinstance(rule, ast.Rule) and rule.target is not None]


def _check_calls(nodes: Mapping[str, ast.Policy], calls: Mapping[str, list[Word]], collector: Collector) -> None:
    """Note loops, and calls of and by policies in which the last match counts."""
    report(order(calls).loops, "calls", collector)
    for name, words in calls.items():
        for word in words:
            if collector.full:
                return
            caller, callee = nodes[name], nodes.get(word.text)
            if caller.last_match:
                related = (Related(caller.name.span, "it says `last-match`"),)
                message = "a policy in which the last match counts cannot call another"
                collector.add("FW820", message, word.span, "write its rules here", related)
            if callee is not None and callee.last_match:
                related = (Related(callee.name.span, "it says `last-match`"),)
                message = "a policy in which the last match counts cannot be called"
                collector.add("FW820", message, word.span, "bind it to a hook", related)
