"""Settings as the configuration that says them, in TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from policy.check import Settings, Zone
from policy.packet.address import format_range

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def settings_toml(settings: Settings) -> str:
    """Return what differs from the defaults, as it stands in `fwpolicy.toml`; the date, which does not, is left out."""
    usual = Settings()
    numbers = ("wide_ports", "expiry_days")
    lines = [
        f"{name.replace('_', '-')} = {value}"
        for name in numbers
        if (value := getattr(settings, name)) != getattr(usual, name)
    ]
    blocks = ["\n".join(lines)] if lines else []
    if settings.names:
        named = (f"{_key(kind)} = {_string(pattern)}" for kind, pattern in settings.names.items())
        blocks.append("\n".join(["[names]", *named]))
    blocks += ["\n".join(_zone(zone)) for zone in settings.zones]
    return "\n\n".join(blocks)


def _zone(zone: Zone) -> Iterator[str]:
    yield f"[zones.{_key(zone.name)}]"
    if zone.interfaces is not None:
        yield f"interfaces = {_list([*zone.interfaces.exact, *(f'{each}+' for each in zone.interfaces.prefixes)])}"
    if zone.addresses is not None:
        yield f"addresses = {_list(format_range(low, high) for low, high in zone.addresses.ranges)}"
    if zone.untrusted:
        yield "untrusted = true"


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_string, sorted(texts)))}]"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    """Return a basic string: the escapes of JSON are among those of TOML, but for DEL."""
    if "'" not in text and "\\" in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
