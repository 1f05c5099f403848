"""Packets as JSON objects, in both directions.

The keys are those of `packet.FIELDS`; addresses, protocols, labels and TCP flags are text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from policy.packet.address import parse_address
from policy.packet.fields import FIELDS, NEW
from policy.packet.names import protocol_number
from policy.packet.packet import Packet, Value
from policy.packet.text import flags_number, number_text, set_text
from policy.packet.values import Intervals

_AS_NUMBER = (
    "sport",
    "dport",
    "icmp_type",
    "icmp_code",
    "ttl",
    "tos",
    "length",
    "mark",
    "ctmark",
    "ctstatus",
    "uid",
    "gid",
)
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", re.ASCII)
_INTERFACE = re.compile(r"[^\s/]{1,15}")


def values_from_json(given: Mapping[str, Any]) -> dict[str, Value]:
    """Return the fields of a JSON object; raises ValueError saying which is wrong and how."""
    values: dict[str, Value] = {}
    for name, value in given.items():
        if name not in FIELDS:
            raise ValueError(f"`{name}` is not a field of a packet")
        if value is not None:
            values[name] = field_from_json(name, value)
    return values


def field_from_json(name: str, value: Any) -> Value:
    """Return the value of one field; raises ValueError saying what is wrong."""
    title = FIELDS[name].title
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"the {title} (`{name}`) must be a number or a text")
    if isinstance(value, str):
        return _from_text(name, title, value)
    if name in ("in", "out"):
        raise ValueError(f"the {title} (`{name}`) is the name of an interface")
    if name in ("src", "dst"):
        raise ValueError(f"the {title} (`{name}`) is written as text, like `10.1.2.3`")
    return _within(name, title, value)


def _from_text(name: str, title: str, text: str) -> Value:
    labels = FIELDS[name].labels
    if name in ("in", "out"):
        if not _INTERFACE.fullmatch(text):
            raise ValueError(f"`{text}` is not the name of an interface: 1 to 15 characters, no space, no `/`")
        return text
    if name in ("src", "dst"):
        return parse_address(text)
    if labels:
        if text not in labels:
            raise ValueError(f"`{text}` is not a {title}: say one of {', '.join(labels)}")
        return labels.index(text)
    if name == "proto" and (number := protocol_number(text)) is not None:
        return number
    if name == "flags":
        return flags_number(text)
    if name == "mac" and _MAC.fullmatch(text):
        return int(text.replace(":", ""), 16)
    if re.fullmatch(r"(0x[0-9a-fA-F]{1,64}|\d{1,80})", text, re.ASCII):
        return _within(name, title, int(text, 16 if text.startswith("0x") else 10))
    raise ValueError(f"`{text}` is not a {title}")


def _within(name: str, title: str, number: int) -> int:
    domain = FIELDS[name].domain
    assert isinstance(domain, Intervals)
    if number not in domain:
        low, high = domain.ranges[0]
        raise ValueError(f"the {title} {number} is not in {low}-{high}")
    return number


def packet_to_json(packet: Packet) -> dict[str, int | str]:
    """Return the fields of a packet; a set becomes its text.

    What may have any value is left out, and what new connections do not have: a mark, a status.
    """
    found: dict[str, int | str] = {}
    new = packet.get("state") == NEW
    for name, value in packet.values.items():
        if value == FIELDS[name].domain or (new and value == 0 and name in ("ctmark", "ctstatus")):
            continue
        if isinstance(value, str) or (isinstance(value, int) and name in _AS_NUMBER):
            found[name] = value
        elif isinstance(value, int):
            found[name] = number_text(name, value)
        else:
            found[name] = set_text(name, value)
    return found
