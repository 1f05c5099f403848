"""Where the routing sends packets whose destination was rewritten, and what it does not forward.

These are rules that no file has, and that hold all the same. Sources: the kernel's ip_route_input_slow
(fib_frontend.c, route.c): what is for an address of the host is input, all else is forwarded, by the interface of the
longest prefix; ip_forward.c and ip6_output.c (ip6_forward): a packet is not forwarded with its last hop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_

from policy.host import Host, Route
from policy.ir import (
    EVERYTHING,
    Action,
    Allow,
    Block,
    Entry,
    Field,
    Match,
    Policy,
    Rewrite,
    Rule,
    Ruleset,
    Set,
    Unknown,
    all_of,
    either_of,
    negated,
    walk,
)
from policy.nat import given
from policy.netfilter import LO
from policy.packet import FORWARD, INPUT, OUTPUT, RELATED, ROUTING, Intervals, Names, Value
from policy.packet.address import LOOPBACK, V4, V6, format_address
from policy.packet.fields import ICMP, ICMP6
from policy.packet.text import set_text
from policy.source import Span

ELSEWHERE = Names(frozenset({LO}), negated=True)
"""The interfaces that a packet to another host may leave by."""

FORWARDING = "routing:FORWARD"
"""The name of the policy that ends packets at their last hop."""

_FORWARDED = ("forward", "postrouting")

_ABOUT = {4: (ICMP, Intervals.of((3, 5), 11, 12)), 6: (ICMP6, Intervals.of((0, 127), 137))}

MARTIANS = "routing:martians"
"""The name of the policy that drops loopback addresses from outside."""

MOST_ASKED = 32
"""Of so many addresses it is asked one by one whether they are the host's own."""


def routing(name: str, sent: bool, host: Host, targets: Iterable[Intervals], span: Span) -> Policy:
    """Return the policy that decides anew where a packet goes: one that arrived, or one that the host *sent*.

    *targets* are what rules make of destinations; where the addresses of the *host* are not known, pure unknowns say
    whether these are among them.
    """

    def rule(match: Match, note: str, changes: tuple[tuple[str, Value], ...]) -> Rule:
        return Rule(match, (Rewrite(changes), Allow()), note=note, span=span)

    here: tuple[tuple[str, Value], ...] = (("hook", OUTPUT), ("out", LO)) if sent else (("hook", INPUT),)
    hook = OUTPUT if sent else FORWARD
    own = (host.local if host.local is not None else Intervals()) | LOOPBACK
    targets = list(dict.fromkeys(targets))
    rules: list[Rule] = []
    if not sent and any(each & LOOPBACK for each in targets):
        rules += _to_loopback(span)
    rules.append(rule(Field("dst", own), "it is an address of this host", here))
    heard = reduce(or_, (route.heard for route in host.routes), Intervals()) - own
    heard = heard - V4 if sent else heard  # a broadcast goes out
    if heard:
        rules.append(rule(Field("dst", heard), "this host hears it", here))
    if host.local is None:
        left = [each for each in targets if each - LOOPBACK and not _is_behind(each, host)]
        rules += [rule(match, "it is an address of this host", here) for match in _perhaps(left, span)]
    rules += [
        rule(
            Field("dst", route.to),
            f"{set_text('dst', route.to)} is behind {route.interface}",
            (("hook", hook), ("out", route.interface)),
        )
        for route in sorted(host.routes, key=lambda route: route.to.size)
    ]
    rules.append(rule(EVERYTHING, "it is an address of another host", (("hook", hook), ("out", ELSEWHERE))))
    return Policy(name, tuple(rules), Allow(), implied=True, span=span)


def ending(ruleset: Ruleset) -> Ruleset:
    """Return the same rules with what ends packets that are to be forwarded with a TTL of 0 or 1.

    It stands before the chains of FORWARD and POSTROUTING, which no such packet reaches.
    """
    if FORWARDING in ruleset.policies:
        return ruleset
    span = Span(ruleset.sources[0], 0, 0)
    rule = Rule(Field("ttl", Intervals.of((0, 1))), (Block(),), note="its TTL ends here", span=span)
    policy = Policy(FORWARDING, (rule,), Allow(), implied=True, span=span)
    stop = Entry(FORWARDING, Allow(), main=False, table="routing", hook=FORWARD, point="routing")
    entries = dict(ruleset.entries)
    for hook, way in ruleset.entries.items():
        if hook != OUTPUT:
            behind = (number for number, entry in enumerate(way) if entry.point in _FORWARDED)
            at = next(behind, len(way))
            entries[hook] = (*way[:at], stop, *way[at:])
    return replace(ruleset, policies={**ruleset.policies, FORWARDING: policy}, entries=entries)


def without_martians(ruleset: Ruleset) -> Ruleset:
    """Return the same rules with what the routing drops: loopback addresses of packets that arrive from outside.

    In IPv4 the setting `route_localnet` lets them in (route.c, ip_route_input_slow), in IPv6 nothing (ip6_input.c).
    """
    if MARTIANS in ruleset.policies:
        return ruleset
    span = Span(ruleset.sources[0], 0, 0)
    localnet = Unknown("packets from outside may have addresses of 127.0.0.0/8", "route-localnet", span=span)
    v4, v6 = (LOOPBACK & V4, LOOPBACK & V6)
    dropped = either_of(
        all_of(either_of(Field("src", v4), Field("dst", v4)), negated(localnet)),
        either_of(Field("src", v6), Field("dst", v6)),
    )
    note = "it has a loopback address, and comes from outside"
    rule = Rule(all_of(Field("in", ELSEWHERE), dropped), (Block(),), note=note, span=span)
    policy = Policy(MARTIANS, (rule,), Allow(), implied=True, span=span)
    stop = Entry(MARTIANS, Allow(), main=False, table="routing", point="routing")
    entries = dict(ruleset.entries)
    for hook in (INPUT, FORWARD):
        way = ruleset.at(hook)
        at = next((number for number, entry in enumerate(way) if entry.point in ("input", "forward")), len(way))
        entries[hook] = (*way[:at], stop, *way[at:])
    return replace(ruleset, policies={**ruleset.policies, MARTIANS: policy}, entries=entries)


def errors(name: str, family: int, given: Intervals, span: Span) -> Policy:
    """Return the policy for ICMP errors to addresses *given* by connections that rules translate.

    Such an error goes on to whoever sent the packet that it is about (nf_nat_core.c, nf_nat_icmp_reply_translation).
    """
    proto, types = _ABOUT[family]
    error = all_of(
        Field("proto", Intervals.of(proto)),
        Field("icmp_type", types),
        Field("state", Intervals.of(RELATED)),
        Field("in", ELSEWHERE),
        Field("dst", given),
        Unknown("the error is about a translated connection", "icmp-error:translated", span=span),
    )
    sender = (V4 if family == 4 else V6) - LOOPBACK
    on = (Rewrite((("dst", sender), ("hook", ROUTING))), Allow())
    return Policy(
        name, (Rule(error, on, note="its connection is translated", span=span),), Allow(), implied=True, span=span
    )


def looking_at_errors(
    actions: Sequence[Action], family: int, host: Host, policies: dict[str, Policy], span: Span
) -> Iterator[Entry]:
    """Yield what translates ICMP errors about connections that *actions* translate; *policies* gets what it needs.

    They come to an address that a connection got as its source, or that it went to before it got another destination:
    of the latter those of the host are looked at.
    """
    whole = V4 if family == 4 else V6
    sources = reduce(or_, (given(action, "src", family) for action in actions), Intervals()) & whole
    # What a masquerading host gives is an address of its own, whatever these are.
    sent = Intervals() if host.local is None and sources.covers(whole) else sources
    here = whole if any(given(action, "dst", family) & whole for action in actions) else sources
    for hook, some in ((INPUT, here), (FORWARD, sent)):
        if some:
            name = f"routing:errors:{'INPUT' if hook == INPUT else 'FORWARD'}"
            name += "" if name not in policies else f":{family}"
            policies[name] = errors(name, family, some, span)
            yield Entry(name, Allow(), main=False, table="routing", hook=hook, point="prerouting")


def minds_ttl(policies: Iterable[Policy]) -> bool:
    """Does any rule ask for the TTL, or change it?"""
    for policy in policies:
        for rule in policy.rules:
            if any(isinstance(part, Field) and part.name == "ttl" for part in walk(rule.match)):
                return True
            if any(isinstance(action, Set) and action.field == "ttl" for action in rule.actions):
                return True
    return False


def routes(policies: Iterable[Policy]) -> Iterator[Route]:
    """Yield what the policies that decide where packets go know of networks."""
    for policy in policies:
        for rule in policy.rules if policy.implied else ():
            match rule:
                case Rule(match=Field("dst", Intervals() as to), actions=(Rewrite(changes), *_)):
                    out = dict(changes).get("out")
                    if isinstance(out, str) and out != LO:
                        yield Route(to, out)


def _to_loopback(span: Span) -> Iterator[Rule]:
    """Yield the rules for what came from outside and has a loopback address as its new destination.

    In IPv4 it is dropped, but with the setting `route_localnet` (ip-sysctl.rst). In IPv6 ::1 is looked for behind the
    interface that it came in by (route.c, rt6_need_strict): it leaves by that, if a default route does, or is dropped.
    """
    outside = Field("in", ELSEWHERE)
    v4, v6 = (all_of(Field("dst", LOOPBACK & some), outside) for some in (V4, V6))
    localnet = Unknown("packets from outside may go to 127.0.0.0/8", "route-localnet", span=span)
    routed = Unknown("there is a route to ::1 by the interface that it came in by", "route:::1", span=span)
    for match, changes in (
        (all_of(v4, localnet), (("hook", INPUT),)),
        (all_of(v6, routed), (("hook", FORWARD), ("out", ELSEWHERE))),
    ):
        yield Rule(match, (Rewrite(changes), Allow()), note="it is a loopback address", span=span)
    yield Rule(all_of(Field("dst", LOOPBACK), outside), (Block(),), note="it is a loopback address", span=span)


def _is_behind(target: Intervals, host: Host) -> bool:
    return any(route.to.covers(target) for route in host.routes)


def _perhaps(targets: list[Intervals], span: Span) -> Iterator[Match]:
    """Yield matches for addresses of which it is not known whether they are the host's own."""
    single = [each for each in targets if each.size == 1]
    asked = single[:MOST_ASKED]
    for each in asked:
        address = format_address(each.first)
        text = f"{address} is an address of this host"
        yield all_of(Field("dst", each), Unknown(text, f"local:{address}", span=span))
    rest = [each for each in targets if each not in asked]
    if rest:
        united = rest[0]
        for each in rest[1:]:
            united |= each
        yield all_of(
            Field("dst", united), Unknown("the new destination is an address of this host", "local:dst", span=span)
        )
