"""Named values as nft 1.0.6 has them (`nft describe`); a test holds them equal to what `nft` here says.

Sources: nft(8), DATA TYPES; nftables 1.0.6: src/datatype.c, src/proto.c, src/ct.c, src/meta.c, src/fib.c, src/exthdr.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ICMP_TYPE: Final[dict[str, int]] = {
    "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8,
    "router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12,
    "timestamp-request": 13, "timestamp-reply": 14, "info-request": 15, "info-reply": 16,
    "address-mask-request": 17, "address-mask-reply": 18,
}  # fmt: skip
ICMP_CODE: Final[dict[str, int]] = {
    "net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2, "port-unreachable": 3, "net-prohibited": 9,
    "host-prohibited": 10, "admin-prohibited": 13, "frag-needed": 4,
}  # fmt: skip
ICMPV6_TYPE: Final[dict[str, int]] = {
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
    "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131,
    "mld-listener-done": 132, "mld-listener-reduction": 132, "nd-router-solicit": 133, "nd-router-advert": 134,
    "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136, "nd-redirect": 137, "router-renumbering": 138,
    "ind-neighbor-solicit": 141, "ind-neighbor-advert": 142, "mld2-listener-report": 143,
}  # fmt: skip
ICMPV6_CODE: Final[dict[str, int]] = {
    "no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3, "port-unreachable": 4, "policy-fail": 5,
    "reject-route": 6,
}  # fmt: skip
ICMPX_CODE: Final[dict[str, int]] = {
    "port-unreachable": 1, "admin-prohibited": 3, "no-route": 0, "host-unreachable": 2,
}  # fmt: skip
TCP_FLAG: Final[dict[str, int]] = {
    "fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128,
}  # fmt: skip
CT_STATE: Final[dict[str, int]] = {"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64}
CT_DIRECTION: Final[dict[str, int]] = {"original": 0, "reply": 1}
CT_STATUS: Final[dict[str, int]] = {
    "expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16, "dnat": 32, "dying": 512,
}  # fmt: skip
CT_EVENT: Final[dict[str, int]] = {
    "new": 1, "related": 2, "destroy": 4, "reply": 8, "assured": 16, "protoinfo": 32, "helper": 64, "mark": 128,
    "seqadj": 256, "secmark": 512, "label": 1024,
}  # fmt: skip
DSCP: Final[dict[str, int]] = {
    **{f"cs{number}": number * 8 for number in range(8)},
    "df": 0, "be": 0, "lephb": 1,
    **{f"af{high}{drop}": high * 8 + drop * 2 for high in range(1, 5) for drop in range(1, 4)},
    "va": 44, "ef": 46,
}  # fmt: skip
ECN: Final[dict[str, int]] = {"not-ect": 0, "ect1": 1, "ect0": 2, "ce": 3}
PKT_TYPE: Final[dict[str, int]] = {"host": 0, "unicast": 0, "broadcast": 1, "multicast": 2, "other": 3}
BOOLEAN: Final[dict[str, int]] = {"exists": 1, "missing": 0}
NF_PROTO: Final[dict[str, int]] = {"ipv4": 2, "ipv6": 10}
ETHER_TYPE: Final[dict[str, int]] = {
    "ip": 0x0800, "arp": 0x0806, "ip6": 0x86DD, "8021q": 0x8100, "8021ad": 0x88A8, "vlan": 0x8100,
}  # fmt: skip
IFACE_TYPE: Final[dict[str, int]] = {
    "ether": 1, "ppp": 512, "ipip": 768, "ipip6": 769, "loopback": 772, "sit": 776, "ipgre": 778,
}  # fmt: skip
IGMP_TYPE: Final[dict[str, int]] = {
    "membership-query": 17, "membership-report-v1": 18, "membership-report-v2": 22, "membership-report-v3": 34,
    "leave-group": 23,
}  # fmt: skip
DCCP_TYPE: Final[dict[str, int]] = {
    "request": 0, "response": 1, "data": 2, "ack": 3, "dataack": 4, "closereq": 5, "close": 6, "reset": 7, "sync": 8,
    "syncack": 9,
}  # fmt: skip
MH_TYPE: Final[dict[str, int]] = {
    "binding-refresh-request": 0, "home-test-init": 1, "careof-test-init": 2, "home-test": 3, "careof-test": 4,
    "binding-update": 5, "binding-acknowledgement": 6, "binding-error": 7, "fast-binding-update": 8,
    "fast-binding-acknowledgement": 9, "fast-binding-advertisement": 10, "experimental-mobility-header": 11,
    "home-agent-switch-message": 12,
}  # fmt: skip
ARP_OPERATION: Final[dict[str, int]] = {
    "request": 1, "reply": 2, "rrequest": 3, "rreply": 4, "inrequest": 8, "inreply": 9, "nak": 10,
}  # fmt: skip
ADDRESS_TYPE: Final[dict[str, int]] = {
    "unspec": 0, "unicast": 1, "local": 2, "broadcast": 3, "anycast": 4, "multicast": 5, "blackhole": 6,
    "unreachable": 7, "prohibit": 8,
}  # fmt: skip
DAY: Final[dict[str, int]] = {
    "Sunday": 0, "Monday": 1, "Tuesday": 2, "Wednesday": 3, "Thursday": 4, "Friday": 5, "Saturday": 6,
}  # fmt: skip
CLASS: Final[dict[str, int]] = {"none": 0, "root": 0xFFFFFFFF}
GROUP: Final[dict[str, int]] = {"default": 0}
REALM: Final[dict[str, int]] = {"default": 0xFD, "cosmos": 0}
TCP_OPTION: Final[dict[str, int]] = {
    "eol": 0, "nop": 1, "noop": 1, "maxseg": 2, "mss": 2, "window": 3, "sack-perm": 4, "sack-permitted": 4, "sack": 5,
    "sack0": 5, "sack1": 5, "sack2": 5, "sack3": 5, "timestamp": 8, "md5sig": 19, "mptcp": 30, "fastopen": 34,
}  # fmt: skip
MPTCP_SUBTYPE: Final[dict[str, int]] = {
    "mp-capable": 0, "mp-join": 1, "dss": 2, "add-addr": 3, "remove-addr": 4, "mp-prio": 5, "mp-fail": 6,
    "mp-fastclose": 7, "mp-tcprst": 8,
}  # fmt: skip
"""Newer than nft 1.0.6."""
PROTOCOL_WORDS: Final[Mapping[str, int]] = {"icmpv6": 58, "comp": 108}
"""Words of the language that are protocols, too, where /etc/protocols has another name."""

PROTOCOL_ALIASES: Final = frozenset({
    "IP", "HOPOPT", "ICMP", "IGMP", "GGP", "IP-ENCAP", "ST", "TCP", "EGP", "IGP", "PUP", "UDP", "HMP", "XNS-IDP",
    "RDP", "ISO-TP4", "DCCP", "XTP", "DDP", "IDPR-CMTP", "IPv6", "IPv6-Route", "IPv6-Frag", "IDRP", "RSVP", "GRE",
    "IPSEC-ESP", "IPSEC-AH", "SKIP", "IPv6-ICMP", "IPv6-NoNxt", "IPv6-Opts", "RSPF", "CPHB", "VMTP", "EIGRP",
    "OSPFIGP", "AX.25", "IPIP", "ETHERIP", "ENCAP", "PIM", "IPCOMP", "VRRP", "L2TP", "ISIS", "SCTP", "FC",
    "Mobility-Header", "UDPLite", "MPLS-in-IP", "Shim6", "WESP", "ROHC", "Ethernet",
})  # fmt: skip
"""The second names of protocols in /etc/protocols, as they are written there (netbase 6.4)."""

RESERVED: Final = frozenset({
    "accept", "add", "all", "and", "auto-merge", "bridge", "cgroup", "chain", "comment", "constant", "continue",
    "counter", "cpu", "create", "ct", "day", "define", "delete", "describe", "device", "devices", "drop", "dst",
    "dup", "dynamic", "element", "elements", "eq", "expires", "export", "exthdr", "fib", "flags", "flow", "flowtable",
    "flush", "frag", "fwd", "gc-interval", "get", "goto", "handle", "hbh", "hook", "hour", "ibrname", "iif",
    "iifname", "import", "include", "index", "inet", "insert", "interval", "ipsec", "jhash", "jump", "limit", "list",
    "log", "map", "mark", "masquerade", "meta", "meter", "mh", "monitor", "ne", "netdev", "nftrace", "notrack",
    "numgen", "obrname", "offload", "oif", "oifname", "or", "osf", "pkttype", "policy", "position", "priority",
    "queue", "quota", "random", "redefine", "reject", "rename", "replace", "return", "rt", "rt0", "rt2", "rtclassid",
    "rule", "ruleset", "secmark", "set", "size", "skgid", "skuid", "socket", "srh", "symhash", "synproxy", "table",
    "th", "time", "timeout", "tproxy", "type", "typeof", "undefine", "update", "vmap", "xt",
})  # fmt: skip
"""Words of the language that are neither names nor values without quotes (src/scanner.l, src/parser_bison.y)."""

RESERVED_NAMES: Final = RESERVED | {
    "ah", "arp", "comp", "dccp", "dnat", "ecn", "esp", "ether", "exists", "icmp", "icmpv6", "igmp", "ip", "ip6",
    "missing", "redirect", "reset", "sctp", "snat", "tcp", "udp", "udplite", "vlan",
}  # fmt: skip
"""Words of the language that nothing can be called; some of them are values."""
