"""Rules of nftables that differ in one field, and are written as one."""

from __future__ import annotations

import pytest

from tests.fixing import fixed, in_chain

RULES: dict[str, tuple[str, str]] = {
    "ports": ("tcp dport 22 accept\ntcp dport 80 accept\n", "tcp dport { 22, 80 } accept\n"),
    "a range": ("udp dport 6000 accept\nudp dport 6001-6009 accept\n", "udp dport 6000-6009 accept\n"),
    "named ports": ("tcp dport ssh accept\ntcp dport http accept\n", "tcp dport { ssh, http } accept\n"),
    "a set grows": (
        "tcp dport {22,80} accept\ntcp dport 443 accept\ntcp dport { 25, 110 } accept\n",
        "tcp dport {22,80,443,25,110} accept\n",
    ),
    "a set grows behind what is no set": (
        "tcp dport 443 accept\ntcp dport { 22, 80 } accept\n",
        "tcp dport { 443, 22, 80 } accept\n",
    ),
    "a set of several lines": (
        "tcp dport {\n\t22,\n\t80,\n} accept\ntcp dport 443 accept\n",
        "tcp dport {\n\t22,\n\t80,\n\t443,\n} accept\n",
    ),
    "a long list": (
        "".join(f"ip daddr 10.{number}0.200.1 tcp dport 22 accept\n" for number in range(1, 20)),
        """ip daddr {
	10.10.200.1, 10.20.200.1, 10.30.200.1, 10.40.200.1, 10.50.200.1,
	10.60.200.1, 10.70.200.1, 10.80.200.1, 10.90.200.1, 10.100.200.1,
	10.110.200.1, 10.120.200.1, 10.130.200.1, 10.140.200.1, 10.150.200.1,
	10.160.200.1, 10.170.200.1, 10.180.200.1, 10.190.200.1
} tcp dport 22 accept
""",
    ),
    "what overlaps": (
        "tcp dport 20-30 accept\ntcp dport 25-40 accept\ntcp dport 50 accept\n",
        "tcp dport { 20-30, 25-40, 50 } accept\n",
    ),
    "two halves of a network": (
        "ip saddr 10.0.0.0/24 accept\nip saddr 10.0.1.0/24 accept\n",
        "ip saddr 10.0.0.0/23 accept\n",
    ),
    "networks that are no network together": (
        "ip saddr 10.0.1.0/24 accept\nip saddr 10.0.2.0/24 accept\n",
        "ip saddr { 10.0.1.0/24, 10.0.2.0/24 } accept\n",
    ),
    "two hosts": ("ip saddr 10.0.0.2 accept\nip saddr 10.0.0.3 accept\n", "ip saddr { 10.0.0.2, 10.0.0.3 } accept\n"),
    "ports in a row": ("tcp sport 5 log\ntcp sport 6 log\ntcp sport 7 log\n", "tcp sport 5-7 log\n"),
    "addresses": (
        "ip6 saddr fe80::1 udp dport 53 accept\nip6 saddr fe80::7-fe80::9 udp dport 53 accept\n",
        "ip6 saddr { fe80::1, fe80::7-fe80::9 } udp dport 53 accept\n",
    ),
    "interfaces": ('iifname "eth0" accept\niifname "ppp*" accept\n', 'iifname { "eth0", "ppp*" } accept\n'),
    "devices": ("iif lo accept\niif wg0 accept\n", "iif { lo, wg0 } accept\n"),
    "states": ("ct state established accept\nct state related accept\n", "ct state established,related accept\n"),
    "states in a list": (
        "ct state established, related accept\nct state new accept\n",
        "ct state established, related, new accept\n",
    ),
    "states in a set": (
        "ct state { established, related } accept\nct state new accept\n",
        "ct state { established, related, new } accept\n",
    ),
    "states that are compared": (
        "ct state == established accept\nct state == related accept\n",
        "ct state == { established, related } accept\n",
    ),
    "kinds of messages": (
        "icmpv6 type nd-router-advert accept\nicmpv6 type { nd-router-solicit, echo-request } accept\n",
        "icmpv6 type { nd-router-advert, nd-router-solicit, echo-request } accept\n",
    ),
    "protocols": ("meta l4proto esp accept\nmeta l4proto 51 accept\n", "meta l4proto { esp, 51 } accept\n"),
    "the rest of the rule stays": (
        """iifname "eth0"  tcp dport 22  log prefix "a  b: "  accept comment "c  d"
iifname "eth0" tcp dport 80 log prefix "a  b: " accept comment "c  d"
""",
        'iifname "eth0"  tcp dport { 22, 80 }  log prefix "a  b: "  accept comment "c  d"\n',
    ),
    "counters begin anew": (
        "tcp dport 22 counter packets 3 bytes 180 accept\ntcp dport 80 counter packets 0 bytes 0 accept\n",
        "tcp dport { 22, 80 } counter accept\n",
    ),
    "equal comments": (
        "tcp dport 22 accept # admins\ntcp dport 80 accept # admins\n",
        "tcp dport { 22, 80 } accept # admins\n",
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_rules_that_are_one(name: str) -> None:
    before, after = map(in_chain, RULES[name])
    text, result = fixed(before)
    assert (text, set(result.counts)) == (after, {"FW113"})


LEFT = {
    "two selectors": "tcp dport 53 accept\nudp dport 53 accept\n",
    "two IP versions": "ip saddr 10.0.0.1 accept\nip6 saddr fe80::1 accept\n",
    "a named set": "ip saddr @admins accept\nip saddr 10.0.0.1 accept\n",
    "a counter of its own": 'tcp dport 22 counter name "c" accept\ntcp dport 80 accept\n',
    "different comments of the rules": 'tcp dport 22 accept comment "a"\ntcp dport 80 accept comment "b"\n',
    "different comments of the text": "tcp dport 22 accept # a\ntcp dport 80 accept # b\n",
    "a comment inside": "tcp dport { 22, # a\n\t25 } accept\ntcp dport 80 accept\n",
    "a limit": "tcp dport 22 limit rate 5/minute accept\ntcp dport 80 limit rate 5/minute accept\n",
    "a comparison": "tcp dport > 1023 accept\ntcp dport 80 accept\n",
    "several fields at once": "ip saddr . tcp dport { 10.0.0.1 . 22 } accept\ntcp dport 80 ip saddr 10.0.0.1 accept\n",
}


@pytest.mark.parametrize("name", LEFT)
def test_rules_that_are_not_one(name: str) -> None:
    text = in_chain(LEFT[name])
    things = "\tset admins { type ipv4_addr; elements = { 10.0.0.7 }; }\n\tcounter c { }\n"
    text = text.replace("filter {\n", "filter {\n" + things, 1)
    after, result = fixed(text)
    assert after == text
    assert not result.linted.errors


VARIABLES = """define lan = "eth0"
define vpn = { "wg0", "wg1" }
define ssh = 22
"""


def test_variables_stay() -> None:
    before = VARIABLES + in_chain("iifname $lan tcp dport $ssh accept\niifname $vpn tcp dport $ssh accept\n")
    after = VARIABLES + in_chain("iifname { $lan, $vpn } tcp dport $ssh accept\n")
    assert fixed(before)[0] == after


def test_a_long_set_is_indented_as_the_rule_is() -> None:
    rows = "".join(f"        ip daddr 10.{number}0.200.1 accept\n" for number in range(1, 9))
    text = in_chain("").replace("drop;\n", f"drop;\n{rows}")
    rows = (
        "        ip daddr {\n            10.10.200.1, 10.20.200.1, 10.30.200.1, 10.40.200.1, 10.50.200.1, 10.60.200.1,"
    )
    rows += "\n            10.70.200.1, 10.80.200.1\n        } accept\n"
    assert fixed(text)[0] == in_chain("").replace("drop;\n", f"drop;\n{rows}")
