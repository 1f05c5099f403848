"""The tables of `show`: what a rule asks and does, in words that people can read."""

from __future__ import annotations

import pytest

from policy.app.load import load
from policy.app.show import overview
from policy.source import Source

CHAIN = "table inet f {{\n\tchain c {{\n\t\ttype {} priority 0; policy accept;\n\t\t{}\n\t}}\n}}\n"


def cells(rule: str, hook: str = "filter hook input") -> list[tuple[str, ...]]:
    """Return of each row of a rule of nftables what is in its columns."""
    shown = overview(load(Source("rules", CHAIN.format(hook, rule))))
    (table,) = shown.tables
    return [
        tuple(text for text in (row.service, row.source, row.destination, row.interfaces, row.other) if text)
        for row in table.rows
    ]


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ("ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept", ("udp/546", "fe80::/10 port 547")),
        ("ip6 daddr ff02::1 udp sport 53 accept", ("udp", "port 53", "ff02::1")),
        ("udp sport 67 udp dport 68 accept", ("udp/68", "port 67")),
        ("meta l4proto tcp tcp dport 22 accept", ("tcp/22",)),
        (
            "tcp dport 1-100 tcp dport != 22 accept",
            ("protocol tcp and destination port 1-100 and destination port not 22",),
        ),
    ],
)
def test_what_is_asked_twice_is_shown_once(rule: str, shown: tuple[str, ...]) -> None:
    assert cells(rule) == [shown]


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ("ip saddr vmap { 10.0.0.1 : accept, 10.1.0.0/16 : drop }", [("10.0.0.1",), ("10.1.0.0/16",)]),
        ("iifname vmap { eth0 : accept, eth1 : drop }", [("in eth0",), ("in eth1",)]),
        ("meta mark vmap { 1 : accept }", [("mark 0x1",)]),
    ],
)
def test_keys_of_maps_are_shown_as_values(rule: str, shown: list[tuple[str, ...]]) -> None:
    assert cells(rule) == shown


def test_translations_by_a_map_are_one_row_for_each_that_can_match() -> None:
    rule = "dnat ip to tcp dport map { 82 : 10.3.0.5 . 8080, 83 : 10.2.2.2 . 8081 }"
    assert cells(rule, "nat hook prerouting") == [("tcp/82", "0.0.0.0/0"), ("tcp/83", "0.0.0.0/0")]
    rule = "snat ip to ip saddr map { 10.0.0.1 : 192.0.2.1, 10.0.0.2 : 192.0.2.2 }"
    assert cells(rule, "nat hook postrouting") == [("10.0.0.1",), ("10.0.0.2",)]
