"""The answer for packets that the rules do not treat alike: regions, each with its verdict and what decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, islice
from typing import Any

from policy._record import dataclass
from policy.app.answer import FEW_REGIONS, MOST_REGIONS, Asking, HookAnswer, Region, Verdict, together
from policy.app.passing import first_packet, may_change, passed, sent
from policy.app.problem import CannotAnswer
from policy.evaluate import Index
from policy.ir import Ruleset
from policy.packet import FIELDS, HOOKS, Intervals, Masked, Names, Packet, Value, ValueSet
from policy.packet.address import LOOPBACK, families_of, whole
from policy.packet.fields import ICMP, ICMP6, NOT_KNOWN, TRAFFIC
from policy.packet.packet import NOT_LOOPBACK
from policy.question.boxes import Part, Question
from policy.reach import Disagreement
from policy.reach.connections import Passage, first_example, passages, space_for
from policy.sets import Exhausted
from policy.sets.regions import Region as Place
from policy.sets.regions import Values, merged, plain
from policy.sets.truth import Algebra, Sets
from policy.sets.words import describe

FEW_PARTS, MOST_PARTS = 5, 50
"""A set that one rule decides and that takes more boxes (the latter, where more than a few regions are wanted) is told
as what that rule decides."""

MOST_TYPED = 128
"""Of so many protocols ICMP is told apart, with its type."""

_FAMILIES = {ICMP: 4, ICMP6: 6}
_ORDER = ("allow", "depends", "block")

MOST_DECIDING = 1200
"""When so many rules have decided packets, in different ways, what later rules decide is left out of the regions."""

MOST_COUNTED = 1200
"""Above so many deciding rules 5-tuples are not counted."""


def set_answer(
    ruleset: Ruleset, question: Question, hook: int | None, parts: Sequence[Part], asking: Asking
) -> HookAnswer:
    """Return the answer at *hook* for the packets of *parts*; raises `CannotAnswer` where it costs too much."""
    try:
        return _Asked(ruleset, question, hook, parts, asking).answer()
    except Exhausted as limit:
        where = "" if hook is None else f" at {HOOKS[hook]}"
        raise CannotAnswer(
            f"undecided{where}: to tell these packets apart takes more than {limit}", "ask about fewer packets"
        ) from None
    except RecursionError:
        raise CannotAnswer("undecided: conditions are nested too deeply to tell these packets apart") from None


@dataclass(frozen=True, slots=True)
class _Piece:
    """Packets that are one region, with its words."""

    passage: Passage[Any]
    firsts: Algebra
    words: str


class _Asked:
    """A question at one hook, in a space of sets."""

    def __init__(
        self, ruleset: Ruleset, question: Question, hook: int | None, parts: Sequence[Part], asking: Asking
    ) -> None:
        self.ruleset = ruleset
        self.hook = hook
        self.asking = asking
        given = [(name, value) for part in parts for name, value in part.values.items()]
        self.said = {name for name, value in given if name != "hook" and not _is_open(name, value)}
        if not question.names("state"):
            self.said.discard("state")
        self.alone = asking.single or question.names("state")
        packets = [tuple(sent(ruleset, first_packet(part, hook), asking.single or part.alone)) for part in parts]
        self.sets: Sets[Any, Any] = space_for(ruleset, packets, self.said)
        self.passages, left = passages(ruleset, self.sets, packets, asking.assume or {}, MOST_DECIDING)
        self.complete = not left
        self.types = _types(first for (_, first), *_ in packets)
        self.usual = self._usual([first for (_, first), *_ in packets])
        self.index = Index()

    def answer(self) -> HookAnswer:
        """Return the answer; what costs time, words and examples, is worked out for the regions that are wanted."""
        most = min(self.asking.regions, MOST_REGIONS)
        groups = groupby(sorted(self.passages, key=_place), lambda each: each.verdict)
        # What no rule decides is shown in any case: it is wanted first.
        waiting = [sorted(group, key=_has_rule) for _, group in groups]
        pieces: list[list[_Piece]] = [[] for _ in waiting]
        more = 0
        while any(waiting) and (left := most - sum(map(len, pieces))) > 0:
            for number, some in enumerate(waiting):
                if some and (left := most - sum(map(len, pieces))) > 0:
                    found = self._pieces(some.pop(0))
                    pieces[number] += found[:left]
                    more += max(0, len(found) - left)
        more += sum(map(len, waiting))
        regions: list[Region] = []
        for shown in pieces:
            shown.sort(key=lambda piece: _place(piece.passage))
            regions += (self._region(piece, self.index if number else None) for number, piece in enumerate(shown))
        verdict = together(each.verdict for each in self.passages)
        return HookAnswer(self.hook, verdict, tuple(regions), more, self.complete, self._tuples())

    def _pieces(self, passage: Passage[Any]) -> list[_Piece]:
        """Return a few disjoint parts of a set, in words, or the set as one where that takes too many."""
        layout = self.sets.layout
        if not _has_rule(passage) and len(self.passages) > FEW_REGIONS:
            return [_Piece(passage, passage.firsts, _left_for(passage))]
        most = FEW_PARTS if self.asking.regions <= FEW_REGIONS else MOST_PARTS
        places = list(islice(passage.firsts.each_region(self.usual), most + 1))
        if len(places) > most:
            return [_Piece(passage, passage.firsts, _left_for(passage))]
        told = [typed for place in places for typed in self._typed(self._told(place))]
        boxes = merged([tuple(sorted(each.items())) for each in told])
        if len(boxes) == 1:
            return [_Piece(passage, passage.firsts, self._words(Place(plain(dict(boxes[0]), layout))))]
        found = [Place(plain(dict(box), layout)) for box in boxes]
        # A type that no rule asks for is in the words alone.
        known = [Place({n: v for n, v in place.values.items() if n in layout.fields}) for place in found]
        sets = [passage.firsts & self.sets.of_match(place.match(layout)) for place in known]
        return [_Piece(passage, mine, self._words(place)) for mine, place in zip(sets, found, strict=True) if mine]

    def _usual(self, firsts: Sequence[Packet]) -> Any:
        """Return all packets that have what the question does not say as the packets of the question have it."""
        sets, found = self.sets, self.sets.everything
        for name in (each for each in sets.layout.fields if each not in self.said):
            values = dict.fromkeys(first.values[name] for first in firsts if name in first.values)
            if values and not any(_is_open(name, value) for value in values):
                usual = sets.union(sets.field(name, _as_set(value), sets.original) for value in values)
                found = found & (usual | ~sets.field(name, FIELDS[name].domain, sets.original))
        return found

    def _told(self, place: Place) -> dict[str, Values]:
        """Return the fields of a region that need words: what was not said and is as usual is left out."""
        told = {name: values for name, values in place.values.items() if name in self.said or name in TRAFFIC}
        if "proto" not in place.values and isinstance(types := place.values.get("icmp_type"), Intervals):
            told["icmp_type"] = types  # what says that it is ICMP
            protocols = [number for number, mine in self.types.items() if mine.meets(types)]
            if len(protocols) == 1:
                told["proto"] = Intervals.of(*protocols)
        if not any(_within_loopback(told.get(side)) for side in ("src", "dst")):
            usual = self.sets.layout.numbers("in", NOT_LOOPBACK)
            told = {
                n: values for n, values in told.items() if n not in ("in", "out") or values != usual or n in self.said
            }
        return told

    def _typed(self, told: dict[str, Values]) -> Iterator[dict[str, Values]]:
        """Yield parts of a region that says a few protocols: ICMP apart, with its type where a question says none.

        ICMP of one family on addresses of the other has no type.
        """
        protocols, everywhere = told.get("proto"), self.sets.layout.addresses
        source, target = told.get("src", everywhere), told.get("dst", everywhere)
        few = isinstance(protocols, Intervals) and protocols.size <= MOST_TYPED
        if "icmp_type" in told or not few or isinstance(source, Masked) or isinstance(target, Masked):
            yield told
            return
        assert isinstance(protocols, Intervals)
        for number, types in self.types.items():
            family = families_of(source) & families_of(target)
            if number not in protocols or _FAMILIES[number] not in family:
                continue
            mine: dict[str, Values] = {**told, "proto": Intervals.of(number)}
            for other in family - {_FAMILIES[number]}:
                yield {**mine, "src": source & whole(other), "dst": target & whole(other)}
            if len(family) > 1:
                mine |= {side: each & whole(_FAMILIES[number]) for side, each in (("src", source), ("dst", target))}
            yield {**mine, "icmp_type": types}
            protocols -= Intervals.of(number)
        if protocols:
            yield {**told, "proto": protocols}

    def _words(self, place: Place) -> str:
        return describe(place, self.sets.layout, self.ruleset.definitions)

    def _region(self, piece: _Piece, index: Index | None) -> Region:
        """Return a region with an example that has been through the evaluator; raises `Disagreement`."""
        one = first_example(piece.firsts, self.sets, self.hook, self.said)
        verdict, packets = passed(self.ruleset, sent(self.ruleset, one, self.alone), self.asking, index)
        region = Region(self.ruleset, verdict, packets, one, piece.words)
        passage, decision = piece.passage, region.deciding.decision
        rule, implicit = (passage.end.rule, passage.end.implicit) if passage.end else (None, None)
        said = (verdict, region.deciding.role)
        decided = said == (passage.verdict, passage.role) and (
            verdict == "depends" or (decision.rule is rule and decision.implicit == implicit)
        )
        # Where it is not known what the first packet becomes, one packet may seem to depend on what is decided for all.
        open_ = verdict == "depends" and may_change(self.ruleset, one)
        if not decided and not open_ and not any(answer.decision.undecided for answer in packets):
            raise Disagreement(f"sets and evaluator disagree about {dict(one.values)}")
        return replace(region, verdict=passage.verdict)

    def _tuples(self) -> dict[Verdict, int]:
        """Return how many 5-tuples have each verdict, where none has two."""
        if not self.complete or len(self.passages) > MOST_COUNTED:
            return {}
        by_verdict: dict[Verdict, list[Any]] = {}
        for each in sorted(self.passages, key=_place):
            by_verdict.setdefault(each.verdict, []).append(each.firsts)
        found = {verdict: self.sets.union(some) for verdict, some in by_verdict.items()}
        counts = {verdict: some.count() for verdict, some in found.items()}
        whole = self.sets.union(found.values()).count()
        return counts if sum(counts.values()) == whole else {}


def _types(firsts: Iterable[Packet]) -> Mapping[int, Intervals]:
    """Return the ICMP types of the packets in question, by their protocol."""
    found: dict[int, Intervals] = {}
    for first in firsts:
        protocol, kind = first.get("proto"), first.get("icmp_type")
        if isinstance(protocol, int) and isinstance(kind, int | Intervals):
            found[protocol] = found.get(protocol, Intervals()) | (Intervals.of(kind) if isinstance(kind, int) else kind)
    return found


def _as_set(value: Value) -> ValueSet:
    if isinstance(value, str):
        return Names(frozenset({value}))
    return Intervals.of(value) if isinstance(value, int) else value


def _within_loopback(values: Values | None) -> bool:
    return isinstance(values, Intervals) and LOOPBACK.covers(values)


def _is_open(name: str, value: Value) -> bool:
    return name in NOT_KNOWN and value == FIELDS[name].domain


def _has_rule(passage: Passage[Any]) -> bool:
    return passage.end is None or passage.end.rule is not None


def _place(passage: Passage[Any]) -> tuple[int, bool, int]:
    """What is allowed comes first; in the order of the rules, then what no rule decides."""
    rule = passage.end.rule if passage.end else None
    return _ORDER.index(passage.verdict), rule is None, rule.span.start if rule else 0


def _left_for(passage: Passage[Any]) -> str:
    if passage.verdict == "depends":
        return "what hangs on unknown conditions, in too many parts to list"
    if passage.end is None:
        return "what several rules decide, in too many parts to list"
    if passage.end.rule is None:
        return "all else"
    return "what no other rule decides of it, in too many parts to list"
