"""How rules change packets, in words: `to 172.17.0.2:80 (was 192.0.2.10:8080), forward, out docker0`."""

from __future__ import annotations

from collections.abc import Mapping

from policy.packet import FIELDS, ROUTING, Intervals, Packet, Value
from policy.packet.address import V4, V6
from policy.packet.packet import relation
from policy.packet.text import value_text

_SIDES = (("to", "dst", "dport"), ("from", "src", "sport"))
_TOLD = ("dst", "dport", "src", "sport", "hook", "out", "in", "ttl")
"""Fields that have words of their own; of the TTL, which forwarding changes too, the rule itself says most."""


def changes(old: Packet, new: Packet) -> Mapping[str, Value]:
    """Return the fields of *new* that are not as in *old*, nor a part of what they were there.

    That a connection is translated goes without saying where its addresses are told.
    """
    told = (item for item in new.values.items() if item[0] != "ctstatus")
    return {name: value for name, value in told if not _within(value, old.get(name))}


def rewriting_text(old: Packet, new: Packet) -> str:
    """Return what has become of a packet; nothing where it is as it was, or only waits to be routed."""
    changed = changes(old, new)
    words = []
    for side, address, port in _SIDES:
        if address in changed or port in changed:
            was = _endpoint(old, address, port)
            words.append(f"{side} {_endpoint(new, address, port)}{f' (was {was})' if was else ''}")
    hook, out = changed.get("hook"), changed.get("out")
    if isinstance(hook, int) and hook != ROUTING:
        words.append(value_text("hook", hook))
    if isinstance(out, str):
        words.append(f"out {out}")
    words += [
        f"{FIELDS[name].title} {value_text(name, value)}{_was(name, old)}"
        for name, value in changed.items()
        if name not in _TOLD
    ]
    return ", ".join(words)


def _was(name: str, old: Packet) -> str:
    before = old.get(name)
    return "" if before is None or before == FIELDS[name].domain else f" (was {value_text(name, before)})"


def _endpoint(packet: Packet, address: str, port: str) -> str:
    """Return an address with its port, as far as they are known; nothing where both may be any."""
    where, number = packet.values[address], packet.get(port)
    ported = number is not None and number != FIELDS[port].domain
    if where in (V4, V6):
        text = "an address of this host" if address == "src" else ""
        return text + (f" port {value_text(port, number)}" if ported and number is not None else "")
    text = value_text(address, where)
    if isinstance(where, Intervals) and len(where.ranges) > 1:
        text = f"one of {text}"
    if not ported or number is None:
        return text
    if isinstance(where, int) and isinstance(number, int):
        return f"[{text}]:{number}" if packet.family == 6 else f"{text}:{number}"
    return f"{text} port {value_text(port, number)}"


def _within(new: Value, old: Value | None) -> bool:
    """Is *new* all of *old*, or a part of it that the walk has narrowed it down to?"""
    if old is None or isinstance(old, int | str):
        return new == old
    if isinstance(new, int | str):
        return new in old  # type: ignore[operator]
    return relation(new, old) is True
