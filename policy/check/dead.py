"""What checks say of rules that are dead: the finding, its causes, its packets and an example."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from policy.check.base import Check, Undecided
from policy.check.facts import Facts
from policy.check.fixes import removal, removals
from policy.check.programs import filled_by_program
from policy.check.wording import MOST_ALIKE, others_too, shown
from policy.diagnostic import Diagnostic, Related
from policy.ir import Allow, Block, Goto, Jump, Reject, Return, Rule
from policy.reach import At, Kind, Standing
from policy.reach.effects import verdict
from policy.source import Span

SHOWN_CAUSES = 10

Say = Callable[[Facts, At, Standing[At]], tuple[str, str] | None]
"""Says of a dead rule what is wrong with it, and what to do; nothing where another check says it better."""


def dead_rules(
    check: Check, facts: Facts, wanted: Callable[[Standing[At]], bool], say: Say
) -> Iterator[Diagnostic | Undecided]:
    """Yield a finding for each dead rule whose standing is *wanted*, and what is undecided, once a policy."""
    undecided: dict[str, list[At]] = {}
    found: dict[object, list[tuple[At, Standing[At], str, str]]] = {}
    for at, standing in _whole(facts):
        if standing.kind is Kind.UNDECIDED:
            undecided.setdefault(at[0], []).append(at)
        elif standing.by and filled_by_program(at[0]):
            continue  # whoever wrote it knows nothing of the other rules of this host
        elif standing.dead and wanted(standing) and (said := say(facts, at, standing)):
            cause = (at[0], standing.by) if standing.by else at
            found.setdefault(cause, []).append((at, standing, *said))
    for alike in found.values():
        if len(alike) > MOST_ALIKE:
            yield _counted(check, facts, alike)
        else:
            yield from (_finding(check, facts, *each) for each in alike)
    for name, places in undecided.items():
        reason = facts.standings.of[places[0]].reason
        count = f"{len(places)} rules of `{name}`" if len(places) > 1 else f"a rule of `{name}`"
        yield Undecided(facts.rule(places[0]).span, f"{count} took {reason}")


def _whole(facts: Facts) -> Iterator[tuple[At, Standing[At]]]:
    """Yield the rules of the text with their standings; one that is several of the IR is dead if all of these are."""
    of = facts.standings.of
    for (name, number), standing in of.items():
        rules = facts.ruleset.policies[name].rules
        if rules[number].part:
            continue
        behind = takewhile(lambda n: rules[n].part, range(number + 1, len(rules)))  # noqa: B023 # used at once
        parts = [standing, *(of[name, n] for n in behind)]
        if all(part.dead for part in parts):
            causes = dict.fromkeys(cause for part in parts for cause in part.by)
            same = all(part.same is not False for part in parts) if standing.by else standing.same
            yield (name, number), replace(standing, by=tuple(causes), same=same) if len(parts) > 1 else standing
        elif not any(part.kind is Kind.ALIVE for part in parts):
            yield (name, number), next(part for part in parts if not part.dead)


def _counted(check: Check, facts: Facts, alike: Sequence[tuple[At, Standing[At], str, str]]) -> Diagnostic:
    """Return one finding for many rules of a policy that have one cause."""
    first, *others = alike
    places = [at for at, *_ in alike]
    finding = _finding(check, facts, *first)
    return replace(
        finding,
        message=f"{finding.message}{others_too(len(others), places[0][0])}",
        related=(*finding.related, *shown(facts, [(at, "this one, too") for at in places[1:]])),
        fix=removals(facts, places, safe=all(standing.same is True for _, standing, *_ in alike)),
    )


def _finding(check: Check, facts: Facts, at: At, standing: Standing[At], message: str, help: str) -> Diagnostic:
    packets = [] if standing.kind in (Kind.UNMATCHABLE, Kind.NOT_SENT) else facts.standings.packets(at)
    match = facts.rule(at).match
    words = dict.fromkeys(text for sets, each in packets if (text := facts.told(sets, each, match)) is not None)
    return check.finding(
        facts.rule(at).span,
        message,
        help=help,
        related=tuple(_related(facts, at, standing)),
        region="; ".join(words) or None,
        example=facts.standings.example(at, packets),
        # Whoever wrote a rule that does something else wanted something.
        fix=removal(facts, at, safe=standing.same is True),
    )


def _related(facts: Facts, at: At, standing: Standing[At]) -> Iterator[Related]:
    what = "it takes some of them"
    if len(standing.by) == 1:
        what = "it takes all of them" if facts.standings.is_taker(at) else "it takes those that other rules leave"
    for other in standing.by[:SHOWN_CAUSES]:
        rule = facts.rule(other)
        text = "it sends packets here" if standing.kind is Kind.NOT_SENT else f"{what} and {does(rule)}"
        yield Related(rule.span, text)


def does(rule: Rule) -> str:
    """Return what a rule does to the packets that match it, in words."""
    match verdict(rule):
        case Allow():
            return "allows them"
        case Block():
            return "blocks them"
        case Reject():
            return "rejects them"
        case Return():
            return "returns"
        case Jump(name) | Goto(name):
            return f"sends them to `{name}`"
        case None:
            return "notes them"
        case _:
            return "changes them or decides in a way that is not known"


def place(here: Span, there: Span) -> str:
    """Return where *there* is, as said of *here*: `line 3`, or `line 3 of other.fw`."""
    return f"line {there.line}" + ("" if here.source is there.source else f" of {there.source.name}")


def causes(facts: Facts, at: At, standing: Standing[At]) -> str:
    """Return where the rules are that make a rule dead, in words."""
    here = facts.rule(at).span
    places = [*dict.fromkeys(place(here, facts.rule(other).span) for other in standing.by)]
    if len(places) > SHOWN_CAUSES:
        places = [*places[:SHOWN_CAUSES], f"{len(places) - SHOWN_CAUSES} more"]
    return " and ".join([", ".join(places[:-1]), places[-1]] if len(places) > 1 else places)


def takes(facts: Facts, at: At, standing: Standing[At]) -> str:
    """Return which one rule takes the packets of a dead rule, and whether some of them end before it, in words."""
    which = "first" if facts.standings.is_taker(at) else "that other rules leave,"
    return f"{causes(facts, at, standing)} takes all its packets {which}"


def others_do(facts: Facts, standing: Standing[At]) -> str:
    """Return what several rules do that make a rule dead and do not all do what it does, in words."""
    words = {does(facts.rule(other)) for other in standing.by}
    return f"each {words.pop()}" if len(words) == 1 else "some of them do something else"


def move(facts: Facts, at: At, standing: Standing[At]) -> str:
    """Return how a rule could come to its packets."""
    other = standing.by[0]
    where = place(facts.rule(at).span, facts.rule(other).span)
    if other[0] != at[0]:
        return f"change {where} so that it leaves these packets"
    side = "behind" if facts.ruleset.policies[at[0]].last_match else "before"
    return f"move it {side} {where}"
