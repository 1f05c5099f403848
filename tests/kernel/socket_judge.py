"""One host twice: as `policy.sockets` has it, and as Linux does. Each step is done to both, and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from policy.packet.address import LOOPBACK, MULTICAST, V4_BASE, format_address, parse_address
from policy.packet.fields import TCP, UDP
from policy.sockets import Endpoint, Socket, SocketError, SocketTable
from policy.sockets.lookup import in_group
from policy.sockets.ports import Range
from tests.kernel.real_sockets import OWN, Real, World, wait


class Disagreement(Exception):
    """What the table says, and what Linux does."""


class Undecided(Exception):
    """A step that needs more of TCP than is played here."""


class Chosen(Range):
    """A range that is tried from the port that Linux chose."""

    port = 0

    def start(self, *what: int) -> int:
        """Return the offset of that port."""
        del what
        return self.port - self.low


class Pair(NamedTuple):
    """A socket, twice."""

    ours: Socket
    real: Real


class Twins:
    """The sockets of both hosts, and how many results were compared, by name."""

    def __init__(self, ports: tuple[int, int], counts: Counter[str]) -> None:
        self.world = World(ports)
        self.range = Chosen(ports)
        self.table = SocketTable({parse_address(address) for address in OWN}, self.range)
        self.pairs: list[Pair] = []
        self.peers: dict[Socket, Socket] = {}
        self._spoke_v4: set[Socket] = set()
        self._again: set[Socket] = set()
        self._got: set[Socket] = set()
        self.log: list[str] = []
        self.counts = counts

    def open(self, proto: int, family: int, user: int, options: tuple[str, ...]) -> Pair:
        """Open a socket."""
        real = Real.open(proto, family, user)
        given = {"v6only": False, "reuse_address": False, "reuse_port": False} | dict.fromkeys(options, True)
        for name in options:
            if name != "v6only" or family == 6:
                assert not real.option(name, True)
        pair = Pair(self.table.open(proto, family, privileged=not user, user=user, **given), real)
        self.pairs.append(pair)
        self.log.append(f"{self._name(pair)} = open({proto}, {family}, user={user}, {' '.join(options)})")
        return pair

    def option(self, pair: Pair, name: str, value: bool) -> None:
        """Set an option."""
        if name == "v6only" and (pair.ours.family == 4 or pair.ours.state not in ("closed", "unconnected")):
            return
        if name != "reuse_address" and pair.ours.port:
            return
        self.log.append(f"{self._name(pair)}.{name} = {value}")
        if failed := pair.real.option(name, value):
            raise Disagreement(failed)
        setattr(pair.ours, name, value)

    def bind(self, pair: Pair, address: int | None, port: int) -> None:
        """Bind."""
        self._log(pair, "bind", address, port)
        self._compare(pair, "bind", pair.real.bind(address, port), lambda: self.table.bind(pair.ours, address, port))

    def listen(self, pair: Pair) -> None:
        """Listen."""
        self._log(pair, "listen", None, 0)
        self._compare(pair, "listen", pair.real.listen(), lambda: self.table.listen(pair.ours))

    def connect(self, pair: Pair, address: int | None, port: int) -> None:
        """Connect, with all that comes of it at once."""
        ours, real = pair
        self._log(pair, "connect", address, port)
        written = (V4_BASE if ours.family == 4 else 0) if address is None else address
        if self._left_out(ours, written):
            self.log.pop()
            return
        if ours.remote is not None:
            self._again.add(ours)
        if ours.family == 6 and self._meant(ours, written) >= V4_BASE:
            self._spoke_v4.add(ours)
        result = real.connect(address, port)
        self.range.port = self._real_port(pair)
        self._compare(pair, "connect", result, lambda: self._connect(pair, written, port))
        if result or ours.proto == UDP:
            return
        peer = self._answering(ours)
        if peer is ours:
            self.peers[ours] = ours
            return
        assert peer is not None
        waiting = [other for other in self.pairs if other.ours.state == "listen"]
        arrived = wait(other.real for other in waiting)
        if not arrived:
            raise Disagreement(f"nobody got the connection, but {peer}")
        taker = next(other for other in waiting if other.real in arrived)
        self._same_receiver(peer, taker.ours, "listener")
        assert ours.local is not None
        assert ours.remote is not None
        child = self.table.accept(taker.ours, ours.remote, ours.local)
        child.state = ours.state = "established"
        made = Pair(child, taker.real.accept())
        self.pairs.append(made)
        self.log.append(f"{self._name(made)} = {self._name(taker)}.accept()")
        self.peers[child], self.peers[ours] = ours, child
        self._locals(made)

    def disconnect(self, pair: Pair) -> None:
        """Undo what connect() did to a socket of UDP."""
        if pair.ours.proto == TCP or (pair.ours.family == 6 and pair.ours.remote is not None) or pair.ours in self._got:
            return  # Linux forgets the peer of an IPv6 socket only in part, and never which processor packets came on
        self._log(pair, "disconnect", None, 0)
        self._compare(pair, "disconnect", pair.real.disconnect(), lambda: self.table.disconnect(pair.ours))

    def send(self, pair: Pair, address: int | None, port: int) -> None:
        """Send a datagram, and see who gets it, or who hears that nobody did."""
        ours, real = pair
        if ours.proto == TCP or (address is None) != (ours.remote is not None) or (address is not None and not port):
            return
        if (address is not None and not _speaks(ours, address)) or (ours.address or 0) in MULTICAST:
            return
        if any(
            again.port == other.ours.port and again is not other.ours for again in self._again for other in self.pairs
        ):
            return  # Linux looks for a socket that connected once more where it was connected first
        self._log(pair, "send", address, port)
        result = real.send(address, port)
        self.range.port = self._real_port(pair)
        self._compare(pair, "send", result, lambda: self.table.autobind(ours))
        if result:
            return
        there = ours.remote if address is None else Endpoint(address, port)
        assert there is not None
        assert there.address is not None
        here = source(there.address) if ours.address is None else ours.address
        expected = self.table.found(UDP, here, ours.port, there.address, there.port)
        told = None if expected else self.table.found(UDP, there.address, there.port, here, ours.port)
        told = told if told is not None and told.state == "connected" else None
        datagrams = [other for other in self.pairs if other.ours.proto == UDP]
        if expected is not None or told is not None:
            wait(other.real for other in datagrams)
        read = {other: other.real.read() for other in datagrams}
        got = [other for other, found in read.items() if not found]
        heard = [other for other, found in read.items() if found == "ECONNREFUSED"]
        self.counts["datagrams"] += 1
        self.counts["datagrams that nobody got"] += not got
        if [other.ours for other in heard] != ([] if told is None else [told]):
            raise Disagreement(f"heard of the error: {self._names(heard)}, but {told}")
        if len(got) > 1 or bool(got) != (expected is not None):
            raise Disagreement(f"got it: {self._names(got)}, but {expected}")
        if got and expected is not None:
            if expected.remote is not None:
                self._got.add(expected)
            self._same_receiver(expected, got[0].ours, "receiver")

    def close(self, pair: Pair) -> None:
        """Close, with what TCP does at once then."""
        ours = pair.ours
        self._log(pair, "close", None, 0)
        pair.real.sock.close()
        self.pairs.remove(pair)
        peer = self.peers.pop(ours, None)
        if peer is None:
            self.table.close(ours)
        elif peer is ours:
            self.table.time_wait(ours)
        elif peer.state == "established":
            # While it waits for the FIN of its peer, too: Linux keeps no more of it than that.
            self.table.time_wait(ours)
            peer.state = "close-wait"
        else:
            self.table.close(ours)

    def end(self) -> None:
        """Close all real sockets."""
        for pair in self.pairs:
            pair.real.sock.close()

    def _connect(self, pair: Pair, address: int, port: int) -> None:
        ours = pair.ours
        self.table.connect(ours, address, port, source(self._meant(ours, address)))
        if ours.proto == UDP:
            return
        peer = self._answering(ours)
        if peer is ours:
            ours.state = "established"
        elif peer is None:
            self.table.disconnect(ours)
            raise SocketError("ECONNREFUSED")

    def _left_out(self, ours: Socket, address: int) -> bool:
        """Return whether a socket would change between IPv4 and IPv6, or speak as a group, which Linux does in part."""
        if ours.address is not None and ours.address in MULTICAST:
            return True
        if ours.family == 4:
            return False
        if self._meant(ours, address) < V4_BASE:
            return ours in self._spoke_v4 and ours.proto == TCP
        return ours.address is not None and ours.address < V4_BASE and not ours.v6only

    def _meant(self, ours: Socket, address: int) -> int:
        """Return the destination that a wildcard stands for."""
        if address in (0, V4_BASE):
            v4 = ours.family == 4 or (ours.address is not None and ours.address >= V4_BASE)
            return V4_BASE + (127 << 24) + 1 if v4 else 1
        return address

    def _answering(self, ours: Socket) -> Socket | None:
        """Return who answers the SYN of a socket: itself, a listener, nobody."""
        local, remote = ours.local, ours.remote
        assert local is not None
        assert remote is not None
        assert local.address is not None
        assert remote.address is not None
        peer = self.table.found(TCP, local.address, local.port, remote.address, remote.port)
        if peer is not None and peer.state == "time-wait":
            self.table.close(peer)  # a listener takes the SYN
            peer = self.table.found(TCP, local.address, local.port, remote.address, remote.port)
            self.counts["SYN in TIME_WAIT"] += peer is not None
            if peer is None:
                raise Undecided  # after a second, when the SYN is sent again
        if peer is None or peer is ours or peer.state == "listen":
            return peer
        raise Undecided

    def _compare(self, pair: Pair, name: str, result: str, act: Callable[[], None]) -> None:
        """Compare the results of an operation, and the endpoint that the socket has then."""
        self.range.port = self._real_port(pair)
        said = ""
        try:
            act()
        except SocketError as error:
            said = error.code
        self.counts["operations"] += 1
        if name != "send" and any(other.state == "time-wait" for other in self.table.sockets()):
            self.counts["operations beside TIME_WAIT"] += 1
        self.counts[f"{name} {result or 'succeeds'}"] += 1
        self.log[-1] += f" -> {result or _written(pair.real.local())}"
        if said != result:
            raise Disagreement(f"Linux: {result or 'success'}, the table: {said or 'success'}")
        self._locals(pair)

    def _locals(self, pair: Pair) -> None:
        real = pair.real.local()
        ours = pair.ours
        # Linux goes on showing a port that a socket has lost.
        same = real == ours.local if ours.port else (None if real is None else real.address) == ours.address
        if not same:
            raise Disagreement(f"Linux: {_written(real)}, the table: {_written(pair.ours.local)}")

    def _same_receiver(self, expected: Socket, real: Socket, what: str) -> None:
        """Compare who got something; in a group, anyone may."""
        self.counts[what] += 1
        if expected is not real and not (
            in_group(expected, real) and expected.local == real.local and real.state == expected.state != "connected"
        ):
            raise Disagreement(f"{what} in Linux: {real}, in the table: {expected}")

    def _real_port(self, pair: Pair) -> int:
        local = pair.real.local()
        return local.port if local is not None and local.port else self.range.low

    def _log(self, pair: Pair, name: str, address: int | None, port: int) -> None:
        where = "any" if address is None else format_address(address)
        self.log.append(f"{self._name(pair)}.{name}({where}, {port})")

    def _name(self, pair: Pair) -> str:
        return f"s{pair.ours.number}"

    def _names(self, pairs: list[Pair]) -> str:
        return ", ".join(map(self._name, pairs)) or "nobody"


def source(address: int) -> int:
    """Return the address that this host's routing chooses towards one of its own."""
    return V4_BASE + (127 << 24) + 1 if address in LOOPBACK and address >= V4_BASE else address


def _speaks(ours: Socket, address: int) -> bool:
    """Return whether a socket can send to an address."""
    v4 = address >= V4_BASE
    if ours.family == 4:
        return v4
    return not ours.v6only if v4 else ours.address is None or ours.address < V4_BASE


def _written(endpoint: Endpoint | None) -> str:
    if endpoint is None:
        return "none"
    return f"{'any' if endpoint.address is None else format_address(endpoint.address)} {endpoint.port}"
