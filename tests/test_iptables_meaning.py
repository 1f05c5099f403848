"""What rules of iptables mean, packet by packet; facts of the kernel as in docs/languages/iptables.md."""

from typing import Any

import pytest

from policy.evaluate import decide
from policy.host import Host
from policy.ir import Unknown, UnknownAction
from policy.languages.iptables import read
from policy.packet import FORWARD, INPUT, OUTPUT, Intervals, Packet, complete
from policy.packet.address import parse_address, parse_prefix
from policy.source import Source

NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmp6": 58, "gre": 47, "sctp": 132}
STATE = {"new": 0, "established": 1, "related": 2, "invalid": 3, "untracked": 4}


def packet(family: int = 4, **given: Any) -> Packet:
    """A packet at INPUT from eth0, or what is given; addresses, protocols and states as text."""
    values: dict[str, Any] = {"hook": INPUT, "src": "192.0.2.1", "dst": "192.0.2.2", "proto": "udp"} | given
    if family == 6:
        values = {"hook": INPUT, "src": "2001:db8::1", "dst": "2001:db8::2", "proto": "udp"} | given
    for side in ("src", "dst"):
        values[side] = parse_address(values[side])
    values["proto"] = NUMBERS.get(values["proto"], values["proto"])
    values["state"] = STATE[values.get("state", "new")]
    if "in_" in values:
        values["in"] = values.pop("in_")
    elif values["hook"] != OUTPUT:
        values["in"] = "eth0"
    if values["hook"] != INPUT:
        values.setdefault("out", "eth1")
    if values["proto"] in (6, 17, 132) and values.get("fragment", 0) != 2:
        values = {"sport": 40000, "dport": 53} | values
    return complete(values)


def verdict(rules: str, found: Packet, family: int = 4, local: Intervals | None = None, **assume: bool) -> str:
    text = rules if rules.startswith("*") else f"*filter\n{rules}\nCOMMIT\n"
    ruleset = read(Source("rules", text), family=family, host=Host(local))
    return decide(ruleset, found, assume={key.replace("__", ":"): value for key, value in assume.items()}).verdict


def matches(rule: str, family: int = 4, **given: Any) -> bool | None:
    """Does the first rule of the packet's chain match?"""
    found = packet(family, **given)
    chain = ("INPUT", "OUTPUT", "FORWARD")[found.values["hook"]]  # type: ignore[index]
    answer = verdict(f"-A {chain} {rule} -j DROP", found, family)
    return {"block": True, "allow": False, "depends": None}[answer]


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        # addresses, interfaces, protocols
        ("-s 192.0.2.0/24", {}, True),
        ("! -s 192.0.2.0/24", {}, False),
        ("-s 10.0.0.1,192.0.2.1", {}, True),
        ("-s 192.0.0.1/255.0.0.255", {}, True),
        ("-s 192.0.0.9/255.0.0.255", {}, False),
        ("! -s 0.0.0.0/0", {}, False),
        ("-i eth+", {}, True),
        ("! -i eth+", {"in_": "wlan0"}, True),
        ("-i +", {"hook": INPUT}, True),
        ("! -i +", {}, False),
        ("! -p tcp", {}, True),
        ("-p all", {}, True),
        # what is not there is not matched, with or without `!`
        ("-p tcp --dport 53", {"proto": "tcp"}, True),
        ("-p tcp ! --dport 53", {"proto": "tcp"}, False),
        ("-p tcp ! --dport 22", {"proto": "tcp"}, True),
        ("-p tcp ! --dport 22", {"proto": "tcp", "fragment": 2}, False),
        ("-p udp --sport 1024:", {}, True),
        ("-p udp -m multiport --dports 1:52,53", {}, True),
        ("-p udp -m multiport ! --ports 53,80", {}, False),
        ("-p udp -m multiport ! --ports 80", {}, True),
        ("-p udp -m multiport ! --ports 80", {"fragment": 2}, False),
        ("! -p tcp --dport 53", {}, True),
        ("! -p tcp --dport 53", {"proto": "gre"}, None),
        ("-p tcp ! --dport 0:65535", {"proto": "tcp"}, None),
        # TCP
        ("-p tcp --syn", {"proto": "tcp", "flags": 2}, True),
        ("-p tcp ! --syn", {"proto": "tcp", "flags": 18}, True),
        ("-p tcp --tcp-flags SYN,ACK SYN", {"proto": "tcp", "flags": 3}, True),
        ("-p tcp --tcp-flags ALL NONE", {"proto": "tcp", "flags": 64}, True),
        ("-p tcp --tcp-flags SYN ACK", {"proto": "tcp", "flags": 16}, False),
        ("-p tcp ! --tcp-flags SYN ACK", {"proto": "tcp", "flags": 16}, True),
        ("-p tcp --tcp-option 2", {"proto": "tcp", "tcp_options": 4}, True),
        ("-p tcp ! --tcp-option 2", {"proto": "tcp", "tcp_options": 4}, False),
        # ICMP
        ("-p icmp --icmp-type echo-request", {"proto": "icmp"}, True),
        ("-p icmp --icmp-type 3/4", {"proto": "icmp", "icmp_type": 3, "icmp_code": 4}, True),
        ("-p icmp ! --icmp-type 3/4", {"proto": "icmp", "icmp_type": 3, "icmp_code": 3}, True),
        ("-p icmp ! --icmp-type 8", {"proto": "icmp", "fragment": 2}, False),
        ("-p icmp --icmp-type any", {"proto": "icmp", "icmp_type": 77}, True),
        ("-p icmp --icmp-type 255", {"proto": "icmp", "icmp_type": 77}, True),
        ("-p icmp ! --icmp-type any", {"proto": "icmp"}, False),
        # fragments
        ("-f", {"fragment": 2}, True),
        ("-f", {"fragment": 1}, False),
        ("! -f", {"fragment": 0}, True),
        # state
        ("-m state --state NEW", {}, True),
        ("-m conntrack ! --ctstate NEW", {"state": "untracked"}, True),
        ("-m conntrack ! --ctstate NEW", {"state": "invalid"}, True),
        ("-m conntrack --ctstate NEW,SNAT", {}, True),
        ("-m conntrack --ctstate SNAT", {}, False),
        ("-m conntrack --ctstate SNAT", {"state": "established"}, None),
        ("-m conntrack --ctstate SNAT", {"state": "established", "ctstatus": 26}, True),
        ("-m conntrack ! --ctstate ESTABLISHED,DNAT", {"state": "established", "ctstatus": 10}, False),
        ("-m conntrack --ctstate SNAT", {"state": "invalid"}, False),
        ("-m conntrack ! --ctstate SNAT", {"state": "invalid"}, True),
        ("-m conntrack --ctdir ORIGINAL", {}, True),
        ("-m conntrack --ctdir REPLY", {"state": "invalid"}, False),
        ("-m conntrack ! --ctstatus ASSURED", {"state": "untracked"}, False),
        ("-m conntrack ! --ctstatus ASSURED", {}, True),
        ("-m conntrack --ctstatus ASSURED", {"state": "established", "ctstatus": 10}, None),
        ("-m conntrack --ctstatus ASSURED", {"proto": "tcp", "state": "established", "ctstatus": 10}, False),
        ("-m conntrack --ctstatus ASSURED", {"state": "established", "ctstatus": 14}, True),
        ("-m conntrack --ctstatus NONE", {}, False),
        ("-m conntrack ! --ctstatus NONE", {}, True),
        ("-m conntrack ! --ctstatus NONE", {"state": "untracked"}, False),
        ("-m conntrack --ctstatus NONE,SEEN_REPLY", {"state": "established", "ctstatus": 2}, True),
        ("-m conntrack --ctproto udp", {}, True),
        ("-m conntrack --ctproto udp", {"state": "related", "proto": "icmp", "icmp_type": 3}, None),
        ("-m conntrack ! --ctproto 6", {}, True),
        ("-m conntrack --ctorigsrc 192.0.2.1", {}, True),
        ("-m conntrack --ctorigsrc 192.0.2.0/30 ! --ctorigdst 192.0.2.2", {}, False),
        ("-m conntrack --ctreplsrc 192.0.2.2 --ctrepldst 192.0.2.1", {}, True),
        ("-m conntrack --ctorigsrc 192.0.2.2", {"state": "established", "direction": 1}, True),
        ("-m conntrack --ctorigsrc 192.0.2.2", {"state": "established"}, None),
        ("-m conntrack ! --ctorigsrc 192.0.2.2", {"state": "invalid"}, False),
        ("-m conntrack --ctorigsrc 192.0.2.7", {"state": "related", "proto": "icmp", "icmp_type": 3}, None),
        ("-p udp -m conntrack --ctorigdstport 53:54", {"dport": 54}, True),
        ("-p udp -m conntrack --ctrepldstport 53", {"dport": 54, "sport": 53}, True),
        ("-m conntrack --ctorigdstport 0", {"proto": "gre"}, None),
        ("-m connmark --mark 0", {}, True),
        ("-m connmark ! --mark 5", {"ctmark": 4}, True),
        ("-m connmark --mark 4/6", {"ctmark": 5}, True),
        ("-m connmark --mark 1", {"state": "established"}, None),
        ("-m connmark ! --mark 1", {"state": "invalid"}, False),
        ("-m conntrack --ctstate INVALID --ctstatus ASSURED", {"state": "invalid"}, True),
        # the rest of the header
        ("-m iprange --src-range 192.0.2.9-192.0.2.1", {}, False),
        ("-m iprange ! --src-range 192.0.2.9-192.0.2.1", {}, True),
        ("-m length --length 100:200", {"length": 150}, True),
        ("-m length --length 200:100", {"length": 150}, False),
        ("-m ttl --ttl-lt 65", {"ttl": 64}, True),
        ("-m ttl --ttl-eq 63", {"ttl": 64, "hook": FORWARD}, True),
        ("-m ttl ! --ttl-eq 64", {"ttl": 64, "hook": FORWARD}, True),
        ("-m dscp --dscp-class EF", {"tos": 46 << 2 | 1}, True),
        ("-m dscp ! --dscp 46", {"tos": 46 << 2}, False),
        ("-m tos --tos 0x10", {"tos": 0x11}, False),
        ("-m tos --tos Minimize-Delay", {"tos": 0x50}, True),
        ("-m mark --mark 0x1/0xff", {"mark": 0x101}, True),
        ("-m mark --mark 0x100/0xff", {"mark": 0x100}, False),
        ("-m mac --mac-source 00:16:3e:00:00:01", {"mac": 0x00163E000001}, True),
        ("-m mac ! --mac-source 00:16:3e:00:00:01", {"mac": 0x00163E000001}, False),
        ("-m mac ! --mac-source 00:16:3e:00:00:01", {"in_": "lo", "mac": 0}, False),
        ("-m pkttype --pkt-type multicast", {"dst": "224.0.0.1"}, True),
        ("-m owner --uid-owner root", {"hook": OUTPUT, "uid": 0}, True),
        ("-m owner ! --uid-owner 1000-2000", {"hook": OUTPUT, "uid": 1500}, False),
        ("-m owner --uid-owner alice", {"hook": OUTPUT, "uid": 0}, None),
        # addresses of the host
        ("-m addrtype --dst-type MULTICAST", {"dst": "224.0.0.1"}, True),
        ("-m addrtype --dst-type LOCAL", {"dst": "127.0.0.5"}, True),
        ("-m addrtype --dst-type LOCAL", {}, None),
        ("-m addrtype ! --dst-type LOCAL", {"dst": "224.0.0.1"}, True),
        ("-m addrtype --dst-type BROADCAST", {"dst": "255.255.255.255"}, True),
        ("-m addrtype --src-type UNICAST", {"src": "255.255.255.255"}, False),
        # what is not known
        ("-m recent --set", {}, True),
        ("-m recent ! --set", {}, False),
        ("-m recent --rcheck", {}, None),
        ("-m limit --limit 5/min", {}, None),
        ("-s pxe.example.org", {}, None),
        ("-m set ! --match-set list src", {}, None),
        ("-m geoip --src-cc CN", {}, None),
        ("-p gre -m geoip --src-cc CN", {}, False),
        ("-m comment --comment text", {}, True),
    ],
)
def test_matches(rule: str, given: dict[str, Any], expected: bool | None) -> None:
    assert matches(rule, **given) is expected


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        ("-p icmp", {"proto": "icmp6"}, False),
        ("-p ipv6-icmp --icmpv6-type echo-request", {"proto": "icmp6"}, True),
        ("-p ipv6-icmp ! --icmpv6-type 128/0", {"proto": "icmp6"}, False),
        ("-s 2001:db8::/32", {}, True),
        ("-s ::1/::ffff", {}, True),
        ("-m hl --hl-gt 63", {"ttl": 64}, True),
        ("-m hl --hl-gt 63", {"ttl": 64, "hook": FORWARD}, False),
        ("-m frag", {"exthdrs": 8}, True),
        ("-m frag --fragfirst", {"exthdrs": 8, "fragment": 2}, False),
        ("-m frag --fragid 5", {"exthdrs": 8}, None),
        ("-m frag --fragid 5", {"exthdrs": 0}, False),
        ("-m ipv6header --header frag --soft", {"exthdrs": 9}, True),
        ("-m ipv6header --header frag", {"exthdrs": 9}, False),
        ("-m ipv6header ! --header frag", {"exthdrs": 9}, True),
        ("-m rt --rt-type 0", {"exthdrs": 4}, None),
        ("-m addrtype --dst-type LOCAL", {"dst": "::1", "src": "::1", "in_": "lo"}, True),
        ("-m conntrack ! --ctproto 17", {"proto": 51, "state": "established"}, None),
        ("-p 50 -m conntrack --ctproto 50", {"proto": 50, "state": "established"}, True),
    ],
)
def test_matches_of_ipv6(rule: str, given: dict[str, Any], expected: bool | None) -> None:
    assert matches(rule, family=6, **given) is expected


def test_local_addresses_settle_the_type() -> None:
    rules = "-A INPUT -m addrtype --dst-type LOCAL -j DROP"
    assert verdict(rules, packet(), local=parse_prefix("192.0.2.2")) == "block"
    assert verdict(rules, packet(), local=parse_prefix("192.0.2.3")) == "allow"
    assert verdict(rules, packet(), addrtype__dst__LOCAL=True) == "block"


def test_no_output_interface_at_input() -> None:
    rules = ":a - [0:0]\n-A INPUT -j a\n-A a ! -o eth1 -j DROP"
    assert verdict(rules, packet()) == "block"
    assert verdict(":a -\n-A INPUT -j a\n-A a -o eth1 -j DROP", packet()) == "allow"


def test_chains() -> None:
    rules = """:INPUT DROP [0:0]
:called - [0:0]
:gone - [0:0]
-A INPUT -s 192.0.2.1 -j called
-A INPUT -s 192.0.2.7 -g gone
-A INPUT -j ACCEPT
-A called -p udp -j RETURN
-A called -j DROP
-A gone -p udp -j RETURN"""
    assert verdict(rules, packet()) == "allow"
    assert verdict(rules, packet(proto="gre")) == "block"
    assert verdict(rules, packet(src="192.0.2.7")) == "block"
    assert verdict(rules, packet(src="192.0.2.8")) == "allow"


def test_commands() -> None:
    insert = "-A INPUT -j DROP\n-I INPUT -p udp -j ACCEPT\n-I INPUT 2 -p gre -j ACCEPT"
    assert verdict(insert, packet()) == "allow"
    assert verdict(insert, packet(proto="gre")) == "allow"
    assert verdict(insert, packet(proto="tcp")) == "block"
    assert verdict("-A INPUT -j DROP\n-D INPUT -j DROP", packet()) == "allow"
    assert verdict("-A INPUT -j DROP\n-D INPUT 1", packet()) == "allow"
    assert verdict("-A INPUT -j DROP\n-F INPUT", packet()) == "allow"
    assert verdict("-A INPUT -j DROP\n-F", packet()) == "allow"
    assert verdict("-P INPUT DROP", packet()) == "block"
    assert verdict("-A INPUT -j DROP\n-N a\n-X a\n-C INPUT -j DROP\n-L\n-Z", packet()) == "block"
    assert verdict("-A INPUT -6 -j DROP", packet()) == "allow"


def test_a_second_block_replaces_the_first() -> None:
    rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -j DROP\nCOMMIT\n*filter\n-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n"
    assert verdict(rules, packet()) == "allow"


def test_actions() -> None:
    assert verdict("-A INPUT -j LOG --log-prefix x\n-A INPUT\n-A INPUT -j REJECT", packet()) == "block"
    assert verdict("-A INPUT -j nosuch", packet()) == "depends"
    assert verdict("-A INPUT -j NFQUEUE --queue-bypass", packet()) == "depends"
    assert verdict("-A INPUT -p tcp -j SYNPROXY", packet(proto="tcp")) == "depends"
    assert verdict("-A INPUT -m limit --limit 1/s -j LOG", packet()) == "allow"


OTHER = "*{table}\n{rules}\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n-A INPUT -m mark --mark 5 -j ACCEPT\nCOMMIT\n"


@pytest.mark.parametrize(
    ("table", "rules", "expected"),
    [
        ("mangle", "-A PREROUTING -j MARK --set-mark 5", "allow"),
        ("mangle", "-A PREROUTING -j MARK --set-mark 4\n-A INPUT -j MARK --or-mark 1", "allow"),
        ("mangle", "-A INPUT -j MARK --set-xmark 0x7/0xff\n-A INPUT -j MARK --xor-mark 2", "allow"),
        ("mangle", "-A INPUT -j MARK --set-mark 0xf5\n-A INPUT -j MARK --and-mark 0x0f", "allow"),
        ("mangle", "-A POSTROUTING -j MARK --set-mark 5", "block"),
        ("mangle", "-A INPUT -j CONNMARK --restore-mark", "block"),
        ("mangle", "-A INPUT -j CONNMARK --set-mark 5\n-A INPUT -j CONNMARK --restore-mark", "allow"),
        ("mangle", "-A INPUT -j CONNMARK --set-mark 7\n-A INPUT -j CONNMARK --restore-mark --ctmask 5", "allow"),
        ("mangle", "-A INPUT -j CONNMARK --set-mark 5\n-A INPUT -j CONNMARK --restore-mark --mask 3", "block"),
        ("raw", "-A PREROUTING -j CONNMARK --set-mark 5\n-A PREROUTING -j CONNMARK --restore-mark", "block"),
        ("mangle", "-A INPUT -j CONNMARK --save-mark", "block"),
        ("mangle", "-A INPUT -j ACCEPT\n-A INPUT -j MARK --set-mark 5", "block"),
        ("nat", "-A PREROUTING -p udp -j DNAT --to-destination 10.0.0.1", "depends"),
        ("nat", "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1", "block"),
        ("nat", "-A INPUT -j SNAT --to-source 10.0.0.1", "block"),
        ("raw", "-A PREROUTING -p udp -j CT --notrack", "block"),
        ("raw", "-A PREROUTING -m state --state NEW -j CT --notrack", "block"),
        ("mangle", "-A PREROUTING -p udp -j TPROXY --on-port 80", "depends"),
        ("mangle", "-A INPUT -j TEE --gateway 10.0.0.1", "block"),
    ],
)
def test_other_tables(table: str, rules: str, expected: str) -> None:
    assert verdict(OTHER.format(table=table, rules=rules), packet()) == expected


def test_nat_sees_the_first_packet_of_a_connection() -> None:
    rules = "*nat\n:PREROUTING DROP [0:0]\n-A PREROUTING -p gre -j DNAT --to-destination 10.0.0.1\nCOMMIT\n"
    assert verdict(rules, packet()) == "block"
    assert verdict(rules, packet(proto="gre")) == "allow"
    assert verdict(rules, packet(state="established")) == "allow"
    assert verdict(rules, packet(proto="gre", state="established")) == "allow"


def test_a_policy_outside_the_filter_table() -> None:
    rules = "*mangle\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p gre -j RETURN\nCOMMIT\n"
    assert verdict(rules, packet(proto="tcp")) == "allow"
    assert verdict(rules, packet(proto="gre")) == "block"
    assert verdict(rules, packet(proto="udp")) == "block"


def test_the_answer_names_what_it_depends_on() -> None:
    rules = "*mangle\n-A PREROUTING -p tcp -j TPROXY --on-port 3128\nCOMMIT\n*filter\n:INPUT DROP\nCOMMIT\n"
    decision = decide(read(Source("rules", rules)), packet(proto="tcp"))
    (open_,) = decision.open
    assert isinstance(open_, UnknownAction)
    assert "TPROXY --on-port 3128" in open_.text
    rules = "*filter\n-A INPUT -m time --timestart 08:00 --timestop 18:00 -j DROP\nCOMMIT\n"
    (condition,) = decide(read(Source("rules", rules)), packet()).open
    assert isinstance(condition, Unknown)
    assert condition.key == "time:08:00-18:00"


@pytest.mark.parametrize(
    ("rule", "key", "pure"),
    [
        ("-m set --match-set blocklist src", "set:blocklist:src", True),
        ("-m limit --limit 5/min", "limit:5/min:5", False),
        ("-s pxe.example.org", "host:pxe.example.org:src", True),
        ("-m recent --name ssh --rcheck --seconds 60", "recent:rcheck:ssh", False),
        ("-m connlimit --connlimit-above 5", "connlimit-above:5", False),
        ("-m hashlimit --hashlimit-upto 5/s --hashlimit-name web", "hashlimit:web:5/s", False),
        ("-m statistic --mode random --probability 0.5", "statistic:random:0.5", False),
        ("-m addrtype --dst-type LOCAL", "addrtype:dst:LOCAL", True),
        ("-m string --algo bm --string a", "string:algo:bm:string:a", True),
        ("-m conntrack --ctexpire 5", "ctexpire:5", False),
    ],
)
def test_keys(rule: str, key: str, pure: bool) -> None:
    decision = decide(read(Source("rules", f"*filter\n-A INPUT {rule} -j DROP\nCOMMIT\n")), packet())
    assert [(atom.key, atom.pure) for atom in decision.open if isinstance(atom, Unknown)] == [(key, pure)]


def test_equal_limits_are_two_and_equal_sets_are_one() -> None:
    twice = "-A INPUT -m {m} -j DROP\n-A INPUT -m {m} -j ACCEPT\n-A INPUT -j DROP"
    limit = decide(read(Source("r", f"*filter\n{twice.format(m='limit')}\nCOMMIT\n")), packet())
    sets = decide(read(Source("r", f"*filter\n{twice.format(m='set --match-set a src')}\nCOMMIT\n")), packet())
    assert (limit.verdict, sets.verdict) == ("depends", "block")


def test_nesting() -> None:
    def nested(depth: int) -> str:
        chains = [f":c{i} - [0:0]" for i in range(depth)]
        jumps = [f"-A c{i} -j c{i + 1}" for i in range(depth - 1)]
        return "\n".join([*chains, "-A INPUT -j c0", *jumps, f"-A c{depth - 1} -j DROP"])

    assert verdict(nested(15), packet()) == "block"
    with pytest.raises(Exception, match="1 mistakes"):
        verdict(nested(16), packet())
