"""What checks ask about one set of rules, found out once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import takewhile
from typing import Any, TypeVar

from policy.check.language import Language
from policy.check.outside import Arrivals, Outside, outside
from policy.check.settings import Settings
from policy.evaluate import Decision, Index, Step, decide, evaluate
from policy.evaluate.looks import looks_at_hook
from policy.evaluate.walk import IMPLICIT
from policy.ir import Allow, Match, Rule, Ruleset, all_of
from policy.packet import HOOKS, Intervals, Packet, ValueSet
from policy.reach import At, Disagreement, Flow, Kind, Standings
from policy.reach.assumptions import assumptions, may_be_absent
from policy.reach.entered import entered
from policy.reach.ground import Ground
from policy.reach.nearby import Nearby
from policy.reach.opponents import Opponent, opponents, room
from policy.reach.redundant import Redundant, redundant
from policy.sets import BoxSpace, Budget, Exhausted, Missing, Space
from policy.sets.simple import packet_of, region_of
from policy.sets.truth import Algebra, Sets
from policy.sets.words import describe
from policy.source import Span

T = TypeVar("T")

SHOWN_REGIONS = 3

MANY = 1000
"""In files of more rules it is not spelled out what earlier rules leave of a rule's packets."""

LESS = ", apart from what earlier rules take"


class Facts:
    """One set of rules as checks see it; every engine shares its *budget*.

    *local* are the host's own addresses, where they are known; *language* is that of the rules: without it they cannot
    be written (`app.load.facts` knows it); *settings* is what checks are told. *counterpart* are the rules of
    the same host for the other IP version, where there are any. *index* serves the evaluator. Methods that need an
    engine raise `Exhausted` once the budget is spent.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        budget: Budget | None = None,
        local: Intervals | None = None,
        language: Language | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.ruleset = ruleset
        self.settings = settings or Settings()
        self.counterpart: Facts | None = None
        self.budget = budget or Budget()
        self.local = local
        self.index = Index()
        self.language = language
        self._spaces: dict[int | None, Sets[Any, Any]] = {}
        self._flows: dict[int | None, Flow[Any, Any]] = {}
        self._heads: dict[str, list[int]] = {}
        self._nearby: dict[str, Nearby] = {}
        self._found: dict[Callable[[Facts], Any], Any] = {}
        self._opponents: dict[At, list[Opponent[Any]]] = {}

    @cached_property
    def hooks(self) -> tuple[int | None, ...]:
        """The hooks at which packets meet the rules; None alone where the rules are the same at every hook."""
        if None not in self.ruleset.entries:
            return tuple(sorted(hook for hook in self.ruleset.entries if hook is not None))
        return tuple(range(len(HOOKS))) if looks_at_hook(self.ruleset) or len(self.ruleset.entries) > 1 else (None,)

    @cached_property
    def places(self) -> tuple[At, ...]:
        """Every rule of the text by its place, policy by policy, in the order of the text."""
        written = ((name, policy) for name, policy in self.ruleset.policies.items() if not policy.implied)
        return tuple((name, n) for name, policy in written for n in range(len(policy.rules)))

    def rule(self, at: At) -> Rule:
        """Return the rule at a place."""
        return self.ruleset.policies[at[0]].rules[at[1]]

    @cached_property
    def met(self) -> dict[str, tuple[int | None, ...]]:
        """The policies that an entry leads to, each with the hooks where it does."""
        scopes = entered(self.ruleset).scopes
        names = [name for name in self.ruleset.policies if name in scopes]
        return {name: tuple(h for h in self.hooks if h is None or h in scopes[name].hooks) for name in names}

    def with_values(self, rule: Rule, field: str, values: ValueSet, others: Sequence[Rule] = ()) -> str | None:
        """Return a rule as text, with *values* in one field and words of *others*; None where that is no one rule."""
        return None if self.language is None else self.language.with_values(self.ruleset, rule, field, values, others)

    @cached_property
    def comments(self) -> tuple[Span, ...]:
        """The comments in all texts."""
        if self.language is None:
            return ()
        return tuple(span for source in self.ruleset.sources for span in self.language.comments(source))

    @cached_property
    def disabled(self) -> tuple[Span, ...]:
        """The comments that would be rules without their sign."""
        return tuple(self.language.disabled(self.ruleset)) if self.language else ()

    def space(self, hook: int | None) -> Sets[Any, Any]:
        """Return the space of the packets at a hook: of diagrams, or, where the library is missing, of boxes."""
        if hook not in self._spaces:
            try:
                self._spaces[hook] = Space([self.ruleset], self._asked, hook, self.budget)
            except Missing:
                self._spaces[hook] = BoxSpace([self.ruleset], self._asked, hook, self.budget)
        return self._spaces[hook]

    @cached_property
    def _asked(self) -> tuple[Match, ...]:
        """What spaces have to tell apart besides what rules do: the zones, and outside."""
        zones = tuple(match for zone in self.settings.zones for match in (zone.sends, zone.receives))
        return (*zones, self.outside.comes)

    @cached_property
    def outside(self) -> Outside:
        """Where outside is, as far as that is known."""
        return outside(self.ruleset, self.settings)

    @cached_property
    def _arrivals(self) -> Arrivals[Any, Any]:
        return Arrivals(self.outside, self.space, self.flow)

    def arriving(self, hook: int | None) -> Any:
        """Return the packets from outside that open connections, as questions mean them; none at output.

        Where nobody says which interface leads outside, they come by the one that does most probably (`Gate.front`).
        """
        return self._arrivals.arriving(hook)

    def reachable(self, hook: int | None) -> Any:
        """Return the packets of `arriving` that pass whichever interface leads outside: all, where it is known."""
        return self._arrivals.reachable(hook)

    def opened(self, at: At) -> dict[int | None, Any]:
        """Return the packets that a rule itself lets pass, whatever the unknowns are, by the hooks where there are any.

        What rules before it decide, or tables behind it block, is not among them. A rule of a table that does not
        decide lets nothing pass.
        """
        if at[0] not in self._main or not any(isinstance(action, Allow) for action in self.rule(at).actions):
            return {}
        found = {}
        for ground in self.grounds:
            packets = ground.surely(at)
            if packets and ground.listed is None:
                packets = packets & self.flow(ground.sets.hook).allowed
            found[ground.sets.hook] = packets
        return {hook: packets for hook, packets in found.items() if packets}

    @cached_property
    def _main(self) -> frozenset[str]:
        """The policies of the entries that decide what is let in, with those that they call."""
        entries = {hook: tuple(e for e in some if e.main) for hook, some in self.ruleset.entries.items()}
        return frozenset(entered(replace(self.ruleset, entries=entries)).scopes)

    def exposed(self, at: At) -> dict[int | None, Any]:
        """Return the packets that a rule opens to the outside, by hook: `opened` by it, and `reachable`."""
        found = {hook: packets & self.reachable(hook) for hook, packets in self.opened(at).items()}
        return {hook: packets for hook, packets in found.items() if packets}

    def once(self, find: Callable[[Facts], T]) -> T:
        """Return what a function of these facts gives; it is called once."""
        if find not in self._found:
            self._found[find] = find(self)
        found: T = self._found[find]
        return found

    def flow(self, hook: int | None) -> Flow[Any, Any]:
        """Return all packets through the rules of a hook."""
        if hook not in self._flows:
            self._flows[hook] = Flow(self.ruleset, self.space(hook))
        return self._flows[hook]

    @cached_property
    def standings(self) -> Standings:
        """What is known of every rule: alive, dead and why, in a policy that packets do not enter, or undecided."""
        return Standings(self.ruleset, self.hooks, self.flow, self.budget, self.index)

    def nearby(self, name: str) -> Nearby:
        """Return which rules of a policy may have packets in common."""
        if name not in self._nearby:
            self._nearby[name] = Nearby(self.ruleset.policies[name])
        return self._nearby[name]

    @cached_property
    def grounds(self) -> tuple[Ground[Any, Any], ...]:
        """The rules of every hook as sets, each rule by itself and with what comes to it."""
        return tuple(
            Ground(self.ruleset, self.space(hook), self.nearby, partial(self.flow, hook)) for hook in self.hooks
        )

    def is_live(self, at: At) -> bool:
        """May any packet reach and match a rule, at any hook?"""
        standing = self.standings.of[at]
        if standing.kind is Kind.UNDECIDED:
            return any(ground.matched(at) for ground in self.grounds)
        return standing.kind is Kind.ALIVE

    def is_whole(self, at: At) -> bool:
        """Is a rule of the IR all of a rule of the text (`Rule.part`)?"""
        rules, number = self.ruleset.policies[at[0]].rules, at[1]
        return not any(rule.part for rule in rules[number : number + 2])

    def head(self, at: At) -> At:
        """Return the first of the rules of the IR that are one rule of the text with the one at a place."""
        name, number = at
        if name not in self._heads:
            rules = self.ruleset.policies[name].rules
            heads = self._heads[name] = []
            for n, rule in enumerate(rules):
                heads.append(heads[-1] if rule.part else n)
        return name, self._heads[name][number]

    def parts(self, at: At) -> tuple[At, ...]:
        """Return all rules of the IR that are one rule of the text with the one at a place, in order."""
        (name, first), heads = self.head(at), self._heads[at[0]]
        return tuple((name, number) for number in takewhile(lambda n: heads[n] == first, range(first, len(heads))))

    def is_preamble(self, at: At) -> bool:
        """Is a rule only about packets of known connections, invalid ones, or `lo`, as many policies begin?"""
        return all(ground.truth(at).may <= ground.preamble for ground in self.grounds)

    def opponents(self, at: At) -> list[Opponent[Any]]:
        """Return the rules before a rule that decide packets of it otherwise; none where it is dead."""
        if at not in self._opponents:
            found = opponents(self.grounds, at) if self.is_whole(at) else []
            self._opponents[at] = found if found and self.is_live(at) else []
        return self._opponents[at]

    def matched(self, at: At) -> dict[int | None, Any]:
        """Return the packets that may reach and match a rule, by the hooks where there are any."""
        found = {ground.sets.hook: ground.matched(at) for ground in self.grounds}
        return {hook: packets for hook, packets in found.items() if packets}

    def redundant(self, at: At) -> Redundant[Any] | None:
        """Return what would become of the packets of a rule without it, where that is the same."""
        return redundant(self.grounds, at, self.index)

    def room(self, at: At) -> int | None:
        """Return the number of the nearest rule before a rule that it may not be moved past; its own: none is known."""
        return room(self.grounds, at)

    def may_be_absent(self, at: At) -> bool:
        """May it be that no packet of a rule exists? (Quick; a yes may be wrong.)"""
        return any(may_be_absent(self.rule(at).match, hook, self.local) for hook in self.hooks)

    def absent(self, hook: int | None, packets: Algebra) -> list[str]:
        """Return what is assumed by which none of some packets exist at *hook*; nothing where some may."""
        sets = self.space(hook)
        assumed = assumptions(self.ruleset, hook, sets.layout.fields, self.local)
        left, used = packets, []
        for each in assumed:
            here = sets.of_match(each.packets)
            if not packets & here:
                return [each.text]
            if not left <= here:
                left = left & here
                used.append(each.text)
        return [] if left else used

    def replayed(
        self, packets: Iterable[Algebra], rules: Collection[Rule], packet: Packet | None = None
    ) -> Packet | None:
        """Return a packet of one of some sets (those of several hooks) that the evaluator sends to one of *rules*.

        *packet* is one of them, where one is known. Raises `Disagreement` where the evaluator says that none of the
        rules matches.
        """
        packet = packet or next((each.example() for each in packets if each), None)
        if packet is None:
            return None
        wanted = {id(rule) for rule in rules}
        *steps, last = evaluate(self.ruleset, packet, index=self.index)
        hit = any(isinstance(step, Step) and step.matched is not False and id(step.rule) in wanted for step in steps)
        # A walk ends as soon as two ways differ, so that it may not come to every rule that it could.
        if not hit and not (isinstance(last, Decision) and last.verdict == "depends"):
            raise Disagreement(f"sets and evaluator disagree about {dict(packet.values)}")
        return packet

    def proven(self, packets: Algebra, verdict: str) -> Packet | None:
        """Return a packet of a set of packets with one verdict, which the evaluator gives it too.

        None of an empty set. Raises `Disagreement` where the evaluator says something else.
        """
        packet = packets.example()
        if packet is not None:
            decision = decide(self.ruleset, packet, index=self.index)
            if decision.verdict != verdict and not decision.undecided:
                raise Disagreement(f"sets and evaluator disagree about {dict(packet.values)}")
        return packet

    def words(self, packets: Algebra, hook: int | None = None, within: Any = None) -> str | None:
        """Return a set of packets in words, with the names of the file; None where the budget does not allow it.

        What all packets that come to the rules of *hook*, or those *within*, have is not said.
        """
        try:
            within = self._entering.get(hook) if within is None else within
            found, more = packets.describe_first(self.ruleset.definitions, SHOWN_REGIONS, within)
        except Exhausted:
            return None
        return "; ".join(found) + ("; and more" if more else "")

    def usual(self, packets: Mapping[int | None, Algebra], guess: Match) -> Packet | None:
        """Return a packet of some sets, by hook, that meets *guess*, or None where none is found at once."""
        for hook, some in packets.items():
            layout = self.space(hook).layout
            packet = packet_of(guess, layout) if region_of(guess, layout) is not None else None
            if packet is not None and packet in some:
                return packet
        return None

    def _said(
        self, packets: Algebra, hook: int | None, guess: Match | None, within: Algebra | None = None
    ) -> str | None:
        simply = None if guess is None else self._guessed(self.space(hook), packets, guess, self._entering.get(hook))
        return simply or self.words(packets, hook, within)

    def told(self, sets: Sets[Any, Any], packets: Any, guess: Match) -> str | None:
        """Return some packets of a space in words, all of which meet *guess*: as that, where they are just those."""
        return self._guessed(sets, packets, guess) or self.words(packets)

    def _guessed(
        self, sets: Sets[Any, Any], packets: Algebra, guess: Match, within: Algebra | None = None
    ) -> str | None:
        """Return a match in words, where it is a simple one and says what distinguishes some packets."""
        region = region_of(guess, sets.layout)
        if region is None:
            return None
        matching = sets.of_match(guess)
        same = (matching if within is None else matching & within) == packets
        if not same and len(self.places) <= MANY:
            return None
        return describe(region, sets.layout, self.ruleset.definitions) + ("" if same else LESS)

    @cached_property
    def _entering(self) -> dict[int | None, Any]:
        """The packets that come to the rules of a hook, where the table of connections decides others before them."""
        found = {}
        for hook in self.hooks:
            entries = self.ruleset.at(hook)
            if entries and all(entry.stateful for entry in entries):
                sets = self.space(hook)
                found[hook] = sets.everything - sets.union(sets.of_match(match) for match, _ in IMPLICIT)
        return found

    def region(
        self,
        packets: Mapping[int | None, Algebra],
        guess: Match | None = None,
        within: Mapping[int | None, Algebra] | None = None,
    ) -> str | None:
        """Return sets of packets of several hooks in words: once, where they are the same at all of them.

        All of them meet *guess*. Where they are just those, or the rules are many, that is said instead. What all
        packets *within* have is not said.
        """
        care = within or {}
        texts = {
            hook: text
            for hook, some in packets.items()
            if (text := self._said(some, hook, guess, care.get(hook))) is not None
        }
        if len(texts) < len(packets):
            return None
        if len(set(texts.values())) == 1 and len(texts) == len(self.hooks):
            return next(iter(texts.values()))
        return "; ".join(text if hook is None else f"at {HOOKS[hook]}: {text}" for hook, text in texts.items())

    def common(self, at: At, others: Sequence[Opponent[Any]]) -> tuple[str | None, Packet | None]:
        """Return what a rule and some opponents both match: that of the first few in words, and one packet of it."""
        guesses = [all_of(self.rule(at).match, self.rule(each.at).match) for each in others[:SHOWN_REGIONS]]
        texts = [self.region(each.packets, guess) for each, guess in zip(others, guesses, strict=False)]
        said = "; ".join(text for text in texts if text is not None) + (
            "; and more" if len(others) > len(texts) else ""
        )
        first = others[0].packets
        packet = self.replayed(first.values(), [self.rule(others[0].at)], self.usual(first, guesses[0]))
        return None if None in texts else said, packet

    def flows(self, policy: str, match: Match) -> list[Flow[Any, Any]]:
        """Return the packets of a match through the rules, at each hook where any come to a policy."""
        spaces = [self.space(hook) for hook in self.met.get(policy, ())]
        return [Flow(self.ruleset, space, space.of_match(match).every()) for space in spaces]
