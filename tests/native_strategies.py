"""Random trees of the native language: questions and files."""

from typing import TypeVar

from hypothesis import strategies as st

from policy.languages.native import ast as native
from policy.packet.address import V4_BASE, format_address
from policy.question import ast
from policy.source import Source, Span

T = TypeVar("T")

NOWHERE = Span(Source("", ""), 0, 0)
NAMES = ("office", "db", "web-1", "x_y", "tcp", "new", "cafe", "inside", "atlas", "a")


def word(*texts: str) -> st.SearchStrategy[ast.Word]:
    """One of *texts* as a word."""
    return st.sampled_from(texts).map(lambda text: ast.Word(text, NOWHERE))


def some(elements: st.SearchStrategy[T], least: int = 1) -> st.SearchStrategy[tuple[T, ...]]:
    """A few of *elements*."""
    return st.lists(elements, min_size=least, max_size=3).map(tuple)


names = word(*NAMES)
numbers = st.tuples(st.integers(0, 70000), st.integers(0, 70000)).map(lambda p: ast.Range(*p, NOWHERE))
number = st.integers(0, 70000).map(lambda n: ast.Range(n, n, NOWHERE))
ports = numbers | number | word("ssh", "well-known", "dynamic")
v4 = st.integers(V4_BASE, V4_BASE + 2**32 - 1).map(format_address)
v6 = st.integers(0, 2**128 - 1).map(format_address)
addresses = (v4 | v6 | v4.map("{}/24".format) | v6.map("{}/64".format)).map(lambda text: ast.Address(text, NOWHERE))
betweens = st.builds(ast.Between, v4.map(lambda t: ast.Address(t, NOWHERE)), v4.map(lambda t: ast.Address(t, NOWHERE)))
items = names | word("any") | addresses | betweens
lists = st.builds(ast.Addresses, some(items), some(items, 0))
sockets = st.builds(
    lambda item, port: ast.Endpoint(ast.Addresses((item,)), (port,), socket=True),
    names | (v4 | v6).map(lambda text: ast.Address(text, NOWHERE)),
    ports,
)
endpoints = st.builds(ast.Endpoint, lists, some(ports, 0)) | sockets
services = (
    word("any").map(ast.Service)
    | st.builds(ast.Service, names, some(ports, 0))
    | st.builds(lambda name, kind, code: ast.Service(name, (kind,), code), names, ports, ports)
    | st.builds(ast.Service, number | names, number=st.just(True))
)
interfaces = some(word("eth0", "eth+", "eth0.100", "br-lan", "in", "1x"))
flags = st.builds(ast.Flags, some(word("syn", "ack", "fin")), some(word("syn", "ack", "fin"), 0))
bits = st.builds(ast.Bits, st.integers(0, 255), st.integers(0, 255), st.just(NOWHERE))
settings = st.builds(
    ast.Setting, word("ttl", "mark", "mac", "fragment"), some(numbers | bits | word("later", "00:11:22:33:44:ff"))
)
none = st.just(())
matches = st.builds(
    ast.Match,
    services=some(services),
    source=st.none() | endpoints,
    destination=st.none() | endpoints,
    arrives=none | interfaces,
    leaves=none | interfaces,
    hooks=none | some(word("input", "forward")),
    states=none | some(word("new", "established")),
    flags=st.none() | flags,
    settings=none | some(settings),
    span=st.just(NOWHERE),
)
bare_matches = st.builds(ast.Match, source=endpoints, states=none | some(word("new")), span=st.just(NOWHERE))

texts = st.text(st.characters(exclude_characters='"\n\r\0\ufeff', exclude_categories=["Cs"]), max_size=8)
rules = st.builds(
    native.Rule,
    action=word("allow", "block", "reject", "return"),
    match=matches | bare_matches,
    label=st.none() | names,
    note=st.none() | texts,
    owner=st.none() | texts | st.sampled_from(("alice", "log", "a@b")),
    until=st.none() | word("2027-01-31"),
    log=st.booleans(),
    span=st.just(NOWHERE),
)
calls = st.builds(
    native.Rule,
    action=word("call"),
    match=matches | bare_matches,
    target=names,
    log=st.booleans(),
    span=st.just(NOWHERE),
)
defaults = st.builds(native.Default, word("allow", "block", "reject"), st.just(NOWHERE))
definitions = st.builds(
    native.Definition, st.sampled_from(("network", "host")), names, lists, st.just(NOWHERE)
) | st.builds(native.Definition, st.just("service"), names, some(services), st.just(NOWHERE))
policies = st.builds(
    native.Policy,
    name=names,
    hooks=none | some(word("input", "output")),
    stateless=st.booleans(),
    last_match=st.booleans(),
    body=some(rules | calls | defaults, 0),
    span=st.just(NOWHERE),
)
includes = st.builds(native.Include, word("a.fw", "b/c.fw"), st.just(NOWHERE))
files = st.builds(native.File, some(definitions | policies | includes, 0))
