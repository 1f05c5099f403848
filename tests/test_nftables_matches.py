"""What conditions of nftables mean: what packets lack, bits, hooks, fragments, connections, the host."""

from __future__ import annotations

from policy.host import Host
from policy.ir import EVERYTHING, NOTHING, Field, Unknown, walk
from policy.packet import Intervals, Packet
from policy.packet.address import parse_address
from tests.nftables_rules import holds, match, packet


def test_what_a_packet_lacks_never_matches() -> None:
    udp, six = packet(proto=17), packet(src="2001:db8::1", dst="2001:db8::2")
    assert holds(match("tcp dport != 22"), packet()) is True
    assert holds(match("tcp dport != 22"), udp) is False
    assert holds(match("ip saddr != 192.0.2.1"), six) is False
    assert holds(match("ct mark != 5"), packet(state=3)) is False
    assert holds(match("ct status != dnat"), packet(state=4)) is False
    assert holds(match('oifname != "x"'), packet()) is True
    assert holds(match('iifname != "x"', hooks=("output",)), packet("output")) is True
    assert holds(match("tcp option sack-perm missing"), udp) is True
    assert holds(match("tcp option maxseg size != 5"), packet()) is False


def test_bytes_of_other_protocols_are_left_open() -> None:
    found = match("th dport != 22")
    assert holds(found, packet(dport=80)) is True
    assert holds(found, packet(dport=22)) is False
    assert holds(found, packet(proto=47)) is None
    assert holds(found, packet(proto=47, fragment=2)) is False
    assert holds(match("th dport 22"), packet(proto=1), bytes__dport__22=True) is True
    assert match("@th,16,16 22") == match("th dport 22")


def test_states_are_bits() -> None:
    states = [packet(state=state) for state in range(5)]  # new, established, related, invalid, untracked

    def of(rule: str) -> list[bool | None]:
        found = match(rule)
        return [holds(found, one) for one in states]

    assert of("ct state established,related") == [False, True, True, False, False]
    assert of("ct state != established,related") == [True] * 5
    assert of("ct state != { established, related }") == [True, False, False, True, True]
    assert of("ct state != new") == [False, True, True, True, True]
    assert of("ct state & (new|related) == 0") == [False, True, False, True, True]
    assert of("ct state < related") == [False, True, False, True, False]
    assert of("ct state ! new") == [False, True, True, True, True]
    assert match("ct state new") == Field("state", Intervals.of(0))


def test_flags_of_tcp() -> None:
    assert match("tcp flags syn", family="ip") == match("tcp flags & syn == syn", family="ip")
    for flags, any_of, exactly, in_set in ((2, True, False, True), (16, True, False, True), (18, True, True, False)):
        one = packet(flags=flags)
        assert holds(match("tcp flags syn,ack"), one) is any_of
        assert holds(match("tcp flags == syn,ack"), one) is exactly
        assert holds(match("tcp flags { syn, ack }"), one) is in_set
        assert holds(match("tcp flags syn / syn,ack"), one) is (flags == 2)
    assert holds(match("tcp flags { syn }"), packet(flags=18)) is True  # a set of one is that one


def test_before_connection_tracking_every_packet_is_invalid() -> None:
    for state in range(5):
        one = packet(state=state)
        assert holds(match("ct state invalid", hooks=("prerouting",), tracked=False), one) is True
        assert holds(match("ct state new", hooks=("prerouting",), tracked=False), one) is False
        assert holds(match("ct mark 0", hooks=("prerouting",), tracked=False), one) is False
        assert holds(match("ct state new", tracked=None), one) is (None if state == 0 else False)
    taken_out = match("ct state untracked", hooks=("prerouting",), tracked=False, more="notrack")
    assert holds(taken_out, packet(state=4)) is None
    assert holds(taken_out, packet(state=0)) is False
    invalid = match("ct state invalid", hooks=("prerouting",), tracked=False, more="notrack")
    assert (holds(invalid, packet(state=4)), holds(invalid, packet(state=0))) == (None, True)


def test_where_there_is_no_output_interface_yet() -> None:
    forwarded = packet("forward", out="eth1")
    assert holds(match('oifname "eth1"', hooks=("forward",)), forwarded) is True
    assert match('oifname "eth1"', hooks=("prerouting",)) == NOTHING
    assert match('oifname != "eth1"', hooks=("prerouting",)) == EVERYTHING
    assert holds(match('oifname "eth1"', hooks=("prerouting", "forward")), forwarded) is None


def test_a_forwarded_packet_has_one_hop_less_behind_the_routing() -> None:
    forwarded = packet("forward", ttl=64)
    assert holds(match("ip ttl 63", hooks=("forward",)), forwarded) is True
    assert holds(match("ip ttl 64", hooks=("forward",)), forwarded) is False
    assert holds(match("ip ttl 64", hooks=("prerouting",)), forwarded) is True
    assert holds(match("ip ttl 64", hooks=("prerouting", "forward")), forwarded) is None
    assert holds(match("ip ttl 64"), packet(ttl=64)) is True
    assert holds(match("ip ttl > 63", hooks=("postrouting",)), packet("forward", ttl=65)) is True


def test_names_of_interfaces() -> None:
    assert holds(match('iifname "eth*"'), packet(**{"in": "eth7"})) is True
    assert holds(match(r'iifname "eth\*"'), packet(**{"in": "eth7"})) is False
    assert holds(match('iifname { "wan", "et*" }'), packet(**{"in": "eth7"})) is True
    assert holds(match("iif lo"), packet(**{"in": "lo"})) is True
    assert holds(match("iif 1"), packet(**{"in": "lo"})) is True


def test_the_first_header_of_ipv6() -> None:
    def six(headers: int) -> Packet:
        return packet(src="2001:db8::1", dst="2001:db8::2", exthdrs=headers)

    plain, hop, both = six(0), six(1), six(6)
    found = match("ip6 nexthdr tcp")
    assert [holds(found, one) for one in (plain, hop, both)] == [True, False, False]
    assert [holds(match("ip6 nexthdr 0"), one) for one in (plain, hop, both)] == [False, True, False]
    assert holds(match("ip6 nexthdr 60"), both) is None
    assert holds(match("ip6 nexthdr 60"), six(2)) is True
    assert holds(match("exthdr hbh exists"), hop) is True
    assert holds(match("exthdr hbh missing"), packet()) is False  # IPv4


def test_fragments() -> None:
    whole, first, later = (packet(proto=47, fragment=number) for number in range(3))
    for rule, wanted in (
        ("ip frag-off & 0x1fff != 0", (False, False, True)),
        ("ip frag-off & 0x1fff == 0", (True, True, False)),
        ("ip frag-off & 0x2000 != 0", (False, True, None)),
        ("ip frag-off & 0x3fff != 0", (False, True, True)),
        ("ip frag-off 0", (None, None, None)),
    ):
        found = match(rule)
        assert tuple(holds(found, one) for one in (whole, first, later)) == wanted, rule
    assert holds(match("tcp dport 80"), packet(proto=47, fragment=2)) is False


def test_frames() -> None:
    there, lo = packet(mac=0x001122334455), packet(mac=0x001122334455, **{"in": "lo"})
    found = match("ether saddr 00:11:22:33:44:55")
    assert (holds(found, there), holds(found, lo), holds(found, packet("output"))) == (True, False, False)
    assert holds(match("ether type ip"), there) is True


def test_the_entry_of_a_connection() -> None:
    reply = packet(state=1, direction=1, src="10.0.0.2", dst="10.0.0.1")
    assert holds(match("ct original ip saddr 10.0.0.1"), reply) is True
    assert holds(match("ct reply ip saddr 10.0.0.2"), reply) is True
    assert holds(match("ct original ip saddr 10.0.0.1"), packet(state=3)) is False
    assert holds(match("ct original ip saddr 10.0.0.1", more="dnat to 10.9.9.9"), reply) is None
    assert holds(match("ct original ip saddr 10.0.0.1", more="dnat to 10.9.9.9"), packet(direction=0)) is True
    assert holds(match("ct status dnat"), packet(state=1, ctstatus=0x28)) is True
    assert holds(match("ct status == dnat"), packet(state=1, ctstatus=0x28)) is False
    assert holds(match("ct status == dnat"), packet(state=1, ctstatus=0x20)) is None


def test_addresses_of_the_host() -> None:
    found = match("fib daddr type local")
    assert holds(found, packet(dst="127.0.0.1")) is True
    assert holds(found, packet()) is None
    assert holds(found, packet(), addrtype__dst__LOCAL=True) is True
    known = match("fib daddr type local", host=Host(Intervals.of(parse_address("10.0.0.2"))))
    assert (holds(known, packet()), holds(known, packet(dst="10.0.0.3"))) == (True, False)
    assert holds(match("fib daddr type multicast"), packet(dst="224.0.0.1")) is True
    assert holds(match("fib daddr type { broadcast, multicast }"), packet(dst="255.255.255.255")) is True


def test_users_where_packets_arrive() -> None:
    assert holds(match("meta skuid 0", hooks=("forward",)), packet("forward")) is False
    assert holds(match("meta skuid != 0", hooks=("forward",)), packet("forward")) is False
    assert holds(match("meta skuid 0"), packet()) is None
    assert holds(match("meta skuid 0", hooks=("output",)), packet("output", uid=0)) is True


def test_raw_bytes_that_are_a_field() -> None:
    assert match("@nh,96,32 0x0a000001", family="ip") == match("ip saddr 10.0.0.1", family="ip")
    unknown = match("@nh,0,8 5")
    assert isinstance(unknown, Unknown)


def test_limits_of_chance_are_drawn_each_time() -> None:
    found = match("numgen random mod 2 0")
    assert isinstance(found, Unknown)
    assert not found.pure
    same = match("jhash ip saddr mod 2 seed 1 0")
    assert all(part.pure for part in walk(same) if isinstance(part, Unknown))
