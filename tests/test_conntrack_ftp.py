"""What the FTP helper reads, and what is awaited because of it; `tests/kernel/ftp.py` asks Linux."""

from __future__ import annotations

import pytest

from policy.conntrack import ORIGINAL, REPLY, Expectation, Tuple
from policy.conntrack.expect import Expectations
from policy.conntrack.ftp import Heard, Partial, read, written
from policy.conntrack.shift import Shift, acknowledging, shifted
from policy.conntrack.step import Segment, Step
from policy.packet.address import parse_address
from policy.packet.fields import ACK, TCP

CLIENT, SERVER, SIX = (parse_address(each) for each in ("10.1.0.1", "10.2.0.1", "fd01::1"))


@pytest.mark.parametrize(
    ("text", "direction", "source", "address", "port", "numbers"),
    [
        ("PORT 10,1,0,1,195,80\r\n", ORIGINAL, CLIENT, CLIENT, 50000, "10,1,0,1,195,80"),
        ("port please 10,1,0,1,4,0\r", ORIGINAL, CLIENT, None, 0, ""),
        ("PORTS 10,1,0,1,4,0\r", ORIGINAL, CLIENT, CLIENT, 1024, "10,1,0,1,4,0"),
        ("PORT 10,9,0,1,4,0\r", ORIGINAL, CLIENT, parse_address("10.9.0.1"), 1024, "10,9,0,1,4,0"),
        ("EPRT |1|10.1.0.1|1024|\r\n", ORIGINAL, CLIENT, CLIENT, 1024, "|1|10.1.0.1|1024|"),
        ("EPRT !2!fd01::1!1024!", ORIGINAL, SIX, SIX, 1024, "!2!fd01::1!1024!"),
        ("227 Entering Passive Mode (10,2,0,1,4,1).\r\n", REPLY, SERVER, SERVER, 1025, "10,2,0,1,4,1"),
        ("227 =10,2,0,1,4,1\n", REPLY, SERVER, SERVER, 1025, "10,2,0,1,4,1"),
        ("229 Extended (|||1025|)\r\n", REPLY, SERVER, SERVER, 1025, "|||1025|"),
        ("229 Extended (|||66561|)\r\n", REPLY, SERVER, SERVER, 1025, "|||66561|"),
    ],
)
def test_what_announces_a_connection(
    text: str, direction: int, source: int, address: int | None, port: int, numbers: str
) -> None:
    if address is None:
        with pytest.raises(Partial):
            read(text.encode(), direction, source)
        return
    found = read(text.encode(), direction, source)
    assert found is not None
    assert (found.address, found.port, text[found.begin : found.end]) == (address, port, numbers)


@pytest.mark.parametrize(
    ("text", "direction", "source"),
    [
        ("PORT", ORIGINAL, CLIENT),
        ("P", ORIGINAL, CLIENT),
        ("PORT10,1,0,1,4,0\r\n", ORIGINAL, CLIENT),
        ("PORT 10,1,0,1,4,0\n", ORIGINAL, CLIENT),
        ("PORT 10,1,0,1,4,0,9\r\n", ORIGINAL, CLIENT),
        ("PORT 10,1,0,1,4\r\n", ORIGINAL, CLIENT),
        ("EPRT |2|fd01::1|1024|\r\n", ORIGINAL, CLIENT),
        ("EPRT |1|10.1.0.1|0|\r\n", ORIGINAL, CLIENT),
        ("EPRT |1|10.1.0.1|1024\r\n", ORIGINAL, CLIENT),
        ("EPRT 1110.1.0.111024|\r\n", ORIGINAL, CLIENT),
        ("227 no\r\n", REPLY, SERVER),
        ("227 10,2,0,1,4,1", REPLY, SERVER),
        ("229 none\r\n", REPLY, SERVER),
        ("229 (||1025|)\r\n", REPLY, SERVER),
        ("22", REPLY, SERVER),
    ],
)
def test_what_begins_so_and_is_not_all_of_it(text: str, direction: int, source: int) -> None:
    with pytest.raises(Partial):
        read(text.encode(), direction, source)


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("LIST\r\n", ORIGINAL),
        ("227 Entering (10,1,0,1,4,0).\r\n", ORIGINAL),
        ("PORT 10,2,0,1,4,0\r\n", REPLY),
        ("227-10,2,0,1,4,0\r\n", REPLY),
    ],
)
def test_what_announces_nothing(text: str, direction: int) -> None:
    assert read(text.encode(), direction, CLIENT) is None


def test_other_numbers_are_written_as_linux_does() -> None:
    assert written("PORT", SERVER, 50000) == written("227", SERVER, 50000) == b"10,2,0,1,195,80"
    assert written("229", SERVER, 50000) == b"|||50000|"
    assert written("EPRT", SERVER, 50000) == b"|1|10.2.0.1|50000|"
    assert written("EPRT", SIX, 50000) == b"|2|fd01:0000:0000:0000:0000:0000:0000:0001|50000|"


def test_two_beginnings_of_lines_are_remembered() -> None:
    heard = Heard().with_line(ORIGINAL, 10).with_line(ORIGINAL, 20).with_line(REPLY, 5)
    assert heard.begins == ((10, 20), (5,))
    assert heard.with_line(ORIGINAL, 20) == heard
    assert heard.with_line(ORIGINAL, 30).begins[0] == (30, 20)
    assert heard.with_line(ORIGINAL, 30).with_line(ORIGINAL, 40).begins[0] == (30, 40)
    assert heard.with_line(ORIGINAL, 9) == heard
    around = Heard().with_line(ORIGINAL, 0xFFFFFFF0).with_line(ORIGINAL, 5)
    assert around.with_line(ORIGINAL, 10).begins[0] == (10, 5)


def awaited(master: int, port: int, until: float = 300.0) -> Expectation:
    """Return what a master announces: a connection of the server to the client."""
    return Expectation(master, TCP, SERVER, CLIENT, port, until)


def first(port: int) -> Tuple:
    """Return the first packet of a connection of the server to the client."""
    return Tuple(TCP, SERVER, CLIENT, 20, port)


def test_each_master_awaits_one_connection() -> None:
    table = Expectations()
    assert table.add(awaited(1, 1024), 0)
    assert table.add(awaited(1, 1025), 0)
    assert table.take(first(1024), 0) is None
    assert table.take(first(1025), 0) == awaited(1, 1025)
    assert table.take(first(1025), 0) is None


def test_two_masters_do_not_await_the_same() -> None:
    table = Expectations()
    assert table.add(awaited(1, 1024), 0)
    assert not table.add(awaited(2, 1024), 299)
    assert table.add(awaited(2, 1024, 600), 300)
    assert table.take(first(1024), 301) == awaited(2, 1024, 600)


def test_what_is_awaited_ends() -> None:
    table = Expectations()
    table.add(awaited(1, 1024), 0)
    assert table.take(first(1024), 300) is None
    table.add(awaited(1, 1024), 0)
    table.forget(1)
    assert table.take(first(1024), 1) is None


def test_numbers_behind_a_text_that_became_longer() -> None:
    shifts = (Shift().with_change(100, 3), Shift())
    assert shifts[0].with_change(100, 3) == shifts[0]
    later = shifts[0].with_change(200, -1)
    assert [later.of(seq) for seq in (150, 200, 201)] == [3, 3, 2]
    there, back = (Step(TCP, CLIENT, SERVER, 1, 21, ACK, Segment(seq, ack)) for seq, ack in ((120, 7), (7, 123)))
    assert shifted(there, shifts, ORIGINAL).segment == Segment(123, 7)
    assert shifted(back, shifts, REPLY).segment == acknowledging(back, shifts, REPLY).segment == Segment(7, 120)
