"""Small scenarios for the forms in which a played one is shown."""

from __future__ import annotations

from policy.app.load import load
from policy.host import own
from policy.packet.address import parse_address
from policy.packet.fields import TCP, UDP
from policy.simulate import scenario as s
from policy.simulate.play import Done, play
from policy.source import Source, Span

GATE = """\
table inet guard {
  chain incoming {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    icmp type echo-request accept
    tcp dport 22 accept
  }
  chain through {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "lan" tcp dport { 80, 81 } accept
    iifname "lan" udp dport 53 accept
    iifname "lan" icmp type echo-request accept
    tcp dport 25 reject with icmpx admin-prohibited
    tcp dport 26 log prefix "no mail: " reject with tcp reset
  }
}
table ip translation {
  chain leaving {
    type nat hook postrouting priority srcnat;
    oifname "wan" masquerade
  }
}
"""


def _at(text: str) -> s.Network:
    address, _, length = text.partition("/")
    return s.Network(parse_address(address), int(length))


def host(
    name: str, via: str | None = None, *, forwards: bool = False, rules: str = "", **interfaces: str
) -> s.HostSpec:
    """Return a host with an address on each interface, that sends by *via* what is for others."""
    ways = () if via is None else (s.Way(None, parse_address(via)),)
    firewall = None
    if rules:
        known = None
        for interface, network in interfaces.items():
            mine = own(f"{network}@{interface}")
            known = mine if known is None else known | mine
        assert known is not None
        firewall = s.Firewall(load(Source(f"{name}.nft", rules), "nftables", known))
    networks = {interface: (_at(network),) for interface, network in interfaces.items()}
    return s.HostSpec(name, networks, forwards, ways, firewall)


def link(name: str, *members: str) -> s.Link:
    """Return a link between interfaces: `host:interface`."""
    pairs = tuple((host, interface) for host, _, interface in (each.partition(":") for each in members))
    return s.Link(name, pairs)


def tcp(port: int) -> s.Ports:
    """Return a port of TCP."""
    return s.Ports(TCP, port, port)


def udp(port: int) -> s.Ports:
    """Return a port of UDP."""
    return s.Ports(UDP, port, port)


def scenario(title: str, *deeds: s.Deed | s.Step, rules: str = GATE) -> s.Scenario:
    """Return a client and a server with a gateway between them, and what they do."""
    hosts = (
        host("client", "10.0.0.1", eth0="10.0.0.2/24"),
        host("gate", forwards=True, rules=rules, lan="10.0.0.1/24", wan="192.0.2.1/24"),
        host("server", eth0="192.0.2.9/24"),
    )
    links = (link("lan", "client:eth0", "gate:lan"), link("wan", "gate:wan", "server:eth0"))
    text = Source("story.yaml", "\n".join(["title", *("- step" for _ in deeds)]))
    steps = tuple(
        _placed(deed if isinstance(deed, s.Step) else s.Step(deed), text, at) for at, deed in enumerate(deeds)
    )
    return s.Scenario(title, "", hosts, links, steps)


def _placed(step: s.Step, text: Source, number: int) -> s.Step:
    start = text.starts()[number + 1]
    return s.Step(step.deed, step.expected, step.note, span=Span(text, start, start + 6))


def played(found: s.Scenario) -> list[Done]:
    """Return the steps of a scenario, done."""
    return list(play(found))


def web() -> s.Scenario:
    """Return a connection through a gateway that translates its address, with data, to its end."""
    return scenario(
        "A page through a gateway",
        s.Listen("server", tcp(80), "web"),
        s.Step(
            s.Connect("client", "server", tcp(80), "page", source_port=50001),
            s.Expected("connected", source=parse_address("192.0.2.1")),
        ),
        s.Send("page", 100, "GET / HTTP/1.1"),
        s.Receive("web/page"),
        s.Send("web/page", 5000),
        s.Step(s.Receive("page"), s.Expected("received", size=5000), "The whole page comes in one piece."),
        s.Close("page"),
        s.Close("web/page"),
        s.Wait(61),
    )


def refusals() -> s.Scenario:
    """Return connections that come to nothing, each in another way."""
    return scenario(
        "Four ways to say no",
        s.Step(s.Connect("client", "server", tcp(81), "a", source_port=50002), s.Expected("refused")),
        s.Step(s.Connect("client", "server", tcp(23), "b", source_port=50003), s.Expected("refused")),
        s.Step(s.Connect("client", "server", tcp(25), "c", source_port=50004), s.Expected("rejected")),
        s.Step(s.Connect("client", "server", tcp(26), "d", source_port=50005), s.Expected("rejected", rule="gate:15")),
    )


def names() -> s.Scenario:
    """Return datagrams: to a port that nobody has, and to one that somebody has."""
    return scenario(
        "Who answers for names?",
        s.Connect("client", "server", udp(53), "query", source_port=50006),
        s.Send("query", text="b.example?"),
        s.Step(s.Receive("query"), s.Expected("refused")),
        s.Listen("server", udp(53), "dns"),
        s.Send("query", text="b.example?"),
        s.Receive("dns"),
        s.Send("dns", text="192.0.2.80", to="sender"),
        s.Receive("query"),
        s.Ping("client", "server"),
        s.Scan("server", ("gate",), s.Ports(TCP, 21, 23)),
    )


def hairpin() -> s.Scenario:
    """Return a client and a server of one network that talk by a gateway; and what hosts send to themselves."""
    rules = """\
table ip translation {
  chain arriving { type nat hook prerouting priority dstnat; ip daddr 10.0.0.1 tcp dport 8080 dnat to 10.0.0.3:80; }
  chain leaving { type nat hook postrouting priority srcnat; ip saddr 10.0.0.0/24 ip daddr 10.0.0.3 masquerade; }
}
"""
    hosts = (
        host("client", "10.0.0.1", eth0="10.0.0.2/24"),
        host("server", "10.0.0.1", eth0="10.0.0.3/24"),
        host("gate", forwards=True, rules=rules, lan="10.0.0.1/24"),
    )
    deeds = (
        s.Listen("server", tcp(80), "web"),
        s.Connect("client", "gate", tcp(8080), "there", source_port=50007),
        s.Connect("client", "client", tcp(80), "self", source_port=50008),
        s.Connect("server", parse_address("10.0.0.77"), tcp(80), "nobody", source_port=50009),
        s.Connect("client", parse_address("198.51.100.1"), tcp(80), "nowhere", source_port=50010),
    )
    wires = (link("lan", "client:eth0", "server:eth0", "gate:lan"),)
    return s.Scenario("There and back", "", hosts, wires, tuple(s.Step(deed) for deed in deeds))
