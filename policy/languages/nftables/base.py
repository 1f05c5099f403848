"""Base chains: which types, hooks and priorities there are in each family (nft(8), CHAINS; the kernel's nf_tables)."""

from __future__ import annotations

from policy.diagnostic import Collector, did_you_mean
from policy.languages.nftables.ast.command import Family, Hook, Table
from policy.languages.nftables.ast.expression import Word
from policy.languages.nftables.variables import Scope

INET_HOOKS = ("prerouting", "input", "forward", "output", "postrouting")
HOOKS: dict[Family, tuple[str, ...]] = {
    "ip": INET_HOOKS,
    "ip6": INET_HOOKS,
    "inet": (*INET_HOOKS, "ingress"),
    "arp": ("input", "output"),
    "bridge": INET_HOOKS,
    "netdev": ("ingress", "egress"),
}
TYPES: dict[str, tuple[str, ...]] = {
    "filter": (*INET_HOOKS, "ingress", "egress"),
    "nat": ("prerouting", "input", "output", "postrouting"),
    "route": ("output",),
}
_TYPES_OF: dict[Family, tuple[str, ...]] = {
    "ip": ("filter", "nat", "route"),
    "ip6": ("filter", "nat", "route"),
    "inet": ("filter", "nat", "route"),
    "arp": ("filter",),
    "bridge": ("filter",),
    "netdev": ("filter",),
}
_INET = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
_BRIDGE = {"dstnat": -300, "filter": -200, "out": 100, "srcnat": 300}
PRIORITIES: dict[Family, dict[str, int]] = {
    "ip": _INET,
    "ip6": _INET,
    "inet": _INET,
    "arp": {"filter": 0},
    "bridge": _BRIDGE,
    "netdev": {"filter": 0},
}
_AT_ONE_HOOK = {"dstnat": "prerouting", "srcnat": "postrouting", "out": "output"}
_CONNTRACK = -200

_TABLE_FLAGS = ("dormant", "owner")


def refuse_hook(family: Family, hook: Hook, mistakes: Collector) -> None:
    """Note what is wrong with the type and the hook of a base chain."""
    span = hook.span
    if hook.type not in _TYPES_OF[family]:
        known = _TYPES_OF[family]
        help = did_you_mean(hook.type, known) or f"in `{family}` there are: " + ", ".join(known)
        mistakes.add("FW001", f"`{hook.type}` is no type of chains of family `{family}`", span, help)
    elif hook.hook not in HOOKS[family]:
        help = did_you_mean(hook.hook, HOOKS[family]) or f"in `{family}` there are: " + ", ".join(HOOKS[family])
        mistakes.add("FW001", f"`{hook.hook}` is no hook of family `{family}`", span, help)
    elif hook.hook not in TYPES[hook.type]:
        help = f"it may be at {', '.join(TYPES[hook.type])}"
        mistakes.add("FW001", f"a chain of type `{hook.type}` cannot be at `{hook.hook}`", span, help)
    elif hook.hook in ("ingress", "egress") and not hook.devices and family == "netdev":
        help = 'say `device "eth0"` before the priority'
        mistakes.add("FW001", f"a chain at `{hook.hook}` needs a device", span, help)


def priority_of(family: Family, hook: Hook, scope: Scope, mistakes: Collector) -> int:
    """Return the priority of a base chain as a number; what is wrong with it is noted."""
    name, number = hook.priority
    names = PRIORITIES[family]
    if hook.priority_variable is not None:
        said = scope.filled(hook.priority_variable)
        text = said.text if isinstance(said, Word) else ""
        if text.lstrip("-").isdigit():
            number += int(text)
        else:
            name = text
    if name and name not in names:
        help = did_you_mean(name, names) or "there are: " + ", ".join(names)
        mistakes.add("FW001", f"`{name}` is no priority of family `{family}`", hook.span, help)
        return number
    if name and _AT_ONE_HOOK.get(name, hook.hook) != hook.hook:
        message = f"the priority `{name}` is for {_AT_ONE_HOOK[name]} alone"
        mistakes.add("FW001", message, hook.span, f"write the number: {names[name]}")
    priority = names.get(name, 0) + number
    if hook.type == "nat" and priority <= _CONNTRACK:
        message = f"the priority {priority} of a chain of type `nat` is before connection tracking"
        mistakes.add("FW001", message, hook.span, f"it must be more than {_CONNTRACK}")
    return priority


def refuse_flags(table: Table, mistakes: Collector) -> None:
    """Note flags that no table has."""
    for flag in table.flags:
        if flag not in _TABLE_FLAGS:
            help = did_you_mean(flag, _TABLE_FLAGS) or "`flags dormant` switches the table off"
            mistakes.add("FW001", f"`{flag}` is no flag of a table", table.name_span, help)
