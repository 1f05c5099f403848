"""The rules of a chain as rules of the IR, and the policies that they are in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from policy._record import dataclass
from policy.diagnostic import Collector
from policy.ir import (
    EVERYTHING,
    NOTHING,
    Action,
    Allow,
    Block,
    Field,
    Goto,
    Jump,
    Match,
    Policy,
    Rule,
    all_of,
    conjuncts,
)
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.ast.command import Rule as Written
from policy.languages.nftables.chains import Base, Places, accepting, tracked_at, tracks
from policy.languages.nftables.context import Context
from policy.languages.nftables.layers import Layers
from policy.languages.nftables.lists import host_bits, lists_of
from policy.languages.nftables.reject import asks_first
from policy.languages.nftables.state import ChainState
from policy.languages.nftables.statements import called, lowered
from policy.languages.nftables.translate import translated
from policy.languages.nftables.ways import Layout, Way, only
from policy.netfilter import LOOPED, MEETS_NAT, NOT_LOOPED, tracking
from policy.packet import Intervals
from policy.packet.fields import DCCP
from policy.source import Span
from policy.written import Suppression

_DECIDE = (e.Verdict, s.VerdictMap, s.Reject, s.Nat, s.Queue)


@dataclass(frozen=True, slots=True)
class _From:
    """How packets come to a chain, so far as its rules mean something else by that.

    *accepted* is the policy that packets go to that it accepts (None: past the base chain). *tracked*: has connection
    tracking seen them (`Context`)?
    """

    accepted: str | None
    tracked: bool | None


class Lowering:
    """The policies of one table.

    *accepted* has, of base chains behind whose `accept` packets go on to another chain, the policy that they go to.
    """

    def __init__(self, places: Places, accepted: Mapping[str, str]) -> None:
        self._places = places
        self._accepted = accepted
        self._names: dict[tuple[str, _From], str] = {}
        self.policies: dict[str, Policy] = {}

    def base(self, base: Base) -> None:
        """Lower a base chain, and what it calls."""
        chain, to = base.chain, self._accepted.get(base.name)
        context = self._places.context(chain)
        default = Block() if chain.drops else Allow()
        if base.type != "nat":
            self._chain(context, chain, base.name, _From(None, context.tracked), default=default)
            return
        seen = all_of(MEETS_NAT, NOT_LOOPED) if base.point in ("prerouting", "input") else MEETS_NAT
        if not tracks(self._places.state):
            seen = all_of(seen, tracking(chain.span))
        end: tuple[Action, ...] = (Block(),) if chain.drops else () if to is None else (Goto(to),)
        if not end:
            self._chain(context, chain, base.name, _From(None, True), guard=seen, default=default)
            return
        # Behind its rules, and where one returns, there is something left to do, to the first packets alone.
        inner = f"{base.name}:rules"
        self._chain(context, chain, inner, _From(to, True))
        span = chain.policy_span or chain.span
        rules = (Rule(seen, (Jump(inner),), span=span), Rule(seen, end, span=span))
        self.policies[base.name] = Policy(
            base.name, rules, Allow(), span=chain.span, suppressions=_suppressions(context, chain)
        )

    def others(self) -> None:
        """Lower the chains that no base chain calls."""
        for chain in self._places.table.chains.values():
            name = called(chain.name, self._places.context(chain))
            if chain.hook is None and name not in self.policies:
                self._chain(self._places.context(chain), chain, name, _From(None, True))

    def _chain(
        self,
        context: Context,
        chain: ChainState,
        name: str,
        come: _From,
        guard: Match = EVERYTHING,
        default: Allow | Block | None = None,
        implied: bool = False,
    ) -> None:
        """Add the policy of a chain."""
        layout = Layout(name, self._places.changing)
        silent = _suppressions(context, chain)
        rules: list[Rule] = []
        parts: list[tuple[str, list[Rule]]] = [(name, rules)]
        for written in chain.rules:
            rest = layout.rest
            rules += self._rules(context, layout, written, come, guard)
            if layout.returning:
                rules = []
                parts.append((rest, rules))
        for number, (part, some) in enumerate(parts):
            end = default if number == 0 else None
            span = chain.policy_span if end is not None and chain.policy_span is not None else chain.span
            self.policies[part] = Policy(
                part,
                tuple(some),
                end,
                implied=implied,
                is_told=implied,
                span=span,
                default_span=span,
                suppressions=silent,
            )

    def _rules(self, context: Context, layout: Layout, written: Written, come: _From, guard: Match) -> Iterator[Rule]:
        statements = [] if guard == EVERYTHING else [only(guard)]
        asked: list[Match] = []
        layers = Layers(replace(context, mistakes=Collector()))  # `refuse` has told what is wrong
        for each in written.statements:
            context = replace(context, network=layers.network)
            if isinstance(each, s.Reject):
                statements.insert(0, only(asks_first(context, each, asked)))
            if isinstance(each, s.Nat):
                statements.append(translated(context, each, _may_be(DCCP, statements)))
            else:
                statements.append(self._routed(_lowered(context, each), come))
            if isinstance(each, s.Match):
                asked.append(statements[-1][0].match)
            layers.takes(each)
        before = len(layout.policies)
        span, decides = written.span, _decides(written)
        lists = tuple(lists_of(context, written.statements))
        bits = tuple(host_bits(context, written.statements))
        for number, way in enumerate(layout.rule(statements)):
            yield Rule(
                way.match,
                way.actions,
                note=written.comment,
                suppressions=written.suppressions,
                span=span,
                action_span=decides,
                lists=() if number else lists,
                host_bits=() if number else bits,
                part=number > 0,
            )
        for inner in list(layout.policies)[before:]:
            ways = layout.policies.pop(inner)
            some = [Rule(way.match, way.actions, note=written.comment, span=span, action_span=decides) for way in ways]
            self.policies[inner] = Policy(inner, tuple(some), implied=True, is_told=True, span=span)

    def _routed(self, ways: tuple[Way, ...], come: _From) -> tuple[Way, ...]:
        """Return ways that, where they call a chain or accept, go to what these are where packets go on then."""
        if not any(isinstance(action, Allow | Jump | Goto) for way in ways for action in way.actions):
            return ways
        return tuple(replace(way, actions=tuple(self._one(action, come) for action in way.actions)) for way in ways)

    def _one(self, action: Action, come: _From) -> Action:
        match action:
            case Allow() if come.accepted is not None:
                return Goto(come.accepted)
            case Jump(name) | Goto(name):
                return replace(action, policy=self._called(name, come))
        return action

    def _called(self, name: str, come: _From) -> str:
        """Return the name of the policy for a chain where packets come to it in one way.

        What comes in another way goes to another policy, which is implied: the text has the chain once.
        """
        places = self._places
        word = name.removeprefix(f"{places.table.family} {places.table.name} ")
        chain = places.table.chains[word]
        context = places.context(chain)
        if not accepting(places, word):
            come = replace(come, accepted=None)
        if context.tracked is not None or come.tracked is None:
            come = replace(come, tracked=context.tracked)
        else:
            context = places.context(chain, [each for each in places.roots[word] if tracked_at(each) is come.tracked])
        key = word, come
        if key not in self._names:
            number = sum(known == word for known, _ in self._names)
            self._names[key] = policy = f"{name}:way-{number}" if number else name
            self._chain(context, chain, policy, come, implied=number > 0)
        return self._names[key]


def _lowered(context: Context, statement: s.Statement) -> tuple[Way, ...]:
    """Return the ways of a statement: what comes back by `lo` has been tracked when the host sent it."""
    ways = lowered(context, statement)
    if context.tracked is not False or "prerouting" not in context.hooks:
        return ways
    looped = lowered(replace(context, tracked=True), statement)
    if ways == looped:
        return ways
    apart = ((LOOPED, looped), (NOT_LOOPED, ways))
    return tuple(Way(all_of(by, way.match), way.actions) for by, some in apart for way in some if way.match != NOTHING)


def _suppressions(context: Context, chain: ChainState) -> tuple[Suppression, ...]:
    return (*context.table.suppressions, *chain.suppressions)


def _decides(written: Written) -> Span | None:
    """Return the place of what a rule does."""
    return next((each.span for each in reversed(written.statements) if isinstance(each, _DECIDE)), None)


def _may_be(protocol: int, statements: list[tuple[Way, ...]]) -> bool:
    """May a packet of a protocol come behind some statements?

    Kernels that do not track DCCP leave its ports as they are.
    """
    for ways in statements:
        for way in ways if len(ways) == 1 else ():
            for part in conjuncts(way.match):
                match part:
                    case Field("proto", Intervals() as values) if protocol not in values:
                        return False
    return True
