"""Names for numbers: protocols, services, ICMP, flags, classes, port categories."""

import socket
from itertools import pairwise
from pathlib import Path

import pytest

from policy.packet import names

TCP, UDP, DCCP, SCTP = 6, 17, 33, 132
DATA = Path(names.__file__).with_name("data")
ROWS = [row.split("\t") for row in (DATA / "services.tsv").read_text("ascii").splitlines() if row[0] != "#"]
ALIASES = [row.split("\t") for row in (DATA / "aliases.tsv").read_text("ascii").splitlines() if row[0] != "#"]


@pytest.fixture(autouse=True)
def no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine says of a name must not matter."""
    for function in ("getservbyname", "getservbyport", "getprotobyname"):
        monkeypatch.delattr(socket, function)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("icmp", 1), ("igmp", 2), ("ipip", 4), ("ipencap", 4), ("tcp", 6), ("TCP", 6), ("egp", 8), ("udp", 17),
        ("dccp", 33), ("ipv6", 41), ("ipv6-frag", 44), ("rsvp", 46), ("gre", 47), ("esp", 50), ("ah", 51),
        ("icmp6", 58), ("icmpv6", 58), ("IPv6-ICMP", 58), ("eigrp", 88), ("ospf", 89), ("pim", 103), ("ipcomp", 108),
        ("vrrp", 112), ("l2tp", 115), ("isis", 124), ("sctp", 132), ("mobility-header", 135), ("mh", 135),
        ("ipv6-mh", 135), ("udplite", 136), ("hip", 139), ("ip", None), ("all", None), ("", None), ("6", None),
    ],
)  # fmt: skip
def test_protocol_number(name: str, number: int | None) -> None:
    assert names.protocol_number(name) == number


def test_protocol_names_are_read_back() -> None:
    for number in range(256):
        name = names.protocol_name(number)
        assert name == str(number) or names.protocol_number(name) == number
    assert [names.protocol_name(n) for n in (6, 17, 58, 4, 135, 94, 200)] == [
        "tcp", "udp", "icmp6", "ipencap", "mh", "94", "200",
    ]  # fmt: skip
    assert {"tcp", "icmpv6", "ospf"} <= set(names.protocol_names())
    rows = [row for row in (DATA / "protocols.tsv").read_text("ascii").splitlines() if row[0] != "#"]
    assert sum(len(row.split("\t")[1].split()) for row in rows) == len(names.protocol_names()), "a name given twice"


def test_linux_reads_two_protocols_otherwise() -> None:
    assert names.linux_protocol_number("ipip") == 94
    assert names.linux_protocol_number("IPENCAP") == 4
    assert names.linux_protocol_number("ip") == 0
    assert names.linux_protocol_number("tcp") == TCP
    assert names.linux_protocol_number("nonsense") is None


@pytest.mark.parametrize(
    ("name", "tcp", "udp"),
    [
        ("ftp-data", 20, 20), ("ftp", 21, 21), ("ssh", 22, 22), ("telnet", 23, 23), ("smtp", 25, 25),
        ("domain", 53, 53), ("bootps", 67, 67), ("bootpc", 68, 68), ("tftp", 69, 69), ("http", 80, 80),
        ("HTTPS", 443, 443), ("pop3", 110, 110), ("ntp", 123, 123), ("imap", 143, None), ("snmp", 161, 161),
        ("bgp", 179, 179), ("ldap", 389, 389), ("syslog", None, 514), ("shell", 514, None), ("ipp", 631, 631),
        ("ldaps", 636, 636), ("rsync", 873, 873), ("ms-sql-s", 1433, 1433), ("nfs", 2049, 2049), ("mysql", 3306, 3306),
        ("ms-wbt-server", 3389, 3389), ("sip", 5060, 5060), ("postgresql", 5432, 5432), ("redis", 6379, None),
        ("mongodb", 27017, None), ("vxlan", None, 4789), ("ntske", 4460, None),
        # further names of a registered port
        ("www", 80, 80), ("www-http", 80, 80), ("nameserver", 42, 42), ("turn", 3478, 3478), ("sql*net", 66, 66),
        ("EtherNet/IP-1", 2222, 2222), ("auth", 113, 113), ("ident", 113, None),
        # registered at several ports
        ("http-alt", 8080, 8080), ("raid-cd", None, 2006), ("rda", 630, 630), ("epp", 700, 700),
        ("irc", 194, 194), ("iscsi", 860, 860),
        # ours
        ("dns", 53, 53), ("postgres", 5432, 5432), ("RDP", 3389, 3389), ("memcached", 11211, 11211), ("whois", 43, 43),
        ("dhcp", None, 67), ("dhcp-client", None, 68), ("quic", None, 443), ("smtps", 465, None),
        ("wireguard", None, 51820), ("kube-apiserver", 6443, None), ("teamviewer", 5938, 5938),
    ],
)  # fmt: skip
def test_service_ports(name: str, tcp: int | None, udp: int | None) -> None:
    ports = names.service_ports(name)
    assert ports.get(TCP) == (tcp and (tcp, tcp))
    assert ports.get(UDP) == (udp and (udp, udp))


def test_port_ranges_and_other_transports() -> None:
    assert names.service_ports("x11") == {TCP: (6000, 6063), UDP: (6000, 6063)}
    assert names.service_ports("ircu") == {TCP: (6665, 6669)}
    assert names.service_ports("salt") == {TCP: (4505, 4506)}
    assert names.service_ports("discard") == {TCP: (9, 9), UDP: (9, 9), SCTP: (9, 9), DCCP: (9, 9)}
    assert names.service_ports("ssh")[SCTP] == (22, 22)


@pytest.mark.parametrize(
    "name", ["", " ", "nonsense", "tcp", "tcp,udp", "80", "ss", "www www-http", "ssh\n", "\tssh", "é"]
)
def test_what_is_not_a_service(name: str) -> None:
    assert names.service_ports(name) == {}
    assert names.service_assignments(name) == []


def test_a_name_of_several_ports_shows_them_all() -> None:
    assert names.service_assignments("HTTP-alt") == [(p, n, n) for n in (591, 8008, 8080) for p in (TCP, UDP)]
    assert names.service_assignments("dhcp") == [(UDP, 67, 67)]
    assert len({first for _, first, _ in names.service_assignments("http")}) == 1


@pytest.mark.parametrize(
    ("proto", "port", "name"),
    [
        (TCP, 22, "ssh"), (TCP, 80, "http"), (UDP, 80, "http"), (SCTP, 80, "http"), (UDP, 443, "https"),
        (TCP, 53, "domain"), (TCP, 113, "ident"), (UDP, 113, "auth"), (TCP, 514, "shell"), (UDP, 514, "syslog"),
        (TCP, 465, "submissions"), (TCP, 631, "ipp"), (UDP, 1701, "l2tp"), (TCP, 2049, "nfs"),
        (TCP, 3389, "ms-wbt-server"), (TCP, 6000, "x11"), (UDP, 6010, "x11"), (TCP, 6063, "x11"),
        (TCP, 6064, "ndl-ahp-svc"), (TCP, 6667, "ircu"), (UDP, 6667, None), (UDP, 143, None), (TCP, 4, None),
        (TCP, 65535, None), (UDP, 51820, None), (1, 22, None),
    ],
)  # fmt: skip
def test_service_name(proto: int, port: int, name: str | None) -> None:
    assert names.service_name(proto, port) == name


def test_service_names() -> None:
    every = names.service_names()
    assert {"ssh", "www", "x11", "dns", "rdp", "zabbix-agent"} <= set(every)
    assert len(every) > 6000
    assert all(name == name.lower() and name for name in every)


def test_the_registry_is_what_it_says() -> None:
    text = (DATA / "services.tsv").read_text("ascii")
    assert f"# Date: {names.SERVICES_DATE}\n" in text
    assert len(text) < 400_000
    assert "\n#" not in text[text.index("\n1\t") :], "comments stand above the rows only"
    assert len(ROWS) > 6000
    assert all(len(row) == 3 and row[2] == row[2].lower().strip() for row in ROWS)
    spans = [tuple(int(n) for n in row[0].split("-")) for row in ROWS]
    assert all(0 < span[0] <= span[-1] <= 65535 for span in spans)
    assert all(a <= b for a, b in pairwise(spans))
    taken = [
        (protocol, port)
        for (_, protocols, _), span in zip(ROWS, spans, strict=True)
        for protocol in protocols.split(",")
        for port in range(span[0], span[-1] + 1)
    ]
    assert len(taken) == len(set(taken)), "a port given twice"


def test_the_search_finds_what_a_whole_reading_finds() -> None:
    numbers = {"tcp": TCP, "udp": UDP, "dccp": DCCP, "sctp": SCTP}
    for row in ROWS[::20] + [row for row in ROWS if " " in row[2] or "-" in row[0]]:
        first, _, last = row[0].partition("-")
        for protocol in row[1].split(","):
            assert names.service_name(numbers[protocol], int(first)) == row[2].split()[0]
            for name in row[2].split():
                assert (numbers[protocol], int(first), int(last or first)) in names.service_assignments(name)


@pytest.mark.parametrize(("name", "target", "protocols"), ALIASES)
def test_aliases(name: str, target: str, protocols: str) -> None:
    assert sum(alias[0] == name for alias in ALIASES) == 1
    ports = names.service_ports(name)
    assert ports
    assert protocols == "*" or set(ports) == {names.protocol_number(p) for p in protocols.split(",")}
    registered = {name: row for row in ROWS for name in row[2].split()}
    if not target[0].isdigit():
        assert target in registered
    if name in registered:
        assert len({first for _, first, _ in names.service_assignments(name)}) > 1, "the registry has this name"
        assert any(name in row[2].split() and row[0] == target for row in ROWS), "only picks a registered port"


# What `iptables -p icmp -h` and `ip6tables -p ipv6-icmp -h` list, with the numbers they stand for.
ICMP4 = """
0 echo-reply (pong) | 3 destination-unreachable | 3/0 network-unreachable | 3/1 host-unreachable
3/2 protocol-unreachable | 3/3 port-unreachable | 3/4 fragmentation-needed | 3/5 source-route-failed
3/6 network-unknown | 3/7 host-unknown | 3/9 network-prohibited | 3/10 host-prohibited
3/11 TOS-network-unreachable | 3/12 TOS-host-unreachable | 3/13 communication-prohibited
3/14 host-precedence-violation | 3/15 precedence-cutoff | 4 source-quench | 5 redirect | 5/0 network-redirect
5/1 host-redirect | 5/2 TOS-network-redirect | 5/3 TOS-host-redirect | 8 echo-request (ping)
9 router-advertisement | 10 router-solicitation | 11 time-exceeded (ttl-exceeded) | 11/0 ttl-zero-during-transit
11/1 ttl-zero-during-reassembly | 12 parameter-problem | 12/0 ip-header-bad | 12/1 required-option-missing
13 timestamp-request | 14 timestamp-reply | 17 address-mask-request | 18 address-mask-reply
"""
ICMP6 = """
1 destination-unreachable | 1/0 no-route | 1/1 communication-prohibited | 1/2 beyond-scope | 1/3 address-unreachable
1/4 port-unreachable | 1/5 failed-policy | 1/6 reject-route | 2 packet-too-big | 3 time-exceeded (ttl-exceeded)
3/0 ttl-zero-during-transit | 3/1 ttl-zero-during-reassembly | 4 parameter-problem | 4/0 bad-header
4/1 unknown-header-type | 4/2 unknown-option | 128 echo-request (ping) | 129 echo-reply (pong)
133 router-solicitation | 134 router-advertisement | 135 neighbour-solicitation (neighbor-solicitation)
136 neighbour-advertisement (neighbor-advertisement) | 137 redirect
"""


@pytest.mark.parametrize(
    ("family", "entry"),
    [(family, e.strip()) for family, text in ((4, ICMP4), (6, ICMP6)) for e in text.replace("\n", "|").split("|") if e],
)
def test_icmp_names(family: int, entry: str) -> None:
    number, name, *also = entry.split()
    type_, _, code = number.partition("/")
    key = int(type_), int(code) if code else None
    assert names.icmp_type(name, family) == key
    assert names.icmp_type(name.upper(), family) == key
    assert names.icmp_name(*key, family) == name
    assert name in names.icmp_type_names(family)
    for other in also:
        assert names.icmp_type(other.strip("()"), family) == key


def test_icmp_names_beyond_iptables() -> None:
    assert names.icmp_type("mld-listener-done", 6) == names.icmp_type("mld-listener-reduction", 6) == (132, None)
    assert names.icmp_type("mld-listener-query", 6) == (130, None)
    assert names.icmp_type("mld2-listener-report", 6) == (143, None)
    assert names.icmp_type("nd-neighbor-solicit", 6) == (135, None)
    assert names.icmp_type("info-request", 4) == (15, None)
    assert names.icmp_type("any", 4) is None
    assert names.icmp_type("packet-too-big", 4) is None
    assert names.icmp_type("source-quench", 6) is None
    assert names.icmp_type("echo-request", 5) is None


def test_icmp_name_of_a_packet() -> None:
    assert names.icmp_name(8, 0, 4) == "echo-request"
    assert names.icmp_name(8, 1, 4) is None
    assert names.icmp_name(3, 0, 4) == "network-unreachable"
    assert names.icmp_name(3, 8, 4) is None
    assert names.icmp_name(250, 0, 4) is None
    assert names.icmp_name(128, 0, 6) == "echo-request"


def test_flags_classes_and_categories() -> None:
    assert names.TCP_FLAGS == {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}
    assert len(names.DSCP_CLASSES) == 8 + 12 + 2
    wanted = {"be": 0, "cs0": 0, "cs1": 8, "cs7": 56, "af11": 10, "af13": 14, "af21": 18, "af43": 38, "ef": 46}
    assert wanted.items() <= names.DSCP_CLASSES.items()
    edges = (0, 1023, 1024, 49151, 49152, 65535)
    assert [names.port_category(port)[0] for port in edges] == list("wwrrdd")
    assert all(first[1] + 1 == second[0] for first, second in pairwise(names.PORT_CATEGORIES.values()))
    for port in (-1, 65536):
        with pytest.raises(ValueError, match="not a port"):
            names.port_category(port)
