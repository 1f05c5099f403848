"""All that a scenario begins with: hosts with their sockets, on their network."""

from __future__ import annotations

from policy.packet.fields import ICMP, ICMP6, TCP, UDP
from policy.simulate.log import Change, Travel
from policy.simulate.machine import Machine
from policy.simulate.network import Network
from policy.simulate.ping import Pings
from policy.simulate.scenario import HostSpec, Scenario
from policy.simulate.tcp import Tcp
from policy.simulate.udp import Udp
from policy.sockets import Socket, SocketTable


class Host:
    """A host with what its applications use."""

    def __init__(self, spec: HostSpec, world: World) -> None:
        self.machine = Machine(spec, world.network)
        self.table = SocketTable(self.machine.routes.own, spec.ports)
        self.tcp = Tcp(self.machine, self.table, self._noticed, self._accepted)
        self._world = world
        self.udp = Udp(self.machine, self.table)
        self.pings = Pings(self.machine)
        self.machine.transports = {TCP: self.tcp, UDP: self.udp, ICMP: self.pings, ICMP6: self.pings}

    @property
    def name(self) -> str:
        """Its name."""
        return self.machine.name

    def _noticed(self, socket: Socket, was: str, now: str) -> None:
        self._world.note(self, socket, was, now)

    def _accepted(self, socket: Socket, travel: Travel) -> None:
        self._world.accepted(self, socket, travel)


class World:
    """The hosts of a scenario and their network; sockets have names, by which steps speak of them."""

    def __init__(self, scenario: Scenario) -> None:
        self.network = Network(scenario)
        self.names: dict[Socket, str] = {}
        self.sockets: dict[str, tuple[Host, Socket]] = {}
        self.ends: dict[Socket, Socket] = {}
        """The other end of each connection that a socket of a step has opened."""

        self.states: dict[str, str] = {}
        self.hosts = {spec.name: Host(spec, self) for spec in scenario.hosts}

    def name(self, host: Host, socket: Socket, name: str) -> None:
        """Let steps speak of a socket."""
        self.names[socket] = name
        self.sockets[name] = (host, socket)

    def note(self, host: Host, socket: Socket, was: str, now: str) -> None:
        """Note that a socket has another state."""
        name = self.names.get(socket, f"{host.name}#{socket.number}")
        self.states[name] = now
        self.network.log.append(Change(self.network.now, host.name, name, was, now))

    def accepted(self, host: Host, socket: Socket, travel: Travel) -> None:
        """Name the end of a connection that a listening socket has made, by the name of the other end."""
        assert socket.parent is not None
        sent = travel.sent.step
        sender = self.hosts[travel.sender]
        other = sender.table.found(TCP, sent.dst, sent.dport, sent.src, sent.sport)
        if other is not None:
            self.ends[other] = socket
        listener = self.names.get(socket.parent, "?")
        end = self.names.get(other, f"#{socket.number}") if other is not None else f"#{socket.number}"
        self.name(host, socket, f"{listener}/{end}")

    def addresses(self, host: str) -> list[int]:
        """Return the addresses of a host, in the order in which they are said."""
        spec = self.hosts[host].machine.spec
        return [network.address for networks in spec.interfaces.values() for network in networks]
