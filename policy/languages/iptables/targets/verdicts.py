"""ACCEPT, DROP, RETURN, REJECT and the queues.

Sources: iptables(8), iptables-extensions(8); libipt_REJECT.c, libip6t_REJECT.c (types may be abbreviated); the kernel's
ipt_REJECT.c (tcp-reset only with `-p tcp`) and xt_NFQUEUE.c (with no listener the packet is dropped, with
`--queue-bypass` accepted).
"""

from __future__ import annotations

from policy.diagnostic import did_you_mean
from policy.ir import Action, Allow, Block, Reject, Return, UnknownAction
from policy.languages.iptables.options import Bad, Context, Given, Opt, TargetModule
from policy.languages.iptables.terms import key_of
from policy.languages.iptables.values import number, number_range

# Names and short names in the order of the extensions' tables; the first that begins with the word counts.
_TYPES = {
    4: (
        ("icmp-net-unreachable", "net-unreach"),
        ("icmp-host-unreachable", "host-unreach"),
        ("icmp-proto-unreachable", "proto-unreach"),
        ("icmp-port-unreachable", "port-unreach"),
        ("icmp-net-prohibited", "net-prohib"),
        ("icmp-host-prohibited", "host-prohib"),
        ("tcp-reset", "tcp-rst"),
        ("icmp-admin-prohibited", "admin-prohib"),
    ),
    6: (
        ("icmp6-no-route", "no-route"),
        ("icmp6-adm-prohibited", "adm-prohibited"),
        ("icmp6-addr-unreachable", "addr-unreach"),
        ("icmp6-port-unreachable", "port-unreach"),
        ("tcp-reset", "tcp-reset"),
        ("icmp6-policy-fail", "policy-fail"),
        ("icmp6-reject-route", "reject-route"),
    ),
}
_USUAL = {4: "icmp-port-unreachable", 6: "icmp6-port-unreachable"}


def reject_type(context: Context, text: str) -> str:
    """Read how the sender is told; raises `Bad` for what the family does not have."""
    types = _TYPES[context.family]
    wanted = text.lower()
    for full, short in types:
        if wanted and (full.startswith(wanted) or short.startswith(wanted)):
            return full
    other = [full for family, pairs in _TYPES.items() if family != context.family for full, _ in pairs]
    if wanted in other:
        raise Bad(
            "FW603", f"`{text}` is a reject type of the other IP version", f"one of {', '.join(t for t, _ in types)}"
        )
    known = [full for full, _ in types]
    raise Bad("FW001", f"unknown reject type `{text}`", did_you_mean(text, known) or "one of " + ", ".join(known))


def _accept(_: Given) -> tuple[Action, ...]:
    return (Allow(),)


def _drop(given: Given) -> tuple[Action, ...]:
    if given.context.table == "nat":
        help = "filter in the filter table, or give the chain the policy DROP"
        raise Bad("FW001", "the nat table is not for filtering: DROP may not be used in it", help)
    return (Block(),)


def _return(_: Given) -> tuple[Action, ...]:
    return (Return(),)


def _reject(given: Given) -> tuple[Action, ...]:
    how = given.value("reject-with", _USUAL[given.context.family])
    protocol = given.context.protocol
    if how == "tcp-reset" and (protocol.number != 6 or protocol.negated):
        raise Bad("FW504", "REJECT with tcp-reset needs `-p tcp`", "say `-p tcp`, or reject with an ICMP type")
    return (Reject(how),)


def _queue(given: Given) -> tuple[Action, ...]:
    name = given.extension.name
    words = key_of(name, str(given.value("queue-num", given.value("queue-balance", 0))))
    return (UnknownAction(f"{given.text}: a program decides", words, frozenset({"allow", "block"})),)


_BALANCE = number_range(16)


def _balance(context: Context, word: str) -> str:
    low, colon, high = word.partition(":")
    if not colon or not _BALANCE(context, word).size > 1 or not (low and high):
        raise Bad("FW001", f"`{word}` is not a range of queues", "write FIRST:LAST")
    return word


TARGETS = (
    TargetModule(name="ACCEPT", lower=_accept),
    TargetModule(name="DROP", lower=_drop),
    TargetModule(name="RETURN", lower=_return),
    TargetModule(name="REJECT", options=(Opt("reject-with", reject_type),), tables=("filter",), lower=_reject),
    TargetModule(
        name="NFQUEUE",
        options=(
            Opt("queue-num", number(16), excludes=("queue-balance",)),
            Opt("queue-balance", _balance, excludes=("queue-num",)),
            Opt("queue-bypass"),
            Opt("queue-cpu-fanout", needs=("queue-balance",)),
        ),
        lower=_queue,
    ),
    TargetModule(name="QUEUE", lower=_queue),
)
