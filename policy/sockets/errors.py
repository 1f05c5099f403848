"""What operations on sockets fail with: the names of errno(3), each with what it means."""

from __future__ import annotations

from typing import Literal, get_args

Code = Literal[
    "EACCES",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "EAFNOSUPPORT",
    "EAGAIN",
    "EALREADY",
    "ECONNABORTED",
    "ECONNREFUSED",
    "ECONNRESET",
    "EDESTADDRREQ",
    "EHOSTUNREACH",
    "EINVAL",
    "EISCONN",
    "EMSGSIZE",
    "ENETUNREACH",
    "ENOPROTOOPT",
    "ENOTCONN",
    "EOPNOTSUPP",
    "EPERM",
    "EPIPE",
    "ETIMEDOUT",
]
CODES: tuple[Code, ...] = get_args(Code)

_MEANINGS: dict[Code, str] = {
    "EACCES": "permission denied",
    "EADDRINUSE": "the address is in use",
    "EADDRNOTAVAIL": "the address cannot be assigned",
    "EAFNOSUPPORT": "the address is of another family",
    "EAGAIN": "try again",
    "EALREADY": "a connection is being made already",
    "ECONNABORTED": "the connection was aborted",
    "ECONNREFUSED": "the connection was refused",
    "ECONNRESET": "the connection was reset by the peer",
    "EDESTADDRREQ": "a destination is required",
    "EHOSTUNREACH": "there is no route to the host",
    "EINVAL": "the operation is not possible in this state",
    "EISCONN": "the socket is connected",
    "EMSGSIZE": "the message is too long",
    "ENETUNREACH": "the network is unreachable",
    "ENOPROTOOPT": "there is no such option",
    "ENOTCONN": "the socket is not connected",
    "EOPNOTSUPP": "sockets of this type cannot do that",
    "EPERM": "the operation is not permitted",
    "EPIPE": "the socket can send no more",
    "ETIMEDOUT": "the connection timed out",
}


class SocketError(Exception):
    """An operation on a socket failed as errno *code* says; *text* says why, *help* what can be done."""

    def __init__(self, code: Code, text: str = "", help: str | None = None) -> None:
        super().__init__(code, text, help)
        self.code: Code = code
        self.text = text or _MEANINGS[code]
        self.help = help

    def __str__(self) -> str:
        """Return the reason, and the code."""
        return f"{self.text} ({self.code})"
