"""The table of sockets: who may bind beside whom, which ports are given, whom a packet belongs to."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from policy.packet.address import parse_address
from policy.packet.fields import TCP, UDP
from policy.sockets import DYNAMIC, Code, Endpoint, Socket, SocketError, SocketTable, category, needs_privilege

HOST, OTHER, PEER = map(parse_address, ("192.0.2.1", "192.0.2.2", "198.51.100.1"))
HOST6, PEER6 = map(parse_address, ("2001:db8::1", "2001:db8::2"))


@pytest.fixture
def table() -> SocketTable:
    return SocketTable({HOST, OTHER, HOST6})


def bound(table: SocketTable, proto: int, family: int, address: int | None, port: int, **options: bool) -> Socket:
    sock = table.open(proto, family, **options)
    table.bind(sock, address, port)
    return sock


def listening(table: SocketTable, family: int, address: int | None, port: int, **options: bool) -> Socket:
    sock = bound(table, TCP, family, address, port, **options)
    table.listen(sock)
    return sock


def failing(code: Code) -> pytest.RaisesExc[SocketError]:
    return pytest.raises(SocketError, check=lambda error: error.code == code)


def test_categories_of_ports() -> None:
    names = [category(port) for port in (0, 1023, 1024, 49151, 49152, 65535)]
    assert names == ["well-known", "well-known", "registered", "registered", "dynamic", "dynamic"]
    assert [needs_privilege(port) for port in (0, 1, 1023, 1024)] == [False, True, True, False]
    with pytest.raises(ValueError, match="from 0 to 65535"):
        category(65536)


@pytest.mark.parametrize("proto", [TCP, UDP])
def test_one_address_has_a_port_once(table: SocketTable, proto: int) -> None:
    bound(table, proto, 4, HOST, 53)
    bound(table, proto, 4, OTHER, 53)
    bound(table, proto, 6, HOST6, 53)
    bound(table, UDP if proto == TCP else TCP, 4, HOST, 53)
    for family, address in ((4, HOST), (4, None), (6, None), (6, HOST6)):
        with failing("EADDRINUSE"):
            bound(table, proto, family, address, 53)


def test_a_socket_of_both_families_has_the_port_of_both(table: SocketTable) -> None:
    server = listening(table, 6, None, 80)
    assert table.found(TCP, PEER, 40000, HOST, 80) is server
    assert table.found(TCP, PEER6, 40000, HOST6, 80) is server
    with failing("EADDRINUSE"):
        bound(table, TCP, 4, HOST, 80)
    only = listening(table, 6, None, 81, v6only=True)
    assert table.found(TCP, PEER, 40000, HOST, 81) is None
    assert table.found(TCP, PEER6, 40000, HOST6, 81) is only
    bound(table, TCP, 4, None, 81)


def test_reuse_address_lets_bind_but_not_listen(table: SocketTable) -> None:
    first, second = (bound(table, TCP, 4, None, 80, reuse_address=True) for _ in range(2))
    table.listen(first)
    with failing("EADDRINUSE"):
        table.listen(second)
    table.close(first)
    table.listen(second)


def test_reuse_port_shares_among_the_sockets_of_a_user(table: SocketTable) -> None:
    group = [listening(table, 4, None, 80, reuse_port=True) for _ in range(3)]
    found = [table.found(TCP, PEER, port, HOST, 80) for port in range(1024, 1124)]
    assert set(found) == set(group)
    assert found == [table.found(TCP, PEER, port, HOST, 80) for port in range(1024, 1124)]
    foreign = table.open(TCP, 4, reuse_port=True, user=7)
    with failing("EADDRINUSE"):
        table.bind(foreign, None, 80)


def test_what_cannot_be_bound(table: SocketTable) -> None:
    with failing("EADDRNOTAVAIL"):
        bound(table, TCP, 4, PEER, 80)
    with failing("EACCES"):
        bound(table, TCP, 4, HOST, 80, privileged=False)
    with failing("EAFNOSUPPORT"):
        bound(table, TCP, 4, HOST6, 80)
    with failing("EINVAL"):
        bound(table, TCP, 6, HOST, 80, v6only=True)
    sock = bound(table, TCP, 4, HOST, 80)
    with failing("EINVAL"):
        table.bind(sock, HOST, 81)
    with failing("EOPNOTSUPP"):
        table.listen(table.open(UDP, 4))


def test_a_port_serves_several_destinations_but_none_twice() -> None:
    table = SocketTable({HOST}, (50000, 50003))
    for destination in (PEER, PEER + 1):
        clients = [table.open(TCP, 4) for _ in range(4)]
        for client in clients:
            table.connect(client, destination, 443, HOST)
        assert {client.port for client in clients} == set(range(50000, 50004))
        with failing("EADDRNOTAVAIL"):
            table.connect(table.open(TCP, 4), destination, 443, HOST)
    with failing("EADDRINUSE"):
        bound(table, TCP, 4, None, 0)


def test_connect_leaves_out_ports_that_programs_chose() -> None:
    table = SocketTable({HOST}, (50000, 50001))
    chosen = bound(table, TCP, 4, HOST, 50000)
    client = table.open(TCP, 4)
    table.connect(client, PEER, 443, HOST)
    assert client.port == 50001
    with failing("EADDRNOTAVAIL"):
        table.connect(table.open(TCP, 4), PEER, 443, HOST)
    table.close(chosen)
    table.connect(table.open(TCP, 4), PEER, 443, HOST)


def test_all_dynamic_ports_of_udp(table: SocketTable) -> None:
    ports = {bound(table, UDP, 4, None, 0).port for _ in range(DYNAMIC[1] - DYNAMIC[0] + 1)}
    assert ports == set(range(DYNAMIC[0], DYNAMIC[1] + 1))
    with failing("EADDRINUSE"):
        bound(table, UDP, 4, None, 0)
    with failing("EAGAIN"):
        table.connect(table.open(UDP, 4), PEER, 53, HOST)


def test_time_wait_keeps_the_port(table: SocketTable) -> None:
    server = listening(table, 4, None, 80, reuse_address=True)
    child = table.accept(server, Endpoint(HOST, 80), Endpoint(PEER, 40000))
    assert (child.parent, child.state) == (server, "syn-received")
    assert table.found(TCP, PEER, 40000, HOST, 80) is child
    table.time_wait(child)
    table.close(server)
    with failing("EADDRINUSE"):
        bound(table, TCP, 4, None, 80)
    again = listening(table, 4, None, 80, reuse_address=True)
    assert table.found(TCP, PEER, 40000, HOST, 80) is child
    assert table.found(TCP, PEER, 40001, HOST, 80) is again


def test_a_connected_socket_of_udp_hears_its_peer_alone(table: SocketTable) -> None:
    anyone = bound(table, UDP, 4, None, 53, reuse_address=True)
    one = bound(table, UDP, 4, HOST, 53, reuse_address=True)
    table.connect(one, PEER, 5353, HOST)
    assert table.found(UDP, PEER, 5353, HOST, 53) is one
    assert table.found(UDP, PEER, 5354, HOST, 53) is anyone
    table.connect(one, PEER, 5354, HOST)
    assert table.found(UDP, PEER, 5353, HOST, 53) is anyone
    table.disconnect(one)
    assert table.found(UDP, PEER, 5353, HOST, 53) is one


def test_a_refused_connection_leaves_what_was_bound(table: SocketTable) -> None:
    chosen, free = bound(table, TCP, 4, None, 2000), table.open(TCP, 4)
    for sock in (chosen, free):
        table.connect(sock, PEER, 443, HOST)
        assert sock.address == HOST
        table.disconnect(sock)
    assert (chosen.state, chosen.local) == ("bound", Endpoint(None, 2000))
    assert (free.state, free.local) == ("closed", None)
    table.connect(chosen, PEER, 443, HOST)
    with failing("EALREADY"):
        table.connect(chosen, PEER, 443, HOST)


SPOTS = st.sampled_from([(4, None), (4, HOST), (4, OTHER), (6, None), (6, HOST6), (6, HOST)])


class Machine(RuleBasedStateMachine):
    """Any operations in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.table = SocketTable({HOST, OTHER, HOST6}, (50000, 50005))
        self.closed: list[Socket] = []

    @rule(
        spot=SPOTS,
        port=st.sampled_from([0, 80, 50000]),
        proto=st.sampled_from([TCP, UDP]),
        flags=st.tuples(*[st.booleans()] * 4),
    )
    def bind(self, spot: tuple[int, int | None], port: int, proto: int, flags: tuple[bool, bool, bool, bool]) -> None:
        only, address, share, listens = flags
        sock = self.table.open(proto, spot[0], v6only=only, reuse_address=address, reuse_port=share)
        try:
            self.table.bind(sock, spot[1], port)
            if listens and proto == TCP:
                self.table.listen(sock)
        except SocketError:
            assert sock.state != "listen"

    @rule(proto=st.sampled_from([TCP, UDP]), port=st.sampled_from([443, 444]))
    def connect(self, proto: int, port: int) -> None:
        sock = self.table.open(proto, 4)
        try:
            self.table.connect(sock, PEER, port, HOST)
        except SocketError as error:
            assert error.code == ("EADDRNOTAVAIL" if proto == TCP else "EAGAIN")  # noqa: PT017 # success is right, too
            assert not sock.port

    @rule(number=st.integers(0, 50), waits=st.booleans())
    def close(self, number: int, waits: bool) -> None:
        socks = list(self.table.sockets())
        if socks:
            sock = socks[number % len(socks)]
            if waits and sock.state == "syn-sent":
                self.table.time_wait(sock)
            else:
                self.table.close(sock)
                self.closed.append(sock)

    @invariant()
    def no_two_listeners(self) -> None:
        listeners = [sock for sock in self.table.sockets() if sock.state == "listen"]
        for sock in listeners:
            for other in listeners:
                if sock is not other and (sock.local, sock.family) == (other.local, other.family):
                    assert sock.reuse_port and other.reuse_port  # noqa: PT018 # both or none

    @invariant()
    def connections_are_found(self) -> None:
        for sock in self.table.sockets():
            if sock.local is not None and sock.remote is not None:
                assert sock.local.address is not None
                assert sock.remote.address is not None
                found = self.table.found(
                    sock.proto, sock.remote.address, sock.remote.port, sock.local.address, sock.local.port
                )
                assert found is sock

    @invariant()
    def what_is_closed_is_gone(self) -> None:
        assert not any(sock.port or sock in self.table.sockets() for sock in self.closed)

    def teardown(self) -> None:
        for sock in list(self.table.sockets()):
            self.table.close(sock)
        for proto in (TCP, UDP):
            for port in (80, *range(50000, 50006)):
                self.table.bind(self.table.open(proto, 6), None, port)


TestMachine = Machine.TestCase
