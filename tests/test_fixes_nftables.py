"""Fixes in scripts of nftables: texts before and after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixing import fixed, in_chain
from tests.nftables_listed import each_listed
from tests.test_merges_nftables import RULES as MERGES

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
add rule inet f input udp dport { 53, 54 } accept; add rule inet f input tcp dport 1
""",
    ),
    "what is put in front is not in the order of the text": (
        "insert rule inet f input tcp dport 22 accept\ninsert rule inet f input tcp dport 80 accept\n",
        "insert rule inet f input tcp dport 22 accept\ninsert rule inet f input tcp dport 80 accept\n",
    ),
    "several rules in a line": (
        """table inet f {
	chain input { udp dport 53 accept; udp dport 55 accept; udp dport 57 accept; } # names
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
    "the first rules of a line": (
        """table inet f {
	chain input {
		tcp dport 1 accept; tcp dport 3 accept
		tcp dport 5 accept; tcp dport 7 accept; udp dport 1 counter; udp dport 3 accept
		tcp dport 9 accept; tcp dport 11 accept
	}
}
""",
        """table inet f {
	chain input {
		tcp dport { 1, 3, 5, 7 } accept;
		udp dport 1 counter; udp dport 3 accept
		tcp dport { 9, 11 } accept;
	}
}
""",
    ),
    "dead rules in a line": (
        """table inet f {
	chain input {
		meta l4proto tcp accept
		tcp dport 9 accept; tcp dport 11 accept; counter
		tcp dport 13 accept; tcp dport 15 accept; tcp dport 17 accept; udp dport 1 accept
	}
}
""",
        """table inet f {
	chain input {
		meta l4proto tcp accept
		counter
		udp dport 1 accept
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
        in_chain('iifname != "lan0" drop\ntcp dport 22 log\niifname != { "lan1", "lan2" } drop\n').replace(
            "policy drop", "policy accept"
        ),
        in_chain('iifname != { "lan0", "lan1", "lan2" } drop\ntcp dport 22 log\n').replace(
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
    rest = in_chain("ip saddr $lan accept\n")
    after = """define lan = 10.1.0.0/16
# in the cellar
# one
# two
define twice = 1
redefine twice = 2
"""
    assert fixed(before + rest)[0] == after + rest


def test_nft_takes_what_it_took_before(tmp_path: Path) -> None:
    pairs = [tuple(map(in_chain, pair)) for pair in MERGES.values()]
    pairs += [(BASE + before, BASE + after) for before, after in SCRIPTS.values()]
    pairs += UNSAFE.values()
    taken = []
    for name, texts in zip(("before", "after"), zip(*pairs, strict=True), strict=True):
        (folder := tmp_path / name).mkdir()
        taken.append([bool(text) for text in each_listed(texts, folder)])
    before, after = taken
    assert before == after
    assert before.count(False) <= 1  # one names a device that is not there
