"""Playing scenarios: what applications are told that go on with a socket whose connection is over, or that ping.

What Linux says in each case was seen between network namespaces.
"""

from __future__ import annotations

import pytest

from policy.app.scenario.read import read_scenario
from policy.packet.address import parse_address
from policy.simulate.play import Done, Trouble, play
from policy.source import Source
from tests.test_simulate import CONNECT, HEAD, LISTEN, played, reload, states, travels

SHUT = ("close: {what: c, sending: yes}", "close: {what: web/c, sending: yes}")


def told(dones: list[Done], last: int) -> list[tuple[str, str | None, int | None]]:
    """Return what the last steps ended with: result, error, bytes."""
    outcomes = [done.outcome for done in dones[-last:]]
    return [(each.result, each.failure.code if each.failure else None, each.size) for each in outcomes]


END = ("received", None, 0)
BROKEN = ("reset", "EPIPE", None)


def test_a_socket_outlives_its_connection_until_it_is_closed() -> None:
    steps = ("send: {by: c, bytes: 9}", *SHUT, "wait: 61s")
    uses = [
        "receive: web/c",
        "receive: web/c",
        "receive: c",
        "send: {by: web/c}",
        "send: {by: c}",
        "close: c",
        "close: web/c",
    ]
    dones = played(LISTEN, CONNECT, *steps, *uses)
    assert states(dones, "c")[-2:] == ["time-wait", "closed"]
    assert states(dones, "web/c")[-2:] == ["last-ack", "closed"]
    assert told(dones, 7) == [("received", None, 9), END, END, BROKEN, BROKEN, ("ok", None, None), ("ok", None, None)]


def test_time_wait_is_no_matter_of_the_application() -> None:
    """Neither data that lies unread nor SO_LINGER ends it (tcp.c, `__tcp_close`)."""
    for last in ("close: c", "reset: c"):
        dones = played(LISTEN, CONNECT, "send: {by: web/c, bytes: 7}", *SHUT, last, "wait: 59s", "wait: 2s")
        assert [done.states["c"] for done in dones[-3:]] == ["time-wait", "time-wait", "closed"]


def test_a_reset_is_told_once_and_then_there_is_the_end() -> None:
    dones = played(LISTEN, CONNECT, "reset: web/c", "receive: c", "receive: c", "send: {by: c}", "receive: c")
    assert told(dones, 4) == [("reset", "ECONNRESET", None), END, BROKEN, END]
    dones = played(LISTEN, CONNECT, "reset: web/c", "send: {by: c}", "send: {by: c}", "receive: c")
    assert told(dones, 3) == [("reset", "ECONNRESET", None), BROKEN, END]


def test_bytes_that_came_before_a_reset_are_received_before_it() -> None:
    dones = played(
        LISTEN, CONNECT, "send: {by: web/c, bytes: 3}", "reset: web/c", "receive: c", "receive: c", "receive: c"
    )
    assert told(dones, 3) == [("received", None, 3), ("reset", "ECONNRESET", None), END]


def test_behind_the_end_a_reset_is_told_to_who_sends_only() -> None:
    dones = played(LISTEN, CONNECT, SHUT[1], "reset: web/c", "receive: c", "send: {by: c}")
    assert told(dones, 2) == [END, BROKEN]


def test_a_socket_that_was_never_connected() -> None:
    dones = played("connect: {from: client, to: server, port: tcp/80, as: c}", "receive: c", "send: {by: c}")
    assert told(dones, 3) == [("refused", "ECONNREFUSED", None), ("not connected", "ENOTCONN", None), BROKEN]


def test_a_datagram_socket_that_was_not_opened_sends_nothing() -> None:
    with pytest.raises(Trouble, match="`c` was not opened"):
        played(
            "connect: {from: client, to: server, port: udp/80, source-port: 99, as: b}",
            "connect: {from: client, to: server, port: udp/80, source-port: 99, as: c}",
            "send: {by: c, to: server, port: udp/80}",
        )


def connecting(to: str, port: str, more: str = "") -> str:
    return f"connect: {{from: client, to: '{to}', port: {port}{more}}}"


def codes(*steps: str, rules: str = "") -> list[str | None]:
    return [done.outcome.failure.code if done.outcome.failure else None for done in played(*steps, rules=rules)]


def test_nothing_leaves_a_host_from_its_loopback_address() -> None:
    assert codes(
        connecting("server", "tcp/80", ", source: 127.0.0.1"),
        connecting("server", "udp/80", ", source: 127.0.0.1"),
        "listen: {on: client, port: udp/53, address: 127.0.0.1, as: own}",
        "send: {by: own, to: server, port: udp/53}",
        connecting("10.0.0.2", "udp/80", ", source: 127.0.0.1"),
    ) == ["EINVAL", "EINVAL", None, "EINVAL", None]


def test_all_hosts_of_a_network_are_not_spoken_to() -> None:
    """As for Linux without SO_BROADCAST; a router delivers to nobody, and says nothing."""
    assert codes(
        connecting("10.0.0.255", "tcp/80"),
        connecting("10.0.0.255", "udp/80"),
        "ping: {from: client, to: 10.0.0.255}",
        "listen: {on: client, port: udp/53, ip: 4, as: own}",
        "send: {by: own, to: 255.255.255.255, port: udp/53}",
        "send: {by: own, to: 10.0.0.255, port: udp/53}",
    ) == ["ENETUNREACH", "EACCES", "EACCES", None, "EACCES", "EACCES"]
    (done,) = played(connecting("192.0.2.255", "tcp/80", ", within: 5s"))
    assert done.outcome.result == "timed out"


def test_addresses_of_a_link_want_an_interface() -> None:
    assert codes(connecting("fe80::1", "tcp/80"), connecting("fe80::1", "udp/80")) == ["EINVAL", "EINVAL"]


def test_a_ping_is_told_which_error_came() -> None:
    rules = (
        "icmp type echo-request ip daddr 192.0.2.9 reject\nicmpv6 type echo-request reject with icmpx admin-prohibited"
    )
    pings = ["ping: {from: client, to: 203.0.113.1}", "ping: {from: client, to: server}"]
    pings += ["ping: {from: client, to: 192.0.2.200}", "ping: {from: client, to: server, ip: 6}"]
    pings += ["ping: {from: client, to: 10.0.0.200}", "ping: {from: client, to: gate}"]
    found = [
        (done.outcome.result, done.outcome.failure.code if done.outcome.failure else None)
        for done in played(*pings, rules=rules)
    ]
    assert found == [
        ("unreachable", "ENETUNREACH"),
        ("rejected", "ECONNREFUSED"),
        ("unreachable", "EHOSTUNREACH"),
        ("rejected", "EACCES"),
        ("unreachable", "EHOSTUNREACH"),
        ("answered", None),
    ]


def test_a_datagram_to_a_neighbour_that_is_not_there_is_lost() -> None:
    dones = played(connecting("10.0.0.200", "udp/80", ", as: c"), "send: {by: c}", "receive: {by: c, within: 5s}")
    assert dones[-1].outcome.result == "nothing"


def test_a_host_talks_to_itself_from_the_first_address_of_a_network() -> None:
    text = HEAD.format(policy="accept", rules="").replace("192.0.2.9/24", "192.0.2.9/24, 192.0.2.10/24, 192.0.2.11/25")
    listen = "  - listen: {on: server, port: tcp/80, as: web}\n"
    for to, source in (
        ("192.0.2.10", "192.0.2.9"), ("192.0.2.11", "192.0.2.11"), ("127.0.0.5", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"), ("::1", "::1"), ("fd00:2::9", "fd00:2::9"),
    ):  # fmt: skip
        connect = f"  - connect: {{from: server, to: '{to}', port: tcp/80, as: c}}\n"
        *_, done = play(read_scenario(Source("x.scenario.yaml", text + listen + connect)))
        assert done.outcome.source == parse_address(source)


def test_a_firewall_may_keep_from_its_own_host_that_no_neighbour_answers() -> None:
    """The kernel sends the ICMP error to itself (route.c, `ipv4_link_failure`)."""
    chain = "type filter hook input priority 0; policy drop; ct state"
    for states_, result in (("established accept", "timed out"), ("established,related accept", "unreachable")):
        dones = played(
            reload(f"{chain} {states_}"),
            "ping: {from: gate, to: 10.0.0.200}",
            "connect: {from: gate, to: 10.0.0.200, port: tcp/80, within: 6s}",
        )
        assert [done.outcome.result for done in dones[1:]] == [result, result]


def test_all_that_waited_for_a_neighbour_is_told_of_at_once() -> None:
    (done,) = played(connecting("192.0.2.200", "tcp/80"))
    starts = [each.start for each in travels(done) if each.sent.step.about is not None]
    assert len(starts) == 3
    assert starts[0] == starts[2] == pytest.approx(done.begin + 3, abs=0.01)


def test_a_router_remembers_nothing_of_what_it_knows_no_way_for() -> None:
    nat = reload('type nat hook postrouting priority 100; oifname "wan" masquerade')
    dones = played(nat, connecting("203.0.113.1", "tcp/80"))
    assert dones[-1].outcome.result == "unreachable"
    assert dones[-1].tables.get("gate", []) == []
