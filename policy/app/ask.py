"""Would this connection pass, and why: the answer to a question, as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policy.app.answer import Answer, Asking, HookAnswer, Nearest, Region, joined, together
from policy.app.hooks import Hooks, parts_by_hook
from policy.app.passing import box_region, first_packet
from policy.app.problem import CannotAnswer
from policy.evaluate.looks import looks_at
from policy.explain import nearest_allow
from policy.ir import Ruleset
from policy.joined import with_unseen
from policy.looping import looping
from policy.netfilter import BY_LO, LANGUAGES
from policy.packet import FORWARD, INPUT, OUTPUT
from policy.packet.address import LOOPBACK
from policy.question.boxes import Part, Question, by_packet_type, parts
from policy.routing import without_martians

_PLAINLY = Asking()
_LOOPING = ("iptables", "ip6tables")


def ask(ruleset: Ruleset, question: Question, asking: Asking = _PLAINLY, counterpart: Ruleset | None = None) -> Answer:
    """Answer *question*; raises `CannotAnswer` where that is not possible.

    What is asked about the other IP version is a question to the *counterpart*, if there is one; what no chain of
    nftables sees passes. Where the rules
    treat every part of the question alike, each is one region, and the evaluator alone says what becomes of it.
    Else sets of packets find the regions.
    """
    try:
        everything = parts(question)
    except ValueError as error:
        raise CannotAnswer(str(error)) from None
    pair = with_unseen((ruleset,) if counterpart is None else (ruleset, counterpart))
    by_hook: dict[int | None, list[HookAnswer]] = {}
    for rules in pair:
        spoken = [part for part in everything if part.family in rules.families]
        if looks_at(rules, "pkttype"):
            spoken = [piece for part in spoken for piece in by_packet_type(part)]
        for hook, pieces in parts_by_hook(Hooks(rules, asking.host, pair), question, spoken).items():
            by_hook.setdefault(hook, []).append(_at_hook(rules, question, hook, pieces, asking))
    if not by_hook:
        families = " and ".join(f"IPv{family}" for family in sorted(ruleset.families))
        raise CannotAnswer(
            f"nothing is left of the question: these rules speak {families} only", "ask about such addresses"
        )
    answers = tuple(joined(by_hook[hook]) for hook in sorted(by_hook, key=lambda hook: hook or 0))
    verdict = together(hook.verdict for hook in answers)
    return Answer(question.text, verdict, answers, _nearest(answers, asking) if verdict == "block" else None)


def check_any(ruleset: Ruleset, path: str) -> None:
    """Raise `CannotAnswer` where there is nothing that could be asked; nftables lets pass what no chain sees."""
    if not ruleset.policies and ruleset.language != "nftables":
        raise CannotAnswer(
            f"there is no policy in `{path}`", "name the file of rules, and its language if it is not native"
        )


def _at_hook(
    ruleset: Ruleset, question: Question, hook: int | None, pieces: Sequence[Part], asking: Asking
) -> HookAnswer:
    if hook == OUTPUT and ruleset.language in _LOOPING and any(_may_loop(part) for part in pieces):
        ruleset = looping(ruleset)
    if (
        hook in (INPUT, FORWARD)
        and ruleset.language in LANGUAGES
        and any(_may_be_martian(part, hook) for part in pieces)
    ):
        ruleset = without_martians(ruleset)
    regions = _boxes(ruleset, hook, pieces, asking)
    if regions is None:
        from policy.app.regions import set_answer

        return set_answer(ruleset, question, hook, pieces, asking)
    return HookAnswer(hook, together(region.verdict for region in regions), regions)


def _may_loop(part: Part) -> bool:
    """May packets of a part be such that the host sends to itself?"""
    return any(first_packet(part, OUTPUT).test(*each) is not False for each in (("out", BY_LO), ("dst", LOOPBACK)))


def _may_be_martian(part: Part, hook: int) -> bool:
    """Has a part loopback addresses, and may its packets come from outside?"""
    packet = first_packet(part, hook)
    by = any(packet.test(side, LOOPBACK) is True for side in ("src", "dst"))
    return by and packet.test("in", BY_LO) is not True


def _boxes(ruleset: Ruleset, hook: int | None, pieces: Iterable[Part], asking: Asking) -> tuple[Region, ...] | None:
    """Return a region for each part, or None where one is not treated alike."""
    found: list[Region] = []
    for part in pieces:
        region = box_region(ruleset, first_packet(part, hook), asking.single or part.alone, asking)
        if region is None:
            return None
        found.append(region)
    return tuple(found)


def _nearest(answers: tuple[HookAnswer, ...], asking: Asking) -> Nearest | None:
    """Look for the nearest allow rule of the first packet that is blocked, if a first packet is."""
    for answer in answers:
        region = answer.shown
        packet = region.packets[0]
        if region.verdict == "block" and packet.decision.verdict == "block":
            found = nearest_allow(region.ruleset, packet.packet, asking.assume)
            if found is not None:
                return Nearest(*found)
    return None
