"""Random files in all languages whose rules often meet, and what tests ask about fixes of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import strategies as st

from policy.app.fixing import Fixed, fix
from policy.app.linted import Linting, Treatment
from policy.app.load import load
from policy.checks import checks
from policy.evaluate import decide
from policy.ir import Action, Ruleset
from policy.packet import Packet
from policy.reach import Flow
from policy.sets import Space
from policy.sets.packets import PacketSet
from policy.source import Source

HOW = Linting(Treatment(tuple(checks())))

ADDRESSES = ("10.0.0.0/30", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.1", "10.0.0.3", "10.0.0.0")
_comments = st.sampled_from(("", "", "", "  # why", "  # 100% sure, so"))
_flags = st.sampled_from(("", "", "", "", " log", ' note "x"'))


def _parts(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


def _listed(words: tuple[str, ...], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(words), min_size=1, max_size=most).map(", ".join)


def _side(word: str) -> st.SearchStrategy[str]:
    listed = _listed((*ADDRESSES, "a", "b"), 2).map(lambda text: f" {word} {text}")
    without = st.tuples(listed, st.sampled_from((*ADDRESSES, "a"))).map(lambda pair: f"{pair[0]} except {pair[1]}")
    return st.just("") | st.just("") | listed | without


_services = st.sampled_from(("any", "tcp", "tcp/1", "tcp/2", "tcp/1-2", "tcp/{1,2}", "udp/1", "tcp/1, udp/1", "web"))
_rule = _parts(
    st.sampled_from(("allow ", "allow ", "block ", "block ", "reject ")),
    _services,
    _side("from"),
    _side("to"),
    st.sampled_from(("", "", "", " in eth0", " in eth+")),
    _flags,
    _comments,
)
_body = st.lists(_rule | st.just("# about what follows") | st.just(""), min_size=1, max_size=7)


def _native(defined: tuple[str, str, str], body: list[str], default: str, kind: str, ending: str) -> str:
    a, b, web = defined
    lines = [f"network a = {a}", f"network b = {b}  # b, too", f"service web = {web}", f"policy p{kind} {{"]
    lines += [f"    {row}" if row else "" for row in (f"default {default}", *body)]
    return ending.join([*lines, "}"]) + ending


native_texts = st.builds(
    _native,
    st.tuples(_listed(ADDRESSES), _listed(ADDRESSES), _listed(("tcp/1", "tcp/{1,2,1}", "udp/1-3", "udp/2"))),
    _body,
    st.sampled_from(("block", "allow", "reject")),
    st.sampled_from(("", "", " stateless", " last-match")),
    st.sampled_from(("\n", "\n", "\r\n")),
)

_dump_rule = _parts(
    st.sampled_from(("", "", "[3:120] ")),
    st.sampled_from(("-A INPUT", "-A INPUT", "-A INPUT", "-A c", "-I INPUT", "-I INPUT 1")),
    st.sampled_from(("", "", " -s 10.0.0.0/30", " -s 10.0.0.1", " ! -s 10.0.0.0/31", " -s 10.0.0.0,10.0.0.1,10.0.0.1")),
    st.sampled_from(("", "", " -i eth0")),
    st.sampled_from(
        ("", " -p tcp", " -p tcp -m tcp --dport 1", " -p tcp -m tcp --dport 2", " -p tcp -m multiport --dports 1,2,1:2")
    ),
    st.sampled_from(("", "", "", " -m limit --limit 1/sec", " -m set --match-set s src")),
    st.sampled_from((" -j ACCEPT", " -j ACCEPT", " -j DROP", " -j REJECT", " -j LOG", " -j RETURN", "")),
)
_dump_body = st.lists(_dump_rule | st.just("# about what follows") | st.just("-A INPUT -j c"), min_size=1, max_size=8)


def _dump(body: list[str], policy: str) -> str:
    rows = [
        "*filter",
        f":INPUT {policy} [0:0]",
        ":c - [0:0]",
        *(row for row in body if "-A c -j c" not in row),
        "COMMIT",
    ]
    return "".join(f"{row}\n" for row in rows)


dump_texts = st.builds(_dump, _dump_body, st.sampled_from(("ACCEPT", "DROP")))
"""Files for iptables-restore; some number a rule that is not there yet, and cannot be read."""


_arriving = _parts(
    st.just("-A PREROUTING"),
    st.sampled_from(("", " -s 10.0.0.1", " -i eth0", " -d 10.0.0.2")),
    st.sampled_from((" -p tcp -m tcp --dport 1", " -p tcp -m tcp --dport 1:2", " -p tcp")),
    st.sampled_from(
        (
            " -j DNAT --to-destination 10.0.0.1:2",
            " -j DNAT --to-destination 10.0.0.1",
            " -j DNAT --to-destination 10.0.0.3",
            " -j REDIRECT --to-ports 2",
            " -j ACCEPT",
        )
    ),
)
_leaving = _parts(
    st.just("-A POSTROUTING"),
    st.sampled_from((" -s 10.0.0.0/30 ! -o eth1", " -o eth0", "")),
    st.sampled_from((" -j MASQUERADE", " -j SNAT --to-source 10.0.0.2", " -j ACCEPT")),
)
_filtered = _parts(
    st.sampled_from(("-A INPUT", "-A FORWARD", "-A FORWARD", "-A c")),
    st.sampled_from(("", "", " -s 10.0.0.0/30", " -s 10.0.0.1", " -d 10.0.0.1", " -d 10.0.0.0/30")),
    st.sampled_from(("", "", " -i eth0", " -o eth1")),
    st.sampled_from(("", " -p tcp", " -p tcp -m tcp --dport 1", " -p tcp -m tcp --dport 2")),
    st.sampled_from((" -j ACCEPT", " -j ACCEPT", " -j DROP", " -j DROP", " -j RETURN")),
).filter(lambda row: not ("INPUT" in row and "-o " in row))


def _translating(arriving: list[str], leaving: list[str], filtered: list[str], policy: str) -> str:
    nat = ["*nat", ":PREROUTING ACCEPT [0:0]", ":POSTROUTING ACCEPT [0:0]", *arriving, *leaving, "COMMIT"]
    filters = ["*filter", f":INPUT {policy} [0:0]", f":FORWARD {policy} [0:0]", ":c - [0:0]", *filtered, "COMMIT"]
    return "".join(f"{row}\n" for row in (*nat, *filters))


translating_texts = st.builds(
    _translating,
    st.lists(_arriving, max_size=3),
    st.lists(_leaving, max_size=2),
    st.lists(_filtered | st.just("-A FORWARD -j c"), min_size=1, max_size=7),
    st.sampled_from(("ACCEPT", "DROP")),
)
"""Files for iptables-restore that translate addresses."""


_script_rule = _parts(
    st.sampled_from(
        ("", "", "", 'iifname "eth0" ', 'iifname { "eth0", "eth1" } ', "iifname != eth0 ", "iifname eth1 ")
    ),
    st.sampled_from(
        (
            "",
            "ip saddr 10.0.0.0/30 ",
            "ip saddr 10.0.0.0/31 ",
            "ip saddr 10.0.0.2/31 ",
            "ip saddr { 10.0.0.1, 10.0.0.3 } ",
            "ip saddr @s ",
            "ip saddr != 10.0.0.1 ",
            "ip saddr $a ",
        )
    ),
    st.sampled_from(
        (
            "",
            "",
            "tcp dport 1 ",
            "tcp dport 2 ",
            "tcp dport { 1, 2, 1-2 } ",
            "tcp dport 3-4 ",
            "udp dport 1 ",
            "tcp dport $b ",
        )
    ),
    st.sampled_from(("", "", "", "ct state new ", "ct state established,related ", "ct state { new } ")),
    st.sampled_from(("", "", "", "counter ", "counter packets 3 bytes 4 ", "limit rate 1/second ", "log ")),
    st.sampled_from(("accept", "accept", "accept", "drop", "drop", "reject", "return", "continue", "jump c")),
    st.sampled_from(("", "", "", ' comment "x"')),
)
_script_end = st.sampled_from(
    ("\n\t\t", "\n\t\t", "\n\t\t", "; ", ";\n\t\t", " # why\n\t\t", "\n\n\t\t# about this\n\t\t")
)
_ALIKE = (
    ("tcp dport", ("1", "2", "$b", "{ 3, 4 }", "2-4", "4")),
    ("ip saddr", ("10.0.0.0/31", "10.0.0.2/31", "$a", "{ 10.0.0.3 }", "10.0.0.1-10.0.0.2")),
    ("iifname", ("eth0", '"eth1"', "{ eth1, eth0 }", '"e*"', "x")),
    ("ct state", ("new", "established,related", "{ invalid }", "established")),
    ("ip saddr !=", ("10.0.0.0/31", "10.0.0.2/31", "$a")),
)


@st.composite
def _script_run(draw: st.DrawFn) -> str:
    """Rules that differ in what they compare one field with."""
    asked, words = draw(st.sampled_from(_ALIKE))
    before = draw(st.sampled_from(("", "", "", 'iifname "eth0" ', "tcp dport 1 ")))
    after = draw(st.sampled_from(("", "", "counter ", "log ")))
    verdict = draw(st.sampled_from(("accept", "accept", "drop", "reject", "return", "jump c")))
    chosen = draw(st.lists(st.sampled_from(words), min_size=2, max_size=3))
    end = draw(_script_end)
    if asked.startswith(before[:3] or "none"):
        before = ""
    return "".join(f"{before}{asked} {word} {after}{verdict}{end}" for word in chosen)


_script_body = st.lists(_parts(_script_rule, _script_end) | _script_run(), min_size=1, max_size=5).map("".join)
_command = st.builds(
    lambda verb, chain, rule, end: f"{verb} rule inet f {chain} {rule}{end}",
    st.sampled_from(("add", "add", "add", "insert")),
    st.sampled_from(("i", "i", "c")),
    _script_rule,
    st.sampled_from(("\n", "\n", "; ", " # later\n")),
)


def _script(bodies: tuple[str, str, str], policy: str, commands: list[str], values: tuple[str, str]) -> str:
    body, called, unused = (each.rstrip("\t ") for each in bodies)
    return f"""define a = {values[0]}
define b = {values[1]} # ports
define unused = $b
table inet f {{
	set s {{ type ipv4_addr; elements = {{ 10.0.0.1, # one
		10.0.0.2 }}; }}
	set t {{ type ipv4_addr; }}

	chain c {{
		{called.replace("jump c", "drop")}
	}}
	chain unused {{ # for later
		{unused}
	}}

	chain i {{
		type filter hook input priority 0; policy {policy};
		{body}
	}}
}}
{"".join(commands)}
"""


script_texts = st.builds(
    _script,
    st.tuples(_script_body, _script_body, _script_body),
    st.sampled_from(("drop", "accept")),
    st.lists(_command.filter(lambda row: "rule inet f c" not in row or "jump c" not in row), max_size=4),
    st.tuples(st.sampled_from(("10.0.0.1", "{ 10.0.0.1, 10.0.0.0/31 }")), st.sampled_from(("1", "{ 1-3, 2 }"))),
)
"""Scripts of nftables: rules that share lines, commands, variables, sets, and what nothing uses."""


def fixed(text: str, unsafe: bool = False, how: Linting = HOW) -> tuple[str, Fixed]:
    """Return a text with all its fixes, and what fixing said."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rules.fw")
        file.write_bytes(text.encode())
        result = fix([str(file)], how, unsafe)
        assert file.read_bytes() == text.encode()  # `fix` itself writes nothing
    (new,) = [draft.text for draft in result.drafts] or [text]
    return new, result


def in_chain(rules: str) -> str:
    """Return a script with rules, one a line, in a chain that blocks what they leave."""
    body = "".join(f"\t\t{row}\n" for row in rules.splitlines())
    return (
        "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy drop;\n"
        + body
        + "\t}\n}\n"
    )


def rules_of(text: str) -> Ruleset:
    return load(Source("rules.fw", text))


def outcome(ruleset: Ruleset, packet: Packet) -> tuple[str, object]:
    """What the evaluator says of one packet: the verdict, and how it is told."""
    decision = decide(ruleset, packet)
    return decision.verdict, None if decision.verdict == "depends" else decision.action


def unlike(old: Ruleset, new: Ruleset, hook: int | None) -> bool:
    """Do any packets come to other ends? By sets of all packets, with nothing left out."""
    space = Space([old, new], hook=hook)
    ends = []
    for ruleset in (old, new):
        found: dict[Action, PacketSet] = {}
        for end, packets in Flow(ruleset, space).by_end.items():
            found[end.action] = found.get(end.action, space.nothing) | packets.known()
        ends.append({action: packets for action, packets in found.items() if packets})
    return ends[0] != ends[1]
