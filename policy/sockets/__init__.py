"""The sockets of one host as Linux keeps them: who may bind to what, and whom an arriving packet belongs to.

    table = SocketTable({address})
    server = table.open(TCP, 4)
    table.bind(server, None, 80)
    table.listen(server)

It knows addresses and ports, and no rules and no time; docs/sockets.md says what is modelled.
"""

from policy.sockets.errors import CODES, Code, SocketError
from policy.sockets.ports import DYNAMIC, LINUX, Category, category, needs_privilege
from policy.sockets.socket import Endpoint, Socket, SocketState
from policy.sockets.table import SocketTable

__all__ = [
    "CODES",
    "DYNAMIC",
    "LINUX",
    "Category",
    "Code",
    "Endpoint",
    "Socket",
    "SocketError",
    "SocketState",
    "SocketTable",
    "category",
    "needs_privilege",
]
