"""Addresses, with the standard library's ipaddress as judge."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network, summarize_address_range

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.packet.address import (
    ANY_ADDRESS,
    BROADCAST,
    LOOPBACK,
    MULTICAST,
    V4,
    V4_BASE,
    V6,
    bits,
    families_of,
    family_of,
    format_address,
    format_range,
    parse_address,
    parse_prefix,
    prefix,
    whole,
)

addresses = st.ip_addresses()


def number(address: IPv4Address | IPv6Address) -> int:
    """The number that stands for an address, by the definition."""
    return int(address) + (V4_BASE if address.version == 4 else 0)


@given(addresses)
def test_round_trip(address: IPv4Address | IPv6Address) -> None:
    parsed = parse_address(str(address))
    assert parsed == number(address)
    assert format_address(parsed) == str(address)
    assert family_of(parsed) == address.version


@given(st.ip_addresses(v=6))
def test_the_long_form_and_capitals(address: IPv6Address) -> None:
    assert parse_address(address.exploded) == parse_address(str(address).upper()) == int(address)


@given(st.text("0123456789.:abf/% ", max_size=20))
def test_what_is_refused_is_no_address(text: str) -> None:
    try:
        expected = None if "%" in text else number(ip_address(text))
    except ValueError:
        expected = None
    if expected is None:
        with pytest.raises(ValueError, match=re.escape(f"`{text}`")):
            parse_address(text)
    else:
        assert parse_address(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("256.1.1.1", "256 is above 255"),
        ("10.1.2", "four numbers"),
        ("10.01.2.3", "four numbers"),
        ("١.1.1.1", "four numbers"),
        ("fe80::1%eth0", "zone"),
        ("1::2::3", "not an IPv6 address"),
        ("::1.2.3.256", "not an IPv6 address"),
        ("", "four numbers"),
    ],
)
def test_reasons(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_address(text)


@given(addresses, st.integers(0, 128))
def test_prefixes(address: IPv4Address | IPv6Address, length: int) -> None:
    text = f"{address}/{length}"
    if length > bits(address.version):
        with pytest.raises(ValueError, match=f"not {length}"):
            parse_prefix(text)
        return
    network = ip_network(text, strict=False)
    values = parse_prefix(text)
    assert values.ranges == ((number(network[0]), number(network[-1])),)
    assert values == prefix(number(address), length)
    assert format_range(*values.ranges[0]) == (str(network[0]) if network.num_addresses == 1 else str(network))


@pytest.mark.parametrize("text", ["10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0.0/³", "10.0.0.0/33", "::/129"])
def test_what_is_no_prefix(text: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        parse_prefix(text)


@given(st.sampled_from((4, 6)), st.data())
def test_ranges(family: int, data: st.DataObject) -> None:
    make = IPv4Address if family == 4 else IPv6Address
    one, two = sorted(data.draw(st.tuples(*[st.integers(0, 600) | st.ip_addresses(v=family).map(int)] * 2)))  # type: ignore[arg-type]
    low, high = make(one), make(two)
    networks = list(summarize_address_range(low, high))
    text = format_range(number(low), number(high))
    if len(networks) == 1:
        assert text == (str(low) if one == two else str(networks[0]))
    else:
        assert text == f"{low}-{high}"


def test_families() -> None:
    assert whole(4) == V4
    assert whole(6) == V6
    assert ANY_ADDRESS.size == 2**32 + 2**128
    assert families_of(V4) == {4}
    assert families_of(LOOPBACK) == families_of(MULTICAST) == {4, 6}
    assert not V4.meets(V6)


@given(addresses.filter(lambda address: address.version == 4 or not address.ipv4_mapped))
def test_special_addresses(address: IPv4Address | IPv6Address) -> None:
    assert (number(address) in LOOPBACK) == address.is_loopback
    assert (number(address) in MULTICAST) == address.is_multicast
    assert (number(address) in BROADCAST) == (str(address) == "255.255.255.255")


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "224.0.0.251", "ff02::1", "255.255.255.255"])
def test_well_known_special_addresses(text: str) -> None:
    test_special_addresses.hypothesis.inner_test(ip_address(text))  # type: ignore[attr-defined]
