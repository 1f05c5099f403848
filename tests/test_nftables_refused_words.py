"""Words, numbers and targets of rules that nft or the kernel refuses; their neighbours are read, as by nft."""

from __future__ import annotations

import pytest

from tests.test_nftables_refuse import INPUT, asked, refused

OUTPUT = "type filter hook output priority 0"
SETS = (
    "set known {\ntype ipv4_addr\n}\nset timed {\ntype ipv4_addr\nflags timeout\n}\n"
    "map verdicts {\ntype ipv4_addr : verdict\n}\n"
    "map marks {\ntype ipv4_addr : mark\nflags dynamic\n}\nchain other {\n}\n"
)
RULES = [
    # (what is refused, at which words, what is read, the hook)
    ("meta length set 1", "meta length", "meta mark set 1", INPUT),
    ("meta iifname set lo", "meta iifname", "meta priority set 1", INPUT),
    ("meta cpu set 1", "meta cpu", "meta nftrace set 1", INPUT),
    ("ct state set new", "ct state", "ct mark set 1", INPUT),
    ("ct protocol set 1", "ct protocol", "ct event set new", INPUT),
    ("ct original bytes set 1", "ct original bytes", "tcp sport set 1", INPUT),
    ("ip saddr vmap { 1.1.1.1 : accepa }", "accepa", "ip saddr vmap { 1.1.1.1 : accept }", INPUT),
    ("tcp dport vmap { 22 : accept, 23 : 5 }", "5", "tcp dport vmap { 22 : accept, 23 : jump other }", INPUT),
    ("add @known { ip saddr timeout 10s }", "ip saddr", "add @timed { ip saddr timeout 10s }", INPUT),
    ("add @known { tcp dport }", "tcp dport", "add @known { ip daddr }", INPUT),
    ("add @known { ip6 saddr }", "ip6 saddr", "add @known { ct original ip saddr }", INPUT),
    ("add @known { ip saddr . tcp dport }", "ip saddr . tcp dport", "add @known { 1.1.1.1 }", INPUT),
    ("add @marks { ip saddr }", "ip saddr", "add @marks { ip saddr : 5 }", INPUT),
    ("ip saddr vmap @marks", "@marks", "ip saddr vmap @verdicts", INPUT),
    ("meta mark set ip saddr map @verdicts", "@verdicts", "ct mark set ip saddr map @marks", INPUT),
    (
        "update @known { ip saddr limit rate 5/minbte }",
        "limit rate 5/minbte",
        "update @known { ip saddr limit rate 5/minute }",
        INPUT,
    ),
    (
        "meter m { ip saddr limit rate 0/second }",
        "limit rate 0/second",
        "meter m { ip saddr limit rate 1/second }",
        INPUT,
    ),
    ("meter m { saddr counter }", "saddr", "meter m { ip saddr counter }", INPUT),
    ("update @known { ip saddr accept }", "accept", "update @known { ip saddr counter }", INPUT),
    ("meta skuid tcp drop", "tcp", "meta skuid root drop", INPUT),
    ("ct zone set 5-10", "5-10", "ct zone set 5", "type filter hook prerouting priority -300"),
    ("ipsec in reqid 1", "ipsec in reqid", "ipsec out reqid 1", OUTPUT),
    ("numgen incr mod 4 == 1", "numgen incr mod 4", "numgen inc mod 4 == 1", INPUT),
    ("numgen inc mod 0 == 0", "numgen inc mod 0", "numgen random mod 1 == 0", INPUT),
    ("numgen inc mod 4 offset 1 == 5", "5", "numgen inc mod 4 offset 1 == 4", INPUT),
    ("jhash ip saddr mod 8 == 8", "8", "jhash ip saddr mod 8 == 7", INPUT),
    ("symhash mod 4 == 4", "4", "symhash mod 4 == 3", INPUT),
    ("jhash saddr mod 8 == 1", "saddr", "jhash ip saddr . tcp dport mod 8 == 1", INPUT),
    ("jhash ip arp mod 8 == 1", "ip arp", "jhash ip id mod 8 == 1", INPUT),
    ("ipsec inn reqid 1", "ipsec inn reqid", "ipsec in reqid 1", INPUT),
    ("ipsec in reqi8 1", "ipsec in reqi8", "ipsec out ip saddr 1.1.1.1", OUTPUT),
    ("log flags foo", "log flags foo", "log flags all", INPUT),
    ("log flags ip sequence", "log flags ip sequence", "log flags tcp sequence,options flags ip options", INPUT),
    ("synproxy mss 1460 mss", "synproxy mss 1460 mss", "synproxy sack-perm mss 1460", INPUT),
    ("synproxy mss 5 timestam", "synproxy mss 5 timestam", "synproxy", INPUT),
    ("synproxy mss 5", "synproxy mss 5", "counter", OUTPUT),
]


def script(rule: str, hook: str) -> str:
    return f"table inet t {{\n{SETS}chain c {{\n{hook}\n{rule}\n}}\n}}\n"


@pytest.mark.parametrize(("rule", "words", "_", "hook"), RULES, ids=[each[0] for each in RULES])
def test_a_rule_that_is_refused(rule: str, words: str, _: str, hook: str) -> None:
    text = script(rule, hook)
    assert [(each.code, each.span.text) for each in refused(text)] == [("FW001", words)]
    assert asked(text) in (False, None)


@pytest.mark.parametrize(("right", "hook"), [each[2:] for each in RULES])
def test_its_neighbour_is_read(right: str, hook: str) -> None:
    text = script(right, hook)
    assert [each.message for each in refused(text)] == []
    assert asked(text) in (True, None)


OPTIONS = [
    # (what is refused of a set or a map, and what is not)
    ("set s {\ntype mark\npolicy fast\n}", "set s {\ntype mark\npolicy memory\n}"),
    ("set s {\ntype mark\ngc-interval 5s\n}", "set s {\ntype mark\nflags timeout\ngc-interval 5s\n}"),
    ("set s {\ntype mark\nflags dynamic,interval\n}", "set s {\ntype mark\nflags timeout,interval\n}"),
    ("set s {\ntype mark\nlimit rate 5/fort\n}", "set s {\ntype mark\nlimit rate 5/hour\n}"),
    (
        "set s {\ntype mark\nelements = { 1 timeout 5s }\n}",
        "set s {\ntype mark\ntimeout 9s\nelements = { 1 timeout 5s }\n}",
    ),
    (
        "set s {\ntype mark\nelements = { 1 counter }\n}",
        "set s {\ntype mark\nflags dynamic\nelements = { 1 counter }\n}",
    ),
    (
        "set s {\ntype mark\ncounter\nelements = { 1 limit rate 1/second }\n}",
        "set s {\ntype mark\ncounter\nelements = { 1 counter, 2 }\n}",
    ),
    (
        "map m {\ntype mark : verdict\nelements = { 1 : foo }\n}",
        "map m {\ntype mark : verdict\nelements = { 1 : drop }\n}",
    ),
    (
        "map m {\ntype mark : mark\nelements = { 1 : accept }\n}",
        "map m {\ntype mark : mark\nelements = { 1 : 0x5 }\n}",
    ),
    (
        "map m {\ntype mark : mark\nelements = { 1 : 4294967296 }\n}",
        "map m {\ntype mark : mark\nelements = { 1 : 4294967295 }\n}",
    ),
]


@pytest.mark.parametrize(("wrong", "right"), OPTIONS)
def test_what_a_set_says(wrong: str, right: str) -> None:
    wrong, right = (f"table ip t {{\n{each}\n}}\n" for each in (wrong, right))
    assert [each.code for each in refused(wrong)] == ["FW001"]
    assert asked(wrong) in (False, None)
    assert [each.message for each in refused(right)] == []
    assert asked(right) in (True, None)
