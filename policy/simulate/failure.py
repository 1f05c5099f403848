"""What an application is told when something fails.

Sources: `icmp_err_convert` in net/ipv4/icmp.c and `tab_unreach` in net/ipv6/icmp.c of Linux (which errors of ICMP end a
connection, and as what); connect(2), send(2), udp(7).
"""

from __future__ import annotations

from policy._record import dataclass
from policy.conntrack import Step
from policy.packet.fields import ICMP, ICMP6
from policy.simulate.log import Travel

TEXTS = {
    "ECONNREFUSED": "Connection refused",
    "ECONNRESET": "Connection reset by peer",
    "EPIPE": "Broken pipe",
    "ETIMEDOUT": "Connection timed out",
    "EHOSTUNREACH": "No route to host",
    "ENETUNREACH": "Network is unreachable",
    "EACCES": "Permission denied",
    "ENOPROTOOPT": "Protocol not available",
    "EOPNOTSUPP": "Operation not supported",
    "EMSGSIZE": "Message too long",
    "EPERM": "Operation not permitted",
    "EADDRINUSE": "Address already in use",
    "EADDRNOTAVAIL": "Cannot assign requested address",
    "ENOTCONN": "Transport endpoint is not connected",
    "EINVAL": "Invalid argument",
    "EISCONN": "Transport endpoint is already connected",
}
"""What strerror(3) says."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of a system call, and the datagram that brought it, if one did."""

    code: str
    by: Travel | None = None

    @property
    def text(self) -> str:
        """What people are told of it."""
        return TEXTS.get(self.code, self.code)


_V4 = {
    0: ("ENETUNREACH", False),
    1: ("EHOSTUNREACH", False),
    2: ("ENOPROTOOPT", True),
    3: ("ECONNREFUSED", True),
    4: ("EMSGSIZE", False),
    5: ("EOPNOTSUPP", False),
    6: ("ENETUNREACH", True),
    7: ("EHOSTUNREACH", True),
    8: ("EHOSTUNREACH", True),
    9: ("ENETUNREACH", True),
    10: ("EHOSTUNREACH", True),
    11: ("ENETUNREACH", False),
    12: ("EHOSTUNREACH", False),
    13: ("EHOSTUNREACH", True),
    14: ("EHOSTUNREACH", True),
    15: ("EHOSTUNREACH", True),
}
_V6 = {
    0: ("ENETUNREACH", False),
    1: ("EACCES", True),
    2: ("EHOSTUNREACH", False),
    3: ("EHOSTUNREACH", False),
    4: ("ECONNREFUSED", True),
    5: ("EACCES", True),
    6: ("EACCES", True),
}


def of_icmp(step: Step) -> tuple[str, bool] | None:
    """Return the error that an ICMP error means, and whether a connected datagram socket is told; None: none."""
    kind, code = step.icmp
    if step.proto == ICMP:
        if kind == 3:
            return _V4.get(code)
        return ("EHOSTUNREACH", False) if kind == 11 else None
    if step.proto == ICMP6:
        if kind == 1:
            return _V6.get(code)
        return ("EHOSTUNREACH", False) if kind == 3 else None
    return None
