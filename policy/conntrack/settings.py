"""The settings of connection tracking that can be changed, with the defaults of Linux."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from policy._record import dataclass

_MINUTE, _DAY = 60, 86400

TIMEOUTS: Mapping[str, float] = MappingProxyType(
    {
        "generic_timeout": 10 * _MINUTE,
        "gre_timeout": 30,
        "gre_timeout_stream": 3 * _MINUTE,
        "icmp_timeout": 30,
        "icmpv6_timeout": 30,
        "sctp_timeout_closed": 10,
        "sctp_timeout_cookie_echoed": 3,
        "sctp_timeout_cookie_wait": 3,
        "sctp_timeout_established": 210,
        "sctp_timeout_heartbeat_sent": 30,
        "sctp_timeout_shutdown_ack_sent": 3,
        "sctp_timeout_shutdown_recd": 3,
        "sctp_timeout_shutdown_sent": 3,
        "tcp_timeout_close": 10,
        "tcp_timeout_close_wait": _MINUTE,
        "tcp_timeout_established": 5 * _DAY,
        "tcp_timeout_fin_wait": 2 * _MINUTE,
        "tcp_timeout_last_ack": 30,
        "tcp_timeout_max_retrans": 5 * _MINUTE,
        "tcp_timeout_syn_recv": _MINUTE,
        "tcp_timeout_syn_sent": 2 * _MINUTE,
        "tcp_timeout_time_wait": 2 * _MINUTE,
        "tcp_timeout_unacknowledged": 5 * _MINUTE,
        "udp_timeout": 30,
        "udp_timeout_stream": 2 * _MINUTE,
    }
)
"""How long an entry lives without a further packet, in seconds, by the names in `/proc/sys/net/netfilter/`
without `nf_conntrack_`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `sysctl` says under `net.netfilter.nf_conntrack_`; the defaults are those of Linux 6.18.

    *loose*: a connection of which only the middle is seen is picked up. *liberal* (`tcp_be_liberal`): what lies
    outside the window counts too. *ignore_invalid_rst*: and so does a RST below what was acknowledged. After
    *max_retrans* repetitions of one ACK the entry gets `tcp_timeout_max_retrans`. *checksum*: those of packets
    that arrive are looked at. *timeouts*: as `TIMEOUTS`.
    """

    loose: bool = True
    liberal: bool = False
    ignore_invalid_rst: bool = False
    max_retrans: int = 3
    checksum: bool = True
    timeouts: Mapping[str, float] = field(default_factory=lambda: TIMEOUTS, hash=False)
