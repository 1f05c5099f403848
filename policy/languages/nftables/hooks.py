"""Where base chains can stand: types, hooks and priorities of each family (nf_tables_api.c, src/rule.c)."""

from __future__ import annotations

import re

from policy.diagnostic import Collector, did_you_mean
from policy.languages.nftables.ast.command import Family, Hook
from policy.languages.nftables.ast.expression import Word
from policy.netfilter import PRIORITIES

_FIVE = ("prerouting", "input", "forward", "output", "postrouting")
_NAT = ("prerouting", "input", "output", "postrouting")
_IP = {"filter": _FIVE, "nat": _NAT, "route": ("output",)}
HOOKS: dict[Family, dict[str, tuple[str, ...]]] = {
    "ip": _IP,
    "ip6": _IP,
    "inet": {**_IP, "filter": (*_FIVE, "ingress")},
    "arp": {"filter": ("input", "output")},
    "bridge": {"filter": _FIVE},
    "netdev": {"filter": ("ingress", "egress")},
}
"""The hooks of each type of chain."""

_NAMES = {name: number for name, number in PRIORITIES.items() if name != "conntrack"}
_BRIDGE = {"dstnat": -300, "filter": -200, "out": 100, "srcnat": 300}
_ONLY_AT = {"dstnat": "prerouting", "srcnat": "postrouting", "out": "output"}
_BEFORE_NAT = PRIORITIES["conntrack"]
_TYPES = ("filter", "nat", "route")
_ALL = (*_FIVE, "ingress", "egress")
_WRITTEN = re.compile(r"([a-z]*)\s*(?:([+-])\s*)?([0-9]*)")


def priority(family: Family, hook: Hook, mistakes: Collector) -> int | None:
    """Return the number of a priority; None after noting what is wrong with it."""
    name, number = hook.priority
    if name:
        known = _BRIDGE if family == "bridge" else {"filter": 0} if family in ("arp", "netdev") else _NAMES
        if name not in known:
            names = ", ".join(known)
            help = did_you_mean(name, known) or f"a number, or one of {names}"
            mistakes.add("FW001", f"`{name}` is no priority of the family {family}", hook.span, help)
            return None
        if _ONLY_AT.get(name, hook.hook) != hook.hook:
            help = f"`{name}` is for the hook {_ONLY_AT[name]}; write the number {known[name]}"
            mistakes.add("FW001", f"the hook {hook.hook} has no priority `{name}`", hook.span, help)
            return None
        number += known[name]
    return (number + (1 << 31)) % (1 << 32) - (1 << 31)


def written_priority(value: object) -> tuple[str, int] | None:
    """Return the priority that the value of a variable says; None where it says none."""
    if not isinstance(value, Word):
        return None
    found = _WRITTEN.fullmatch(value.text.strip())
    if found is None or not (found[1] or found[3]) or (found[1] and bool(found[2]) != bool(found[3])):
        return None
    number = int(found[3][:12] or 0)
    return found[1], -number if found[2] == "-" else number


def check(family: Family, hook: Hook, mistakes: Collector) -> int | None:
    """Return the priority of a base chain; None after noting why the kernel would not take it."""
    types = HOOKS[family]
    if hook.type not in _TYPES:
        help = did_you_mean(hook.type, _TYPES) or "one of " + ", ".join(_TYPES)
        mistakes.add("FW001", f"`{hook.type}` is no type of chain", hook.span, help)
        return None
    if hook.hook not in _ALL:
        help = did_you_mean(hook.hook, _ALL) or "one of " + ", ".join(types.get(hook.type, _ALL))
        mistakes.add("FW001", f"`{hook.hook}` is no hook", hook.span, help)
        return None
    if hook.hook not in types.get(hook.type, ()):
        has = ", ".join(types[hook.type]) if hook.type in types else ""
        help = f"its hooks are {has}" if has else f"the family has chains of the type {', '.join(types)}"
        message = f"a chain of the type {hook.type} in the family {family} has no hook {hook.hook}"
        mistakes.add("FW001", message, hook.span, help)
        return None
    bound = hook.hook in ("ingress", "egress")
    if bound and not hook.devices:
        mistakes.add("FW001", f"a chain at {hook.hook} names its device", hook.span, "write `device NAME` before the priority")
        return None
    if hook.devices and not bound:
        help = "match on `iifname` in its rules instead"
        mistakes.add("FW001", f"a chain at {hook.hook} is bound to no device", hook.span, help)
        return None
    number = priority(family, hook, mistakes)
    if number is not None and hook.type == "nat" and number <= _BEFORE_NAT:
        help = f"NAT needs connection tracking, so its priority is above {_BEFORE_NAT}"
        mistakes.add("FW820", "a nat chain cannot come before connection tracking", hook.span, help)
        return None
    return number
