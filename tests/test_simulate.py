"""Playing scenarios: TCP from SYN to TIME-WAIT, what clients see, and what firewalls remember."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from policy.app.scenario.read import read_scenario
from policy.packet.address import parse_address
from policy.simulate.log import Change, Travel
from policy.simulate.play import Done, Trouble, play
from policy.simulate.stream import DATA_WAITS, SYN_WAITS
from policy.source import Source

HEAD = """\
title: Test
hosts:
  client: {{interfaces: {{eth0: [10.0.0.2/24, "fd00:1::2/64"]}}, routes: {{default: [10.0.0.1, "fd00:1::1"]}}}}
  gate:
    interfaces: {{lan: [10.0.0.1/24, "fd00:1::1/64"], wan: [192.0.2.1/24, "fd00:2::1/64"]}}
    forwards: yes
    firewall:
      language: nftables
      text: |
        table inet f {{
          chain forward {{
            type filter hook forward priority 0; policy {policy};
            {rules}
          }}
        }}
  server: {{interfaces: {{eth0: [192.0.2.9/24, "fd00:2::9/64"]}}, routes: {{default: [192.0.2.1, "fd00:2::1"]}}}}
links:
  inside: [client/eth0, gate/lan]
  outside: [server/eth0, gate/wan]
steps:
"""


def played(*steps: str, rules: str = "", policy: str = "accept") -> list[Done]:
    indented = rules.replace("\n", "\n" + " " * 12)
    text = HEAD.format(policy=policy, rules=indented) + "".join(f"  - {step}\n" for step in steps)
    return list(play(read_scenario(Source("x.scenario.yaml", text))))


def states(dones: Sequence[Done], socket: str) -> list[str]:
    """Return all states of a socket, in order."""
    changes = (event for done in dones for event in done.events if isinstance(event, Change))
    return [event.now for event in changes if event.socket == socket]


def travels(done: Done) -> Iterator[Travel]:
    return (event for event in done.events if isinstance(event, Travel))


def reload(chain: str) -> str:
    """Return the step that gives the gateway other rules: one chain."""
    rules = f"table ip t {{ chain c {{ {chain}; }}; }}"
    return f"reload: {{on: gate, firewall: {{language: nftables, text: '{rules}'}}}}"


FORWARD = "type filter hook forward priority 0; policy drop"
LISTEN = "listen: {on: server, port: tcp/80, as: web}"
CONNECT = "connect: {from: client, to: server, port: tcp/80, as: c}"


def test_a_connection_from_its_first_packet_to_its_last() -> None:
    dones = played(LISTEN, CONNECT, "close: c", "close: web/c", "wait: 59s", "wait: 2s")
    assert states(dones, "c") == ["syn-sent", "established", "fin-wait-1", "fin-wait-2", "time-wait", "closed"]
    assert states(dones, "web/c") == ["syn-received", "established", "close-wait", "last-ack", "closed"]
    assert [done.states["c"] for done in dones[-2:]] == ["time-wait", "closed"]


def test_both_ends_close_at_once() -> None:
    dones = played(LISTEN, CONNECT, "close: {what: c, sending: yes}", "close: web/c", "wait: 61s")
    assert states(dones, "c")[-2:] == ["time-wait", "closed"]
    assert dones[2].states["web/c"] == "close-wait"


def test_a_socket_that_is_never_closed_waits_for_ever() -> None:
    dones = played(LISTEN, CONNECT, "close: c", "wait: 100h")
    assert dones[-1].states == {"web": "listen", "c": "closed", "web/c": "close-wait"}


def test_nobody_listens_and_a_rule_drops_and_rules_reject() -> None:
    rules = "tcp dport 81 drop\ntcp dport 82 reject with tcp reset\ntcp dport 83 reject with icmpx admin-prohibited"
    ports = [f"connect: {{from: client, to: server, port: tcp/{port}, as: c{port}}}" for port in range(80, 84)]
    found = [done.outcome for done in played(*ports, rules=rules)]
    assert [each.result for each in found] == ["refused", "timed out", "rejected", "rejected"]
    codes = [each.failure.code if each.failure else None for each in found]
    assert codes == ["ECONNREFUSED", "ETIMEDOUT", "ECONNREFUSED", "EHOSTUNREACH"]


@pytest.mark.parametrize(
    ("how", "v4", "v6"),
    [
        ("tcp reset", "ECONNREFUSED", "ECONNREFUSED"),
        ("icmpx port-unreachable", "ECONNREFUSED", "ECONNREFUSED"),
        ("icmpx no-route", "ENETUNREACH", "ENETUNREACH"),
        ("icmpx host-unreachable", "EHOSTUNREACH", "EHOSTUNREACH"),
        ("icmpx admin-prohibited", "EHOSTUNREACH", "EACCES"),
    ],
)
def test_the_error_of_a_rejection_depends_on_how_it_is_said(how: str, v4: str, v6: str) -> None:
    """As Linux has it: `icmp_err_convert` in net/ipv4/icmp.c, `tab_unreach` in net/ipv6/icmp.c."""
    for version, code in ((4, v4), (6, v6)):
        step = f"connect: {{from: client, to: server, port: tcp/80, as: c, ip: {version}}}"
        (done,) = played(step, rules=f"tcp dport 80 reject with {how}")
        assert done.outcome.result == "rejected"
        assert done.outcome.failure is not None
        assert done.outcome.failure.code == code


def test_a_syn_is_sent_again_as_often_as_linux_does() -> None:
    (done,) = played(CONNECT, policy="drop")
    starts = [travel.start for travel in travels(done)]
    assert starts == [sum(SYN_WAITS[:number]) for number in range(len(SYN_WAITS))]
    assert done.end == sum(SYN_WAITS) == 131


def test_data_that_is_dropped_is_sent_again_and_then_given_up() -> None:
    dones = played(
        LISTEN, CONNECT, reload(FORWARD), "send: {by: c, bytes: 10}", f"wait: {sum(DATA_WAITS) + 1}s", "receive: c"
    )
    assert dones[-1].outcome.failure is not None
    assert dones[-1].outcome.failure.code == "ETIMEDOUT"
    assert len([each for each in travels(dones[-2]) if each.again]) == len(DATA_WAITS) - 1


def test_bytes_come_in_the_order_and_number_in_which_they_were_sent() -> None:
    dones = played(
        LISTEN, CONNECT, "send: {by: c, bytes: 200000}", "receive: web/c", "receive: {by: web/c, within: 0.1s}"
    )
    assert [done.outcome.size for done in dones[-2:]] == [200000, None]


def test_a_socket_that_is_closed_with_data_unread_sends_a_reset() -> None:
    dones = played(LISTEN, CONNECT, "send: {by: c, bytes: 5}", "close: web/c", "send: {by: c, bytes: 5}")
    assert states(dones, "web/c")[-1] == "closed"
    assert dones[-1].outcome.result == "reset"


def test_a_host_that_was_started_anew_answers_with_a_reset() -> None:
    dones = played(LISTEN, CONNECT, "reset: web/c", "receive: c")
    assert dones[-1].outcome.result == "reset"


def test_udp_tells_who_is_connected_and_nobody_else() -> None:
    dones = played(
        "connect: {from: client, to: server, port: udp/53, as: q}",
        "send: {by: q, bytes: 3}",
        "receive: q",
        "listen: {on: client, port: udp/5353, as: open}",
        "send: {by: open, to: server, port: udp/53, bytes: 3}",
        "receive: open",
    )
    assert [done.outcome.result for done in dones] == ["connected", "ok", "refused", "ok", "ok", "nothing"]


def test_an_open_connection_outlives_the_rule_that_let_it_in_unless_a_drop_stands_first() -> None:
    dones = played(
        LISTEN,
        CONNECT,
        reload(f"{FORWARD}; ct state established accept"),
        "connect: {from: client, to: server, port: tcp/80, as: late, within: 1s}",
        "send: {by: c, bytes: 1}",
        "receive: web/c",
        reload(f"{FORWARD}; tcp dport 80 drop; ct state established accept"),
        "send: {by: c, bytes: 1}",
        "receive: web/c",
        rules="ct state established accept\ntcp dport 80 accept",
        policy="drop",
    )
    assert [done.outcome.result for done in dones[3:]] == ["timed out", "ok", "received", "ok", "ok", "nothing"]


def test_ways_that_do_not_exist() -> None:
    dones = played(
        "connect: {from: client, to: 192.0.2.200, port: tcp/80, as: nobody}",
        "connect: {from: client, to: 198.51.100.1, port: tcp/80, as: nowhere}",
        "connect: {from: server, to: 203.0.113.1, port: tcp/80, as: beyond}",
    )
    codes = [done.outcome.failure.code if done.outcome.failure else None for done in dones]
    assert codes == ["EHOSTUNREACH", "ENETUNREACH", "ENETUNREACH"]
    assert [done.outcome.result for done in dones] == ["unreachable", "unreachable", "unreachable"]
    assert dones[0].end - dones[0].begin >= 3


def test_a_host_that_is_no_router_forwards_nothing_and_says_nothing() -> None:
    text = HEAD.format(policy="accept", rules="").replace("forwards: yes", "forwards: no") + f"  - {CONNECT}\n"
    (done,) = play(read_scenario(Source("x.scenario.yaml", text)))
    assert done.outcome.result == "timed out"
    assert {travel.fate for travel in travels(done)} == {"not forwarded"}


def test_what_hangs_on_something_unknown_is_said_and_not_guessed() -> None:
    with pytest.raises(Trouble, match="hangs on what is not known"):
        played(CONNECT, rules="limit rate 5/second accept", policy="drop")


def test_a_host_talks_to_itself() -> None:
    dones = played(LISTEN, "connect: {from: server, to: server, port: tcp/80, as: own}", "send: {by: own, bytes: 4}")
    assert [done.outcome.result for done in dones] == ["ok", "connected", "ok"]


def test_ports_are_free_again_when_time_wait_is_over() -> None:
    dones = played(
        LISTEN,
        "connect: {from: client, to: server, port: tcp/80, as: a, source-port: 50000}",
        "close: a",
        "close: web/a",
        "connect: {from: client, to: server, port: tcp/80, as: b, source-port: 50000}",
        "wait: 61s",
        "connect: {from: client, to: server, port: tcp/80, as: d, source-port: 50000}",
    )
    assert [dones[number].outcome.result for number in (4, 6)] == ["address in use", "connected"]


def test_the_server_sees_who_the_gateway_says_it_is() -> None:
    nat = reload('type nat hook postrouting priority 100; oifname "wan" masquerade')
    dones = played(LISTEN, nat, CONNECT, CONNECT.replace("as: c", "as: d"))
    assert [done.outcome.source for done in dones[2:]] == [parse_address("192.0.2.1")] * 2


def test_a_rule_that_answers_with_a_reset_ends_the_connection_in_the_table() -> None:
    """Source: `nf_ct_set_closing` in nf_reject_ipv4.c; seen on Linux by tests.kernel.staged."""
    rules = f"{FORWARD}; tcp dport 80 reject with tcp reset; ct state established accept"
    dones = played(LISTEN, CONNECT, reload(rules), "send: {by: c, bytes: 1}", rules="ct state established accept")
    (entry,) = dones[-1].tables["gate"]
    assert entry.track.state.name == "CLOSE"
    assert entry.timeout == 10
    assert dones[-1].states["c"] == "closed"


def test_a_datagram_goes_back_to_whom_the_last_one_came_from_that_was_received() -> None:
    dones = played(
        "listen: {on: server, port: udp/53, as: names}",
        "connect: {from: client, to: server, port: udp/53, as: one}",
        "connect: {from: client, to: server, port: udp/53, as: two}",
        "send: {by: one, bytes: 1}",
        "send: {by: two, bytes: 2}",
        "receive: names",
        "send: {by: names, to: sender, bytes: 3}",
        "receive: {by: one, within: 0.1s}",
    )
    assert (dones[5].outcome.size, dones[-1].outcome.size) == (1, 3)


def test_what_is_redirected_goes_to_the_address_of_the_interface() -> None:
    rules = "type nat hook prerouting priority -100; tcp dport 80 redirect to :8080"
    wall = f"table ip n {{ chain p {{ {rules}; }}; }}; table ip f {{ chain i {{ type filter hook input priority 0; "
    wall += "policy drop; ip daddr 10.0.0.1 tcp dport 8080 accept; }; }"
    dones = played(
        "listen: {on: gate, port: tcp/8080, as: proxy}",
        f"reload: {{on: gate, firewall: {{language: nftables, text: '{wall}'}}}}",
        "connect: {from: client, to: server, port: tcp/80, as: c}",
    )
    assert dones[-1].outcome.result == "connected"
    assert dones[-1].states["proxy/c"] == "established"


def results(*steps: str) -> list[str]:
    return [done.outcome.result for done in played(*steps)]


def test_dynamic_ports_run_out_for_one_destination_and_not_for_another() -> None:
    text = HEAD.format(policy="accept", rules="").replace("client: {", "client: {ports: 50000-50001, ")
    steps = [f"connect: {{from: client, to: server, port: tcp/80, as: c{number}}}" for number in range(3)]
    steps = ["listen: {on: server, port: tcp/80}", "listen: {on: server, port: tcp/81}", *steps]
    steps.append("connect: {from: client, to: server, port: tcp/81, as: other}")
    text += "".join(f"  - {step}\n" for step in steps)
    found = [done.outcome.result for done in play(read_scenario(Source("x.scenario.yaml", text)))]
    assert found == ["ok", "ok", "connected", "connected", "address not available", "connected"]


def test_who_may_listen_beside_whom() -> None:
    """As docs/sockets.md says it; the table of sockets is held against real ones elsewhere."""
    assert results(
        "listen: {on: server, port: tcp/80, address: 192.0.2.9, as: one}",
        "listen: {on: server, port: tcp/80, address: 'fd00:2::9', as: other}",
        "listen: {on: server, port: tcp/80, as: everywhere}",
        "listen: {on: server, port: udp/80, as: datagrams}",
        "listen: {on: server, port: tcp/81, ip: 4, as: v4}",
        "listen: {on: server, port: tcp/81, ip: 6, v6-only: yes, as: v6}",
        "listen: {on: server, port: tcp/82, as: both}",
        "listen: {on: server, port: tcp/82, ip: 4, as: late}",
    ) == ["ok", "ok", "address in use", "ok", "ok", "ok", "ok", "address in use"]


def test_low_ports_are_for_the_privileged() -> None:
    assert results(
        "listen: {on: server, port: tcp/1023, privileged: no, as: a}",
        "listen: {on: server, port: tcp/1024, privileged: no, as: b}",
    ) == ["not permitted", "ok"]


def test_many_connections_share_a_listening_port_and_are_told_apart_by_both_ends() -> None:
    steps = [f"connect: {{from: client, to: server, port: tcp/80, as: c{number}}}" for number in range(5)]
    dones = played(LISTEN, *steps, "send: {by: c3, bytes: 7}", "receive: web/c3", "receive: {by: web/c2, within: 0.1s}")
    assert [done.outcome.size for done in dones[-2:]] == [7, None]


def test_a_client_that_asks_again_does_not_tire_the_server() -> None:
    back = "type filter hook forward priority 0; policy accept; ip saddr 192.0.2.9 drop"
    dones = played(LISTEN, reload(back), CONNECT.replace("as: c", "as: c, within: 30s"))
    assert dones[-1].outcome.result == "timed out"
    assert dones[-1].states["web/c"] == "syn-received"
