"""What this machine's kernel decides about the packets of an answer, with the same rules loaded into a namespace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from policy._record import dataclass
from policy.app.answer import Answer, PacketAnswer, Region, Ruled
from policy.evaluate import decide
from policy.host import Host, own
from policy.ir import Ruleset
from policy.joined import with_unseen
from policy.kernel.child import Kernel, Rules
from policy.kernel.play import Ruling, may_be, values_of
from policy.kernel.tools import Unavailable
from policy.looping import loops
from policy.netfilter import LANGUAGES, LO
from policy.packet import HOOKS, INPUT, Packet, Value
from policy.packet.connection import Role, connection
from policy.packet.example import example
from policy.routing import routes

if TYPE_CHECKING:
    from policy.app.bulk import Bulk, Row

_NFTABLES = "nftables"
_PLAIN = {"filter", "security", "mangle"}
_TOGETHER = 500
"""So many lines of `--packets` are put to the kernel together."""


@dataclass(frozen=True, slots=True)
class Side:
    """A set of rules, what is known of its host beside it, and the sets of that as `ipset save` writes them."""

    ruleset: Ruleset
    host: Host
    sets: str = ""


@dataclass(frozen=True, slots=True)
class _Case:
    """A connection, or one packet of it: what is answered about each of its packets, the first of which is *first*."""

    ruleset: Ruleset
    answers: tuple[PacketAnswer, ...]
    first: Packet

    def talk(self) -> list[tuple[Role, Packet]]:
        """Return its packets: each one, where it follows from the first, else as it is answered about."""
        alone = len(self.answers) == 1
        plain = {self.answers[0].role: self.first} if alone else dict(connection(self.first))
        found = []
        for answer in self.answers:
            follows = plain.get(answer.role)
            fits = follows is not None and may_be(answer.packet, follows.values)
            found.append((answer.role, follows if fits and follows is not None else answer.packet))
        return found


class Kernels:
    """The kernel of this machine with the rules of a host, which are one set or, for both IP versions, two.

    *by* says what decides, *cannot* why nothing does.
    """

    def __init__(self, sides: Sequence[Side], assume: Mapping[str, bool]) -> None:
        self._assume = assume
        self._kernels: list[tuple[Ruleset, int, Kernel]] = []
        self.by: str | None = None
        self.cannot: str | None = None
        try:
            unseen = with_unseen([side.ruleset for side in sides])[len(sides) :]
            for side in sides:
                for rules in _rules(side, (side.ruleset, *unseen), assume):
                    kernel = Kernel(rules)
                    self._kernels.append((side.ruleset, rules.family, kernel))
                    self.by = kernel.by if self.by in (None, kernel.by) else f"{self.by}; {kernel.by}"
        except Unavailable as error:
            self.by, self.cannot = None, str(error)
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End all that was begun."""
        while self._kernels:
            self._kernels.pop()[-1].close()

    def judged(self, answer: Answer) -> Answer:
        """Return an answer in which each packet has what the kernel decided about it."""
        regions = [region for hook in answer.hooks for region in hook.regions]
        ruled = self._ruled([_Case(region.ruleset, region.packets, region.example) for region in regions])
        judged = iter([_with(region, rulings) for region, rulings in zip(regions, ruled, strict=True)])
        hooks = [replace(hook, regions=tuple(islice(judged, len(hook.regions)))) for hook in answer.hooks]
        return replace(answer, hooks=tuple(hooks))

    def rows(self, bulk: Bulk, lines: BinaryIO) -> Iterator[tuple[Row, Ruled | None]]:
        """Yield the answers of *bulk*, each with what the kernel decided about its packet, if there is one."""
        answered = bulk.answered(lines)
        while some := list(islice(answered, _TOGETHER)):
            cases = [_Case(asked.ruleset, (asked.answer,), example(asked.answer.packet)) for _, asked in some if asked]
            ruled = iter(self._ruled(cases))
            for row, asked in some:
                yield row, next(ruled)[0] if asked else None

    def _ruled(self, cases: Sequence[_Case]) -> list[tuple[Ruled, ...]]:
        found: dict[int, tuple[Ruled, ...]] = {}
        for ruleset, family, kernel in self._kernels:
            theirs = [
                (number, case)
                for number, case in enumerate(cases)
                if case.ruleset.sources is ruleset.sources and case.first.family == family
            ]
            for looping in (False, True):
                mine = [(number, case) for number, case in theirs if loops(case.ruleset) is looping]
                rulings = self._rule(kernel, [case for _, case in mine], looping)
                for (number, case), each in zip(mine, rulings, strict=True):
                    found[number] = each
                    if any(ruled.agrees is False for ruled in each):  # alone, in case that others were in its way
                        (found[number],) = self._rule(kernel, [case], looping)
        why = self.cannot or "these rules are not loaded"
        return [
            found.get(number, tuple(Ruled(None, None, why) for _ in case.answers)) for number, case in enumerate(cases)
        ]

    def _rule(self, kernel: Kernel, cases: Sequence[_Case], looping: bool) -> list[tuple[Ruled, ...]]:
        try:
            found = kernel.rule([case.talk() for case in cases], looping) if cases else []
        except Unavailable as error:
            return [tuple(Ruled(None, None, str(error)) for _ in case.answers) for case in cases]
        return [self._all_compared(case, rulings) for case, rulings in zip(cases, found, strict=True)]

    def _all_compared(self, case: _Case, rulings: Sequence[Ruling]) -> tuple[Ruled, ...]:
        """Compare packet by packet; what follows one that did not pass, though it might, is of no such connection."""
        first, *rest = (self._compared(case.ruleset, *each) for each in zip(case.answers, rulings, strict=True))
        if first.agrees is None and case.answers[0].decision.verdict == "depends" and first.verdict != "allow":
            why = "fwpolicy says that the first packet depends, and Linux did not let it pass"
            rest = [replace(each, agrees=None, why=each.why or why) for each in rest]
        decision = case.answers[0].decision
        if len({final.packet.get("hook") for final in decision.finals}) > 1:
            why = "where the first packet goes hangs on what is not known"
            alike = [each.verdict == one.decision.verdict for each, one in zip(rest, case.answers[1:], strict=True)]
            rest = [
                replace(each, agrees=None, why=why) if same and each.agrees is False else each
                for each, same in zip(rest, alike, strict=True)
            ]
        return first, *rest

    def _compared(self, ruleset: Ruleset, answer: PacketAnswer, ruling: Ruling) -> Ruled:
        left: dict[str, Value] = {}
        if ruling.header is not None and ruling.hook is not None:
            left = {"hook": HOOKS.index(ruling.hook), **values_of(ruling.header)}
        why = ruling.why
        if why is None and answer.decision.verdict not in ("allow", "block"):
            why = "fwpolicy says that it depends"
        elif why is None and self._assume:
            unsettled = decide(ruleset, answer.packet, translation=answer.translation)
            why = "the answer hangs on what `--assume` says" if unsettled.verdict == "depends" else None
        if why is not None:
            return Ruled(ruling.verdict, None, why, left)
        finals = answer.decision.finals
        same = not left or not finals or any(final.last or may_be(final.packet, left) for final in finals)
        same = same and ruling.verdict == answer.decision.verdict
        if not same and answer.packet.get("in") == LO and {entry.table for entry in ruleset.at(INPUT)} - _PLAIN:
            # Such a packet can only be made without its connection, which tables before the filter see.
            why = "what arrives by lo was tracked and rewritten when the host sent it"
            return Ruled(ruling.verdict, None, why, left)
        return Ruled(ruling.verdict, same, None, left)


def _with(region: Region, rulings: Sequence[Ruled]) -> Region:
    packets = [replace(each, kernel=ruled) for each, ruled in zip(region.packets, rulings, strict=True)]
    return replace(region, packets=tuple(packets))


def _rules(side: Side, asked: Iterable[Ruleset], assume: Mapping[str, bool]) -> Iterator[Rules]:
    """Yield what is loaded for packets of the IP versions of those that are *asked*.

    Raises `Unavailable` for rules that cannot be loaded.
    """
    if side.ruleset.language not in LANGUAGES:
        raise Unavailable("only rules of nftables, and dumps of iptables and ip6tables, can be loaded into it")
    if len(side.ruleset.sources) > 1:
        raise Unavailable("rules that are in several files are not loaded into it")
    host = side.host | Host(routes=tuple(routes(side.ruleset.policies.values())))
    for key, holds in assume.items():
        what, _, address = key.partition(":")
        if what == "local" and holds and address != "dst":
            host |= own(address)
    for family in sorted(frozenset[int]().union(*(each.families for each in asked))):
        yield Rules(side.ruleset.sources[0].text, family, host, side.sets, side.ruleset.language == _NFTABLES)
