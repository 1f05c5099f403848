"""What nft and the kernel refuse: each case has a code and a place, its neighbour is read; nft says so too."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

import pytest

from policy.diagnostic import Diagnostic, Mistakes
from policy.languages.nftables import read
from policy.source import Source

NFT = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin:/bin")

INPUT = "type filter hook input priority 0"
PRE = "type filter hook prerouting priority -150"
EGRESS = 'type filter hook egress device "lo" priority 0'
NAT = "type nat hook prerouting priority 0"


@dataclass(frozen=True)
class Wrong:
    """A rule that is refused with *code* at *words*, and one that is not."""

    rule: str
    code: str
    words: str
    right: str
    hook: str = INPUT
    family: str = "inet"


RULES = [
    # Nothing stands behind a verdict.
    Wrong("tcp dport 22 accept drop", "FW001", "drop", "continue drop"),
    Wrong("accept counter", "FW001", "counter", "counter accept"),
    Wrong("reject counter", "FW001", "counter", "counter reject"),
    Wrong("queue counter", "FW001", "counter", "counter log"),
    Wrong("ip daddr 1.1.1.1 dnat to 2.2.2.2 counter", "FW001", "counter", "counter dnat ip to 2.2.2.2", NAT),
    # Words and numbers of statements.
    Wrong("log level loud", "FW001", "log level loud", "log level warn"),
    Wrong("log level alert group 2", "FW001", "log level alert group 2", 'log group 2 prefix "x"'),
    Wrong('log level audit prefix "x"', "FW001", 'log level audit prefix "x"', "log level audit"),
    Wrong("limit rate 10/fortnight", "FW001", "limit rate 10/fortnight", "limit rate 10/week"),
    Wrong("limit rate 0/second", "FW001", "limit rate 0/second", "limit rate 1/second"),
    Wrong(
        "limit rate 1/second burst 5 bytes",
        "FW001",
        "limit rate 1/second burst 5 bytes",
        "limit rate 1/second burst 5 packets",
    ),
    Wrong(
        "limit rate 18446744073709551616/second",
        "FW001",
        "limit rate 18446744073709551616/second",
        "limit rate 18446744073709551610/second",
    ),
    Wrong(
        "limit rate 1/day burst 213504 packets",
        "FW001",
        "limit rate 1/day burst 213504 packets",
        "limit rate 1/day burst 213503 packets",
    ),
    Wrong(
        "limit rate 30500 bytes/week burst 1 bytes",
        "FW001",
        "limit rate 30500 bytes/week burst 1 bytes",
        "limit rate 30500 bytes/week",
    ),
    Wrong(
        "limit rate 17593 mbytes/second", "FW001", "limit rate 17593 mbytes/second", "limit rate 17592 mbytes/second"
    ),
    Wrong(
        "limit rate 1/second burst 0 packets",
        "FW001",
        "limit rate 1/second burst 0 packets",
        "limit rate 1 bytes/second burst 0 bytes",
    ),
    Wrong(
        "limit rate 1/second burst 5", "FW001", "limit rate 1/second burst 5", "limit rate 1/second burst 0x5 packets"
    ),
    Wrong("limit rate 5 packets/second", "FW001", "limit rate 5 packets/second", "limit rate 5 bytes/second"),
    Wrong(
        "quota 9223372036854775808 bytes", "FW001", "quota 9223372036854775808 bytes", "quota 9223372036854775807 bytes"
    ),
    Wrong("quota 9007199254740992 kbytes", "FW001", "quota 9007199254740992 kbytes", "quota 9007199254740991 kbytes"),
    Wrong("quota 5 bytes used 6 bytes", "FW001", "quota 5 bytes used 6 bytes", "quota 5 bytes used 5 bytes"),
    Wrong(
        "counter packets 18446744073709551616 bytes 0",
        "FW001",
        "counter packets 18446744073709551616 bytes 0",
        "counter packets 18446744073709551615 bytes 0",
    ),
    Wrong("log group 18446744073709551616", "FW001", "log group 18446744073709551616", "log group 65535"),
    Wrong("quota 5 gbytes", "FW001", "quota 5 gbytes", "quota over 5 mbytes"),
    Wrong("queue num 65536", "FW001", "65536", "limit rate 1/second"),
    Wrong("queue num 3-1", "FW502", "3-1", "counter"),
    Wrong("queue to 3-1", "FW502", "3-1", "counter"),
    Wrong("queue flags fanout to 1", "FW001", "queue flags fanout to 1", "counter"),
    Wrong("meta mark set { 1, 2 }", "FW001", "{ 1, 2 }", "meta mark set 1"),
    Wrong("ip dscp set 64", "FW001", "64", "ip dscp set 63"),
    Wrong("reset tcp option nonsense", "FW001", "tcp option nonsense", "reset tcp option sack-perm"),
    # Names are as /etc/services and /etc/protocols write them.
    Wrong("tcp dport SSH", "FW701", "SSH", "tcp dport ssh"),
    Wrong("tcp dport { 22, Domain }", "FW701", "Domain", "tcp dport { 22, domain }"),
    Wrong("ip protocol Tcp", "FW001", "Tcp", "ip protocol TCP"),
    Wrong("meta l4proto ESP", "FW001", "ESP", "meta l4proto IPSEC-ESP"),
    Wrong("meta l4proto IPV6-ICMP", "FW001", "IPV6-ICMP", "meta l4proto IPv6-ICMP"),
    # What a rule says of protocols.
    Wrong("ip saddr 1.1.1.1 ip6 daddr ::1", "FW603", "ip6 daddr", "ip saddr 1.1.1.1 ip daddr 1.1.1.1"),
    Wrong("tcp dport 22 udp dport 22", "FW001", "udp dport", "tcp dport 22 tcp sport 22"),
    Wrong("meta l4proto { tcp, udp } tcp dport 22", "FW001", "tcp dport", "meta l4proto { tcp, udp } th dport 22"),
    Wrong("icmp type 2 icmp mtu 5", "FW001", "icmp mtu", "icmp type 3 icmp mtu 5"),
    Wrong("ct original saddr 1.1.1.1", "FW001", "ct original saddr", "ct original ip saddr 1.1.1.1"),
    Wrong("udp dport 1 reject with tcp reset", "FW001", "reject with tcp reset", "tcp dport 1 reject with tcp reset"),
    Wrong(
        "ip6 saddr ::1 reject with icmp host-unreachable",
        "FW603",
        "reject with icmp host-unreachable",
        "ip saddr 1.1.1.1 reject with icmp host-unreachable",
    ),
    Wrong("jhash ip saddr mod 8 == 1", "FW603", "ip saddr", "jhash ip6 saddr mod 8 == 1", family="ip6"),
    Wrong("dnat to 1.2.3.4", "FW001", "dnat to 1.2.3.4", "dnat ip to 1.2.3.4", NAT),
    Wrong("redirect to :80", "FW504", "redirect to :80", "tcp dport 1 redirect to :80", NAT),
    Wrong("tcp dport 1 redirect to 10.0.0.1", "FW701", "10.0.0.1", "tcp dport 1 redirect to 80", NAT),
    Wrong("ip6 daddr ::1 dnat to 1.2.3.4", "FW603", "1.2.3.4", "ip6 daddr ::1 dnat to ::2", NAT),
    Wrong("tproxy to :50", "FW504", "tproxy to :50", "meta l4proto tcp tproxy to :50", PRE),
    # Where the kernel takes a statement.
    Wrong("fib daddr . oif type local", "FW001", "fib daddr . oif type", "fib daddr . iif type local"),
    Wrong('fib saddr . oif oif "lo"', "FW001", "fib saddr . oif oif", 'fib saddr . iif oif "lo"'),
    Wrong("meta pkttype set host", "FW001", "meta pkttype", "counter"),
    Wrong("meta pkttype set host", "FW001", "meta pkttype", "dup to lo", EGRESS, "netdev"),
    Wrong("dup to 10.0.0.1", "FW001", "dup to 10.0.0.1", "counter"),
    Wrong("dup to 10.0.0.1", "FW001", "dup to 10.0.0.1", "counter", family="bridge"),
    Wrong("dup to lo device lo", "FW001", "dup to lo device lo", "dup to lo", EGRESS, "netdev"),
    Wrong("fwd to lo drop", "FW001", "drop", "fwd ip to 10.0.0.1 device lo", EGRESS, "netdev"),
    Wrong("dup to ::1", "FW603", "::1", "dup to 10.0.0.1 device lo", family="ip"),
    Wrong("fwd to lo", "FW001", "fwd to lo", "dup to 10.0.0.1", family="ip"),
    Wrong("fwd ip6 to 10.0.0.1 device lo", "FW603", "10.0.0.1", "fwd ip6 to fe80::1 device lo", EGRESS, "netdev"),
    # Names that there are not.
    Wrong("jump nowhere", "FW701", "nowhere", "jump other"),
    Wrong("ip saddr vmap { 1.1.1.1 : goto nowhere }", "FW701", "nowhere", "ip saddr vmap { 1.1.1.1 : goto other }"),
    Wrong("jump base", "FW820", "base", "jump other"),
    Wrong("ip saddr @nowhere drop", "FW701", "@nowhere", "ip saddr @known drop"),
    Wrong('counter name "nowhere"', "FW701", '"nowhere"', 'counter name "known"'),
    # Sets without elements.
    Wrong("ip saddr { } drop", "FW001", "{ }", "ip saddr { 1.1.1.1, } drop"),
    Wrong("ip saddr . tcp dport != {} drop", "FW001", "{}", "ip saddr . tcp dport != { 1.1.1.1 . 22 } drop"),
    Wrong("tcp dport vmap { }", "FW001", "{ }", "tcp dport vmap { 22 : drop }"),
    Wrong("meta mark set tcp dport map { }", "FW001", "{ }", "meta mark set tcp dport map { 22 : 1 }"),
    # Words of the language.
    Wrong("iifname != accept drop", "FW001", "accept", 'iifname != "accept" drop'),
    Wrong("iifname { eth0, rule } drop", "FW001", "rule", 'iifname { eth0, "rule", state } drop'),
    Wrong("ip saddr udp drop", "FW003", "udp", "ip saddr 1.1.1.1 drop"),
    Wrong("ct original ip saddr mark drop", "FW003", "mark", "ct original ip saddr 1.1.1.1 drop"),
    Wrong("log prefix accept", "FW001", "accept", "log prefix state"),
    # Maps with two values for a key.
    Wrong(
        "tcp dport vmap { 22 : accept, 20-30 : drop }",
        "FW001",
        "20-30",
        "tcp dport vmap { 22 : accept, 23-30 : drop }",
    ),
    # Families that are only checked.
    Wrong("vlan id 4096", "FW001", "4096", "vlan id 4095", family="bridge"),
    Wrong("ether type ip vlan id 1", "FW001", "vlan id", "ether type vlan vlan id 1", family="bridge"),
    Wrong("ip saddr 1.1.1.1 arp htype 1", "FW001", "arp htype", "arp htype 1", family="bridge"),
]


def script(rule: str, hook: str, family: str) -> str:
    known = "" if family in ("bridge", "netdev") else "set known {\ntype ipv4_addr\n}\ncounter known {\n}\n"
    others = f"{known}chain other {{\n}}\nchain base {{\n{INPUT if family != 'netdev' else EGRESS}\n}}\n"
    return f"table {family} t {{\n{others}chain c {{\n{hook}\n{rule}\n}}\n}}\n"


def refused(text: str) -> list[Diagnostic]:
    try:
        read(Source("<text>", text))
    except Mistakes as mistakes:
        return mistakes.diagnostics
    return []


def asked(text: str) -> bool | None:
    """Does nft take a script? None where it cannot be asked, or the kernel lacks something."""
    if NFT is None or subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode:
        return None
    command = ["unshare", "-n", str(NFT), "-f", "-"]
    answer = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    return answer.returncode == 0


@pytest.mark.parametrize("wrong", RULES, ids=[each.rule for each in RULES])
def test_a_rule_that_nft_refuses(wrong: Wrong) -> None:
    text = script(wrong.rule, wrong.hook, wrong.family)
    found = refused(text)
    assert [(each.code, each.span.text) for each in found] == [(wrong.code, wrong.words)], [e.message for e in found]
    assert asked(text) in (False, None)


@pytest.mark.parametrize("wrong", RULES, ids=[each.right for each in RULES])
def test_its_neighbour_is_read(wrong: Wrong) -> None:
    text = script(wrong.right, wrong.hook, wrong.family)
    assert [each.message for each in refused(text)] == []
    assert asked(text) in (True, None)


SCRIPTS = {
    "a name of 256 bytes": (f"table ip {'t' * 256} {{\n}}\n", "FW001"),
    "a flag that there is not": ("table ip t {\nflags sleepy\n}\n", "FW001"),
    "a circle": (
        f"table ip t {{\nchain a {{\njump b\n}}\nchain b {{\njump a\n}}\nchain c {{\n{INPUT}\njump a\n}}\n}}\n",
        "FW116",
    ),
    "a chain that is made later": ("table ip t {\nchain a {\njump b\n}\n}\ntable ip t {\nchain b {\n}\n}\n", "FW701"),
    "a set that is made later": (
        "table ip t {\nchain a {\nip saddr @s drop\n}\n}\ntable ip t {\nset s {\ntype ipv4_addr\n}\n}\n", "FW701",
    ),
    "a base chain that was none": (
        f"table ip t {{\nchain a {{\n}}\n}}\ntable ip t {{\nchain a {{\n{INPUT}\n}}\n}}\n", "FW703",
    ),
    "another type of a set": (
        "table ip t {\nset s {\ntype ipv4_addr\n}\n}\ntable ip t {\nset s {\ntype mark\n}\n}\n", "FW703",
    ),
    "a set that is a map": (
        "table ip t {\nset s {\ntype mark\n}\n}\ntable ip t {\nmap s {\ntype mark : mark\n}\n}\n", "FW703",
    ),
    "intervals over each other": (
        "table ip t {\nset s {\ntype ipv4_addr\nflags interval\nelements = { 1.1.1.0/24, 1.1.1.1 }\n}\n}\n", "FW703",
    ),
    "a prefix in a set without intervals": (
        "table ip t {\nset s {\ntype ipv4_addr\nelements = { 1.1.1.0/24 }\n}\n}\n", "FW001",
    ),
    "the beginning of names in a set without intervals": (
        'table ip t {\nset s {\ntype ifname\nelements = { "lo", "eth*" }\n}\n}\n', "FW001"),
    "the beginning of names in a part of a key": (
        'table ip t {\nset s {\ntype ifname . ipv4_addr\nelements = { "eth*" . 1.1.1.1 }\n}\n}\n', "FW001"),
    "merging without intervals": ("table ip t {\nset s {\ntype ipv4_addr\nauto-merge\n}\n}\n", "FW001"),
    "a value in a set": ("table ip t {\nset s {\ntype mark\nelements = { 1 : 2 }\n}\n}\n", "FW001"),
    "a type of values that there is not": ("table ip t {\nmap s {\ntype mark : marks\n}\n}\n", "FW001"),
    "two values for a key": (
        "table ip t {\nmap s {\ntype ipv4_addr : mark\nelements = { 1.1.1.1 : 1, 1.1.1.1 : 2 }\n}\n}\n", "FW703",
    ),
    "an element of another type": ("table ip t {\nset s {\ntype ipv4_addr\nelements = { ::1 }\n}\n}\n", "FW603"),
    "more elements than there is room for": (
        "table ip t {\nset s {\ntype ipv4_addr\nsize 1\nelements = { 1.1.1.1, 1.1.1.2 }\n}\n}\n", "FW820",
    ),
    "a variable twice": ("define a = 1\ndefine a = 2\n", "FW703"),
    "a variable of the text around": ("define a = 1\ntable ip t {\ndefine a = 2\n}\n", "FW703"),
    "a variable that is not there": ("table ip t {\nchain c {\nmeta mark $a\n}\n}\n", "FW701"),
    "a variable in a text": ("table ip t {\nchain c {\nlog prefix \"$a\"\n}\n}\n", "FW701"),
    "a prefix of another IP version": (
        f"table ip t {{\nchain c {{\n{NAT}\ndnat ip prefix to ::1/64\n}}\n}}\n", "FW003",
    ),
    "a limit of a table that is too large": (
        "table ip t {\nlimit a {\nrate 1/week burst 30501 packets\n}\n}\n", "FW001",
    ),
    "a limit of a table of 0": ("table ip t {\nlimit a {\nrate 0/second\n}\n}\n", "FW001"),
    "a quota of a table that is too large": (
        "table ip t {\nquota a {\nover 9223372036854775808 bytes\n}\n}\n", "FW001",
    ),
    "a set without elements between its braces": ("table ip t {\nset s {\ntype mark\nelements = { }\n}\n}\n", "FW001"),
    "no elements to add": ("table ip t {\nset s {\ntype mark\n}\n}\nadd element t s { }\n", "FW001"),
    "no elements to delete": ("table ip t {\nset s {\ntype mark\n}\n}\ndelete element t s {}\n", "FW001"),
    "a variable without elements": ("define a = { }\ntable ip t {\nchain c {\nmeta mark $a\n}\n}\n", "FW001"),
    "a variable without elements in a set": (
        "define a = { }\ntable ip t {\nchain c {\nmeta mark { $a }\n}\n}\n", "FW001",
    ),
    "a word of the language as a name of a chain": ("table ip t {\nchain rule {\n}\n}\n", "FW001"),
    "a protocol as a name of a set": ("table ip t {\nset tcp {\ntype mark\n}\n}\n", "FW001"),
    "a word of the language as a variable": ("define table = 1\ntable ip t {\n}\n", "FW001"),
    "a verdict as a variable": ("define p = accept\ntable ip t {\n}\n", "FW001"),
    "a name in quotes": ("table ip t {\ncounter \"x\" {\n}\n}\n", "FW001"),
    "a chain in quotes": ("table ip t {\nchain c {\njump \"d\"\n}\nchain d {\n}\n}\n", "FW001"),
    "a number as a name": ("table ip t {\nchain 5 {\n}\n}\n", "FW001"),
    "a variable as a name": ("define a = x\ntable ip $a {\n}\n", "FW001"),
    "an expectation that says too little": ("table ip t {\nct expectation e {\nprotocol tcp\n}\n}\n", "FW001"),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_nft_refuses(name: str) -> None:
    text, code = SCRIPTS[name]
    assert [each.code for each in refused(text)] == [code]
    assert asked(text) in (False, None)


READ = {
    "CR LF behind comments": "# a\r\ntable ip t {\n# b\r\n}\n",
    "a kind of packet where it may be set": (
        f"table inet t {{\nchain c {{\n{PRE}\nmeta pkttype set host\n}}\nchain d {{\nmeta pkttype set host\n}}\n}}\n"
    ),
    "a limit of a table": "table ip t {\nlimit a {\nrate over 5 / second burst 7 packets\n}\n}\n",
    "a quota of a table": "table ip t {\nquota a {\nover 9223372036854775807 bytes\n}\n}\n",
    "a variable without elements": (
        "define a = { }\ntable ip t {\nset s {\ntype mark\nelements = $a\n}\nchain c {\nmeta mark { 1, $a }\n}\n}\n"
        "add element t s $a\n"
    ),
    "words of the language that may be names": (
        "table ip state {\nchain filter {\n}\nset label {\ntype mark\n}\nchain accept-x {\n}\n}\n"
    ),
    "a chain that a variable names": "define a = d\ntable ip t {\nchain d {\n}\nchain c {\njump $a\n}\n}\n",
    "names of 255 bytes": f"table ip {'t' * 255} {{\nchain {'c' * 255} {{\n}}\n}}\n",
    "a circle that no packet comes to": "table ip t {\nchain a {\njump b\n}\nchain b {\njump a\n}\n}\n",
    "a chain that is made later in the block": "table ip t {\nchain a {\njump b\n}\nchain b {\n}\n}\n",
    "maps to all that there is": (
        "table ip t {\nmap a {\ntype mark : verdict\n}\nmap b {\ntype mark : counter\n}\n"
        "map c {\ntype mark : ipv4_addr . inet_service\n}\nmap d {\ntype mark : quota\n}\n}\n"
    ),
    "a set that is said twice": (
        "table ip t {\nset s {\ntype mark\nsize 9\n}\n}\ntable ip t {\nset s {\ntype mark\n}\n}\n"
    ),
    "the beginning of names": 'table ip t {\nset s {\ntype ifname\nflags interval\nelements = { "lo", "eth*" }\n}\n}\n',
    "a star in a name": 'table ip t {\nset s {\ntype ifname\nelements = { "eth\\\\*" }\n}\n}\n',
    "equal intervals": (
        "table ip t {\nset s {\ntype ipv4_addr\nflags interval\nelements = { 1.1.1.0/24, 1.1.1.0/24 }\n}\n}\n"
    ),
    "intervals that are merged": (
        "table ip t {\nset s {\ntype ipv4_addr\nflags interval\nauto-merge\nelements = { 1.1.1.0/24, 1.1.1.1 }\n}\n}\n"
    ),
    "an anonymous set merges": "table ip t {\nchain c {\nip saddr { 1.1.1.0/24, 1.1.1.1 } drop\n}\n}\n",
    "a variable that is given anew": "define a = 1\nredefine a = 2\nredefine b = 3\nundefine a\nundefine a\n",
    "a variable in a text": 'define a = "x"\ntable ip t {\nchain c {\nlog prefix "$a y"\n}\n}\n',
    "a variable of a block": "table ip t {\ndefine a = 1\nchain c {\nmeta mark $a\n}\n}\n",
}


@pytest.mark.parametrize("name", READ)
def test_a_script_that_nft_reads(name: str) -> None:
    assert [each.message for each in refused(READ[name])] == []
    assert asked(READ[name]) in (True, None)


@pytest.mark.parametrize("depth", [15, 16])
def test_chains_are_nested_fifteen_deep(depth: int) -> None:
    chains = "".join(f"chain c{number} {{\njump c{number + 1}\n}}\n" for number in range(1, depth))
    text = f"table ip t {{\nchain base {{\n{INPUT}\njump c1\n}}\n{chains}chain c{depth} {{\n}}\n}}\n"
    assert [each.code for each in refused(text)] == ([] if depth == 15 else ["FW820"])
    assert asked(text) in (depth == 15, None)


TYPES = ("filter", "nat", "route")
HOOKS = ("prerouting", "input", "forward", "output", "postrouting", "ingress", "egress")
PRIORITIES = ("raw", "mangle", "dstnat", "filter", "security", "srcnat", "out", "-200", "filter + 10")


@pytest.mark.parametrize("family", ["ip", "ip6", "inet", "arp", "bridge", "netdev"])
def test_base_chains_stand_where_the_kernel_has_them(family: str) -> None:
    for kind in TYPES:
        for hook in HOOKS:
            device = ' device "lo"' if hook in ("ingress", "egress") else ""
            text = f"table {family} t {{\nchain c {{\ntype {kind} hook {hook}{device} priority 0\n}}\n}}\n"
            assert asked(text) in (not refused(text), None), text


@pytest.mark.parametrize("family", ["ip", "inet", "arp", "bridge", "netdev"])
def test_priorities_have_names_where_nft_knows_them(family: str) -> None:
    for hook in ("ingress",) if family == "netdev" else ("prerouting", "input", "output", "postrouting"):
        for priority in PRIORITIES:
            device = ' device "lo"' if hook == "ingress" else ""
            text = f"table {family} t {{\nchain c {{\ntype filter hook {hook}{device} priority {priority}\n}}\n}}\n"
            assert asked(text) in (not refused(text), None), text


def test_a_table_wakes_up_where_it_is_said_again() -> None:
    chain = f"chain c {{\n{INPUT}\ndrop\n}}\n"
    asleep = read(Source("<text>", f"table ip t {{\nflags dormant\n{chain}}}\n"))
    awake = read(Source("<text>", f"table ip t {{\nflags dormant\n{chain}}}\nadd table ip t\n"))
    assert not any(asleep.entries.values())
    assert any(awake.entries.values())
