"""What rules look at, as operands: one module for each kind of selector."""

from __future__ import annotations

from collections.abc import Callable

from policy.languages.nftables.ast.expression import Selector
from policy.languages.nftables.context import Context
from policy.languages.nftables.selectors.base import Operand
from policy.languages.nftables.selectors.connection import connection
from policy.languages.nftables.selectors.headers import chunk, dccp_option, extension, ip_option, raw, tcp_option
from policy.languages.nftables.selectors.host import drawn, fib, fingerprint, hashed, ipsec, route, socket
from policy.languages.nftables.selectors.meta import meta
from policy.languages.nftables.selectors.payload import payload

_KINDS: dict[str, Callable[[Context, Selector], Operand]] = {
    "payload": payload, "raw": raw, "exthdr": extension, "tcpopt": tcp_option, "ipopt": ip_option,
    "dccpopt": dccp_option, "chunk": chunk, "meta": meta, "ct": connection, "fib": fib, "rt": route, "socket": socket,
    "osf": fingerprint, "ipsec": ipsec, "numgen": drawn, "hash": hashed,
}  # fmt: skip


def operand(context: Context, selector: Selector) -> Operand:
    """Return what a selector reads; raises `Bad`."""
    return _KINDS[selector.kind](context, selector)


__all__ = ["Operand", "operand"]
