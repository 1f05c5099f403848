"""What rules cannot set, and what they cannot put into sets.

Sources: nftables 1.0.6: src/evaluate.c (stmt_evaluate_set, stmt_evaluate_map); the kernel's nft_meta.c
(nft_meta_set_init, nft_meta_set_validate), nft_ct.c (nft_ct_set_init) and nft_dynset.c (nft_dynset_init).
"""

from __future__ import annotations

from collections.abc import Sequence

from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.context import Context
from policy.languages.nftables.lookup import set_types
from policy.languages.nftables.problem import Bad
from policy.languages.nftables.selectors import operand

_SETTABLE = {
    "meta": frozenset({"mark", "priority", "nftrace", "pkttype", "secmark"}),
    "ct": frozenset({"mark", "zone", "event", "label", "helper", "timeout", "expectation", "secmark"}),
}
_FIELDS = ("payload", "raw", "tcpopt")


def refuse_target(context: Context, target: e.Selector) -> bool:
    """Note what cannot be set, or not at the hooks of the chain."""
    known = _SETTABLE.get(target.kind)
    if target.kind not in _FIELDS and (known is None or target.words[0] not in known):
        help = f"of `{target.kind}` there can be set: " + ", ".join(sorted(known)) if known else None
        context.mistakes.add("FW001", f"`{target.span.text}` cannot be set", target.span, help)
        return True
    if target.kind == "meta" and target.words[0] == "pkttype":
        allowed = "ingress" if context.table.family == "netdev" else "prerouting"
        if wrong := context.hooks - {allowed}:
            message = f"the kernel refuses to set `{target.span.text}` at {', '.join(sorted(wrong))}"
            context.mistakes.add("FW001", message, target.span, f"set it at {allowed}")
            return True
    return False


def refuse_update(context: Context, statement: s.SetUpdate) -> None:
    """Note what does not go into a set: keys of another type, times where elements have none, no value for a map."""
    named = context.table.sets.get(statement.set)
    if named is None:
        return
    key, definition = statement.key, named.definition
    if statement.timeout is not None and "timeout" not in definition.flags and definition.timeout is None:
        help = "add `flags timeout` to the set"
        context.mistakes.add("FW001", f"elements of `{statement.set}` have no timeout", key.span, help)
        return
    if definition.is_map and statement.value is None and statement.operation != "delete":
        help = "write `{ KEY : VALUE }`"
        context.mistakes.add("FW001", f"`{statement.set}` is a map: an element needs a value", key.span, help)
        return
    try:
        wanted = set_types(context, named)
        parts = key.parts if isinstance(key, e.Concat) else (key,)
        given = [operand(context, part).type if isinstance(part, e.Selector) else None for part in parts]
    except Bad:
        return
    wrong = next(
        (two for one, two in zip(wanted, given, strict=False) if two is not None and one.bits != two.bits), None
    )
    if wrong is not None or len(wanted) != len(given):
        said = " . ".join(each.title for each in wanted)
        message = f"`{key.span.text}` is no key of `{statement.set}`"
        context.mistakes.add("FW001", message, key.span, f"its keys are: {said}")


def refuse_meter(context: Context, statement: s.Meter) -> None:
    """Note a key of a meter that says nothing of its type."""
    parts = statement.key.parts if isinstance(statement.key, e.Concat) else (statement.key,)
    bare = next((each for each in parts if isinstance(each, e.Word)), None)
    if bare is not None:
        message = f"`{bare.text}` is nothing that is read from a packet"
        context.mistakes.add("FW001", message, bare.span, "write a field, such as `ip saddr`")


def refuse_inner(context: Context, statements: Sequence[s.Statement]) -> None:
    """Note a statement that elements of sets do not have."""
    for each in statements:
        if not isinstance(each, s.Limit | s.Quota | s.ConnectionCount | s.Silent):
            message = f"`{each.span.text}` is no statement of an element"
            help = "write a counter, limit, quota, ct count or last there"
            context.mistakes.add("FW001", message, each.span, help)
            return
