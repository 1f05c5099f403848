"""What is read of a scenario: everything that a file says, its rules, the places of both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policy.app.assume import unknown_keys
from policy.app.scenario import load_scenario
from policy.app.scenario.read import read_scenario
from policy.diagnostic import Mistakes
from policy.packet.address import parse_address
from policy.simulate.scenario import (
    Close,
    Connect,
    Expected,
    Flush,
    Link,
    Listen,
    Network,
    Ping,
    Ports,
    Receive,
    Reload,
    Scan,
    Send,
    Wait,
    Way,
)
from policy.source import Source
from tests.scenarios import RIGHT, SMALL, only, read


def deeds(*steps: str) -> list[object]:
    """Return what steps do, after those of `SMALL`."""
    text = SMALL + "".join(f"  - {step}\n" for step in steps)
    return [step.deed for step in read(text).steps[2:]]


def test_hosts() -> None:
    hosts = {host.name: host for host in read(RIGHT).hosts}
    client, router, server = hosts["client"], hosts["router"], hosts["server"]
    v4, v6 = parse_address("192.0.2.1"), parse_address("2001:db8:1::1")
    assert client.interfaces == {
        "eth0": (Network(parse_address("192.0.2.10"), 24), Network(parse_address("2001:db8:1::10"), 64)),
        "tun0": (Network(parse_address("10.9.0.2"), 32),),
    }
    assert client.ways == (
        Way(None, v4),
        Way(None, v6),
        Way(Network(parse_address("10.0.0.0"), 8), v4),
        Way(Network(parse_address("fd00::"), 8), v6),
    )
    assert (client.ports, router.ports, server.ports) == ((32768, 60999), (1024, 65535), (49152, 65535))
    assert (client.forwards, router.forwards, server.forwards) == (False, True, False)
    assert client.firewall
    assert client.firewall.timeouts == {"udp_timeout": 30, "tcp_timeout_established": 3600, "generic_timeout": 5}
    assert client.firewall.helpers == ("ftp",)
    assert (client.firewall.rules.language, server.firewall) == ("native", None)
    assert client.span
    assert (client.span.text, client.span.line) == ("client", 6)


def test_links() -> None:
    outside, inside = read(RIGHT).links
    assert outside == Link("outside", (("client", "eth0"), ("router", "eth0")))
    assert inside == Link("inside", (("router", "eth1"), ("server", "eth0")), 0.02)
    assert inside.span
    assert inside.span.text == "inside"


@pytest.mark.parametrize(
    ("step", "deed"),
    [
        ("listen: {on: server, port: udp/dns}", Listen("server", Ports(17, 53, 53), "server:udp/53")),
        (
            "listen: {on: server, port: TCP/http, as: w, address: 192.0.2.80, ip: 4, reuse-address: yes, backlog: 1}",
            Listen(
                "server",
                Ports(6, 80, 80),
                "w",
                parse_address("192.0.2.80"),
                4,
                reuse_address=True,
                backlog=1,
            ),
        ),
        (
            "listen: {on: server, port: tcp/80, ip: 6, v6-only: yes, reuse-port: on, privileged: false}",
            Listen(
                "server",
                Ports(6, 80, 80),
                "server:tcp/80",
                version=6,
                v6_only=True,
                reuse_port=True,
                privileged=False,
            ),
        ),
        (
            "connect: {from: client, to: 10.0.0.1, port: udp/53, as: q, source: 192.0.2.10, source-port: 9, ip: 4}",
            Connect(
                "client",
                parse_address("10.0.0.1"),
                Ports(17, 53, 53),
                "q",
                parse_address("192.0.2.10"),
                9,
                4,
            ),
        ),
        (
            "connect: {from: client, to: server, port: tcp/22}",
            Connect("client", "server", Ports(6, 22, 22), "client to server tcp/22"),
        ),
        ("send: {by: shop}", Send("shop", 1)),
        ("send: {by: web/shop, bytes: 100}", Send("web/shop", 100)),
        ('send: {by: shop, text: "grüß"}', Send("shop", 6, "grüß")),
        ("receive: shop", Receive("shop", 1)),
        ("receive: {by: web/shop, within: 500ms}", Receive("web/shop", 0.5)),
        ("close: shop", Close("shop")),
        ("close: {what: web}", Close("web")),
        ("close: {what: shop, sending: yes}", Close("shop", sending=True)),
        ("reset: web/shop", Close("web/shop", abruptly=True)),
        ("ping: {from: client, to: server}", Ping("client", "server")),
        ("ping: {from: client, to: fd00::1, ip: 6}", Ping("client", parse_address("fd00::1"), 6)),
        ("wait: 2", Wait(2)),
        ("wait: 0.25", Wait(0.25)),
        ("wait: 2min", Wait(120)),
        ("reload: {on: server, firewall: none}", Reload("server", None)),
        ("flush: server", Flush("server")),
        (
            "scan: {from: client, to: server, ports: tcp/1-1024}",
            Scan("client", ("server",), Ports(6, 1, 1024)),
        ),
        (
            "scan: {from: client, to: [server, 192.0.2.9], ports: udp/53, pace: 1s, ip: 4}",
            Scan("client", ("server", parse_address("192.0.2.9")), Ports(17, 53, 53), 1, 4),
        ),
    ],
)
def test_steps(step: str, deed: object) -> None:
    assert deeds(step) == [deed]


def test_datagrams() -> None:
    found = deeds(
        "listen: {on: server, port: udp/53, as: dns}",
        "send: {by: dns, to: sender, bytes: 65507}",
        "send: {by: dns, to: client, port: udp/9}",
        "receive: dns",
        "close: dns",
    )
    assert found[1:3] == [Send("dns", 65507, None, "sender"), Send("dns", 1, None, "client", Ports(17, 9, 9))]


def test_connections_without_a_name_never_share_one() -> None:
    found = deeds(*["connect: {from: client, to: server, port: tcp/22}"] * 3)
    assert [each.name for each in found if isinstance(each, Connect)] == [
        "client to server tcp/22",
        "client to server tcp/22 (2)",
        "client to server tcp/22 (3)",
    ]


def test_expectations() -> None:
    more = (
        "    note: One.\n  - scan: {from: client, to: server, ports: tcp/1-9}\n"
        "    expect:\n      result: ok\n      open: [1]\n      closed: [2, 3]\n      rule: server:3\n"
        "      states: {web/shop: close-wait}\n      entries: {server: 0}\n      source: 192.0.2.10\n"
    )
    _, connect, scan = read(SMALL + more).steps
    assert connect.expected == Expected("connected")
    assert (connect.note, scan.note) == ("One.", None)
    assert scan.expected == Expected(
        "ok",
        "server:3",
        {"web/shop": "close-wait"},
        {"server": 0},
        parse_address("192.0.2.10"),
        None,
        (1,),
        (2, 3),
    )
    assert scan.expected.states == {"web/shop": "close-wait"}
    assert scan.expected.entries == {"server": 0}
    assert connect.span
    assert (connect.span.text, connect.span.line) == ("connect", 12)


# Rules


def test_rules_are_read_from_the_folder_of_the_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "rules" / "web.fw").write_text("policy p {\n    default block\n}\n", encoding="utf-8")
    text = SMALL.replace("  server:\n", "  server:\n    firewall: ../rules/web.fw\n")
    (tmp_path / "tests" / "x.scenario.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    firewall = load_scenario("tests/x.scenario.yaml").hosts[1].firewall
    assert firewall
    assert firewall.rules.sources[0].name == "tests/../rules/web.fw"
    assert firewall.span
    assert firewall.span.text == "../rules/web.fw"


def test_rules_know_the_host_that_they_stand_on() -> None:
    rules = "table ip t { chain c { type filter hook input priority 0; fib daddr type local accept; }; }"
    firewall = read(SMALL.replace("  server:\n", f'  server:\n    firewall: {{text: "{rules}"}}\n')).hosts[1].firewall
    assert firewall
    assert unknown_keys(firewall.rules) == ()


def test_what_cannot_be_known_is_settled() -> None:
    rules = "*filter\\n:INPUT ACCEPT\\n-A INPUT -m geoip --src-cc CN -j DROP\\nCOMMIT\\n"
    text = SMALL.replace("  server:\n", f'  server:\n    firewall: {{text: "{rules}", assume: {{KEY: no}}}}\n')
    found = only(text)
    assert (found.span.text, found.message) == ("KEY", "nothing in these rules depends on `KEY`")
    assert found.help
    key = re.findall(r"`([^`]+)`", found.help)[0]
    firewall = read(text.replace("KEY", f'"{key}"')).hosts[1].firewall
    assert firewall
    assert firewall.assume == {key: False}


def test_mistakes_in_rules_are_said_once_however_many_hosts_have_them(tmp_path: Path) -> None:
    (tmp_path / "web.fw").write_text("policy p {\n    defalt block\n}\n", encoding="utf-8")
    path = tmp_path / "x.scenario.yaml"
    text = re.sub("(  client:|  server:)\n", r"\1\n    firewall: web.fw\n", SMALL).replace("to: server", "to: servr")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Mistakes) as caught:
        load_scenario(str(path))
    rules, scenario = caught.value.diagnostics
    assert (rules.span.source.name, rules.span.text) == (str(tmp_path / "web.fw"), "defalt")
    (related,) = rules.related
    assert (related.span.source.name, related.span.line, related.span.text) == (str(path), 4, "web.fw")
    assert (scenario.span.source.name, scenario.span.text) == (str(path), "servr")


def test_sets_that_rules_ask_for(tmp_path: Path) -> None:
    (tmp_path / "s.ipset").write_text("create bad hash:ip\nadd bad 192.0.2.66\n", encoding="utf-8")
    rules = "*filter\\n:INPUT ACCEPT\\n-A INPUT -m set --match-set bad src -j DROP\\nCOMMIT\\n"
    text = SMALL.replace("  server:\n", f'  server:\n    firewall: {{text: "{rules}", ipset: [s.ipset]}}\n')
    firewall = read_scenario(Source(str(tmp_path / "x.scenario.yaml"), text)).hosts[1].firewall
    assert firewall
    assert unknown_keys(firewall.rules) == ()


# Places


@pytest.mark.parametrize(
    ("old", "new", "place", "underlined", "related"),
    [
        ("on: server", "on: servr", "11:18", "servr", None),
        ("to: server", 'to: "servr"', "12:33", '"servr"', None),
        ("title: Small", "title: 5", "1:8", "5", None),
        ("title: Small", "titel: Small\ntitle: x", "1:1", "titel", None),
        ("expect: connected", "expect: {result: conected}", "13:22", "conected", None),
        ("as: shop", "as: web", "12:60", "web", "11:47 here first"),
        ("192.0.2.80", "192.0.2.10", "7:24", "192.0.2.10/24", "4:24 here first"),
        ("client/eth0, server/eth0", "client/eth0, server/eth0, client/eth0", "9:35", "client/eth0", "9:9 here first"),
        ("title: Small", "title: a\ntitle: b", "2:1", "title", "1:1 here first"),
        ("title: Small", 'title: "a', "14:1", "", "1:8 what it is in begins here"),
        (
            "net: [client/eth0, server/eth0]",
            "net: [client/eth0, server/eth0",
            "10:6",
            ":",
            "9:8 what it is in begins here",
        ),
        ("expect: connected", "expect:", "13:5", "expect", None),
        ("192.0.2.1}", "10.0.0.1}", "5:23", "10.0.0.1", None),
    ],
)
def test_places(old: str, new: str, place: str, underlined: str, related: str | None) -> None:
    found = only(SMALL.replace(old, new, 1))
    assert (f"{found.span.line}:{found.span.column}", found.span.text) == (place, underlined)
    if related:
        (other,) = found.related
        assert f"{other.span.line}:{other.span.column} {other.message}" == related
