"""The keys of a scenario. A field of one of these classes is a key: its annotation says what its value may be, and the
docstring below it what it is for, in Markdown: in the JSON Schema and in docs/scenarios.md."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Final, get_args

from policy._record import dataclass
from policy.app.config.kinds import Key, Kind, Many, Named, Table, keys_from
from policy.app.scenario import kinds
from policy.app.scenario.kinds import Always, Either, natural, options, short, some
from policy.conntrack import TIMEOUTS
from policy.languages import LANGUAGES
from policy.simulate import scenario

_MAPPING = "a mapping"
_LIST = "a list"
NO_FIREWALL: Final = object()
"""What is read for `none`."""


def _table(owner: type, some: tuple[str, ...] = (), one: tuple[str, ...] = ()) -> Table:
    return Table(keys_of(owner), _MAPPING, some, one=one)


def keys_of(owner: type) -> tuple[Key, ...]:
    """Return the keys that the fields of a class are."""
    return keys_from(owner, _kind)


def _kind(hint: Any) -> Kind:
    kind: Kind = get_args(hint)[1]
    return kind


@dataclass(frozen=True, slots=True)
class FirewallKeys:
    """Rules that stand on a host: a file, or more that is said of them."""

    rules: Annotated[Any, kinds.TEXT] = None
    """The file of the rules, from the folder of the scenario. That alone may stand in the place of all these keys."""
    text: Annotated[Any, kinds.TEXT] = None
    """The rules themselves, instead of a file."""
    also: Annotated[Any, kinds.TEXT] = None
    """The file of the rules for the other version of IP, where they are apart: a dump of ip6tables."""
    language: Annotated[Any, options(LANGUAGES)] = None
    """The language of the rules; without it, it is found out."""
    ipset: Annotated[Any, Many(kinds.TEXT, "a list of files")] = None
    """Files with the sets that the rules ask for, as `ipset save` writes them."""
    assume: Annotated[Any, Named(kinds.TEXT, kinds.YES_NO, _MAPPING)] = None
    """What cannot be known of the rules, by its key, as `ask --assume` takes it: yes or no."""
    timeouts: Annotated[Any, Named(options(TIMEOUTS), kinds.DURATION, _MAPPING)] = None
    """How long connection tracking remembers connections, by the names of sysctl without `nf_conntrack_`."""
    helpers: Annotated[Any, Many(options(["ftp"]), _LIST)] = None
    """The helpers of connection tracking: `ftp` reads what is said on port 21."""


FIREWALL = short("a file of rules, or a mapping", "rules", kinds.TEXT, _table(FirewallKeys, one=("rules", "text")))


@dataclass(frozen=True, slots=True)
class HostKeys:
    """A host."""

    interfaces: Annotated[
        Any, Named(kinds.INTERFACE, some("an address with its length, or a list of them", kinds.NETWORK), _MAPPING)
    ]
    """Its interfaces by name, each with an address and the length of its prefix, or a list of these."""
    forwards: Annotated[Any, kinds.YES_NO] = False
    """Does it pass on what is not for itself, as a router does (`ip_forward`)?"""
    routes: Annotated[Any, Named(kinds.TARGET, some("a gateway, or a list of them", kinds.ADDRESS), _MAPPING)] = None
    """The gateway for `default`, or for a network. `default` may have two, one of each version of IP."""
    ports: Annotated[Any, kinds.DYNAMIC] = "dynamic"
    """The ports that it gives to its connections: `dynamic` (49152-65535), `linux` (32768-60999), or others."""
    firewall: Annotated[Any, FIREWALL] = None
    """Its rules; without it everything passes."""


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """A network that interfaces are plugged into."""

    members: Annotated[Any, Many(kinds.PLUG, _LIST, least=1)]
    """The interfaces, as `HOST/INTERFACE`. The list alone may stand in the place of these keys."""
    delay: Annotated[Any, kinds.DURATION] = None
    """How long a packet is under way; one millisecond, where it is not said."""


@dataclass(frozen=True, slots=True)
class ListenKeys:
    """`listen`: a socket waits for connections, or for datagrams."""

    on: Annotated[Any, kinds.HOST]
    """The host."""
    port: Annotated[Any, kinds.PORT]
    """The port: `tcp/80`, `udp/dns`."""
    as_: Annotated[Any, kinds.NEW_SOCKET] = None
    """What the socket is called in other steps; `HOST:tcp/80`, where it is not said."""
    address: Annotated[Any, kinds.ADDRESS] = None
    """The address that it is bound to; any, where it is not said."""
    ip: Annotated[Any, kinds.VERSION] = None
    """The version of IP. Without it, and without an address, both: an IPv6 socket takes IPv4 as well."""
    v6_only: Annotated[Any, kinds.YES_NO] = False
    """Does an IPv6 socket leave IPv4 alone (`IPV6_V6ONLY`)?"""
    reuse_address: Annotated[Any, kinds.YES_NO] = False
    """`SO_REUSEADDR`: may the port be taken while old connections of it still wait for their end?"""
    reuse_port: Annotated[Any, kinds.YES_NO] = False
    """`SO_REUSEPORT`: may several sockets have the port?"""
    privileged: Annotated[Any, kinds.YES_NO] = True
    """May the program have ports below 1024?"""
    backlog: Annotated[Any, natural(0, 65535)] = 128
    """How many connections may wait to be taken."""


@dataclass(frozen=True, slots=True)
class ConnectKeys:
    """`connect`: a host opens a connection, or a datagram socket that has a peer."""

    from_: Annotated[Any, kinds.HOST]
    """The host that connects."""
    to: Annotated[Any, kinds.PLACE]
    """The host that it connects to, or an address."""
    port: Annotated[Any, kinds.PORT]
    """The port: `tcp/80`, `tcp/https`."""
    as_: Annotated[Any, kinds.NEW_SOCKET] = None
    """What the socket is called in other steps; the server's end is then called `LISTENER/NAME`."""
    source: Annotated[Any, kinds.ADDRESS] = None
    """The address that it is bound to before."""
    source_port: Annotated[Any, kinds.NUMBER_OF_PORT] = None
    """The port that it is bound to before; one of the dynamic ports, where it is not said."""
    ip: Annotated[Any, kinds.VERSION] = None
    """The version of IP, where both hosts have both."""
    within: Annotated[Any, kinds.DURATION] = None
    """When the program gives up; where it is not said, when the system does (after 131 seconds)."""


@dataclass(frozen=True, slots=True)
class SendKeys:
    """`send`: data goes out by a socket."""

    by: Annotated[Any, kinds.SOCKET]
    """The socket: of `connect`, of `listen` (datagrams alone), or `LISTENER/CONNECTION`."""
    bytes: Annotated[Any, natural(1, 1 << 24)] = None
    """How many bytes, 16 MiB at most; 1, where neither they nor a text are said."""
    text: Annotated[Any, kinds.TEXT] = None
    """What is sent, where it matters (helpers read it)."""
    to: Annotated[Any, kinds.PLACE] = None
    """For datagrams: a host, an address, or `sender`: whoever sent the last one that this socket received."""
    port: Annotated[Any, kinds.PORT] = None
    """The port there, `udp/53`; not with `sender`."""


@dataclass(frozen=True, slots=True)
class ReceiveKeys:
    """`receive`: a socket takes what has come, or waits for it."""

    by: Annotated[Any, kinds.SOCKET]
    """The socket. It alone may stand in the place of these keys."""
    within: Annotated[Any, kinds.DURATION] = None
    """How long it waits; one second, where it is not said."""


@dataclass(frozen=True, slots=True)
class CloseKeys:
    """`close`: a socket is closed."""

    what: Annotated[Any, kinds.SOCKET]
    """The socket. It alone may stand in the place of these keys."""
    sending: Annotated[Any, kinds.YES_NO] = False
    """Is only the sending side closed (`shutdown`)?"""


@dataclass(frozen=True, slots=True)
class PingKeys:
    """`ping`: a host asks for an echo."""

    from_: Annotated[Any, kinds.HOST]
    """The host that asks."""
    to: Annotated[Any, kinds.PLACE]
    """The host, or the address, that is asked."""
    ip: Annotated[Any, kinds.VERSION] = None
    """The version of IP, where both hosts have both."""


@dataclass(frozen=True, slots=True)
class ReloadKeys:
    """`reload`: a host gets other rules. Its table of connections stays as it is."""

    on: Annotated[Any, kinds.HOST]
    """The host."""
    firewall: Annotated[Any, Always(kinds.NONE, NO_FIREWALL, FIREWALL)]
    """The rules, as for a host, or `none`."""


@dataclass(frozen=True, slots=True)
class ScanKeys:
    """`scan`: a host tries ports, one after the other."""

    from_: Annotated[Any, kinds.HOST]
    """The host that scans."""
    to: Annotated[Any, some("a host or an address, or a list of them", kinds.PLACE)]
    """Whom: a host, an address, or a list of these."""
    ports: Annotated[Any, kinds.PORTS]
    """The ports: `tcp/1-1024`."""
    pace: Annotated[Any, kinds.DURATION] = None
    """How long after each other; 10 ms, where it is not said."""
    ip: Annotated[Any, kinds.VERSION] = None
    """The version of IP, where both hosts have both."""


_PORT_LIST = Many(kinds.NUMBER_OF_PORT, _LIST)


@dataclass(frozen=True, slots=True)
class ExpectKeys:
    """What a step is expected to end with. A result alone may stand in the place of these keys."""

    result: Annotated[Any, options(get_args(scenario.Result))] = None
    """What whoever did the step sees."""
    rule: Annotated[Any, kinds.TEXT] = None
    """The rule that decides, as `HOST:LINE`."""
    states: Annotated[Any, Named(kinds.SOCKET, options(get_args(scenario.SocketState)), _MAPPING)] = None
    """The states of sockets when the step is over."""
    entries: Annotated[Any, Named(kinds.HOST, natural(), _MAPPING)] = None
    """How many connections the tables of hosts have then."""
    source: Annotated[Any, kinds.ADDRESS] = None
    """The address that the other side sees."""
    bytes: Annotated[Any, natural()] = None
    """How many bytes are received."""
    open: Annotated[Any, _PORT_LIST] = None
    """The ports that a scan finds open."""
    closed: Annotated[Any, _PORT_LIST] = None
    """The ports that a scan finds closed."""


VERBS: Final = (
    "listen", "connect", "send", "receive", "close", "reset", "ping", "wait", "reload", "flush", "scan",
)  # fmt: skip
"""What a step may do."""

_WORD = options(get_args(scenario.Result))
_SAID = tuple(each.name for each in keys_of(ExpectKeys))


@dataclass(frozen=True, slots=True)
class StepKeys:
    """A step: one deed, and what is said of it."""

    listen: Annotated[Any, _table(ListenKeys)] = None
    """A socket waits for connections, or for datagrams."""
    connect: Annotated[Any, _table(ConnectKeys)] = None
    """A host opens a connection, or a datagram socket that has a peer."""
    send: Annotated[Any, _table(SendKeys)] = None
    """Data goes out by a socket."""
    receive: Annotated[Any, short("a socket, or a mapping", "by", kinds.SOCKET, _table(ReceiveKeys))] = None
    """A socket takes what has come, or waits for it."""
    close: Annotated[Any, short("a socket, or a mapping", "what", kinds.SOCKET, _table(CloseKeys))] = None
    """A socket is closed."""
    reset: Annotated[Any, kinds.SOCKET] = None
    """A socket is closed abruptly: its peer gets a RST."""
    ping: Annotated[Any, _table(PingKeys)] = None
    """A host asks for an echo."""
    wait: Annotated[Any, kinds.DURATION] = None
    """Time passes."""
    reload: Annotated[Any, _table(ReloadKeys)] = None
    """A host gets other rules. Its table of connections stays as it is."""
    flush: Annotated[Any, kinds.HOST] = None
    """The table of connections of a host is emptied."""
    scan: Annotated[Any, _table(ScanKeys)] = None
    """A host tries ports, one after the other."""
    expect: Annotated[Any, short("a result, or a mapping", "result", _WORD, _table(ExpectKeys, _SAID))] = None
    """What the step is expected to end with; without it nothing is."""
    note: Annotated[Any, kinds.TEXT] = None
    """What people are told of the step."""


_MEMBERS = Many(kinds.PLUG, _LIST, least=1)
_LINK = Either("a list, or a mapping", {list: kinds.Short("members", _MEMBERS), dict: _table(LinkKeys)})


@dataclass(frozen=True, slots=True)
class ScenarioKeys:
    """A scenario."""

    title: Annotated[Any, kinds.TEXT]
    """What it is called."""
    hosts: Annotated[Any, Named(kinds.NAME, _table(HostKeys), _MAPPING)]
    """The hosts, by name."""
    steps: Annotated[Any, Many(kinds.Placed(_table(StepKeys, one=VERBS)), _LIST, least=1)]
    """What is done, in order."""
    about: Annotated[Any, kinds.TEXT] = None
    """What it shows."""
    links: Annotated[Any, Named(kinds.NAME, _LINK, _MAPPING)] = None
    """The networks between the hosts, by name: the interfaces that are plugged into each, as `HOST/INTERFACE`."""


@cache
def scenario_table() -> Table:
    """Return the table of everything."""
    return _table(ScenarioKeys)
