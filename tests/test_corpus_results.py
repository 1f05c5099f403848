"""What verified tools found out about rule files of the corpus: reproduced, as far as the filter table decides it.

The files `*.EXPECTED.*` beside the corpus come from Iptables_Semantics and its tool fffuu. `SIDECARS` names every one
and says what becomes of it; docs/verification.md says the same to people.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from policy.evaluate import decide
from policy.ir import EVERYTHING, All, Field, Match, Not, all_of, either_of
from policy.packet import ESTABLISHED, FORWARD, INPUT, NEW, RELATED, Intervals, Names, Packet
from policy.packet.address import V4, parse_address, parse_prefix
from policy.packet.fields import TCP
from policy.reach import Flow
from policy.sets import Budget, Space
from tests.listing import addresses, listed, simple
from tests.verified import NOT_FRAGMENTED, assignment, behind, first_packets, matrix, networks, service, table, verdicts

HOOKS = {"FWD": FORWARD, "INP": INPUT}
LOOPBACK = {"lo": networks("127.0.0.0/8")}
BOGONS = networks(
    "0.0.0.0/8 10.0.0.0/8 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.2.0/24 192.168.0.0/16 198.51.100.0/24 "
    "203.0.113.0/24 240.0.0.0/4"
)
NOT_UNICAST = networks("0.0.0.0/32 127.0.0.0/8 224.0.0.0/4 255.255.255.255/32")
HOME = networks("192.168.13.0/24")


@dataclass(frozen=True)
class Simplified:
    """A pair `.upper`, `.lower`, and what the authors assumed.

    Both bounds always hold. *upper_but*, *lower_but*: the packets on which a bound is not exactly what we find,
    when fields that such a text does not speak of are left out; *why*.
    """

    assumed: Match = EVERYTHING
    upper_but: Match | None = None
    lower_but: Match | None = None
    why: str = ""


SIMPLIFIED: dict[tuple[str, str], Simplified] = {
    ("docker_topos4.1", "FWD"): Simplified(),
    ("gopherproxy", "INP"): Simplified(behind(LOOPBACK, both_ways=True)),
    ("linux_gda_pl", "FWD"): Simplified(),
    ("memphis_testbed", "FWD"): Simplified(),
    ("openvpn_eu", "FWD"): Simplified(
        behind({"eth0": networks("192.168.0.0/24"), "eth1": networks("192.168.2.0/24")}, both_ways=True)
    ),
    ("openwrt", "FWD"): Simplified(),
    ("pastebin_bbWXHaTn", "FWD"): Simplified(),
    ("random_srv", "INP"): Simplified(behind(LOOPBACK, both_ways=True)),
    ("rlworkman", "INP"): Simplified(
        behind({**LOOPBACK, "eth0": HOME, "ppp0": V4 - HOME - LOOPBACK["lo"]}, both_ways=True)
    ),
    ("sargon", "INP"): Simplified(
        behind(LOOPBACK, both_ways=False),
        upper_but=Field("src", BOGONS),
        why="blocks that hold on some interfaces only are left out of the upper bound, for all interfaces",
    ),
    ("sqrl_2015_spoofprot", "FWD"): Simplified(),
    ("sqrl_2015_spoofprot", "INP"): Simplified(),
    ("sqrl_shorewall_2014", "FWD"): Simplified(
        upper_but=either_of(
            Field("src", NOT_UNICAST),
            Field("dst", NOT_UNICAST),
            all_of(Field("proto", Intervals.of(TCP)), Field("sport", Intervals.of(0))),
        ),
        why="addrtype and TCP flags are not modelled there, and are here",
    ),
    ("synology_2015_legacyiface", "INP"): Simplified(behind(LOOPBACK, both_ways=False)),
    ("tum_2013-10-20", "FWD"): Simplified(
        upper_but=either_of(
            Field("src", LOOPBACK["lo"]),
            all_of(Field("dport", Intervals.of(113)), Field("dst", networks("131.159.20.0/24"))),
        ),
        why="the upper bound leaves out the rule that blocks 127.0.0.0/8, which the lower one has, and "
        "rejects that hold on one interface",
    ),
    ("ufw_server2", "INP"): Simplified(
        behind(LOOPBACK, both_ways=True),
        lower_but=Field("dst", NOT_UNICAST),
        why="addrtype is not modelled there, and is here",
    ),
    ("ugent", "INP"): Simplified(),
}

OTHERS = {
    "contrived.EXPECTED.matrix.json": "reproduced exactly",
    "factory.EXPECTED.matrix.json": "reproduced exactly",
    "synology_2015_cleanup.save.EXPECTED.fffuu_INPUT.txt": "matrices and simple firewalls exactly; lo is not certified",
    "parser_test.save.EXPECTED.fffuu.txt": "matrices and simple firewalls exactly, without the unknown option",
    "sqrl_2015_spoofprot.save.EXPECTED.fffuu_raw_PREROUTING.txt": "spoofing protection exactly, from the raw table",
}


def dump(corpus: Path, name: str) -> Path:
    return corpus / "iptables" / f"iptsem_{name}.save"


def sidecar(corpus: Path, name: str) -> str:
    return (corpus / "iptables" / f"iptsem_{name}").read_text(encoding="utf-8")


def test_every_sidecar_is_accounted_for(corpus: Path) -> None:
    found = {path.name.removeprefix("iptsem_") for path in (corpus / "iptables").glob("*.EXPECTED.*")}
    simplified = {
        f"{name}.save.EXPECTED.Ln.{chain}.{bound}" for name, chain in SIMPLIFIED for bound in ("upper", "lower")
    }
    assert found == simplified | set(OTHERS)


@pytest.mark.parametrize(("name", "chain"), SIMPLIFIED)
def test_simplified_rules_are_bounds(corpus: Path, name: str, chain: str) -> None:
    hook, what = HOOKS[chain], SIMPLIFIED[name, chain]
    upper, lower = (listed(sidecar(corpus, f"{name}.save.EXPECTED.Ln.{chain}.{b}"), hook) for b in ("upper", "lower"))
    but = [match for match in (what.upper_but, what.lower_but) if match is not None]
    found = verdicts(
        table(dump(corpus, name)), hook, all_of(first_packets(), what.assumed), others=[upper, lower], also=but
    )
    above, below = found.through(upper), found.through(lower)
    assert found.may <= above
    assert below <= found.sure
    for difference, where in (
        (found.coarse(above) - found.coarse(found.may), what.upper_but),
        (found.coarse(found.within - below) - found.coarse(found.within - found.sure), what.lower_but),
    ):
        assert bool(difference) is (where is not None), difference.describe()[:5]
        assert where is None or difference <= found.space.of_match(where)


@pytest.mark.parametrize(
    ("name", "file"), [("contrived", "contrived"), ("factory", "factory"), ("factory", "factory_by-linux-kernel")]
)
def test_proved_service_matrices(corpus: Path, name: str, file: str) -> None:
    for proved in json.loads(sidecar(corpus, f"{name}.EXPECTED.matrix.json")):
        port = {"parts_connection_ssh": 22, "parts_connection_http": 80}[proved["connection"]]
        within = all_of(service(port, proved["assumed_ctstate"]), behind(LOOPBACK, both_ways=True))
        members = {key: addresses(text) for key, text in proved["classes"].items()}
        expected = frozenset(members.values()), frozenset((members[a], members[b]) for a, b in proved["edges"])
        assert matrix(table(dump(corpus, file)), FORWARD, within) == expected


@pytest.mark.parametrize(
    ("name", "text", "hook"),
    [
        ("synology_2015_cleanup", "synology_2015_cleanup.save.EXPECTED.fffuu_INPUT.txt", INPUT),
        ("parser_test", "parser_test.save.EXPECTED.fffuu.txt", FORWARD),
    ],
)
def test_what_fffuu_prints(corpus: Path, name: str, text: str, hook: int) -> None:
    printed, rules = sidecar(corpus, text), table(dump(corpus, name))
    one_interface = behind(LOOPBACK, both_ways=True)
    for title, assumed in (("simple", EVERYTHING), ("even-simpler", one_interface)):
        section = printed.partition(f"== to {title} firewall ==\n")[2].partition("==")[0]
        firewall = simple(section.splitlines(), hook)
        found = verdicts(rules, hook, all_of(first_packets(), assumed), others=[firewall])
        above = found.through(firewall)
        assert found.may <= above
        assert found.coarse(found.may) == found.coarse(above)
    sections = re.findall(r"=+ TCP port 10000->(\d+) =+\n(.*?)\n\n(.*?)\n\n", printed, re.DOTALL)
    assert len(sections) >= 2
    for port, classes, edges in sections:
        members = {line[0]: addresses(line.partition(" |-> ")[2]) for line in classes.splitlines()}
        expected = frozenset(members.values()), frozenset((members[e[1]], members[e[3]]) for e in edges.split())
        assert matrix(rules, hook, all_of(service(int(port), "NEW"), one_interface)) == expected


def spoofed(file: Path, name: str, hook: int, interfaces: dict[str, Intervals]) -> dict[str, bool]:
    """Return for each interface whether a packet from elsewhere may be accepted on it."""
    rules = table(file, name)
    asked = {i: All((Field("in", Names.of(i)), Not(Field("src", inside)))) for i, inside in interfaces.items()}
    found = verdicts(rules, hook, NOT_FRAGMENTED, also=list(asked.values()), assume={"raw:DROP": False})
    return {i: bool(found.may & found.space.of_match(match)) for i, match in asked.items()}


def test_spoofing_protection(corpus: Path) -> None:
    """Certified there means that no packet can be accepted here; for `lo` there is one.

    That a DROP of the raw table ends the way is not modelled unless it is assumed.
    """
    name = "sqrl_2015_spoofprot"
    certified = re.findall(
        r'^\("(\w+)","(True|Probably)', sidecar(corpus, f"{name}.save.EXPECTED.fffuu_raw_PREROUTING.txt"), re.MULTILINE
    )
    assert len(certified) == 11
    interfaces = dict(assignment(sidecar(corpus, f"{name}.save.ipassmt")))
    found = spoofed(dump(corpus, name), "raw", FORWARD, interfaces)
    assert found == {interface: answer != "True" for interface, answer in certified}
    alone = spoofed(dump(corpus, "synology_2015_cleanup"), "filter", INPUT, LOOPBACK)
    assert alone == {"lo": True}


def test_what_passes_raw_and_input_of_sqrl(corpus: Path) -> None:
    """From the notes of the manifest: a packet from outside to port 22 passes where SSHLimit does not stop it."""
    file = dump(corpus, "sqrl_2015_spoofprot")
    for state in (NEW, ESTABLISHED):
        packet = Packet(
            {
                "hook": INPUT, "in": "lup", "proto": TCP, "sport": 12345, "dport": 22, "state": state, "fragment": 0,
                "src": parse_address("123.123.123.123"), "dst": parse_address("131.159.14.9"),
                "flags": 2 if state == NEW else 16,
            }
        )  # fmt: skip
        assert decide(table(file, "raw"), packet).verdict == "allow"
        verdict = decide(table(file), packet)
        assert verdict.verdict == ("depends" if state == NEW else "allow")


def test_equal_files(corpus: Path) -> None:
    """From the notes: the factory's rules as they were generated, and as the kernel gave them back."""
    one, two = (table(dump(corpus, name)) for name in ("factory", "factory_by-linux-kernel"))
    for hook in (INPUT, FORWARD):
        space = Space([one, two], (), hook, Budget(seconds=None))
        assert Flow(one, space).allowed == Flow(two, space).allowed != space.nothing


def test_established_adds_one_pair(corpus: Path) -> None:
    """From the notes: at port 80, established packets may go one way more than new ones, from outside to 10.0.0.4."""
    inside = parse_prefix("10.0.0.0/8")
    assumed = behind({"br-b74b417b331f": inside}, both_ways=True)
    rules = table(dump(corpus, "docker_topos4.1"))
    edges = {}
    for state in ("NEW", "ESTABLISHED"):
        classes, pairs = matrix(rules, FORWARD, all_of(service(80, state), assumed))
        assert V4 - inside in classes
        edges[state] = pairs
    more = {(parse_address("8.8.8.8"), parse_address("10.0.0.4"))}
    hosts = [parse_address(f"10.0.0.{n}") for n in (1, 2, 3, 4, 42, 99)] + [parse_address("8.8.8.8")]
    reached = {
        state: {(a, b) for a in hosts for b in hosts if any(a in one and b in two for one, two in pairs)}
        for state, pairs in edges.items()
    }
    assert reached["ESTABLISHED"] - reached["NEW"] == more
    assert reached["NEW"] <= reached["ESTABLISHED"]


def test_the_dmz_cannot_reach_the_inside(corpus: Path) -> None:
    """From the notes on the contrived example."""
    between = All((Field("src", parse_prefix("131.159.15.240/28")), Field("dst", parse_prefix("131.159.21.0/24"))))
    within = all_of(first_packets(), behind(LOOPBACK, both_ways=True), between)
    found = verdicts(table(dump(corpus, "contrived")), FORWARD, within)
    assert found.within
    assert not found.may


def test_ringofsaturn_accepts_everything(corpus: Path) -> None:
    """From the notes: the first two rules of INPUT accept what belongs to a connection, or begins one."""
    rules = table(dump(corpus, "ringofsaturn"))
    found = verdicts(rules, INPUT, Field("state", Intervals.of(NEW, ESTABLISHED, RELATED)))
    assert found.sure == found.within
