"""Named objects that say too little, or what there is not: helpers, timeouts and expectations of connection tracking.

Sources: the kernel's nft_ct.c (nft_ct_helper_obj_init, nft_ct_timeout_obj_init, nft_ct_expect_obj_init).
"""

from __future__ import annotations

import re

from policy.diagnostic import Collector, did_you_mean
from policy.languages.nftables.ast.command import NamedObject
from policy.languages.nftables.refuse.amounts import refuse_limit, refuse_numbers, refuse_quota
from policy.languages.nftables.state import TableState

_TCP = (
    "syn_sent", "syn_recv", "established", "fin_wait", "close_wait", "last_ack", "time_wait", "close", "syn_sent2",
    "retrans", "unack",
)  # fmt: skip
_STATES = {"tcp": _TCP, "udp": ("unreplied", "replied")}
_NEEDS = {
    "ct helper": ("type", "protocol"),
    "ct expectation": ("protocol", "dport", "timeout", "size"),
    "ct timeout": ("protocol",),
}
_PROTOCOL = re.compile(r"\bprotocol\s+(\w+)")
_POLICY = re.compile(r"\bpolicy\s*=\s*\{([^{}]*)\}")
_LIMIT = re.compile(r"rate (?:over |until )?")
_QUOTA = re.compile(r"(?:over |until )")
_FAMILY = re.compile(r"\bl3proto\s+(\w+)")


def refuse(table: TableState, named: NamedObject, mistakes: Collector) -> None:
    """Note what is wrong with an object of a table."""
    if named.kind in ("limit", "quota", "counter"):
        _amount(named, mistakes)
        return
    needs = _NEEDS.get(named.kind)
    if needs is None:
        return
    text = re.sub(r"#[^\n]*", "", named.text)
    missing = [word for word in needs if re.search(rf"\b{word}\b", text) is None]
    if missing:
        help = f"write `{missing[0]} …;` between its braces"
        mistakes.add("FW001", f"the {named.kind} `{named.name}` has no `{missing[0]}`", named.name_span, help)
        return
    protocol, family = _PROTOCOL.search(text), _FAMILY.search(text)
    if family is not None and table.family in ("ip", "ip6") and family[1] != table.family:
        message = f"the {named.kind} `{named.name}` is for {family[1]}, and its table for {table.family}"
        mistakes.add("FW603", message, named.name_span, f"write `l3proto {table.family}`")
    states = _STATES.get(protocol[1] if protocol else "")
    found = _POLICY.search(text)
    if named.kind != "ct timeout" or states is None or found is None:
        return
    for word in re.findall(r"([a-z_0-9]+)\s*:", found[1]):
        if word not in states:
            help = did_you_mean(word, states) or "one of " + ", ".join(states)
            mistakes.add("FW001", f"`{word}` is no state of {protocol[1] if protocol else ''}", named.name_span, help)
            return


def _amount(named: NamedObject, mistakes: Collector) -> None:
    text = re.sub(r"\s*/\s*", "/", " ".join(re.sub(r"#[^\n]*", "", named.text).split()))
    match named.kind:
        case "limit":
            refuse_limit(mistakes, _LIMIT.sub("", text), named.name_span)
        case "quota":
            refuse_quota(mistakes, _QUOTA.sub("", text), named.name_span)
        case _:
            refuse_numbers(mistakes, text, named.name_span)
