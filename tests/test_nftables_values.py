"""Data types and constants of nftables: as `nft describe` tells them, and what is said of wrong ones."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

import pytest

from policy.ir import Match, Unknown, walk
from policy.languages.nftables import names
from policy.languages.nftables.types import TYPES
from tests.nftables_rules import match, mistakes

NFT = shutil.which("nft")
_VALUE = re.compile(r"^\t(\S+)\s+(0x[0-9a-f]+|\d+)$", re.MULTILINE)
_SWAPPED = {"ether_type", "arp_op"}
"""Types whose hexadecimal numbers `nft describe` prints byte by byte."""

DESCRIBED = {
    "icmp type": names.ICMP_TYPE, "icmp code": names.ICMP_CODE, "icmpv6 type": names.ICMPV6_TYPE,
    "icmpv6 code": names.ICMPV6_CODE, "icmpx_code": names.ICMPX_CODE, "tcp flags": names.TCP_FLAG,
    "ct state": names.CT_STATE, "ct direction": names.CT_DIRECTION, "ct status": names.CT_STATUS,
    "ct event": names.CT_EVENT, "ip dscp": names.DSCP, "ip ecn": names.ECN, "meta pkttype": names.PKT_TYPE,
    "boolean": names.BOOLEAN, "meta nfproto": names.NF_PROTO, "ether_type": names.ETHER_TYPE,
    "iface_type": names.IFACE_TYPE, "igmp type": names.IGMP_TYPE, "dccp type": names.DCCP_TYPE,
    "mh type": names.MH_TYPE, "arp_op": names.ARP_OPERATION, "fib daddr type": names.ADDRESS_TYPE,
    "meta day": names.DAY,
}  # fmt: skip


@cache
def described(what: str) -> str:
    if NFT is None:
        pytest.skip("nft is not installed")
    return subprocess.run([NFT, "describe", *what.split()], capture_output=True, text=True, check=False).stdout


def _number(text: str, swapped: bool) -> int:
    if not text.startswith("0x"):
        return int(text)
    digits = text[2:]
    return int.from_bytes(bytes.fromhex(digits), "little" if swapped else "big")


@pytest.mark.parametrize("what", DESCRIBED)
def test_named_values_are_those_of_nft(what: str) -> None:
    text = described(what)
    kind = re.search(r"datatype (\S+)", text)
    assert kind is not None
    swapped = kind[1] in _SWAPPED
    told = {name: _number(number, swapped) for name, number in _VALUE.findall(text)}
    assert told
    assert told == DESCRIBED[what]


@pytest.mark.parametrize("name", sorted(TYPES))
def test_types_have_the_bits_of_nft(name: str) -> None:
    told = re.search(r", (\d+) (bits|characters)", described({"time": "ct expiration"}.get(name, name)))
    if told is None or told[1] == "0" or name in ("boolean", "time", "ecn"):
        pytest.skip("nft describes it only as what a selector has")
    assert TYPES[name].bits == int(told[1]) * (8 if told[2] == "characters" else 1)


WRONG = (
    # what is written, the code, the words underlined
    ("ip saddr 1.2.3.256", "FW003", "1.2.3.256"),
    ("ip saddr 10.0.0.0/33", "FW003", "10.0.0.0/33"),
    ("ip saddr fe80::1", "FW603", "fe80::1"),
    ("ip6 saddr 1.2.3.4", "FW603", "1.2.3.4"),
    ("ip saddr 10.0.0.9-10.0.0.1", "FW502", "10.0.0.9-10.0.0.1"),
    ("tcp dport 65536", "FW501", "65536"),
    ("tcp dport { 22, 70000 }", "FW501", "70000"),
    ("tcp dport 30-20", "FW502", "30-20"),
    ("tcp dport htpp", "FW701", "htpp"),
    ("tcp dport 22,80", "FW001", "22,80"),
    ("ip protocol 300", "FW001", "300"),
    ("ip protocol tpc", "FW001", "tpc"),
    ("ip ttl 256", "FW001", "256"),
    ("ip dscp 64", "FW001", "64"),
    ("ip dscp CS1", "FW001", "CS1"),
    ("ct state establihed", "FW001", "establihed"),
    ("ct state NEW", "FW001", "NEW"),
    ("ct direction forth", "FW001", "forth"),
    ("ct label 128", "FW001", "128"),
    ("ct stat new", "FW001", "ct stat"),
    ("tcp flags SYN", "FW001", "SYN"),
    ("tcp flag syn", "FW001", "tcp flag"),
    ('iifname "*"', "FW001", '"*"'),
    ('iifname ""', "FW001", '""'),
    ('iifname "averyveryverylongname"', "FW001", '"averyveryverylongname"'),
    ("meta mark 0x100000000", "FW001", "0x100000000"),
    ("meta mark >> 8 == 5", "FW001", "meta mark >> 8"),
    ('meta hour "24:00"', "FW001", '"24:00"'),
    ('meta time "meh"', "FW001", '"meh"'),
    ('meta day "Satturday"', "FW001", '"Satturday"'),
    ("meta day 7", "FW001", "7"),
    ("meta foo 5", "FW001", "meta foo"),
    ('meta ibrname "br0"', "FW603", "meta ibrname"),
    ("ip saddr ! 10.0.0.1", "FW001", "ip saddr ! 10.0.0.1"),
    ("ip saddr . tcp dport 10.0.0.1 . 22", "FW001", "ip saddr . tcp dport 10.0.0.1 . 22"),
    ("ip saddr . tcp dport { 10.0.0.1 }", "FW001", "10.0.0.1"),
    ("ip saddr @nosuch", "FW701", "@nosuch"),
    ("ip saddr vmap { 10.0.0.0/24 : accept, 10.0.0.1 : drop }", "FW001", "10.0.0.1"),
    ("fib saddr . daddr oif lo", "FW001", "fib saddr . daddr oif"),
    ("socket transparent 2", "FW001", "2"),
    ("tcp option foo exists", "FW001", "tcp option foo"),
    ("tcp option 256 exists", "FW001", "tcp option 256"),
    ("osf ttl nottl name Linux", "FW001", "osf ttl nottl name"),
    ("ip saddr 10.0.0.1 ip6 saddr ::1", "FW603", "ip6 saddr"),
    ("tcp dport 22 udp dport 53", "FW001", "udp dport"),
    ("meta l4proto { tcp, udp } tcp dport 53", "FW001", "tcp dport"),
    ("ip protocol tcp udp dport 53", "FW001", "udp dport"),
    ("meta nfproto ipv6 ip saddr 10.0.0.1", "FW603", "ip saddr"),
    ("icmp type 13 icmp id 5", "FW001", "icmp id"),
    ("ct original proto-dst 22", "FW504", "ct original proto-dst"),
    ("ct original saddr 10.0.0.1", "FW001", "ct original saddr"),
    ("rt nexthop 10.0.0.1", "FW001", "rt nexthop"),
)


@pytest.mark.parametrize(("rule", "code", "words"), WRONG, ids=[rule for rule, _, _ in WRONG])
def test_what_nft_refuses_is_refused_at_the_words_that_are_wrong(rule: str, code: str, words: str) -> None:
    found = mistakes(rule, hooks=("forward",))
    assert [(each.code, each.span.text) for each in found][:1] == [(code, words)]
    if NFT is not None:
        assert _refused(rule)


RIGHT = (
    "tcp dport 0x16", 'tcp dport "22"', "meta l4proto ICMP", "meta l4proto icmpv6", "ip protocol 47 udp dport 5",
    "ip6 nexthdr 0 tcp dport 5",
    "meta l4proto != tcp udp dport 53", "icmp type 8 icmp id 5", "tcp dport 22 ct original proto-dst 22",
    "ip saddr 10.0.0.1 ct original saddr 10.0.0.1", "meta l4proto { tcp, udp } th dport 53", "tcp flags 0x3",
    'meta hour "21:00"-"02:00"', "meta length 0x10000", "ether saddr 5", "ip saddr 0x0a000001", 'ip saddr "10.0.0.1"',
    "ip6 saddr ::ffff:1.2.3.4", 'iifname "eth 0"', "meta day 6", "ct expiration > 1h", "fib daddr . oif type local",
    "ct state { new | related }", "tcp flags & syn syn,ack",
)  # fmt: skip


@pytest.mark.parametrize("rule", RIGHT)
def test_what_nft_loads_is_read(rule: str) -> None:
    assert not mistakes(rule, hooks=("forward",))
    if NFT is not None:
        assert not _refused(rule)


@cache
def _namespaces() -> bool:
    return subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0


def _refused(rule: str) -> bool:
    """Does nft refuse a rule? Asked in a namespace of its own, without loading it."""
    if not _namespaces():
        pytest.skip("no network namespaces here")
    text = f"table inet t {{ chain c {{ type filter hook forward priority 0; {rule}; }}\n}}\n"
    command = ["unshare", "-n", str(NFT), "-c", "-f", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False).returncode != 0


def test_host_names_users_and_indices_are_left_open() -> None:
    for rule, key in (
        ("ip daddr www.example.org", "host:www.example.org:dst"),
        ("meta skuid alice", "user:alice:uid"),
        ("iif 7", "interface:7:in"),
    ):
        found = match(rule, hooks=("output",) if "skuid" in rule else ("input",))
        assert [part.key for part in _unknowns(found)] == [key]


def _unknowns(found: Match) -> list[Unknown]:
    return [part for part in walk(found) if isinstance(part, Unknown)]
