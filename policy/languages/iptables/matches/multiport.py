"""multiport: up to fifteen ports.

Sources: iptables-extensions(8); the kernel's net/netfilter/xt_multiport.c: never a later fragment.
"""

from __future__ import annotations

from policy.ir import Field, Match, all_of, either_of, negated
from policy.languages.iptables.options import Bad, Given, MatchModule, Opt
from policy.languages.iptables.terms import has, term
from policy.languages.iptables.values import port_list
from policy.packet import PORT_PROTOCOLS

_NAMES = ("source-ports", "destination-ports", "ports")


def _multiport(given: Given) -> Match:
    protocol = given.context.protocol
    if protocol.number not in PORT_PROTOCOLS or protocol.negated:
        help = "say `-p tcp`, `-p udp`, `-p udplite`, `-p sctp` or `-p dccp` before it"
        raise Bad("FW504", "multiport needs a protocol that has ports", help)
    if any(option.start < protocol.start for option in given.extension.options):
        raise Bad("FW504", "multiport needs its protocol before it", "move `-p` in front of `-m multiport`")
    if "source-ports" in given:
        return term(given, "source-ports", "sport")
    if "destination-ports" in given:
        return term(given, "destination-ports", "dport")
    span, values = given.span("ports"), given.value("ports")
    either = either_of(Field("sport", values, span=span), Field("dport", values, span=span))
    return all_of(has("dport"), negated(either)) if given.args["ports"].negated else either


MATCHES = (
    MatchModule(
        name="multiport",
        options=(
            Opt("source-ports", port_list, ("sports",), invert=True, excludes=_NAMES),
            Opt("destination-ports", port_list, ("dports",), invert=True, excludes=_NAMES),
            Opt("ports", port_list, invert=True, excludes=_NAMES),
        ),
        one_of=_NAMES,
        lower=_multiport,
    ),
)
