"""Playing scenarios: what applications are told that go on with a socket whose connection is over, or that ping.

What Linux says in each case was seen between network namespaces.
"""

from __future__ import annotations

from policy.simulate.play import Done
from tests.test_simulate import CONNECT, LISTEN, played, states

SHUT = ("close: {what: c, sending: yes}", "close: {what: web/c, sending: yes}")


def told(dones: list[Done], last: int) -> list[tuple[str, str | None, int | None]]:
    """Return what the last steps ended with: result, error, bytes."""
    outcomes = [done.outcome for done in dones[-last:]]
    return [(each.result, each.failure.code if each.failure else None, each.size) for each in outcomes]


END = ("received", None, 0)
BROKEN = ("reset", "EPIPE", None)


def test_a_socket_outlives_its_connection_until_it_is_closed() -> None:
    steps = ("send: {by: c, bytes: 9}", *SHUT, "wait: 61s")
    uses = ("receive: web/c", "receive: web/c", "receive: c", "send: web/c", "send: c", "close: c", "close: web/c")
    uses = tuple(use.replace("send: ", "send: {by: ") + "}" if use.startswith("send") else use for use in uses)
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
