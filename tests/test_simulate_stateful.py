"""Random steps, and what holds whatever is done: of sockets, of the firewall's table, of packets."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from policy.conntrack import CONFIRMED
from policy.packet.fields import SYN, TCP, UDP
from policy.simulate import scenario as s
from policy.simulate.datagram import ACK
from policy.simulate.log import Change, Event, Travel
from policy.simulate.player import Impossible, Outcome, Player
from policy.simulate.world import World
from tests.kernel.stories import CLIENT, GATE, SERVER, firewall, spec

RULES = """table inet f {
 chain forward {
  type filter hook forward priority 0; policy drop;
  ct state established,related accept
  tcp dport { 80, 82 } accept
  udp dport 80 accept
  tcp dport 81 reject with tcp reset
 }
}
table ip n {
 chain post { type nat hook postrouting priority 100; oifname "wan" masquerade; }
}
"""
CLOSED = """table inet f {
 chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; }
}
"""
HOSTS = ("client", "server")
ports = st.sampled_from([80, 80, 81, 82])
protocols = st.sampled_from([TCP, TCP, UDP])


class Network(RuleBasedStateMachine):
    """A client, a gateway with rules, and a server."""

    listeners = Bundle("listeners")
    ends = Bundle("ends")

    def __init__(self) -> None:
        super().__init__()
        hosts = (
            spec("client", {"eth0": CLIENT}, ways=("10.0.0.1", "fd00:1::1")),
            spec("gate", GATE, forwards=True, rules=RULES),
            spec("server", {"eth0": SERVER}, ways=("192.0.2.1", "fd00:2::1")),
        )
        links = (
            s.Link("inside", (("client", "eth0"), ("gate", "lan"))),
            s.Link("outside", (("server", "eth0"), ("gate", "wan"))),
        )
        self.world = World(s.Scenario("random", "", hosts, links, ()))
        self.player = Player(self.world)
        self.number = 0
        self.gone: set[str] = set()
        self.asked: dict[str, s.Listen] = {}
        self.events: list[Event] = []

    def do(self, deed: s.Deed) -> Outcome | None:
        """Do a step; None where it is impossible."""
        self.events = self.world.network.log = []
        try:
            outcome = self.player.do(deed)
        except Impossible:
            return None
        self.world.network.settle()
        return outcome

    def name(self) -> str:
        self.number += 1
        return f"s{self.number}"

    # Steps

    @rule(
        target=listeners,
        host=st.sampled_from(HOSTS),
        proto=protocols,
        port=ports,
        flags=st.tuples(*[st.booleans()] * 3),
    )
    def listen(self, host: str, proto: int, port: int, flags: tuple[bool, bool, bool]) -> str:
        name = self.name()
        v6_only, reuse_address, reuse_port = flags
        deed = s.Listen(
            *(host, s.Ports(proto, port, port), name),
            v6_only=v6_only,
            version=6 if v6_only else None,
            reuse_address=reuse_address,
            reuse_port=reuse_port,
        )
        outcome = self.do(deed)
        assert outcome is not None
        if outcome.result == "ok":
            self.asked[name] = deed
        return name

    @rule(target=ends, sides=st.permutations(HOSTS), proto=protocols, port=ports, version=st.sampled_from([4, 6]))
    def connect(self, sides: list[str], proto: int, port: int, version: Any) -> str:
        host, to = sides
        name = self.name()
        self.do(s.Connect(host, to, s.Ports(proto, port, port), name, version=version, within=1.0))
        return name

    @rule(end=ends, size=st.sampled_from([1, 1000, 20_000]), other=st.booleans())
    def send(self, end: str, size: int, other: bool) -> None:
        name = self.end(end, other)
        was = self.world.states.get(name, "closed")
        self.do(s.Send(name, size))
        if was == "closed":
            assert not any(isinstance(each, Travel) for each in self.events)

    @rule(end=ends, other=st.booleans())
    def receive(self, end: str, other: bool) -> None:
        name = self.end(end, other)
        was = self.world.states.get(name, "closed")
        outcome = self.do(s.Receive(name, 0.1))
        if was == "closed":
            assert outcome is None or not outcome.size

    @rule(end=consumes(ends), how=st.sampled_from(["close", "reset", "sending"]), other=st.booleans())
    def close(self, end: str, how: str, other: bool) -> None:
        self.do(s.Close(self.end(end, other), how == "reset", how == "sending"))

    @rule(listener=consumes(listeners))
    def stop(self, listener: str) -> None:
        self.do(s.Close(listener))

    @rule(seconds=st.sampled_from([0.5, 61.0, 3600.0]))
    def wait(self, seconds: float) -> None:
        self.do(s.Wait(seconds))

    @rule(text=st.sampled_from([RULES, CLOSED]))
    def reload(self, text: str) -> None:
        self.do(s.Reload("gate", firewall(text, GATE)))

    @rule()
    def flush(self) -> None:
        self.do(s.Flush("gate"))

    def end(self, name: str, other: bool) -> str:
        """Return a socket, or the other end of its connection if it has one."""
        ends = (each for each in self.world.sockets if each.endswith(f"/{name}"))
        return next(ends, name) if other else name

    # What holds

    @invariant()
    def nobody_listens_where_another_one_does(self) -> None:
        for host in self.world.hosts.values():
            taken: dict[tuple[int, int, int], s.Listen] = {}
            for socket in host.table.sockets():
                deed = self.asked.get(self.world.names.get(socket, ""))
                if deed is None or socket.state not in ("listen", "unconnected") or socket.local is None:
                    continue
                for family in (4, 6) if deed.version is None else (6,):
                    before = taken.setdefault((socket.proto, family, socket.local.port), deed)
                    if before is not deed:
                        assert before.reuse_port is deed.reuse_port
                        assert deed.reuse_port or (
                            deed.port.proto == UDP and before.reuse_address and deed.reuse_address
                        )

    @invariant()
    def what_is_closed_stays_closed(self) -> None:
        for event in self.events:
            if isinstance(event, Change):
                assert event.socket not in self.gone, event
                if event.now == "closed":
                    self.gone.add(event.socket)
        self.events = [event for event in self.events if not isinstance(event, Change)]

    @invariant()
    def every_syn_that_passes_is_known(self) -> None:
        for event in self.events:
            for hop in event.hops if isinstance(event, Travel) else ():
                step = hop.came.step
                if (
                    hop.ruling is not None
                    and hop.ruling.allowed
                    and step.proto == TCP
                    and step.flags & (SYN | ACK) == SYN
                ):
                    assert hop.ruling.seen is not None
                    assert hop.ruling.seen.entry is not None
                    assert hop.ruling.seen.entry.status & CONFIRMED

    @invariant()
    def every_packet_is_accounted_for(self) -> None:
        for event in self.events:
            if isinstance(event, Travel):
                assert event.fate != "under way", event
                assert event.end >= event.start
                assert (event.receiver is not None) == (event.fate in ("delivered", "ignored"))

    @invariant()
    def both_ends_agree_or_one_of_them_knows_less(self) -> None:
        for mine, other in self.world.ends.items():
            states = {mine.state, other.state}
            if mine.state == "established" and self.world.hosts["gate"].machine.wall is not None:
                assert other.state != "syn-sent", states


TestNetwork = Network.TestCase
