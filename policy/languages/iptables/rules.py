"""From a rule of the AST to a match and actions of the IR."""

from __future__ import annotations

from policy.ir import NOTHING, Action, Goto, Jump, Match, Opaque, UnknownAction, all_of
from policy.languages.iptables import matches, targets
from policy.languages.iptables.ast import Extension, RuleSpec
from policy.languages.iptables.base import lower_general
from policy.languages.iptables.options import Arg, Bad, Context, Given, MatchModule, Module, TargetModule
from policy.nat import REWRITES
from policy.netfilter import BUILT_IN
from policy.packet.names import protocol_name
from policy.source import Span

_REWRITING_TABLES = frozenset({"raw", "mangle", "nat"})
"""The tables in which a target may rewrite packets (those of xtables-addons, RAWDNAT, do in raw)."""

_NATIVE = ("tcp", "udp")
"""Matches that the nft back end translates itself, and takes with `! -p` too."""


def lower_match(rule: RuleSpec, chain: str, context: Context) -> Match:
    """Return the condition of a rule in *chain*; mistakes go to the context."""
    parts = lower_general(rule, chain, context)
    for extension in rule.matches:
        module = matches.find(extension.name, context.family)
        given = read_options(extension, module, context)
        if given is None:
            continue
        try:
            parts.append(module.lower(given))
        except Bad as bad:
            _note(bad, extension, context)
    return next((part for part in parts if part == NOTHING), None) or all_of(*parts)


def lower_target(rule: RuleSpec, prefix: str, chains: frozenset[str], context: Context) -> tuple[Action, ...]:
    """Return the actions of a rule; *chains* are those that its table has, *prefix* goes before their names."""
    word = rule.target_word
    if word is None:
        return ()
    if rule.target is not None:
        module = targets.find(rule.target.name, context.family)
        assert module is not None
        given = read_options(rule.target, module, context)
        try:
            return module.lower(given) if given is not None else ()
        except Bad as bad:
            _note(bad, rule.target, context)
            return ()
    span = Span(context.source, word.start, word.end)
    if word.text in BUILT_IN[context.table]:
        message = f"the built-in chain `{word.text}` cannot be the target of a rule"
        context.mistakes.add("FW001", message, span, "only chains of your own can be jumped to")
        return ()
    if word.text in chains:
        return (Goto(prefix + word.text, span=span),) if rule.goto else (Jump(prefix + word.text, span=span),)
    text = f"`{word.text}` is neither a target that is known here nor a chain of this file"
    key, opaque = f"target:{word.text}", Opaque("target", word.text)
    if context.table in _REWRITING_TABLES:
        return (UnknownAction(text, key, REWRITES, opaque=opaque),)
    return (UnknownAction(text, key, opaque=opaque),)


def read_options(extension: Extension, module: Module, context: Context) -> Given | None:
    """Return the options of a match or target, read; None when one is wrong, which has been noted."""
    args: dict[str, Arg] = {}
    right = True
    for option in extension.options:
        declared = module.by_name.get(option.name)
        if declared is None or declared.read is None:
            args[option.name] = Arg(None, option.negated, option)
            continue
        try:
            value = declared.read(context, *(word.text for word in option.values))
        except Bad as bad:
            first, last = option.values[0], option.values[-1]
            context.mistakes.add(bad.code, bad.message, Span(context.source, first.start, last.end), bad.help)
            right = False
        else:
            args[option.name] = Arg(value, option.negated, option)
    if not right:
        return None
    try:
        _check(extension, module, context)
    except Bad as bad:
        _note(bad, extension, context)
        return None
    return Given(extension, args, context)


def _check(extension: Extension, module: Module, context: Context) -> None:
    """Hold what was given against what the module needs."""
    names = {option.name for option in extension.options}
    for option in module.options:
        if option.required and option.name not in names:
            raise Bad("FW001", f"{module.name}: option `--{option.name}` must be given")
        if option.name in names:
            missing = next((name for name in option.needs if name not in names), None)
            if missing is not None:
                raise Bad("FW001", f"{module.name}: `--{option.name}` also needs `--{missing}`")
    if module.one_of and not names.intersection(module.one_of):
        wanted = ", ".join(f"`--{name}`" for name in module.one_of)
        raise Bad("FW001", f"{module.name}: an option is missing", f"give one of {wanted}")
    if module.protocols and (names or module.name not in _NATIVE):
        number, negated = context.protocol.number, context.protocol.negated
        if number not in module.protocols or (negated and module.name not in _NATIVE):
            flag = "-m" if isinstance(module, MatchModule) else "-j"
            wanted = protocol_name(module.protocols[0])
            raise Bad("FW504", f"`{flag} {module.name}` needs `-p {wanted}`", f"say `-p {wanted}` in the rule")
    if module.chains and not context.roots.issubset(module.chains):
        wrong = ", ".join(sorted(context.roots.difference(module.chains)))
        raise Bad("FW001", f"the kernel refuses {module.name} in {wrong}", "it works in " + ", ".join(module.chains))
    if isinstance(module, TargetModule) and module.tables and context.table not in module.tables:
        where = " or ".join(module.tables)
        raise Bad("FW001", f"{module.name} is a target of the {where} table: the kernel refuses it in {context.table}")


def _note(bad: Bad, extension: Extension, context: Context) -> None:
    context.mistakes.add(bad.code, bad.message, Span(context.source, extension.start, extension.end), bad.help)
