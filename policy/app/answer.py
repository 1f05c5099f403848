"""Answers to questions, as data: per hook the verdict, and regions of the packets in question with one verdict each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Literal

from policy._record import dataclass
from policy.evaluate import Decision, Step, Translation
from policy.host import UNKNOWN_HOST, Host
from policy.ir import Rule, Ruleset
from policy.packet import Packet, Value
from policy.packet.connection import Role
from policy.packet.example import is_single

Verdict = Literal["allow", "block", "depends", "mixed"]

FEW_REGIONS = 20
"""So many regions are worked out for each hook, unless more are asked for."""

MOST_REGIONS = 250
"""More are never worked out."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """What this machine's kernel decided about a packet, and whether that is what we say of it.

    Where it cannot be compared, *why*. *left*: the hook, addresses, ports and interface that it left with.
    """

    verdict: Literal["allow", "block"] | None
    agrees: bool | None
    why: str | None = None
    left: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PacketAnswer:
    """What happens to one packet (or box) of a connection, with the steps that led there.

    *translation* is what connection tracking does to it, without a rule; *kernel* what the kernel said, if asked.
    """

    role: Role
    packet: Packet
    steps: tuple[Step, ...]
    decision: Decision
    translation: Translation = Translation()
    kernel: Ruled | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the packets in question with one verdict by *ruleset*; *example* is one of them that was replayed.

    *packets* are the connection of all of them, as boxes; or, with *words* that say which packets the region has,
    the connection of the example alone.
    """

    ruleset: Ruleset
    verdict: Verdict
    packets: tuple[PacketAnswer, ...]
    example: Packet
    words: str | None = None

    @property
    def deciding(self) -> PacketAnswer:
        """The packet that decides: the first one that does not pass, or the first of all."""
        return next((p for p in self.packets if p.decision.verdict == self.verdict != "allow"), self.packets[0])


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """The answer at one hook; None: the rules are the same at every hook.

    *more*: at least so many regions are not among *regions*. Not *complete*: so many rules decide, in different ways,
    that the packets of the later ones were not told apart, and are in no region. *tuples* says how many 5-tuples
    (protocol, addresses, ports) have each verdict, where that was counted and none has two.
    """

    hook: int | None
    verdict: Verdict
    regions: tuple[Region, ...]
    more: int = 0
    complete: bool = True
    tuples: Mapping[Verdict, int] = field(default_factory=dict)

    @property
    def shown(self) -> Region:
        """The region that shows the verdict best: the first one with it, else the first."""
        return next((region for region in self.regions if region.verdict == self.verdict), self.regions[0])

    @property
    def files(self) -> frozenset[str]:
        """The names of the files that the rules stand in."""
        return frozenset(source.name for region in self.regions for source in region.ruleset.sources)

    @property
    def is_set(self) -> bool:
        """Are there regions of many packets?"""
        first = self.regions[0]
        return len(self.regions) > 1 or first.words is not None or not is_single(first.packets[0].packet)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The allow rule that is nearest to a blocked packet, and what would have to differ."""

    rule: Rule
    differs: tuple[str, ...]
    packet: Packet


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question."""

    question: str
    verdict: Verdict
    hooks: tuple[HookAnswer, ...]
    nearest: Nearest | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask: one packet instead of a connection, what is known of the host, unknowns that are settled.

    *regions*: so many regions are worked out for each hook.
    """

    single: bool = False
    host: Host = UNKNOWN_HOST
    assume: Mapping[str, bool] | None = None
    regions: int = FEW_REGIONS


def joined(answers: Sequence[HookAnswer]) -> HookAnswer:
    """Return the answer at one hook that the answers of several rule sets, for different packets, make."""
    if len(answers) == 1:
        return answers[0]
    tuples: dict[Verdict, int] = {}
    if all(answer.tuples for answer in answers):
        for answer in answers:
            for verdict, count in answer.tuples.items():
                tuples[verdict] = tuples.get(verdict, 0) + count
    return HookAnswer(
        answers[0].hook,
        together(answer.verdict for answer in answers),
        tuple(region for answer in answers for region in answer.regions),
        sum(answer.more for answer in answers),
        all(answer.complete for answer in answers),
        tuples,
    )


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of several parts: theirs, or `mixed`."""
    found = set(verdicts)
    return found.pop() if len(found) == 1 else "mixed"
