"""What is open to everybody outside: on random rules against the evaluator, source by source; what findings show."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from policy.app.load import facts, load
from policy.check import Facts, Settings, Zone
from policy.check.exposed import extents, of_group
from policy.check.exposure import ALL_PORTS, HALF, NEARLY_ALL, Asked, Extent
from policy.check.services import Notable, notable
from policy.check.traffic import bound
from policy.check.wording import MOST_ALIKE
from policy.checks import checks
from policy.checks.fw217_exposed_by_union import COUNTS, together
from policy.diagnostic import Diagnostic
from policy.evaluate import decide
from policy.host import Host
from policy.ir import (
    EVERYTHING,
    Allow,
    Block,
    Entry,
    Field,
    Jump,
    Match,
    Not,
    Policy,
    Return,
    Rule,
    Ruleset,
    Unknown,
    all_of,
    walk,
)
from policy.packet import INPUT, Intervals, Names, Value, ValueSet, complete
from policy.packet.address import V4, parse_address, parse_prefix
from policy.packet.special import public
from policy.reach import At
from policy.source import Source
from tests.strategies import HERE, verdicts

WIDE_PORTS = 1000
PUBLIC = public() & V4
PREFIXES = (
    "0.0.0.0/1",
    "128.0.0.0/1",
    "0.0.0.0/2",
    "64.0.0.0/2",
    "128.0.0.0/2",
    "192.0.0.0/2",
    "8.8.8.0/24",
    "10.0.0.0/8",
)
PORTS: tuple[int | tuple[int, int], ...] = (
    22,
    3389,
    5432,
    80,
    (0, 1023),
    (1024, 65535),
    (0, 65535),
    (5000, 5999),
    (0, 64000),
)
SERVER = Intervals.of(parse_address("192.168.7.7"))
GROUPS = ("ssh", "rdp", "database")

sources = st.sampled_from(PREFIXES).map(lambda text: Field("src", parse_prefix(text)))
ports = st.sampled_from(PORTS).map(lambda values: Field("dport", Intervals.of(values)))
protocols = st.sampled_from((6, 6, 17)).map(lambda number: Field("proto", Intervals.of(number)))
anything = st.just(EVERYTHING)
server: Match = Field("dst", SERVER)
to_server = st.sampled_from((server, EVERYTHING, EVERYTHING))
known = st.builds(all_of, sources | sources.map(Not) | anything, protocols | anything, ports | anything, to_server)
unknown = st.sampled_from((Unknown("limit", "limit", pure=False), Unknown("set", "set")))
unsure = st.builds(all_of, known, unknown | anything | anything)


def _rules(match: st.SearchStrategy[Match], *names: str) -> st.SearchStrategy[tuple[Rule, ...]]:
    actions = st.sampled_from((Allow(), Allow(), Allow(), Block(), Return(), *map(Jump, names)))
    return st.lists(st.builds(lambda m, a: Rule(m, (a,), span=HERE), match, actions), max_size=5).map(tuple)


def _ruleset(main: tuple[Rule, ...], called: tuple[Rule, ...]) -> Ruleset:
    policies = {"main": Policy("main", main, Block()), "called": Policy("called", called)}
    return Ruleset("test", frozenset({4}), policies, {INPUT: (Entry("main", Block()),)})


def rulesets(match: st.SearchStrategy[Match]) -> st.SearchStrategy[Ruleset]:
    """Rulesets of a policy at input that may call another one."""
    return st.builds(_ruleset, _rules(match, "called"), _rules(match))


Segments = dict[tuple[int, int, int], set[int]]
"""The sources, by the beginning of their segment, by protocol, destination and the beginning of the class of ports."""


def _edges(values: ValueSet) -> list[int]:
    """Return where numbers begin to be in a set, or to be in it no more."""
    assert isinstance(values, Intervals)
    return [edge for low, high in values.ranges for edge in (low, high + 1)]


class Brute:
    """Which rule lets in what, asked packet by packet: one for each class that the rules tell apart."""

    def __init__(self, ruleset: Ruleset) -> None:
        parts = [part for p in ruleset.policies.values() for rule in p.rules for part in walk(rule.match)]
        fields = [part for part in parts if isinstance(part, Field) and isinstance(part.values, Intervals)]
        cuts: dict[str, set[int]] = {"src": set(_edges(PUBLIC)), "dport": {0, ALL_PORTS}}
        for name, found in cuts.items():
            found |= {edge for part in fields if part.name == name for edge in _edges(part.values)}
        starts = sorted(edge for edge in cuts["src"] if edge in PUBLIC)
        self.sizes = {
            low: (Intervals.of((low, high - 1)) & PUBLIC).size
            for low, high in pairwise((*starts, V4.ranges[-1][1] + 1))
        }
        self.ports = {low: Intervals.of((low, high - 1)) for low, high in pairwise(sorted(cuts["dport"]))}
        places = {
            id(rule): (name, n) for name, policy in ruleset.policies.items() for n, rule in enumerate(policy.rules)
        }
        self.let: dict[At, Segments] = defaultdict(lambda: defaultdict(set))
        for proto in (6, 17, 47):
            for port in self.ports if proto != 47 else (0,):
                for target in (SERVER.first, parse_address("9.9.9.9")):
                    for source in self.sizes:
                        given: dict[str, Value] = {"hook": INPUT, "src": source, "dst": target, "proto": proto}
                        given |= {} if proto == 47 else {"sport": 51000, "dport": port}
                        last = decide(ruleset, complete(given))
                        if last.verdict == "allow" and last.rule is not None:
                            self.let[places[id(last.rule)]][proto, target, port].add(source)

    def share(self, found: set[int]) -> float:
        return sum(self.sizes[source] for source in found) / PUBLIC.size

    def senders(self, at: At, service: Notable) -> set[int]:
        """Return who reaches a service by a rule."""
        of = self.let[at]
        return {
            source
            for (proto, _, port), found in of.items()
            if proto == service.protocol and self.ports[port].meets(service.ports)
            for source in found
        }

    def extent(self, at: At) -> Extent:
        of = self.let[at]
        most = 0
        for proto in (6, 17):
            mine = {key: found for key, found in of.items() if key[0] == proto}
            if self.share(set().union(*mine.values())) >= HALF:
                most = max(most, sum(self.ports[port].size for port in {port for _, _, port in mine}))
        if most <= ALL_PORTS - WIDE_PORTS:
            return Extent.MANY_PORTS if most > WIDE_PORTS else Extent.FEW
        if not any(proto == 47 for proto, _, _ in of):
            return Extent.PORTS
        return Extent.EVERYTHING if any(target not in SERVER for _, target, _ in of) else Extent.PROTOCOLS


@examples(max_examples=40)
@given(rulesets(known))
def test_what_is_open_is_what_the_evaluator_lets_in(ruleset: Ruleset) -> None:
    brute, facts = Brute(ruleset), Facts(ruleset)
    expected = {at: brute.extent(at) for at in brute.let}
    for extent in Extent:
        if extent is not Extent.FEW:
            assert {each.at for each in extents(facts, extent)} == {at for at, is_ in expected.items() if is_ is extent}
    for group in GROUPS:
        found = {each.at: {service.name for service in each.services} for each in of_group(facts, group)}
        wanted = defaultdict(set)
        for service in notable():
            for at, extent in expected.items():
                if service.group == group and extent is Extent.FEW and brute.share(brute.senders(at, service)) >= HALF:
                    wanted[at].add(service.name)
        assert found == wanted


@st.composite
def patchworks(draw: st.DrawFn) -> Ruleset:
    """Rules that let in most of the Internet, a quarter each, with others between them."""
    quarters = draw(st.permutations([Field("src", parse_prefix(f"{n}.0.0.0/2")) for n in (0, 64, 128, 192)]))
    rules = [Rule(all_of(quarter, draw(ports | anything)), (Allow(),), span=HERE) for quarter in quarters]
    for match in draw(st.lists(known, max_size=2)):
        rules.insert(draw(st.integers(0, len(rules))), Rule(match, (draw(verdicts),), span=HERE))
    return _ruleset(tuple(rules), ())


@examples(max_examples=40)
@given(patchworks())
def test_what_rules_open_together_is_what_the_evaluator_lets_in(ruleset: Ruleset) -> None:
    brute = Brute(ruleset)
    found = {service for services in together(Facts(ruleset)).values() for service in services}
    matches = {(name, n): rule.match for name, p in ruleset.policies.items() for n, rule in enumerate(p.rules)}
    wanted = set()
    for service in notable():
        mine = [at for at, match in matches.items() if Asked.by(match).may_serve(service)]
        mine = [at for at in mine if (bound(matches[at], "src") & PUBLIC).size >= COUNTS * PUBLIC.size]
        parts = [senders for at in mine if (senders := brute.senders(at, service))]
        nearly_all = brute.share(set().union(*parts)) >= NEARLY_ALL
        if len(parts) > 1 and nearly_all and not any(brute.share(part) >= HALF for part in parts):
            wanted.add(service)
    assert found == wanted


@examples(max_examples=40)
@given(rulesets(unsure))
def test_the_example_of_a_finding_comes_in_from_a_public_address(ruleset: Ruleset) -> None:
    facts = Facts(ruleset)
    for check in checks():
        if check.code.startswith("FW2") and check.code != "FW215" and check.find is not None:
            for finding in check.find(facts):
                assert isinstance(finding, Diagnostic)
                assert finding.example is not None
                source = finding.example.values["src"]
                assert isinstance(source, int)
                assert source in PUBLIC
                assert decide(ruleset, finding.example).verdict == "allow"


@pytest.mark.parametrize("service", notable(), ids=str)
def test_a_service_says_why_it_is_one_and_who_says_so(service: Notable) -> None:
    assert service.why[0].islower()
    assert service.source
    assert 0 < service.ports.size <= 10


def test_a_port_is_of_one_service() -> None:
    ports = [
        (each.protocol, port) for each in notable() for low, high in each.ports.ranges for port in range(low, high + 1)
    ]
    assert len(ports) == len(set(ports))
    assert (6, 80) not in ports


def lines(code: str, text: str, *zones: Zone) -> dict[int, str]:
    """Return what a check finds, the messages by line."""
    (check,) = (each for each in checks() if each.code == code)
    assert check.find is not None
    found = check.find(facts(load(Source("rules", text)), settings=Settings(zones)))
    return {each.span.line: each.message for each in found if isinstance(each, Diagnostic)}


def dump(*rules: str) -> str:
    body = "".join(f"-A {rule} -j ACCEPT\n" for rule in rules)
    return f"*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n{body}COMMIT\n"


SSH = "-p tcp --dport 22"


def test_a_zone_is_half_open_where_half_of_its_addresses_come_in() -> None:
    zone = Zone("partner", Names.of("tun0"), parse_prefix("10.9.0.0/16"), untrusted=True)
    rules = (f"INPUT -s 10.9.0.0/17 {SSH}", f"INPUT -s 10.9.128.0/18 {SSH}", f"INPUT ! -i tun0 {SSH}")
    assert lines("FW205", dump(*rules), zone) == {
        4: "this rule lets SSH (tcp/22) in from 50 % of `partner`: "
        "passwords are guessed at all day, and holes in the server are used within hours"
    }
    assert list(lines("FW205", dump(*rules))) == [6]


def test_a_zone_without_addresses_is_the_internet() -> None:
    zone = Zone("uplink", Names.of("eth0"), untrusted=True)
    found = lines("FW205", dump(f"INPUT -i eth1 {SSH}", f"INPUT -i eth0 {SSH}"), zone)
    assert list(found) == [5]
    assert "in from the Internet" in found[5]


def test_many_rules_that_open_the_same_are_one_finding() -> None:
    few = [f"FORWARD -d 192.0.2.{n} {SSH}" for n in range(1, MOST_ALIKE + 1)]
    assert len(lines("FW205", dump(*few))) == MOST_ALIKE
    found = lines("FW205", dump(*few, f"FORWARD -d 192.0.2.99 {SSH}", "FORWARD -p tcp --dport 22:23"))
    assert list(found) == [4]
    assert found[4].endswith(f", and so it is with {MOST_ALIKE + 1} other rules of `FORWARD`")


@pytest.mark.parametrize("ports", [1000, 500])
def test_how_many_ports_are_many_is_configured(ports: int) -> None:
    (check,) = (each for each in checks() if each.code == "FW213")
    assert check.find is not None
    known = facts(load(Source("rules", dump("INPUT -p udp --dport 10000:10799"))), settings=Settings(wide_ports=ports))
    assert len(list(check.find(known))) == (ports < 800)


def test_a_default_that_nothing_comes_to_is_not_reported() -> None:
    text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j DROP\n-A INPUT -p udp -j DROP\nCOMMIT\n"
    assert not lines("FW212", text)
    assert lines("FW212", text.replace("-p udp", "-p udp --dport 1000:65535"))


@pytest.mark.parametrize("condition", ["-m mac --mac-source 00:11:22:33:44:55", "-m length --length 100:200"])
def test_an_example_has_a_value_of_what_is_not_known_of_packets(condition: str) -> None:
    (check,) = (each for each in checks() if each.code == "FW205")
    assert check.find is not None
    text = dump(f"INPUT {SSH}").replace("-A", f"-A INPUT {condition} -j DROP\n-A")
    rules = load(Source("rules", text))
    (found,) = check.find(facts(rules))
    assert isinstance(found, Diagnostic)
    assert found.example is not None
    assert decide(rules, found.example).verdict == "allow"


def test_a_translated_port_is_the_one_that_people_connect_to() -> None:
    text = """*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -d 192.0.2.1 -p tcp -m tcp --dport 3306 -j DNAT --to-destination 10.9.0.2:13306
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A FORWARD -d 10.9.0.2/32 -p tcp -m tcp --dport 13306 -j ACCEPT
COMMIT
"""
    (check,) = (each for each in checks() if each.code == "FW208")
    assert check.find is not None
    host = Host(local=Intervals.of(parse_address("192.0.2.1")))
    (found,) = check.find(facts(load(Source("rules", text), host=host)))
    assert isinstance(found, Diagnostic)
    assert "tcp/3306" in found.message
    assert found.help is not None
    assert "people connect to" in found.help
    assert found.example is not None
    assert found.example.values["dport"] == 3306
