"""Play a scenario: its steps as data, and what is in the way as a mistake at its place."""

from __future__ import annotations

from collections.abc import Iterator

from policy.diagnostic import Diagnostic, Mistakes, Related
from policy.evaluate import Atom
from policy.ir import Unknown, UnknownAction
from policy.packet import FIELDS
from policy.packet.text import set_text
from policy.simulate.play import Done, Trouble, play
from policy.simulate.scenario import Scenario
from policy.simulate.wall import Undecided


def played(scenario: Scenario) -> Iterator[Done]:
    """Yield the steps as they are done; raises `diagnostic.Mistakes` where one cannot be done."""
    try:
        yield from play(scenario)
    except Trouble as error:
        raise Mistakes([_mistake(error)]) from error


def _mistake(trouble: Trouble) -> Diagnostic:
    span = trouble.step.span
    assert span is not None
    cause = trouble.cause
    if not isinstance(cause, Undecided):
        return Diagnostic("FW006", str(cause), span, cause.help)
    texts = [_text(each) for each in cause.open]
    keys = [key for each in cause.open if (key := getattr(each, "key", None)) is not None]
    message = f"{cause}: {', '.join(texts)}" if texts else str(cause)
    help = f'say `assume: {{"{keys[0]}": yes}}` at the firewall of `{cause.host}`, or `no`' if keys else None
    places = (each.span for each in cause.open if not isinstance(each, UnknownAction) and each.span is not None)
    return Diagnostic("FW006", message, span, help, related=tuple(Related(place, "here") for place in places))


def _text(atom: Atom | UnknownAction) -> str:
    if isinstance(atom, Unknown | UnknownAction):
        return atom.text
    return f"{FIELDS[atom.name].title} {set_text(atom.name, atom.values)}"
