"""Who talks to whom on the hosts of `rules/docker`, `rules/libvirt` and two of the corpus, and what becomes of it.

`tests/test_talks.py` holds the answers of `ask` against these; `tests/kernel/test_talks.py` connects real sockets in
network namespaces with the same rules loaded, and holds Linux against them. The latter was seen on Linux 6.18 with
iptables 1.8.9, both back ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tests.conftest import CORPUS, ROOT

BRIDGE = "br-5c2e81d94a07"


@dataclass(frozen=True)
class Member:
    """A machine beside the host: behind which device of the host, with which addresses."""

    device: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Host:
    """A host with a file of rules: its address on each device, and who is behind them; *found*: it is in the corpus."""

    rules: str
    own: dict[str, str]
    members: dict[str, Member]
    found: bool = False

    @property
    def file(self) -> Path:
        """Where the rules are; what was found in the wild may be missing."""
        return (CORPUS if self.found else ROOT) / self.rules

    @property
    def local(self) -> tuple[str, ...]:
        """The options that say what is known of the host."""
        return tuple(word for device, address in self.own.items() for word in ("--local", f"{address}@{device}"))


@dataclass(frozen=True)
class Talk:
    """Somebody (`host`, or a member) opens a TCP connection; *heard* is who gets it, None: nobody.

    *where* are the interfaces as a question says them, *rule* how the text of the rule that decides begins (None: the
    default does), *seen* whose address the connection comes from where that is not the sender's.
    """

    by: str
    source: str
    target: str
    port: int
    where: str
    heard: str | None
    rule: str | None
    seen: str | None = None
    to: tuple[str, str] | None = None
    """The address and the port that the target is rewritten to."""

    @property
    def question(self) -> str:
        """What to ask."""
        return f"tcp/{self.port} from {self.source} to {self.target} {self.where}"


def _docker(version: int) -> Host:
    return Host(
        f"rules/docker/docker-{version}.v4",
        {"eth0": "192.0.2.10/24", "docker0": "172.17.0.1/16", BRIDGE: "172.18.0.1/16"},
        {
            "world": Member("eth0", ("192.0.2.1/24", "203.0.113.9/32", "198.51.100.5/32", "127.0.0.1/32")),
            "web": Member("docker0", ("172.17.0.2/16",)),
            "db": Member(BRIDGE, ("172.18.0.2/16",)),
            "app": Member(BRIDGE, ("172.18.0.3/16",)),
        },
    )


_WEB, _APP = "-A DOCKER -d 172.17.0.2/32", "-A DOCKER -d 172.18.0.3/32"
_TO_WEB, _TO_APP = ("172.17.0.2", "80"), ("172.18.0.3", "9000")
_EVERYWHERE = (
    # From outside: the published port goes past INPUT; what is not published comes to INPUT, and is dropped there.
    Talk(
        "world",
        "203.0.113.9",
        "192.0.2.10",
        8080,
        "in eth0",
        "web",
        "-A DOCKER -d 172.17.0.2/32",
        to=("172.17.0.2", "80"),
    ),
    Talk("world", "203.0.113.9", "192.0.2.10", 8081, "in eth0", None, None),
    Talk("world", "203.0.113.9", "192.0.2.10", 80, "in eth0", None, None),
    Talk("world", "203.0.113.9", "192.0.2.10", 9000, "in eth0", None, None),
    Talk("world", "203.0.113.9", "192.0.2.10", 22, "in eth0", None, None),
    Talk("world", "198.51.100.5", "192.0.2.10", 22, "in eth0", "host", "-A INPUT -s 198.51.100.0/24"),
    Talk("world", "192.0.2.1", "172.18.0.2", 5432, f"in eth0 out {BRIDGE}", None, "*"),
    # From a container: out under the host's address; to another network never; to the host only what INPUT allows.
    Talk("web", "172.17.0.2", "203.0.113.9", 443, "in docker0 out eth0", "world", "*", seen="192.0.2.10"),
    Talk("db", "172.18.0.2", "203.0.113.9", 443, f"in {BRIDGE} out eth0", "world", "*", seen="192.0.2.10"),
    Talk("web", "172.17.0.2", "172.18.0.2", 5432, f"in docker0 out {BRIDGE}", None, "*"),
    Talk("app", "172.18.0.3", "172.17.0.2", 80, f"in {BRIDGE} out docker0", None, "*"),
    Talk("app", "172.18.0.3", "192.0.2.10", 8080, f"in {BRIDGE}", None, "*"),
    Talk("web", "172.17.0.2", "192.0.2.10", 8080, "in docker0", None, None),
    Talk("web", "172.17.0.2", "172.17.0.1", 22, "in docker0", None, None),
    # From the host: its own rules let everything out, and so do Docker's.
    Talk("host", "172.17.0.1", "172.17.0.2", 80, "out docker0", "web", None),
    Talk("host", "192.0.2.10", "192.0.2.10", 8080, "out lo", "web", None, to=_TO_WEB),
)
# docker-28 closes two ways around: straight to a container, and to a port that is published on 127.0.0.1.
_STRAIGHT = Talk("world", "192.0.2.1", "172.17.0.2", 80, "in eth0 out docker0", "web", _WEB)
_LOOPED = Talk(
    "world", "192.0.2.1", "127.0.0.1", 9000, "in eth0", "app", "-A DOCKER -d 172.18.0.3/32", to=("172.18.0.3", "9000")
)

DOCKER_27, DOCKER_28 = _docker(27), _docker(28)
LIBVIRT = Host(
    "rules/libvirt/rules.v4",
    {"eth0": "192.0.2.10/24", "virbr0": "192.168.122.1/24", "virbr1": "192.168.100.1/24"},
    {
        "world": Member("eth0", ("192.0.2.1/24", "203.0.113.9/32", "198.51.100.5/32")),
        "guest": Member("virbr0", ("192.168.122.50/24",)),
        "lone": Member("virbr1", ("192.168.100.50/24",)),
    },
)


_GUEST, _LONE, _WORLD = "192.168.122.50", "192.168.100.50", "203.0.113.9"
_MACHINES = (
    # A guest goes out under the host's address, and nobody comes in; the host may.
    Talk(
        "guest",
        _GUEST,
        _WORLD,
        443,
        "in virbr0 out eth0",
        "world",
        "-A LIBVIRT_FWO -s",
        "192.0.2.10",
    ),
    Talk("world", _WORLD, _GUEST, 22, "in eth0 out virbr0", None, "-A LIBVIRT_FWI -o virbr0"),
    Talk("host", "192.168.122.1", _GUEST, 22, "out virbr0", "guest", None),
    # Of the host a guest gets DNS and DHCP, which stand before the host's own rules, and nothing else.
    Talk(
        "guest",
        _GUEST,
        "192.168.122.1",
        53,
        "in virbr0",
        "host",
        "-A LIBVIRT_INP -i virbr0",
    ),
    Talk("guest", _GUEST, "192.168.122.1", 22, "in virbr0", None, None),
    Talk("world", _WORLD, "192.0.2.10", 53, "in eth0", None, None),
    # The isolated network: to nobody but the host, and nobody but the host to it.
    Talk("lone", _LONE, _WORLD, 443, "in virbr1 out eth0", None, "-A LIBVIRT_FWO -i virbr1"),
    Talk("lone", _LONE, _GUEST, 22, "in virbr1 out virbr0", None, "-A LIBVIRT_FWI -o virbr0"),
    Talk(
        "guest",
        _GUEST,
        _LONE,
        22,
        "in virbr0 out virbr1",
        None,
        "-A LIBVIRT_FWI -o virbr1",
    ),
    Talk(
        "lone",
        _LONE,
        "192.168.100.1",
        53,
        "in virbr1",
        "host",
        "-A LIBVIRT_INP -i virbr1",
    ),
    Talk("host", "192.168.100.1", _LONE, 22, "out virbr1", "lone", None),
)

# What was found in the wild: a host with a network of Rancher behind docker0, and one with a network of its own making.
_BOX = "10.42.165.214"
RANCHER = Host(
    "iptables/iptsem_pastebin_bbWXHaTn.save",
    {"eth0": "192.0.2.10/24", "docker0": "10.42.0.1/16"},
    {"world": Member("eth0", ("192.0.2.1/24", _WORLD + "/32")), "box": Member("docker0", (_BOX + "/16",))},
    found=True,
)
_BRIDGE = "br-b74b417b331f"
TOPOLOGY = Host(
    "iptables/iptsem_docker_topos1.save",
    {"eth0": "192.0.2.10/24", "docker0": "172.17.0.1/16", _BRIDGE: "10.0.0.254/8"},
    {
        "world": Member("eth0", ("192.0.2.1/24", _WORLD + "/32")),
        "box": Member("docker0", ("172.17.0.5/16",)),
        "one": Member(_BRIDGE, ("10.0.0.1/8",)),
        "two": Member(_BRIDGE, ("10.0.0.2/8",)),
        "four": Member(_BRIDGE, ("10.0.0.4/8",)),
    },
    found=True,
)
_FOUND = (
    # INPUT accepts 13001, but DNAT makes it a packet to forward, and there the rule for 8080 stands behind a DROP.
    Talk("world", _WORLD, "192.0.2.10", 13001, "in eth0", None, "-A LOGGING_FORWARD -j DROP"),
    Talk("world", _WORLD, "192.0.2.10", 50001, "in eth0", None, "-A LOGGING_FORWARD -j DROP"),
    Talk("world", _WORLD, "192.0.2.10", 443, "in eth0", "host", "-A INPUT -p tcp -m tcp --dport 443"),
    Talk("world", _WORLD, "192.0.2.10", 8080, "in eth0", None, "-A LOGGING -j DROP"),
    Talk("world", "192.0.2.1", _BOX, 80, "in eth0 out docker0", None, "-A LOGGING_FORWARD -j DROP"),
    Talk("box", _BOX, _WORLD, 443, "in docker0 out eth0", "world", "-A FORWARD -i docker0 !", seen="192.0.2.10"),
    Talk("box", _BOX, "10.42.0.1", 22, "in docker0", "host", "-A INPUT -p tcp -m tcp --dport 22"),
    Talk("box", _BOX, "10.42.0.1", 8080, "in docker0", None, "-A LOGGING -j DROP"),
)
_ISOLATED = "-A DOCKER-ISOLATION -i"
_ONES_OWN = (
    Talk("box", "172.17.0.5", "10.0.0.1", 80, f"in docker0 out {_BRIDGE}", None, _ISOLATED),
    Talk("one", "10.0.0.1", "172.17.0.5", 80, f"in {_BRIDGE} out docker0", None, _ISOLATED),
    Talk("four", "10.0.0.4", _WORLD, 443, f"in {_BRIDGE} out eth0", "world", "-A MYNET -i", seen="192.0.2.10"),
    Talk("two", "10.0.0.2", _WORLD, 443, f"in {_BRIDGE} out eth0", None, "-A MYNET -i"),
    Talk("world", "192.0.2.1", "10.0.0.1", 80, f"in eth0 out {_BRIDGE}", "one", "-A MYNET ! -i"),
    Talk("world", "192.0.2.1", "192.0.2.10", 80, "in eth0", "host", None),
    Talk("host", "10.0.0.254", "10.0.0.2", 80, f"out {_BRIDGE}", "two", None),
)

TALKS: tuple[tuple[Host, tuple[Talk, ...]], ...] = (
    (DOCKER_27, (*_EVERYWHERE, _STRAIGHT, _LOOPED)),
    (
        DOCKER_28,
        (
            *_EVERYWHERE,
            replace(_STRAIGHT, heard=None, rule="-A PREROUTING -d 172.17.0.2/32"),
            replace(_LOOPED, heard=None, rule="-A PREROUTING -d 127.0.0.1/32", to=None),
        ),
    ),
    (
        LIBVIRT,
        _MACHINES,
    ),
    (RANCHER, _FOUND),
    (TOPOLOGY, _ONES_OWN),
)
"""What is said on each host."""
