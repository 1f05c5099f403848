"""The packets of one connection through the rules, as these rewrite them."""

from __future__ import annotations

from collections.abc import Iterator

from policy.evaluate.trace import Decision, Final, Translation
from policy.evaluate.walk import evaluate
from policy.ir import Ruleset
from policy.packet import Packet
from policy.packet.connection import Role, known


def followed(ruleset: Ruleset, first: Packet) -> Iterator[tuple[Role, Decision]]:
    """Yield what becomes of the packets of a connection: those behind the *first* once for each way it may leave."""
    decision = _last(ruleset, first, Translation())
    yield "first", decision
    for final in decision.finals or (Final(first),):
        if final.last is not None:  # nobody knows what follows
            continue
        for each in known(first, final.packet, final.rewritten):
            yield each.role, _last(ruleset, each.packet, Translation(each.destination, each.source, each.open))


def _last(ruleset: Ruleset, packet: Packet, translation: Translation) -> Decision:
    *_, last = evaluate(ruleset, packet, translation=translation)
    assert isinstance(last, Decision)
    return last
