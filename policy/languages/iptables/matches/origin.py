"""owner and comment: who sent the packet, and what the author says.

Sources: iptables-extensions(8); the kernel's xt_owner.c (a packet without a socket matches only what is negated).
"""

from __future__ import annotations

import re

from policy.ir import EVERYTHING, Field, Match, all_of
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import signed, unknown
from policy.languages.iptables.values import strtoui, text
from policy.packet import Intervals

_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?", re.ASCII)
_HIGHEST = (1 << 32) - 2


def _ids(_: Context, word: str) -> Intervals | str:
    """Read a number, a range of numbers, or a name that only the host knows; root is always 0."""
    low, sep, high = word.partition("-" if "-" in word and word[0].isdigit() else ":")
    first, last = strtoui(low), strtoui(high) if sep else strtoui(low)
    if first is not None and last is not None:
        if max(first, last) > _HIGHEST:
            raise Bad("FW001", f"`{word}` is out of range", f"the highest id is {_HIGHEST}")
        if first > last:
            raise Bad("FW502", f"the range {word} is reversed: the kernel refuses it", f"write {last}-{first}")
        return Intervals.of((first, last))
    if word == "root":
        return Intervals.of(0)
    if not _USER.fullmatch(word):
        raise Bad("FW001", f'bad value for the owner: "{word}"', "give a number, a range of numbers, or a name")
    return word


def _owner(given: Given) -> Match:
    parts: list[Match] = []
    for option, field, kind in (("uid-owner", "uid", "user"), ("gid-owner", "gid", "group")):
        if option in given:
            value = given.value(option)
            span = given.span(option)
            if isinstance(value, str) or "suppl-groups" in given:
                name = given.args[option].option.values[0].text
                parts.append(signed(given, option, unknown(given, f"{kind}:{name}", option=option)))
            else:
                parts.append(signed(given, option, Field(field, value, span=span)))
    if "socket-exists" in given:
        parts.append(signed(given, "socket-exists", unknown(given, "socket-exists", option="socket-exists")))
    return all_of(*parts)


def _comment(_: Given) -> Match:
    return EVERYTHING


_OWNER = ("uid-owner", "gid-owner", "socket-exists")

MATCHES = (
    MatchModule(
        name="owner",
        options=(
            Opt("uid-owner", _ids, invert=True),
            Opt("gid-owner", _ids, invert=True),
            Opt("socket-exists", invert=True),
            Opt("suppl-groups", needs=("gid-owner",)),
        ),
        one_of=_OWNER,
        chains=("OUTPUT", "POSTROUTING"),
        lower=_owner,
    ),
    MatchModule(name="comment", options=(Opt("comment", text(), required=True),), lower=_comment),
)
