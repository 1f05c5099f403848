"""mark is exact; what the connection, the socket or a set carries is not in the packet.

Sources: iptables-extensions(8); the kernel's xt_mark.c, xt_connmark.c, xt_set.c. A match is pure unless a target
of the same file may change what it looks at.
"""

from __future__ import annotations

from policy.ir import Match, Opaque, all_of
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import signed, term, unknown
from policy.languages.iptables.values import masked_number, number
from policy.netfilter import HAS_CONNECTION


def match_set(_: Context, name: str, directions: str) -> str:
    """Read the name of a set and which sides of the packet are looked up in it."""
    for item in directions.split(","):
        if item not in ("src", "dst"):
            raise Bad("FW001", f"`{item}` is not a side of a packet", "say `src` or `dst`, with commas between them")
    return f"{name}:{directions}"


def _mark(given: Given) -> Match:
    return term(given, "mark", "mark")


def _connmark(given: Given) -> Match:
    volatile = bool({"CONNMARK", "CONNSECMARK"} & given.context.volatile)
    text = given.args["mark"].option.values[0].text
    found = signed(given, "mark", unknown(given, f"connmark:{text}", pure=not volatile, option="mark"))
    return all_of(HAS_CONNECTION, found)


def _set(given: Given) -> Match:
    counting = {"packets-eq", "packets-lt", "packets-gt", "bytes-eq", "bytes-lt", "bytes-gt"} & set(given.args)
    pure = not counting and "SET" not in given.context.volatile
    text = given.value("match-set")
    opaque = Opaque("set", text.rpartition(":")[0])
    found = unknown(given, f"set:{text}", pure=pure, option="match-set", opaque=opaque)
    return signed(given, "match-set", found)


_COUNTER = number(64)

MATCHES = (
    MatchModule(name="mark", options=(Opt("mark", masked_number, invert=True, required=True),), lower=_mark),
    MatchModule(name="connmark", options=(Opt("mark", masked_number, invert=True, required=True),), lower=_connmark),
    MatchModule(
        name="set",
        options=(
            Opt("match-set", match_set, invert=True, words=2, required=True),
            Opt("return-nomatch"),
            Opt("update-counters", invert=True),
            Opt("update-subcounters", invert=True),
            *(
                Opt(f"{what}-{how}", _COUNTER, invert=how == "eq")
                for what in ("packets", "bytes")
                for how in ("eq", "lt", "gt")
            ),
        ),
        lower=_set,
    ),
)
