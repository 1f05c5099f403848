"""The packets of one connection through the rules, as these rewrite and mark them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policy.evaluate.looks import changes, looks_at
from policy.evaluate.trace import Decision, Final, Translation
from policy.evaluate.walk import decide
from policy.ir import Ruleset
from policy.packet import FIELDS, Packet, Value
from policy.packet.connection import Role, behind_reply, known


def followed(ruleset: Ruleset, first: Packet) -> Iterator[tuple[Role, Decision]]:
    """Yield what becomes of the packets of a connection: those behind the *first* once for each way it may leave."""
    decision = decide(ruleset, first)
    yield "first", decision
    for final in decision.finals or (Final(first),):
        if final.last is not None:  # nobody knows what follows
            continue
        marks: tuple[Value, ...] | None = None
        for each in known(first, final.packet, final.rewritten):
            translation = Translation(each.destination, each.source, each.open, each.aside)
            several = [each] if marks is None else [behind_reply(each, mark) for mark in marks]
            decisions = [decide(ruleset, one.packet, translation=translation) for one in several]
            for found in decisions:
                yield each.role, found
            marks = marks_behind(ruleset, each.packet, decisions[0], {}, translation)


def marks_behind(
    ruleset: Ruleset,
    reply: Packet,
    decision: Decision,
    assume: Mapping[str, bool] | None,
    translation: Translation,
) -> tuple[Value, ...] | None:
    """Return the marks that a connection may have behind a reply; None where rules do not change what they look at."""
    if reply.get("ctmark") is None or not (changes(ruleset, "ctmark") and looks_at(ruleset, "ctmark")):
        return None
    if decision.verdict == "depends":
        decision = decide(ruleset, reply, assume=assume, translation=translation, every=True)
    found = dict.fromkeys(final.packet.values.get("ctmark", 0) for final in decision.finals)
    if decision.undecided or not found:  # what a reply leaves that is dropped is not worked out
        domain = FIELDS["ctmark"].domain
        return (domain,)  # type: ignore[return-value] # no domain is a mask
    return tuple(found)
