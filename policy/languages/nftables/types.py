"""The data types of nft: how many bits a value has, and which names there are for values (nft(8), DATA TYPES)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from policy._record import dataclass
from policy.languages.nftables import names
from policy.packet import Intervals
from policy.packet.address import V4_BASE

Kind = Literal[
    "number", "flags", "ipv4", "ipv6", "address", "mac", "protocol", "port", "interface", "text", "index", "user",
    "group", "time", "hour", "date", "label",
]  # fmt: skip
"""How constants of a type are read. Several flags may be set at once; `address` is one of either family."""


@dataclass(frozen=True, slots=True)
class DataType:
    """A type by its name in nft, the *title* that messages have for it, and what its values are.

    Its numbers are whole numbers of *bits* bits, whatever their order in memory; IPv4 addresses are those of
    `packet.address`, and so is their least one, the *base*.
    """

    name: str
    title: str
    bits: int
    kind: Kind = "number"
    names: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def one(self) -> str:
        """The title with its article."""
        return f"an {self.title}" if self.title[0] in "aeioAEIOM" else f"a {self.title}"

    @property
    def base(self) -> int:
        """The number of the value whose bits are all 0."""
        return V4_BASE if self.kind == "ipv4" else 0

    @property
    def whole(self) -> Intervals:
        """Every number of the type."""
        return Intervals(((self.base, self.base + (1 << self.bits) - 1),))

    @property
    def named(self) -> bool:
        """Are its values names of interfaces or other texts, and not numbers?"""
        return self.kind in ("interface", "text", "index")


def integer(bits: int, title: str = "integer") -> DataType:
    """Return the type of a number of *bits* bits without a name of its own."""
    return DataType("integer", title, bits)


IPV4 = DataType("ipv4_addr", "IPv4 address", 32, "ipv4")
IPV6 = DataType("ipv6_addr", "IPv6 address", 128, "ipv6")
ADDRESS = DataType("address", "IP address", 129, "address")
MAC = DataType("ether_addr", "Ethernet address", 48, "mac")
ETHER_TYPE = DataType("ether_type", "Ethernet protocol", 16, names=names.ETHER_TYPE)
PROTOCOL = DataType("inet_proto", "Internet protocol", 8, "protocol")
PORT = DataType("inet_service", "port", 16, "port")
MARK = DataType("mark", "mark", 32)
INTERFACE = DataType("ifname", "name of an interface", 128, "interface")
TEXT = DataType("string", "text", 128, "text")
INDEX = DataType("iface_index", "interface", 32, "index")
IFACE_TYPE = DataType("iface_type", "type of interface", 16, names=names.IFACE_TYPE)
ICMP_TYPE = DataType("icmp_type", "ICMP type", 8, names=names.ICMP_TYPE)
ICMP_CODE = DataType("icmp_code", "ICMP code", 8, names=names.ICMP_CODE)
ICMPV6_TYPE = DataType("icmpv6_type", "ICMPv6 type", 8, names=names.ICMPV6_TYPE)
ICMPV6_CODE = DataType("icmpv6_code", "ICMPv6 code", 8, names=names.ICMPV6_CODE)
ICMPX_CODE = DataType("icmpx_code", "ICMP code", 8, names=names.ICMPX_CODE)
TCP_FLAG = DataType("tcp_flag", "TCP flag", 8, "flags", names=names.TCP_FLAG)
CT_STATE = DataType("ct_state", "connection state", 32, "flags", names=names.CT_STATE)
CT_DIRECTION = DataType("ct_dir", "direction of a connection", 8, names=names.CT_DIRECTION)
CT_STATUS = DataType("ct_status", "connection status", 32, "flags", names=names.CT_STATUS)
CT_EVENT = DataType("ct_event", "event of a connection", 32, "flags", names=names.CT_EVENT)
CT_LABEL = DataType("ct_label", "label of a connection", 128, "label")
DSCP = DataType("dscp", "DSCP class", 6, names=names.DSCP)
ECN = DataType("ecn", "ECN value", 2, names=names.ECN)
USER = DataType("uid", "user", 32, "user")
GROUP = DataType("gid", "group", 32, "group")
PKT_TYPE = DataType("pkt_type", "packet type", 8, names=names.PKT_TYPE)
BOOLEAN = DataType("boolean", "boolean", 8, names=names.BOOLEAN)
FLAG = DataType("integer", "flag", 1)
NF_PROTO = DataType("nf_proto", "IP version", 8, names=names.NF_PROTO)
REALM = DataType("realm", "routing realm", 32, names=names.REALM)
CLASS = DataType("classid", "TC class", 32, names=names.CLASS)
DEVICE_GROUP = DataType("devgroup", "group of interfaces", 32, names=names.GROUP)
ARP_OPERATION = DataType("arp_op", "ARP operation", 16, names=names.ARP_OPERATION)
TIME = DataType("time", "time", 64, "time")
DATE = DataType("time", "date", 64, "date")
HOUR = DataType("hour", "time of day", 32, "hour")
DAY = DataType("day", "day of the week", 8, names=names.DAY)
IGMP_TYPE = DataType("igmp_type", "IGMP type", 8, names=names.IGMP_TYPE)
DCCP_TYPE = DataType("dccp_pkttype", "DCCP packet type", 4, names=names.DCCP_TYPE)
MH_TYPE = DataType("mh_type", "type of mobility header", 8, names=names.MH_TYPE)
MPTCP_SUBTYPE = DataType("mptcpopt_subtype", "MPTCP subtype", 4, names=names.MPTCP_SUBTYPE)
CGROUP = DataType("cgroupsv2", "path of a cgroup", 64, "text")
ADDRESS_TYPE = DataType("fib_addrtype", "type of address", 32, names=names.ADDRESS_TYPE)

TYPES: dict[str, DataType] = {
    each.name: each
    for each in (
        IPV4, IPV6, MAC, ETHER_TYPE, PROTOCOL, PORT, MARK, INTERFACE, TEXT, INDEX, IFACE_TYPE, ICMP_TYPE, ICMP_CODE,
        ICMPV6_TYPE, ICMPV6_CODE, ICMPX_CODE, TCP_FLAG, CT_STATE, CT_DIRECTION, CT_STATUS, CT_EVENT, CT_LABEL, DSCP,
        ECN, USER, GROUP, PKT_TYPE, BOOLEAN, NF_PROTO, REALM, CLASS, DEVICE_GROUP, ARP_OPERATION, TIME, HOUR, DAY,
        IGMP_TYPE, DCCP_TYPE, MH_TYPE, CGROUP, ADDRESS_TYPE,
    )
}  # fmt: skip
"""The types that `type` of a set may name."""
