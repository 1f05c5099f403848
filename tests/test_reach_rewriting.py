"""The law where rules rewrite packets and take them to other hooks: sets say what the evaluator says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.ir import (
    Action,
    All,
    Allow,
    Any,
    Block,
    Copy,
    Entry,
    Field,
    Jump,
    Policy,
    Return,
    Rewrite,
    Rule,
    Ruleset,
    Set,
    Unknown,
    UnknownAction,
)
from policy.packet import (
    ESTABLISHED,
    FORWARD,
    INPUT,
    NEW,
    OUTPUT,
    ROUTING,
    UNTRACKED,
    Intervals,
    Names,
    Packet,
    Value,
    complete,
    has,
)
from policy.packet.connection import connection
from policy.packet.fields import DESTINATION_TRANSLATED as TO
from policy.packet.fields import SOURCE_TRANSLATED as BY
from policy.reach import Flow
from policy.reach.connections import passages
from policy.sets import Exhausted
from tests.spaces import KINDS, boxes_of, hook_of, space_of
from tests.strategies import (
    CONDITIONS,
    HERE,
    NAMES,
    V4_FIRST,
    V6_FIRST,
    any_matches,
    harmless,
    packets,
    rules,
    unknown_actions,
    unknowns,
    verdicts,
)
from tests.strategies import matches as matches_of
from tests.test_reach_connections import decided, everything, space
from tests.test_reach_law import check

guards = st.sampled_from((None, INPUT, FORWARD, FORWARD, OUTPUT, ROUTING))
moves = st.sampled_from((INPUT, OUTPUT, FORWARD, FORWARD, ROUTING))


def addresses(family: int) -> st.SearchStrategy[int]:
    first = V4_FIRST if family == 4 else V6_FIRST
    return st.integers(first, first + 3)


def some(values: st.SearchStrategy[int]) -> st.SearchStrategy[Value]:
    """One value, or a few of which one is chosen."""
    return values | st.tuples(values, values).map(lambda two: Intervals.of((min(two), max(two)))).filter(
        lambda several: several.size > 1
    )


names = st.sampled_from(NAMES) | st.sets(st.sampled_from(NAMES), min_size=2, max_size=3).map(
    lambda some: Names(frozenset(some))
)


@st.composite
def rewriting(draw: st.DrawFn, family: int, choosing: bool) -> Action:
    """An action that rewrites; one that is *choosing* may leave open which of some values it takes."""
    if not choosing and draw(st.booleans()):
        mask = draw(st.sampled_from((1, 2, 3, (1 << (32 if family == 4 else 128)) - 1)))
        base = (V4_FIRST if family == 4 else V6_FIRST) & ((1 << 32) - 1 if family == 4 else (1 << 128) - 1)
        return Set(draw(st.sampled_from(("src", "dst"))), base + draw(st.integers(0, 3)) & mask, mask)
    single = {
        "dst": addresses(family),
        "src": addresses(family),
        "dport": st.integers(1, 4),
        "sport": st.integers(1, 4),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(single)), unique=True, max_size=2))
    changes: list[tuple[str, Value]] = [(n, draw(some(single[n]) if choosing else single[n])) for n in chosen]
    if draw(st.booleans()):
        changes.append(("hook", draw(moves)))
        if draw(st.booleans()):
            changes.append(("out", draw(names if choosing else st.sampled_from(NAMES))))
    return Rewrite(tuple(changes), draw(st.sampled_from((0, 0, BY, TO))))


in_ranges = st.sampled_from(
    ("src", "dst", "dst", "dport", "sport", "in", "out", "out", "hook", "uid", "proto")
).flatmap(
    lambda name: st.builds(Field, st.just(name), CONDITIONS[name].filter(lambda v: isinstance(v, Intervals | Names)))
)
plain_matches = matches_of(in_ranges | in_ranges | in_ranges | unknowns)


@st.composite
def rewriting_rulesets(draw: st.DrawFn, size: int = 3) -> Ruleset:
    """Rulesets of one family with entries for some hooks, and rules that take packets to others."""
    family, choosing = draw(st.sampled_from((4, 6))), draw(st.booleans())
    matches = plain_matches if choosing else any_matches
    change = rewriting(family, choosing)
    policies: dict[str, Policy] = {}
    for name in ("a", "b", "c"):
        others = (st.just(Jump("c")),) if name != "c" else ()
        acting = rules(matches, verdicts, st.just(Return()), harmless, unknown_actions, change, change, *others)
        passing = st.builds(lambda rule: rule, acting)
        body = draw(st.lists(passing, max_size=size))
        policies[name] = Policy(name, tuple(body), draw(st.none() | st.none() | verdicts))
    entry = st.builds(
        Entry,
        st.sampled_from("ab"),
        st.sampled_from((Allow(), Allow(), Block())),
        st.booleans(),
        st.booleans(),
        hook=guards,
        translates=st.sampled_from((None, "dst", "src")),
    )
    keys = draw(st.just((None,)) | st.just((INPUT, FORWARD)) | st.just((None, INPUT)))
    entries = {key: tuple(draw(st.lists(entry, min_size=1, max_size=4))) for key in keys}
    return Ruleset("test", frozenset({family}), policies, entries)


NEW_ONLY = Field("state", Intervals.of(NEW))
SIDES: dict[str, tuple[str, ...]] = {"in": ("src", "dst", "dport", "in"), "out": ("src", "dst", "sport", "out")}
listed = {name: CONDITIONS[name].filter(lambda v: isinstance(v, Intervals | Names)) for name in CONDITIONS}
one_field = st.sampled_from(("src", "dst", "dport", "sport", "in", "out", "state", "ctmark")).flatmap(
    lambda name: st.builds(Field, st.just(name), listed[name])
)
of_status = CONDITIONS["ctstatus"].map(lambda values: Field("ctstatus", values))
marking: st.SearchStrategy[Action] = st.sampled_from(
    (Set("ctmark", 1), Set("ctmark", 2, 2), Set("mark", 3), Copy("ctmark", "mark"), Copy("mark", "ctmark", 1, 1))
)
filters = rules(matches_of(one_field | one_field | of_status), verdicts, marking)


@st.composite
def translating_rulesets(draw: st.DrawFn, family: int) -> Ruleset:
    """Rulesets as netfilter has them: destination NAT, routing, filters of two hooks, source NAT."""
    address, port = addresses(family), st.integers(1, 4)

    unclear = UnknownAction("it rewrites", "nat", frozenset({"pass", "block", "continue"}))

    def nat(name: str, changes: st.SearchStrategy[tuple[Action, ...]], fields: tuple[str, ...]) -> Policy:
        condition = st.sampled_from(fields).flatmap(lambda f: st.builds(Field, st.just(f), listed[f]))
        match = (st.just(NEW_ONLY) | condition.map(lambda each: All((NEW_ONLY, each)))) | st.just(NEW_ONLY)
        actions = st.integers(0, 9).flatmap(lambda n: changes if n else st.just((unclear,)))
        rule_ = st.builds(lambda match, actions: Rule(match, (*actions, Allow()), span=HERE), match, actions)
        return Policy(name, tuple(draw(st.lists(rule_, max_size=2))), Allow())

    def to(sent: bool) -> st.SearchStrategy[tuple[Action, ...]]:
        here: tuple[tuple[str, Value], ...] = (("hook", ROUTING if sent else INPUT),)
        return st.one_of(
            st.builds(
                lambda a, p: (Rewrite((("dst", a), ("dport", p), ("hook", ROUTING)), TO),),
                some(address),
                some(port),
            ),
            st.builds(lambda a: (Rewrite((("dst", a), ("hook", ROUTING)), TO),), address),
            st.builds(lambda a, p: (Rewrite((("dst", a), ("dport", p), *here), TO),), address, port),
        )

    by: st.SearchStrategy[tuple[Action, ...]] = st.builds(
        lambda a, p: (Rewrite((("src", a), ("sport", p)), BY),),
        some(address),
        st.just(Intervals.of((1, 4))) | port,
    )
    own = Field("dst", Intervals.of(draw(address)))
    asked_ = Field("dst", Intervals.of(draw(address)))

    def routed(name: str, sent: bool) -> Policy:
        hook = OUTPUT if sent else FORWARD
        here: tuple[tuple[str, Value], ...] = (("hook", OUTPUT), ("out", "eth0")) if sent else (("hook", INPUT),)
        away = [Rule(All((asked_, unknown)), (Rewrite(here), Allow()), span=HERE)] if draw(st.booleans()) else []
        rest = Rewrite((("hook", hook), ("out", draw(names))))
        found = (Rule(own, (Rewrite(here), Allow()), span=HERE), *away, Rule(Any(), (rest, Allow()), span=HERE))
        return Policy(name, found, Allow(), implied=True)

    unknown = Unknown("it is here", "a")
    lists = {
        name: Policy(name, tuple(draw(st.lists(filters, max_size=3))), draw(verdicts))
        for name in ("INPUT", "FORWARD", "OUTPUT")
    }
    later = one_field.map(lambda each: All((Field("state", Intervals.of(ESTABLISHED)), each)))
    untracked = st.builds(lambda match: Rule(match, (Set("state", UNTRACKED),), span=HERE), later)
    policies = {
        "raw": Policy("raw", tuple(draw(st.lists(untracked, max_size=1))), Allow()),
        "pre": nat("pre", to(sent=False), SIDES["in"]),
        "sent": nat("sent", to(sent=True), SIDES["out"]),
        "post": nat("post", by, SIDES["out"]),
        "in": nat("in", by, SIDES["in"]),
        "routing": routed("routing", sent=False),
        "rerouting": routed("rerouting", sent=True),
        **lists,
    }
    arriving = (
        Entry("raw", Allow(), main=False),
        Entry("pre", Allow(), main=False, translates="dst"),
        Entry("routing", Allow(), main=False, hook=ROUTING),
        Entry("INPUT", Allow(), hook=INPUT),
        Entry("in", Allow(), main=False, hook=INPUT, translates="src"),
        Entry("FORWARD", Allow(), hook=FORWARD),
        Entry("post", Allow(), main=False, hook=FORWARD, translates="src"),
    )
    sent = (
        Entry("raw", Allow(), main=False),
        Entry("sent", Allow(), main=False, translates="dst"),
        Entry("OUTPUT", Allow()),
        Entry("rerouting", Allow(), main=False, hook=ROUTING),
        Entry("post", Allow(), main=False, translates="src"),
    )
    return Ruleset("test", frozenset({family}), policies, {INPUT: arriving, FORWARD: arriving, OUTPUT: sent})


several_packets = st.lists(packets(), min_size=1, max_size=3)


@settings(max_examples=100)
@given(rewriting_rulesets(), several_packets)
def test_diagrams(ruleset: Ruleset, sent: list[Packet]) -> None:
    for packet in sent:
        if packet.family in ruleset.families:
            space = space_of(ruleset, hook=hook_of(packet), questions=sent)
            check(Flow(ruleset, space), packet, {})


@settings(max_examples=50)
@given(rewriting_rulesets(2), several_packets)
def test_boxes(ruleset: Ruleset, sent: list[Packet]) -> None:
    """Lists of boxes may give up, and are right where they do not."""
    for packet in sent:
        if packet.family in ruleset.families:
            space = boxes_of(ruleset, hook=hook_of(packet), questions=sent)
            try:
                flow = Flow(ruleset, space, space.of_box(packet))
            except Exhausted:
                return
            check(flow, packet, {})


@st.composite
def opening(draw: st.DrawFn) -> Packet:
    """A packet that opens a connection."""
    family = draw(st.sampled_from((4, 6)))
    given: dict[str, Value] = {name: draw(addresses(family)) for name in ("src", "dst")}
    given |= {"hook": draw(st.sampled_from((INPUT, FORWARD, OUTPUT))), "proto": draw(st.sampled_from((6, 17)))}
    given |= {name: draw(st.integers(1, 4)) for name in ("sport", "dport")}
    return complete(given | {n: draw(st.sampled_from(NAMES)) for n in ("in", "out") if has(given, n)})


@settings(max_examples=60)
@given(st.data(), opening())
def test_connections(data: st.DataObject, first: Packet) -> None:
    """What follows a packet that was rewritten is rewritten, too, and the reply comes from where that was sent."""
    sent = tuple(connection(first))
    ruleset = data.draw(translating_rulesets(first.family))
    sets = space(KINDS[0], ruleset, [sent])
    found, _ = passages(ruleset, sets, [sent], {})
    inside = sets.of_box(everything(first))
    ((verdict, role, end),) = [(each.verdict, each.role, each.end) for each in found if inside & each.firsts]
    wanted, wanted_role, decision = decided(ruleset, sent, first, {})
    if wanted == "depends":  # the sets know what is true where an unknown was decided for another packet
        assert verdict in ("depends", "block")
    else:
        assert (verdict, role) == (wanted, wanted_role)
        assert (end and end.rule) is decision.rule
