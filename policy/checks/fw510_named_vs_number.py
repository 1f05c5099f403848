"""A service has a name in this file, and is written as a number all the same.

Whoever changes the definition, or looks for all places where a service is allowed, by its name, misses the rules that
have the number instead.

**What to do.** Write the name, or the number, everywhere.

**What is said exactly.** Reported is the first rule whose services are exactly those of a definition of the file, but
that does not name it; and the first single port that is a number, though the registered name of the service stands for
it elsewhere in the file, with the same protocol. How many places there are is said once for each name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from policy.check import Check, Facts
from policy.check.traffic import Traffic, ranges, traffic
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Definition, Field, Service
from policy.packet.names import service_ports
from policy.reach import At
from policy.source import Span

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_Kind = frozenset[tuple[object, object]]


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the first number for each name."""
    told: set[At] = set()
    yield from _defined(facts, told)
    yield from _registered(facts, [at for at in facts.places if at not in told])


def _defined(facts: Facts, told: set[At]) -> Iterator[Diagnostic]:
    """Yield a finding for each service that rules mean but do not name; notes those rules in *told*."""
    known: dict[_Kind, Definition] = {}
    for definition in facts.ruleset.definitions:
        if isinstance(definition.value, tuple) and (kind := _kind_of(definition.value)):
            known.setdefault(kind, definition)
    places: dict[str, list[Span]] = {}
    for at in facts.places if known else ():
        rule = facts.rule(at)
        found = known.get(frozenset((_values(t.proto), _values(t.dport)) for t in traffic(rule.match)))
        if found is not None and not any(_within(use, rule.span) for use in found.uses):
            places.setdefault(found.name, []).append(rule.span)
            told.add(at)
    for definition in known.values():
        if spans := places.get(definition.name):
            related = (Related(definition.span, "this is its definition"),)
            message = f"the services of this rule{_more(spans)} are those of `{definition.name}`, without its name"
            yield CHECK.finding(spans[0], message, help=f"write `{definition.name}`, if it is meant", related=related)


def _kind_of(value: tuple[Service, ...]) -> _Kind | None:
    """Return the protocols and ports of a definition, None unless all of it are ports."""
    found = [{field.name: field.values for field in service} for service in value]
    if any(set(each) != {"proto", "dport"} for each in found):
        return None
    return frozenset((each["proto"], each["dport"]) for each in found)


def _values(field: Field | None) -> object:
    return None if field is None else field.values


def _within(inner: Span, outer: Span) -> bool:
    return inner.source is outer.source and outer.start <= inner.start <= outer.end


def _registered(facts: Facts, places: Iterable[At]) -> Iterator[Diagnostic]:
    """Yield a finding for each port that is a registered name in one of the rules and a number in another."""
    names: dict[tuple[int, int], tuple[str, Span]] = {}
    numbers: dict[tuple[int, int], dict[Span, None]] = {}
    for each in chain.from_iterable(traffic(facts.rule(at).match) for at in places):
        for protocol, port, word, span in _written(each):
            if word is None:
                numbers.setdefault((protocol, port), {})[span] = None
            else:
                names.setdefault((protocol, port), (word, span))
    for key, (name, span) in names.items():
        if spans := [*numbers.get(key, ())]:
            message = f"port {key[1]} is a number here{_more(spans)}, and `{name}` elsewhere"
            related = (Related(span, "this is its name"),)
            yield CHECK.finding(spans[0], message, help=f"write `{name}` or {key[1]} everywhere", related=related)


def _written(each: Traffic) -> Iterator[tuple[int, int, str | None, Span]]:
    """Yield the protocol and the number of each single port, its name where it is written so, and where."""
    protocols = ranges(each.proto)
    if len(protocols) != 1 or protocols[0][0] != protocols[0][1]:
        return
    protocol = protocols[0][0]
    for field in (each.sport, each.dport):
        if field is None or field.span is None or "\n" in field.span.text:
            continue
        words = set(_WORD.findall(field.span.text))
        for low, high in ranges(field):
            if low == high and str(low) in words:
                yield protocol, low, None, field.span
            elif low == high:
                named = (word for word in sorted(words) if service_ports(word).get(protocol) == (low, low))
                yield from ((protocol, low, word, field.span) for word in named)


def _more(places: list[Span]) -> str:
    more = len(places) - 1
    return f" and in {more} other place{'s' if more > 1 else ''}" if more else ""


CHECK = Check(
    code="FW510",
    name="named-vs-number",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
service web = tcp/80, tcp/443
policy border {
    default block
    allow web                from 10.0.0.0/8
    allow tcp/{80,443}       from 192.168.0.0/16 ### FW510 "this rule and in 1 other place are those of `web`"
    allow tcp/443, tcp/80    from 172.16.0.0/12
    allow tcp/ssh            from 10.0.0.0/8
    allow tcp/22             from 192.168.0.0/16 ### FW510 "a number here, and `ssh` elsewhere"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport ssh -j ACCEPT
-A INPUT -s 192.168.0.0/16 -p tcp -m multiport --dports 22,80 -j ACCEPT ### FW510 "write `ssh` or 22 everywhere"
COMMIT
""",
    ),
    good=(
        """
service web = tcp/80, tcp/443
policy border {
    default block
    allow web     from 10.0.0.0/8
    allow tcp/443 from 192.168.0.0/16
    allow tcp/ssh, udp/22
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p udp -m udp --dport domain -j ACCEPT
-A INPUT -p tcp -m tcp --dport 53 -j ACCEPT
-A INPUT -p tcp -m multiport --dports 1:100,ssh,https -j ACCEPT
COMMIT
""",
    ),
    find=find,
    off="One number may serve two purposes, of which one has a name, and numbers are clear, too.",
)
