"""Fixes in scripts of nftables: texts before and after."""

from __future__ import annotations

import pytest

from tests.fixing import fixed

CHAIN = """table inet filter {{
	chain input {{
		type filter hook input priority 0; policy drop;
{}	}}
}}
"""

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
    "what overlaps": (
        "tcp dport 20-30 accept\ntcp dport 25-40 accept\ntcp dport 50 accept\n",
        "tcp dport { 20-30, 25-40, 50 } accept\n",
    ),
    "two halves of a network": (
        "ip saddr 10.0.0.0/24 accept\nip saddr 10.0.1.0/24 accept\n",
        "ip saddr 10.0.0.0/23 accept\n",
    ),
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


def _in_chain(text: str) -> str:
    return CHAIN.format("".join(f"\t\t{row}\n" for row in text.splitlines()))


@pytest.mark.parametrize("name", RULES)
def test_rules_that_are_one(name: str) -> None:
    before, after = map(_in_chain, RULES[name])
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
    text = _in_chain(LEFT[name])
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
    before = VARIABLES + _in_chain("iifname $lan tcp dport $ssh accept\niifname $vpn tcp dport $ssh accept\n")
    after = VARIABLES + _in_chain("iifname { $lan, $vpn } tcp dport $ssh accept\n")
    assert fixed(before)[0] == after


SCRIPTS: dict[str, tuple[str, str]] = {
    "commands": (
        """add rule inet f input tcp dport 22 accept
add rule inet f input tcp dport 80 accept
# for the jump host
add rule inet f input tcp dport 22 ip saddr 10.0.0.1 accept # jump
add rule inet f input udp dport 53 accept; add rule inet f input udp dport 54 accept; add rule inet f input tcp dport 1
""",
        """add rule inet f input tcp dport { 22, 80 } accept
# for the jump host
# jump
add rule inet f input udp dport 53-54 accept; add rule inet f input tcp dport 1
""",
    ),
    "what is put in front is not in the order of the text": (
        "insert rule inet f input tcp dport 22 accept\ninsert rule inet f input tcp dport 80 accept\n",
        "insert rule inet f input tcp dport 22 accept\ninsert rule inet f input tcp dport 80 accept\n",
    ),
    "several rules in a line": (
        """table inet f {
	chain input { udp dport 53 accept; udp dport 55 accept; udp dport 57 accept } # names
	chain input {
		tcp dport 1 accept; tcp dport 3 accept # one, three
		tcp dport 5 accept; tcp dport 7 counter; tcp dport 1 ip saddr 10.0.0.1 accept; counter
	}
}
""",
        """table inet f {
	chain input { udp dport { 53, 55, 57 } accept; } # names
	chain input {
		tcp dport { 1, 3, 5 } accept; # one, three
		tcp dport 7 counter; counter
	}
}
""",
    ),
    "the comment of a rule that would go with its line": (
        """table inet f {
	chain input {
		tcp dport 1 accept; counter
		tcp dport 3 accept # three
	}
}
""",
        """table inet f {
	chain input {
		tcp dport 1 accept; counter
		tcp dport 3 accept # three
	}
}
""",
    ),
}
BASE = """table inet f
chain inet f input { type filter hook input priority 0; policy drop; }
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(name: str) -> None:
    before, after = (BASE + text for text in SCRIPTS[name])
    text, result = fixed(before)
    assert text == after
    assert not result.linted.errors


UNSAFE: dict[str, tuple[str, str]] = {
    "a chain": (
        """table inet f {

	# for later
	chain web { # not yet
		# all of it
		tcp dport 443 accept
	} # web

	chain input {
		type filter hook input priority 0; policy drop;
	}
}
""",
        """table inet f {

	# for later
	# web

	chain input {
		type filter hook input priority 0; policy drop;
	}
}
""",
    ),
    "a chain between others": (
        """table inet f {
	chain input {
		type filter hook input priority 0; policy drop;
	}

	chain web {
		tcp dport 443 accept
	}

	chain mail {
		tcp dport 25 accept
	}
}
add rule inet f mail tcp dport 465 log; add rule inet f input counter
""",
        """table inet f {
	chain input {
		type filter hook input priority 0; policy drop;
	}
}
add rule inet f input counter
""",
    ),
    "the first of a block": (
        """table inet f {
	chain web {
		tcp dport 443 accept
	}

	chain input { type filter hook input priority 0; policy drop; }
}
""",
        """table inet f {
	chain input { type filter hook input priority 0; policy drop; }
}
""",
    ),
    "commands": (
        """add table inet f
add chain inet f input { type filter hook input priority 0; policy drop; }
add chain inet f web
add chain inet f mail { comment "mail"; }
add rule inet f web tcp dport 443 accept
add rule inet f mail tcp dport 25 accept
""",
        """add table inet f
add chain inet f input { type filter hook input priority 0; policy drop; }
""",
    ),
    "in one line": (
        """table inet f { chain web { accept; }; chain in { type filter hook input priority 0; policy drop; }; }
""",
        """table inet f { chain in { type filter hook input priority 0; policy drop; }; }
""",
    ),
    "a chain that a command names": (
        """table inet f {
	chain web { tcp dport 443 accept; }
	chain input { type filter hook input priority 0; policy drop; }
}
list chain inet f web
""",
        """table inet f {
	chain web { tcp dport 443 accept; }
	chain input { type filter hook input priority 0; policy drop; }
}
list chain inet f web
""",
    ),
    "a chain that a map without a use names": (
        """table inet f {
	map m { type inet_service : verdict; elements = { 443 : jump web }; }
	chain web { tcp dport 443 accept; }
	chain input { type filter hook input priority 0; policy drop; }
}
""",
        """table inet f {
	chain input { type filter hook input priority 0; policy drop; }
}
""",
    ),
    "sets": (
        """table inet f {
	set used {
		type ipv4_addr
	}

	set admins {
		type ipv4_addr
		elements = { 10.0.0.1, # alice
			10.0.0.2 }
	}

	map m { type inet_service : verdict; }
	set filled { type ipv4_addr; }
	chain input {
		type filter hook input priority 0; policy drop;
		ip saddr @used accept
	}
}
add element inet f filled { 10.0.0.7 }
""",
        """table inet f {
	set used {
		type ipv4_addr
	}

	set filled { type ipv4_addr; }
	chain input {
		type filter hook input priority 0; policy drop;
		ip saddr @used accept
	}
}
add element inet f filled { 10.0.0.7 }
""",
    ),
    "two negations": (
        _in_chain('iifname != "lan0" drop\ntcp dport 22 log\niifname != { "lan1", "lan2" } drop\n').replace(
            "policy drop", "policy accept"
        ),
        _in_chain('iifname != { "lan0", "lan1", "lan2" } drop\ntcp dport 22 log\n').replace(
            "policy drop", "policy accept"
        ),
    ),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_fixes(name: str) -> None:
    before, after = UNSAFE[name]
    assert fixed(before)[0] == before
    text, result = fixed(before, unsafe=True)
    assert text == after
    assert not result.linted.errors


def test_variables_without_a_use() -> None:
    before = """define lan = 10.1.0.0/16
# in the cellar
define old = { 10.8.0.0/16, # one
	10.9.0.0/16 } # two
define inner = 10.0.0.3; define outer = { $inner }
define twice = 1
redefine twice = 2
"""
    rest = _in_chain("ip saddr $lan accept\n")
    after = """define lan = 10.1.0.0/16
# in the cellar
# one
# two
define twice = 1
redefine twice = 2
"""
    assert fixed(before + rest)[0] == after + rest
