"""Which own address an application's packets come from, or why it cannot send to a destination at all.

Sources: `ip_route_output_key_hash_rcu` and `__mkroute_output` in route.c, `tcp_v4_connect`, `__ip4_datagram_connect`,
`udp_sendmsg`, `raw_sendmsg`, `tcp_v6_connect` and `__ip6_datagram_connect` of Linux.
"""

from __future__ import annotations

from policy.packet import Intervals
from policy.packet.address import LOOPBACK, UNSPECIFIED, V4_BASE
from policy.packet.fields import TCP
from policy.simulate.failure import Failure
from policy.simulate.topology import LOCALHOST, Routes

LINK_LOCAL = Intervals.of((0xFE80 << 112, (0xFEC0 << 112) - 1))
"""Addresses that mean something on a link alone (RFC 4291, 2.5.6); no scenario can say on which."""


def origin(routes: Routes, proto: int, to: int, bound: int | None = None, *, connects: bool = True) -> int | Failure:
    """Return the own address that packets to a destination come from: the one that is *bound*, else that of routing.

    To no address in particular means to oneself: packets go to where they come from.
    """
    if to in UNSPECIFIED:
        local = 1 if to < V4_BASE else LOCALHOST
        return local if bound is None else bound
    if connects and to in LINK_LOCAL and not routes.is_own(to):
        return Failure("EINVAL")
    source = routes.source(to)
    if source is None:
        return Failure("ENETUNREACH")
    if routes.is_broadcast(to):
        return Failure("ENETUNREACH" if proto == TCP else "EACCES")
    if bound is None:
        return source
    if bound in LOOPBACK and bound >= V4_BASE and not routes.is_own(to):
        return Failure("EINVAL")
    return bound
