"""Packets in the words of the question language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policy.packet import FIELDS, Intervals, Names, Packet, Value, complete
from policy.packet.address import format_range, whole
from policy.packet.fields import ICMP, ICMP6, SCTP, TCP, UDP
from policy.packet.names import TCP_FLAGS, protocol_name
from policy.packet.text import number_text, value_text

FEW = 8
"""Of a longer list only so many parts are named."""

_BARE = (TCP, UDP, SCTP, ICMP, ICMP6)
"""Protocols that are named without saying `proto`."""

_DECIDING = ("hook", "proto", "src", "dst", "state", "fragment")
_SAID = (*_DECIDING, "sport", "dport", "icmp_type", "icmp_code", "flags", "in", "out", "direction", "ctstatus")


def packets_text(box: Packet, hook: bool = True) -> str:
    """Return the question that means the packets of *box*, its *hook* or not; what has its usual value is left out.

    Sets that no question can say (most protocols but some) are described in its spirit.
    """
    values = box.values
    usual = complete({name: values[name] for name in _DECIDING if name in values}).values
    words = [_service(values.get("proto", 0), box), *_endpoint(box, "src", "from", "sport")]
    words += _endpoint(box, "dst", "to", "" if values.get("proto") in _BARE else "dport")
    words += [f"{n} {_names(values[n])}" for n in ("in", "out") if n in values and values[n] != usual.get(n)]
    words += [f"at {value_text('hook', values['hook'])}"] if hook and "hook" in values else []
    words += [f"state {value_text('state', values['state'])}"] if values.get("state", 0) != 0 else []
    words += [f"flags {_flags(values['flags'])}"] if values.get("flags") != usual.get("flags") else []
    if rest := list(_rest(box, usual)):
        words.append(f"with {', '.join(rest)}")
    return " ".join(words)


def _service(protocol: Value, box: Packet) -> str:
    if not isinstance(protocol, int):
        text = value_text("proto", protocol)
        return text if text == "any" else f"proto {text}"
    name = protocol_name(protocol)
    if protocol not in _BARE:
        return f"proto {name}"
    if (kind := box.get("icmp_type")) is not None:
        code = box.get("icmp_code")
        return f"{name}/{_numbers('icmp_type', kind)}" + (f"/{_numbers('icmp_code', code)}" if code else "")
    port = box.get("dport")
    return name if port is None or port == FIELDS["dport"].domain else f"{name}/{_numbers('dport', port)}"


def _numbers(name: str, value: Value) -> str:
    """Return numbers as they stand behind `/` or `port`: `80`, `1-5`, `{80,443}`."""
    if not isinstance(value, Intervals):
        return value_text(name, value)
    parts = [str(low) if low == high else f"{low}-{high}" for low, high in value.ranges]
    return parts[0] if len(parts) == 1 else "{" + _some(parts, ",") + "}"


def _some(parts: list[str], separator: str = ", ") -> str:
    more = [f"… {len(parts) - FEW} more"] if len(parts) > FEW else []
    return separator.join(parts[:FEW] + more)


def _endpoint(box: Packet, side: str, keyword: str, port: str) -> list[str]:
    """Return what `from` or `to` says; of a box of all addresses `from` says the family."""
    address, number = box.values[side], box.get(port)
    everywhere = whole(box.family)
    ported = number is not None and number != FIELDS[port].domain
    if address == everywhere and not ported and (side == "dst" or box.values["dst"] != everywhere):
        return []
    ranges = ((address, address),) if isinstance(address, int) else address.ranges  # type: ignore[union-attr]
    text = f"{keyword} {_some([format_range(low, high) for low, high in ranges])}"
    return [f"{text} port {_numbers(port, number)}" if ported and number is not None else text]


def _names(value: Value) -> str:
    if isinstance(value, Names) and not value.negated:
        return _some(sorted(value.exact) + sorted(f"{prefix}+" for prefix in value.prefixes))
    return value_text("in", value)


def _flags(value: Value) -> str:
    if isinstance(value, int):
        return ",".join(name.lower() for name, bit in TCP_FLAGS.items() if value & bit) or "none"
    return value_text("flags", value)


def _rest(box: Packet, usual: Mapping[str, Value]) -> Iterator[str]:
    """Yield what `with` says: further fields that are neither open nor as usual; most connections have no mark."""
    for name, value in box.values.items():
        if (name in _SAID and (name != "fragment" or value == 0)) or (name == "ctmark" and value == 0):
            continue
        if value not in (usual.get(name), FIELDS[name].domain):
            if isinstance(value, Intervals) and not FIELDS[name].labels:
                yield f"{name} {_numbers(name, value)}"
            else:
                yield f"{name} {number_text(name, value) if isinstance(value, int) else value_text(name, value)}"
