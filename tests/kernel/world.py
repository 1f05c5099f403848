"""The host that every comparison plays on: its devices, its addresses, and who is where around it."""

from __future__ import annotations

from dataclasses import dataclass

from policy.kernel.devices import Devices

DEVICES = ("eth0", "eth1", "ppp0", "wan0")


@dataclass(frozen=True)
class World:
    """One IP version of the host."""

    family: int
    local: tuple[str, ...]  # the first two are loopback addresses
    behind: dict[str, tuple[str, ...]]  # what is reached through a device
    sources: tuple[str, ...]
    broadcast: tuple[str, ...]  # what else arrives at the host
    broadcast_out: tuple[str, ...]  # what else it sends to
    setup: tuple[str, ...]  # words for `ip`


_V4 = World(
    4,
    ("127.0.0.1", "127.0.0.5", "10.0.0.1", "192.168.1.1", "10.9.9.9"),
    {
        "eth0": ("10.1.0.5", "10.1.200.1"),
        "eth1": ("10.2.0.5", "192.168.1.77"),
        "ppp0": ("10.3.0.5", "172.16.4.4"),
        "wan0": ("10.4.0.5", "8.8.8.8", "240.1.1.1"),
    },
    ("10.1.0.5", "10.1.7.9", "192.168.1.77", "172.16.9.9", "8.8.8.8", "10.0.0.77", "240.2.2.2"),
    ("255.255.255.255", "224.1.1.1", "127.0.0.5", "10.0.0.255", "224.0.0.1"),
    ("255.255.255.255", "224.1.1.1"),
    (
        "addr add 10.0.0.1/24 dev eth0",
        "addr add 192.168.1.1/24 dev eth1",
        "addr add 10.9.9.9/32 dev lo",
        "route add 10.1.0.0/16 dev eth0",
        "route add 10.2.0.0/16 dev eth1",
        "route add 10.3.0.0/16 dev ppp0",
        "route add 10.4.0.0/16 dev wan0",
        "route add 172.16.0.0/16 dev ppp0",
        "route add default dev wan0",
    ),
)
_V6 = World(
    6,
    ("::1", "2001:db8::1", "fd00::1", "2001:db8:9::9"),
    {
        "eth0": ("2001:db8:1::5", "2001:db8:1:ff::1"),
        "eth1": ("2001:db8:2::5",),
        "ppp0": ("2001:db8:3::5", "fd00:4::4"),
        "wan0": ("2001:db8:4::5", "2606::8"),
    },
    ("2001:db8:1::5", "2001:db8:2::9", "fd00::77", "2606::8"),
    ("ff02::1", "ff05::5"),
    ("ff02::1", "ff05::5"),
    (
        "addr add 2001:db8::1/64 dev eth0 nodad",
        "addr add fd00::1/64 dev eth1 nodad",
        "addr add 2001:db8:9::9/128 dev lo nodad",
        "route add 2001:db8:1::/48 dev eth0",
        "route add 2001:db8:2::/48 dev eth1",
        "route add 2001:db8:3::/48 dev ppp0",
        "route add fd00:4::/48 dev ppp0",
        "route add default dev wan0",
        # For packets that a socket sends out of a device of its own choice.
        "route add default dev eth0 metric 5001",
        "route add default dev eth1 metric 5002",
        "route add default dev ppp0 metric 5003",
        "route add default dev lo metric 5004",
    ),
)

WORLDS = {4: _V4, 6: _V6}
_GROUP = {4: "224.1.1.1", 6: "ff05::5"}


def devices(world: World) -> Devices:
    """Return the devices of a world with its addresses and routes, in the namespace of this process."""
    found = Devices(world.family)
    found.add(DEVICES)
    found.set_up(world.setup)
    for name in (*DEVICES, "lo"):
        found.join(_GROUP[world.family], name)
    return found
