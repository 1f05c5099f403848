"""FTP through a firewall: the data connection of active and passive mode, with and without the helper, and with NAT."""

from __future__ import annotations

from policy.conntrack import EXPECTED
from policy.packet.address import format_address, parse_address
from policy.simulate.expect import rule_of
from policy.simulate.log import Tracked, Travel
from policy.simulate.play import Done
from policy.simulate.scenario import Close, Connect, Deed, Flush, Listen, Receive, Reload, Send, Wait
from tests.watching import INSIDE, OUTSIDE, firewall, played, tcp

FILTER = """
  chain c {
    type filter hook forward priority 0; policy drop
    ct state established accept
    %s
    tcp dport 21 ct state new accept
  }
"""
RELATED = FILTER % "ct state related accept"
UNRELATED = FILTER % "ct state invalid drop"
MASQUERADE = """
  chain n { type nat hook postrouting priority srcnat; oifname "lan" masquerade; }
"""
TO_SERVER = """
  chain d { type nat hook prerouting priority dstnat; ip daddr 192.0.2.1 tcp dport 21 dnat to 10.0.0.2; }
"""


def rules(*chains: str) -> str:
    """Return a table of chains."""
    return "table ip f {" + "".join(chains) + "}"


def control(to: str | int = "server") -> list[Deed]:
    """Open a control connection, say hello and who one is."""
    return [
        Listen("server", tcp(21), "ftp"),
        Connect("client", to, tcp(21), "c"),
        Send("ftp/c", text="220 here\r\n"),
        Send("c", text="USER me\r\n"),
        Send("ftp/c", text="331 who\r\n"),
    ]


def active(text: str = "PORT 192,0,2,9,195,80\r\n") -> list[Deed]:
    """Let the server connect to port 50000 of the client."""
    return [Listen("client", tcp(50000), "data"), Send("c", text=text), Connect("server", "client", tcp(50000), "d")]


def passive(text: str = "227 Entering Passive Mode (10,0,0,2,195,80).\r\n") -> list[Deed]:
    """Let the client connect to port 50000 of the server."""
    opened = Connect("client", "server", tcp(50000), "d")
    return [Listen("server", tcp(50000), "data"), Send("ftp/c", text=text), opened]


def last(steps: list[Done]) -> str:
    """Return what whoever did the last step sees."""
    return steps[-1].outcome.result


def through(*deeds: Deed, text: str = RELATED, helper: bool = True) -> list[Done]:
    """Play steps with the rules at the gate."""
    return played(firewall(rules(text), *(["ftp"] if helper else [])), *deeds)


def first(done: Done) -> Travel:
    """Return the first packet of a step."""
    return next(each for each in done.events if isinstance(each, Travel))


def test_active() -> None:
    steps = through(*control(), *active())
    assert last(steps) == "connected"
    syn = first(steps[-1])
    assert [rule_of(hop) for hop in syn.hops] == [None, "gate:5", None]
    entries = [each.entry for each in steps[-1].events if isinstance(each, Tracked) and each.what == "new"]
    assert [(each.status & EXPECTED, each.master) for each in entries] == [(EXPECTED, 1)]
    assert last(through(*control(), *active(), helper=False)) == "timed out"
    assert last(through(*control(), *active(), text=UNRELATED)) == "timed out"


def test_passive() -> None:
    assert last(through(*control(), *passive())) == "connected"
    assert last(through(*control(), *passive(), helper=False)) == "timed out"
    assert last(through(*control(), *passive(), text=UNRELATED)) == "timed out"


def test_extended_commands() -> None:
    assert last(through(*control(), *active("EPRT |1|192.0.2.9|50000|\r\n"))) == "connected"
    assert last(through(*control(), *passive("229 Entering Extended Passive Mode (|||50000|)\r\n"))) == "connected"


def test_data_flows_and_is_established() -> None:
    steps = through(*control(), *active(), Send("d", 3000), Receive("data/d"), Send("data/d", 7), Receive("d"))
    assert [steps[-3].outcome.size, steps[-1].outcome.size] == [3000, 7]


def test_announced_connection_comes_once() -> None:
    again: list[Deed] = [Close("d", abruptly=True), Connect("server", "client", tcp(50000), "e")]
    assert last(through(*control(), *active(), *again)) == "timed out"


def test_announced_connection_comes_soon() -> None:
    deeds = active()
    assert last(through(*control(), *deeds[:2], Wait(299), deeds[2])) == "connected"
    assert last(through(*control(), *deeds[:2], Wait(301), deeds[2])) == "timed out"


def test_newer_announcement_takes_the_place_of_the_other() -> None:
    deeds = active()
    other = Send("c", text="PORT 192,0,2,9,195,81\r\n")
    assert last(through(*control(), *deeds[:2], other, deeds[2])) == "timed out"


def test_only_the_announced_host_and_port() -> None:
    others: list[Deed] = [Listen("client", tcp(50001), "more"), Connect("server", "client", tcp(50001), "e")]
    assert last(through(*control(), *active()[:2], *others)) == "timed out"
    assert last(through(*control(), *active("PORT 192,0,2,1,195,80\r\n"))) == "timed out"


def test_forgotten_table_awaits_nothing() -> None:
    deeds = active()
    assert last(through(*control(), *deeds[:2], Flush("gate"), deeds[2])) == "timed out"


def test_first_words_are_not_read() -> None:
    early: list[Deed] = [Listen("server", tcp(21), "ftp"), Connect("client", "server", tcp(21), "c")]
    assert last(through(*early, *active())) == "timed out"


def test_half_a_command_is_dropped_by_the_helper() -> None:
    steps = through(*control(), Send("c", text="PORT 192,0,2,9,195\r\n"))
    packet = first(steps[-1])
    assert packet.fate == "dropped"
    assert rule_of(packet.hops[1]) == "gate:helper"
    ruling = packet.hops[1].ruling
    assert ruling is not None
    assert ruling.helper == "FTP: PORT that says no port"


def test_two_control_connections_do_not_announce_the_same() -> None:
    more: list[Deed] = [Connect("client", "server", tcp(21), "c2"), Send("c2", text="USER me\r\n")]
    steps = through(*control(), *active()[:2], *more, Send("c2", text="PORT 192,0,2,9,195,80\r\n"))
    packet = first(steps[-1])
    assert (packet.fate, rule_of(packet.hops[1])) == ("dropped", "gate:helper")
    ended: list[Deed] = [Close("c", abruptly=True), Wait(11)]
    steps = through(*control(), *active()[:2], *more, *ended, Send("c2", text="PORT 192,0,2,9,195,80\r\n"))
    assert first(steps[-1]).fate == "delivered"


def test_rules_that_drop_the_first_packet_use_it_up() -> None:
    closed, opened = (firewall(rules(each), "ftp") for each in (UNRELATED, RELATED))
    steps = played(closed, *control(), *active(), Reload("gate", opened), Connect("server", "client", tcp(50000), "e"))
    assert last(steps) == "timed out"


def test_server_behind_a_translated_address() -> None:
    """The client knows the gate; what the server says of itself is translated, and so is the data connection."""
    gate, outside = firewall(rules(RELATED, TO_SERVER), "ftp"), parse_address("192.0.2.1")
    said = "227 Entering Passive Mode (10,0,0,2,195,80).\r\n"
    deeds = [*control(outside), Receive("c"), Listen("server", tcp(50000), "data"), Send("ftp/c", text=said)]
    deeds += [Receive("c"), Connect("client", outside, tcp(50000), "d"), Send("ftp/c", text="150 go\r\n"), Receive("c")]
    steps = played(gate, *deeds, Send("c", text="QUIT\r\n"), Receive("ftp/c"))
    assert steps[8].outcome.text == "227 Entering Passive Mode (192,0,2,1,195,80).\r\n"
    assert steps[9].outcome.result == "connected"
    assert steps[9].outcome.source == OUTSIDE
    assert steps[11].outcome.text == "150 go\r\n"
    assert steps[-1].outcome.text == "USER me\r\nQUIT\r\n"
    assert all(not each.again for done in steps for each in done.events if isinstance(each, Travel))


def test_client_behind_a_translated_address() -> None:
    """The server knows the gate; it connects to that, and comes to the client."""
    gate = firewall(rules(RELATED, MASQUERADE), "ftp")
    address = parse_address("10.0.0.1")
    deeds = [*control(), Receive("ftp/c"), Listen("client", tcp(50000), "data")]
    deeds += [Send("c", text="PORT 192,0,2,9,195,80\r\n"), Receive("ftp/c")]
    deeds += [Connect("server", address, tcp(50000), "d"), Send("d", 9), Receive("data/d")]
    deeds += [Send("c", text="LIST\r\n"), Receive("ftp/c"), Send("ftp/c", text="150 go\r\n")]
    steps = played(gate, *deeds)
    assert steps[8].outcome.text == "PORT 10,0,0,1,195,80\r\n"
    assert steps[9].outcome.result == "connected"
    assert format_address(steps[9].outcome.source or 0) == format_address(INSIDE)
    assert steps[11].outcome.size == 9
    assert steps[13].outcome.text == "LIST\r\n"
    assert all(not each.again for done in steps for each in done.events if isinstance(each, Travel))


def test_data_connection_of_a_translated_one_meets_no_rule_that_translates() -> None:
    away = "chain e { type nat hook prerouting priority -90; tcp dport 50000 dnat to 10.0.0.77; }"
    hidden = "chain h { type nat hook postrouting priority srcnat; tcp dport 50000 masquerade; }"
    gate, outside = firewall(rules(RELATED, TO_SERVER, away, hidden), "ftp"), parse_address("192.0.2.1")
    said = "227 Entering Passive Mode (10,0,0,2,195,80).\r\n"
    deeds = [*control(outside), Listen("server", tcp(50000), "data"), Send("ftp/c", text=said)]
    steps = played(gate, *deeds, Connect("client", outside, tcp(50000), "d"))
    assert (last(steps), steps[-1].outcome.source) == ("connected", OUTSIDE)


def test_mark_of_the_control_connection_is_that_of_the_data() -> None:
    marked = RELATED.replace("ct state related", "ct state related ct mark 7").replace(
        "ct state new accept", "ct state new ct mark set 7 accept"
    )
    assert last(through(*control(), *active(), text=marked)) == "connected"
    assert last(through(*control(), *active(), text=marked.replace("set 7", "set 8"))) == "timed out"
