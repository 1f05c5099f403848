"""What checks say of rules that open something to everybody outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from policy._record import dataclass
from policy.check.base import Check
from policy.check.exposure import INTERNET, Asked, Exposure, Extent, Packets
from policy.check.facts import Facts
from policy.check.services import Notable, notable
from policy.check.wording import MOST_ALIKE, others_too, shown
from policy.diagnostic import Diagnostic
from policy.ir import EVERYTHING, Field, Match, all_of, either_of
from policy.packet.special import public
from policy.reach import At

SHOWN_SERVICES = 4
"""So many services are named."""

INDIRECT = "; to these addresses, which are not public, a translation (DNAT), the provider or a neighbour must lead"
"""What is also said of what only comes to addresses that the Internet does not route."""


TRANSLATED = "; a rule translates it before (DNAT): these are the ports that people connect to"
"""What is also said where rules see other ports than those that packets arrive with."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A rule, what it opens to everybody at *sender*, and the notable services among that; all meets *guess*."""

    at: At
    sender: str
    packets: Packets
    services: tuple[Notable, ...]
    guess: Match = EVERYTHING

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What openings that are alike have in common."""
        return self.at[0], tuple(str(service) for service in self.services)


def extents(facts: Facts, wanted: Extent) -> Iterator[Opening]:
    """Yield the rules that open so much to everybody outside."""
    exposure = facts.once(Exposure)
    for at in exposure.candidates:
        if exposure.extent(at) is wanted:
            packets = exposure.packets(at)
            services = exposure.services(packets, exposure.asked(at))
            yield Opening(at, exposure.sender(packets), packets, tuple(services))


def of_group(facts: Facts, group: str) -> Iterator[Opening]:
    """Yield the rules that open services of a group to everybody outside, but not very much."""
    exposure = facts.once(Exposure)
    for at in exposure.candidates:
        served = any(each.group == group and exposure.asked(at).may_serve(each) for each in notable())
        if not served or exposure.extent(at) is not Extent.FEW:
            continue
        packets = exposure.packets(at)
        services = exposure.services(packets, exposure.asked(at), group)
        if services:
            guess = either_of(*(service.match for service in services))
            mine = exposure.within(packets, guess)
            yield Opening(at, exposure.sender(mine), mine, tuple(services), guess)


def few(facts: Facts) -> Iterator[Opening]:
    """Yield the rules that open a little to everybody outside, and no notable service."""
    exposure = facts.once(Exposure)
    for at in exposure.candidates:
        if exposure.extent(at) is Extent.FEW:
            packets = exposure.packets(at)
            if exposure.origin(packets) and not exposure.services(packets, exposure.asked(at)):
                yield Opening(at, exposure.sender(packets), packets, ())


def findings(
    check: Check, facts: Facts, openings: Iterator[Opening], say: Callable[[Opening], str], help: str
) -> Iterator[Diagnostic]:
    """Yield a finding for each opening, or one for many of a policy that are alike."""
    for _, group in groupby(sorted(openings, key=lambda opening: opening.key), key=lambda opening: opening.key):
        alike = list(group)
        some = alike[:1] if len(alike) > MOST_ALIKE else alike
        others = [(each.at, "this one, too") for each in alike[1:]] if len(alike) > MOST_ALIKE else []
        for each in some:
            message = say(each)
            if others:
                message += others_too(len(others), each.at[0])
            yield check.finding(
                facts.rule(each.at).span,
                message,
                help=help + _besides(facts, each),
                related=shown(facts, others),
                region=facts.once(Exposure).region(each.packets, all_of(facts.rule(each.at).match, each.guess)),
                example=facts.once(Exposure).example(
                    each.packets, each.at, each.services[0].match if each.services else EVERYTHING
                ),
            )


def _besides(facts: Facts, opening: Opening) -> str:
    """Return what is also said of an opening, as the end of a sentence."""
    written = Asked.by(facts.rule(opening.at).match)
    if opening.services and not any(written.may_serve(service) for service in opening.services):
        return TRANSLATED
    return INDIRECT if is_indirect(facts, opening) else ""


def is_indirect(facts: Facts, opening: Opening) -> bool:
    """Is all that is open from the Internet at addresses that it does not route?"""
    exposure = facts.once(Exposure)
    origin = exposure.origin(opening.packets)
    is_internet = origin is not None and origin.name == INTERNET
    return is_internet and not exposure.within(opening.packets, Field("dst", public()))


def service_findings(check: Check, facts: Facts, group: str, help: str) -> Iterator[Diagnostic]:
    """Yield a finding for each rule that opens services of a group to everybody outside."""

    def say(opening: Opening) -> str:
        names = listed([str(service) for service in opening.services])
        whys = dict.fromkeys(service.why for service in opening.services)
        why = f": {next(iter(whys))}" if len(whys) == 1 else ""
        return f"this rule lets {names} in from {opening.sender}{why}"

    return findings(check, facts, of_group(facts, group), say, help)


def listed(words: Sequence[str]) -> str:
    """Return the first of some words, and how many more there are: `a, b and 3 more`."""
    few = [*words[:SHOWN_SERVICES]]
    if len(words) > SHOWN_SERVICES:
        few.append(f"{len(words) - SHOWN_SERVICES} more")
    return " and ".join([", ".join(few[:-1]), few[-1]] if len(few) > 1 else few)


def among(services: Sequence[Notable]) -> str:
    """Return which notable services are among what is open, as the end of a sentence."""
    names = [*dict.fromkeys(service.name for service in services)]
    return f", among it {listed(names)}" if names else ""
