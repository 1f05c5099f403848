"""What checks say of rules that are dead: the finding, its causes, its packets and an example."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

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
SHOWN_PARTS = 10
"""The packets of so many parts of a rule are told."""

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
    for name, number in of:
        if facts.ruleset.policies[name].rules[number].part:
            continue
        parts = [of[at] for at in facts.parts((name, number))]
        if all(part.dead for part in parts):
            yield (name, number), _together(facts, parts)
        elif not any(part.kind is Kind.ALIVE for part in parts):
            yield (name, number), next(part for part in parts if not part.dead)


def _together(facts: Facts, parts: Sequence[Standing[At]]) -> Standing[At]:
    """Return the standing of a rule of which all parts are dead."""
    first = parts[0]
    causes = tuple(dict.fromkeys(cause for part in parts for cause in part.by))
    same = all(part.same is not False for part in parts) if first.by else first.same
    taking = {facts.head(cause) for cause in causes}
    kind = first.kind
    if kind is Kind.DUPLICATE and any(len(facts.parts(each)) != len(parts) for each in taking):
        kind = Kind.COVERED  # the other rule does something else besides
    if kind in (Kind.COVERED, Kind.DUPLICATE) and len(taking) > 1:
        kind = Kind.COVERED_TOGETHER
    return replace(first, kind=kind, by=causes, same=same)


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
    taken = standing.kind not in (Kind.UNMATCHABLE, Kind.NOT_SENT)
    packets = facts.standings.packets(at) if taken else []
    words = dict.fromkeys(_words(facts, at)) if taken else {}
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


def _words(facts: Facts, at: At) -> Iterator[str]:
    """Yield the packets of a dead rule in words, those of its parts one behind the other."""
    parts = facts.parts(at)
    for part in parts[:SHOWN_PARTS]:
        for sets, each in facts.standings.packets(part):
            if (text := facts.told(sets, each, facts.rule(part).match)) is not None:
                yield text
    if len(parts) > SHOWN_PARTS:
        yield "and more"


def _related(facts: Facts, at: At, standing: Standing[At]) -> Iterator[Related]:
    taking: dict[At, list[At]] = {}
    for other in standing.by:
        taking.setdefault(facts.head(other), []).append(other)
    what = "it takes some of them"
    if len(taking) == 1:
        what = "it takes all of them" if _is_taker(facts, at) else "it takes those that other rules leave"
    for some in [*taking.values()][:SHOWN_CAUSES]:
        text = "it sends packets here" if standing.kind is Kind.NOT_SENT else f"{what} and {all_do(facts, some)}"
        yield Related(facts.rule(some[0]).span, text)


def _is_taker(facts: Facts, at: At) -> bool:
    """Do all packets of a dead rule come to the one rule that makes it so?"""
    return all(facts.standings.is_taker(part) for part in facts.parts(at))


def all_do(facts: Facts, some: Sequence[At]) -> str:
    """Return what rules do to the packets that match them, in words: several are parts of one."""
    return " or ".join(dict.fromkeys(does(facts.rule(at)) for at in some))


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
    which = "first" if _is_taker(facts, at) else "that other rules leave,"
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
