"""Ports that are tried, as the firewalls on the way saw it.

A segment without ACK and RST tries a port: a SYN, and what is sent in its place to go unnoticed (nmap: -sF, -sN, -sX).
So does a datagram that answers none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from policy._record import dataclass
from policy.conntrack import Step
from policy.packet.fields import TCP, UDP
from policy.simulate.datagram import ACK, RST
from policy.simulate.expect import rule_of
from policy.simulate.log import Event, Hop, Travel
from policy.simulate.wall import Ruling

REPLY_WITHIN = 180.0
"""So long after a datagram one the other way is its answer: longer than connection tracking waits for it (120 s;
nf_conntrack-sysctl.rst, nf_conntrack_udp_timeout_stream)."""

_Flow = tuple[str, int, int, int, int, int]
"""The host of a firewall, a protocol, source and its port, target and its port."""


@dataclass(slots=True, eq=False)
class Attempt:
    """A port that was tried, as the firewall of a *host* saw it: the addresses are those that came.

    *allowed*: by this firewall; *rule* says which of its rules decided (`HOST:LINE`). *taken*: somebody took the packet
    in the end; *given_up*: when who sent it answered the answer with a RST. *travel* is the number of the packet.
    """

    at: float
    host: str
    source: int
    target: int
    proto: int
    port: int
    allowed: bool
    taken: bool
    rule: str | None
    travel: int
    given_up: float | None = None

    @property
    def found(self) -> bool:
        """Did it find what it wanted, as far as is known?"""
        return self.taken and self.given_up is None


class Activity:
    """Takes the log of a scenario piece by piece; each packet costs the same, however many came before."""

    def __init__(self) -> None:
        self._asked: OrderedDict[_Flow, float] = OrderedDict()
        self._open: dict[_Flow, Attempt] = {}

    def take(self, events: Iterable[Event]) -> Iterator[Attempt]:
        """Yield the attempts among what happened next, in order.

        One whose answer was answered with a RST comes again, as given up: that is how ports are tried and nothing more
        (nmap: -sS).
        """
        for event in events:
            if isinstance(event, Travel) and event.sent.step.proto in (TCP, UDP):
                for hop, ruling in _rulings(event):
                    found = self._seen(event, hop, ruling)
                    if found is not None:
                        yield found

    def _seen(self, travel: Travel, hop: Hop, ruling: Ruling) -> Attempt | None:
        step = hop.came.step
        flow = _flow(hop.host, step)
        if step.proto == TCP and step.flags & (ACK | RST):
            attempt = self._open.pop(flow, None)
            if attempt is None or step.flags & ACK:
                return None
            attempt.given_up = hop.at
            return attempt
        if step.proto == UDP and self._answers(flow, ruling.left.step, hop.at):
            return None
        attempt = Attempt(
            hop.at, hop.host, step.src, step.dst, step.proto, step.dport,
            ruling.allowed, travel.fate == "delivered", rule_of(hop), travel.number,
        )  # fmt: skip
        if step.proto == TCP and attempt.taken:
            self._open[flow] = attempt
        return attempt

    def _answers(self, flow: _Flow, left: Step, at: float) -> bool:
        """Is a datagram an answer? If it is not, the next one the other way will be."""
        while self._asked and at - next(iter(self._asked.values())) > REPLY_WITHIN:
            del self._asked[next(iter(self._asked))]
        host, proto, source, sport, target, port = flow
        back = (host, proto, target, port, source, sport)
        answers = back in self._asked
        for each in (back,) if answers else {flow, _flow(host, left)}:
            self._asked.pop(each, None)  # the newest stands last
            self._asked[each] = at
        return answers


def _rulings(travel: Travel) -> Iterator[tuple[Hop, Ruling]]:
    """Yield what each firewall said last of a packet."""
    last = {hop.host: hop for hop in travel.hops if hop.ruling is not None}
    for hop in last.values():
        assert hop.ruling is not None
        yield hop, hop.ruling


def _flow(host: str, step: Step) -> _Flow:
    return host, step.proto, step.src, step.sport, step.dst, step.dport
