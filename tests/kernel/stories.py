"""Random scenarios: a client, a gateway and a server, rules on the gateway and the server, and what they do."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Literal

from policy.app.load import load
from policy.host import Host, own
from policy.packet.address import parse_address
from policy.packet.fields import TCP, UDP
from policy.simulate import scenario as s
from policy.simulate.log import Travel
from policy.simulate.play import Done
from policy.source import Source

PATIENCE = 0.25
PORTS = (80, 81, 82, 83)
CLIENT = ("10.0.0.2/24", "fd00:1::2/64")
GATE = {"lan": ("10.0.0.1/24", "fd00:1::1/64"), "wan": ("192.0.2.1/24", "fd00:2::1/64")}
SERVER = ("192.0.2.9/24", "fd00:2::9/64")
NOWHERE = (
    "203.0.113.1", "fd00:9::1", "10.0.0.200", "192.0.2.200", "fd00:1::99", "fd00:2::99", "fe80::1",
    "10.0.0.255", "192.0.2.255", "255.255.255.255", "0.0.0.0", "127.0.0.5", "::1",
)  # fmt: skip
"""Where nobody is, and where nobody may send to; own addresses of every host."""

_REJECTS = (
    "reject",
    "reject with tcp reset",
    "reject with icmpx admin-prohibited",
    "reject with icmpx no-route",
    "reject with icmpx host-unreachable",
    "drop",
)


def story(random: random.Random, length: int) -> tuple[s.Scenario, Author]:
    """Return a scenario of so many steps, and who thinks of them while it is played."""
    hosts = (
        spec("client", {"eth0": CLIENT}, ways=("10.0.0.1", "fd00:1::1")),
        spec("gate", GATE, forwards=True, rules=_gate(random)),
        spec("server", {"eth0": SERVER}, ways=("192.0.2.1", "fd00:2::1"), rules=_server(random)),
    )
    links = (
        s.Link("inside", (("client", "eth0"), ("gate", "lan"))),
        s.Link("outside", (("server", "eth0"), ("gate", "wan"))),
    )
    author = Author(random, length)
    return s.Scenario("random", "", hosts, links, author), author  # type: ignore[arg-type] # steps, one after another


def spec(
    name: str,
    interfaces: Mapping[str, tuple[str, ...]],
    ways: tuple[str, ...] = (),
    forwards: bool = False,
    rules: str | None = None,
) -> s.HostSpec:
    """Return a host, with rules of nftables if there are some."""
    networks = {
        interface: tuple(
            s.Network(parse_address(text.partition("/")[0]), int(text.partition("/")[2])) for text in texts
        )
        for interface, texts in interfaces.items()
    }
    wall = None if rules is None else firewall(rules, interfaces)
    to = tuple(s.Way(None, parse_address(way)) for way in ways)
    return s.HostSpec(name, networks, forwards, to, wall)


def firewall(text: str, interfaces: Mapping[str, tuple[str, ...]]) -> s.Firewall:
    """Return the firewall of a host with these interfaces."""
    host = Host()
    for interface, texts in interfaces.items():
        for each in texts:
            host |= own(f"{each}@{interface}")
    return s.Firewall(load(Source("rules.nft", text), "nftables", host))


def _rules(random: random.Random, extra: tuple[str, ...] = ()) -> str:
    lines = ["ct state established,related accept"] * (random.random() < 0.8)
    lines += ["ct state invalid drop"] * (random.random() < 0.3)
    for port in random.sample(PORTS, 3):
        proto = random.choice(("tcp", "tcp", "udp", "th"))
        match = f"meta l4proto {{ tcp, udp }} th dport {port}" if proto == "th" else f"{proto} dport {port}"
        verdict = random.choice(("accept", "accept", "accept", "accept", *_REJECTS))
        if verdict == "reject with tcp reset" and proto != "tcp":
            verdict = "reject"
        lines.append(f"{match} {verdict}")
    for echo in ("icmp type echo-request", "icmpv6 type echo-request"):
        verdict = random.choice(("accept", "accept", *_REJECTS))
        lines.append(f"{echo} {verdict.replace(' with tcp reset', '')}")
    lines += random.sample(extra, random.randint(0, len(extra)))
    if random.random() < 0.3:
        random.shuffle(lines)
    lines.insert(
        0, "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, nd-router-solicit } accept"
    )
    return "\n  ".join(lines)


def _gate(random: random.Random) -> str:
    policy = random.choice(("accept", "drop", "drop"))
    forward = f"type filter hook forward priority 0; policy {policy};\n  {_rules(random, ('ct status dnat accept',))}"
    nat = ["type nat hook prerouting priority -100;"]
    if random.random() < 0.5:
        nat.append('iifname "lan" ip daddr 192.0.2.9 tcp dport 83 dnat to 192.0.2.9:80')
    if random.random() < 0.5:
        nat.append('iifname "wan" ip daddr 192.0.2.1 tcp dport 80-82 dnat to 10.0.0.2')
    if random.random() < 0.3:
        nat.append('iifname "wan" udp dport 82 redirect to :81')
    back = ["type nat hook postrouting priority 100;"]
    if random.random() < 0.6:
        back.append(random.choice(('oifname "wan" masquerade', 'oifname "wan" ip saddr 10.0.0.0/8 snat to 192.0.2.1')))
    return (
        f"table inet filter {{ chain forward {{ {forward}\n }}\n}}\n"
        f"table ip nat {{ chain pre {{ {chr(10).join(nat)}\n }}\n chain post {{ {chr(10).join(back)}\n }}\n}}\n"
    )


def _server(random: random.Random) -> str:
    chains = [f"chain input {{ type filter hook input priority 0; policy {_policy(random)};\n  {_rules(random)}\n }}"]
    if random.random() < 0.3:
        chains.append(f"chain output {{ type filter hook output priority 0; policy accept;\n  {_rules(random)}\n }}")
    return f"table inet filter {{ {chr(10).join(chains)}\n}}\n"


def _of(deed: s.Deed) -> tuple[str, ...]:
    """Return the sockets of a step, and the other ends of their connections."""
    name = deed.what if isinstance(deed, s.Close) else deed.by if isinstance(deed, s.Send) else ""
    _, slash, end = name.partition("/")
    return (name, end) if slash else (name, *(f"l{number}/{name}" for number in range(100)))


def _policy(random: random.Random) -> str:
    return random.choice(("accept", "drop"))


class Author:
    """Thinks of steps that can be done, one after another, as things are then."""

    def __init__(self, random: random.Random, length: int) -> None:
        self.random = random
        self.length = length
        self.number = 0
        self.states: dict[str, str] = {}
        self.datagrams: set[str] = set()
        self.heard_from: set[str] = set()
        self.reset: set[str] = set()
        self.lost: set[str] = set()
        self.opened: set[str] = set()
        self.closed: set[str] = set()
        self.listeners: list[s.Listen] = []

    def heard(self, done: Done) -> None:
        """Take what became of the last step."""
        self.states = done.states
        deed, outcome = done.step.deed, done.outcome
        if isinstance(deed, s.Listen | s.Connect) and deed.port.proto == UDP and outcome.failure is None:
            self.datagrams.add(deed.name)
        if isinstance(deed, s.Receive) and outcome.result == "received":
            self.heard_from.add(deed.by)
        if any(isinstance(each, Travel) and each.fate != "delivered" for each in done.events):
            # What is sent again, and when, is not modelled in all: probes of a tail (RFC 8985) are not.
            self.lost.update(_of(deed))
            self.reset.update(_of(deed))
        if isinstance(deed, s.Connect) and deed.port.proto == TCP and outcome.result == "connected":
            self.opened.add(deed.name)
        if isinstance(deed, s.Close) and not deed.sending:
            self.closed.add(deed.what)
        if outcome.result == "reset" or (isinstance(deed, s.Close) and not deed.sending):
            self.reset.add(deed.by if isinstance(deed, s.Send | s.Receive) else getattr(deed, "what", ""))

    def __iter__(self) -> Iterator[s.Step]:
        for host in ("client", "server", "server"):
            yield s.Step(self._listen(host))
        for _ in range(self.length - 3):
            yield s.Step(self._deed())

    def _name(self, letter: str) -> str:
        self.number += 1
        return f"{letter}{self.number}"

    def _listen(self, host: str) -> s.Deed:
        version: Literal[4, 6] = self.random.choice((4, 4, 6))
        proto = self.random.choice((TCP, TCP, UDP))
        port = self.random.choice(PORTS)
        deed = s.Listen(host, s.Ports(proto, port, port), self._name("l"), version=version, v6_only=version == 6)
        self.listeners.append(deed)
        return deed

    def _some(self, *states: str) -> list[str]:
        return [name for name, state in self.states.items() if state in states and name not in self.reset]

    def _over(self) -> list[str]:
        """Return the sockets of connections that are over, which nobody has closed."""
        names = [name for name, state in self.states.items() if state in ("closed", "time-wait", "last-ack")]
        known = [name for name in names if name.rpartition("/")[2] in self.opened]
        return [name for name in known if name not in self.closed and name not in self.lost]

    def _deed(self) -> s.Deed:
        chance = self.random.random()
        if self.random.random() < 0.04:
            return self._ping()
        if (over := self._over()) and self.random.random() < 0.15:
            name, how = self.random.choice(over), self.random.random()
            return (
                s.Receive(name, PATIENCE) if how < 0.6 else s.Send(name) if how < 0.8 else s.Close(name, sending=True)
            )
        speaking, open_ = self._some("established", "close-wait"), self._some("established", "close-wait", "fin-wait-2")
        letters = [name for name in self._some("connected", "unconnected") if name in self.datagrams]
        if chance < 0.06:
            return self._listen(self.random.choice(("client", "server")))
        if chance < 0.10:
            rules = _gate(self.random) if self.random.random() < 0.6 else _server(self.random)
            host = "gate" if "forward" in rules else "server"
            interfaces = GATE if host == "gate" else {"eth0": SERVER}
            return s.Reload(host, firewall(rules, interfaces))
        if chance < 0.13:
            return s.Flush(self.random.choice(("gate", "server")))
        if chance < 0.35 and speaking:
            return s.Send(self.random.choice(speaking), self.random.choice((1, 100, 1400)))
        if chance < 0.50 and open_:
            return s.Receive(self.random.choice(open_), PATIENCE)
        if chance < 0.60 and letters:
            name = self.random.choice(letters)
            if self.states[name] == "connected":
                return s.Send(name, 10)
            return s.Send(name, 10, to="sender") if name in self.heard_from else s.Receive(name, PATIENCE)
        if chance < 0.65 and letters:
            return s.Receive(self.random.choice(letters), PATIENCE)
        if chance < 0.75 and open_:
            name, how = self.random.choice(open_), self.random.random()
            return s.Close(name, abruptly=how < 0.3, sending=0.3 <= how < 0.6)
        return self._connect()

    def _ping(self) -> s.Deed:
        to = self.random.choice((*CLIENT, *SERVER, *GATE["lan"], *GATE["wan"], *NOWHERE))
        return s.Ping(self.random.choice(("client", "server", "gate")), parse_address(to.partition("/")[0]))

    def _connect(self) -> s.Deed:
        if self.random.random() < 0.08:
            nowhere = parse_address(self.random.choice(NOWHERE))
            port = self.random.choice(PORTS)
            proto = self.random.choice((TCP, UDP))
            anyone = self.random.choice(("client", "server", "gate"))
            return s.Connect(anyone, nowhere, s.Ports(proto, port, port), self._name("c"), within=PATIENCE)
        if self.random.random() < 0.7:
            listener = self.random.choice(self.listeners)
            to, ports, version = listener.on, listener.port, listener.version
        else:
            port = self.random.choice(PORTS)
            to, version = self.random.choice(("client", "server", "gate")), self.random.choice((4, 6))
            ports = s.Ports(self.random.choice((TCP, TCP, UDP)), port, port)
        host = "server" if to == "client" else self.random.choice(("client", "server")) if to == "gate" else "client"
        if to == "client" and version == 4 and self.random.random() < 0.5:
            to = "gate"  # which may publish it
        address = {"client": CLIENT, "server": SERVER, "gate": GATE["wan"]}[to][version == 6]
        local = parse_address("127.0.0.1") if version != 6 and self.random.random() < 0.03 else None
        to_there = parse_address(address.partition("/")[0])
        return s.Connect(host, to_there, ports, self._name("c"), source=local, within=PATIENCE)
