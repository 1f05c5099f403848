"""sctp: ports, and chunk types, which are not modelled.

Sources: iptables-extensions(8); the kernel's net/netfilter/xt_sctp.c.
"""

from __future__ import annotations

from policy.diagnostic import did_you_mean
from policy.ir import Match, all_of
from policy.languages.iptables.matches.tcp import DPORT, SPORT
from policy.languages.iptables.options import Bad, Context, Given, MatchModule, Opt
from policy.languages.iptables.terms import has, signed, term, unknown

_CHUNKS = (
    "DATA", "INIT", "INIT_ACK", "SACK", "HEARTBEAT", "HEARTBEAT_ACK", "ABORT", "SHUTDOWN", "SHUTDOWN_ACK", "ERROR",
    "COOKIE_ECHO", "COOKIE_ACK", "ECN_ECNE", "ECN_CWR", "SHUTDOWN_COMPLETE", "I_DATA", "RE_CONFIG", "PAD", "ASCONF",
    "ASCONF_ACK", "FORWARD_TSN", "I_FORWARD_TSN",
)  # fmt: skip


def chunk_types(_: Context, how: str, names: str) -> str:
    """Read `all|any|only` and a list of chunk types."""
    if how.lower() not in ("all", "any", "only"):
        raise Bad("FW001", f"`{how}` is no way to compare chunks", "one of all, any, only")
    for item in names.split(","):
        name = item.partition(":")[0].upper()
        if name not in (*_CHUNKS, "ALL", "NONE"):
            raise Bad("FW001", f"unknown SCTP chunk `{item}`", did_you_mean(item, _CHUNKS))
    return f"{how.lower()}:{names}"


def _sctp(given: Given) -> Match:
    parts: list[Match] = []
    for option, field in (("source-port", "sport"), ("destination-port", "dport")):
        if option in given:
            parts.append(term(given, option, field))
    if "chunk-types" in given:
        found = unknown(given, f"chunk-types:{given.value('chunk-types')}", option="chunk-types")
        parts.append(all_of(has("dport"), signed(given, "chunk-types", found)))
    return all_of(*parts)


MATCHES = (
    MatchModule(
        name="sctp",
        options=(SPORT, DPORT, Opt("chunk-types", chunk_types, invert=True, words=2)),
        protocols=(132,),
        lower=_sctp,
    ),
)
