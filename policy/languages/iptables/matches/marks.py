"""mark is exact; what the connection carries is not in the packet.

Sources: iptables-extensions(8); the kernel's xt_mark.c, xt_connmark.c. A match is pure unless a target
of the same file may change what it looks at.
"""

from __future__ import annotations

from policy.ir import Match, all_of
from policy.languages.iptables.options import Given, MatchModule, Opt
from policy.languages.iptables.terms import signed, term, unknown
from policy.languages.iptables.values import masked_number
from policy.netfilter import HAS_CONNECTION


def _mark(given: Given) -> Match:
    return term(given, "mark", "mark")


def _connmark(given: Given) -> Match:
    volatile = bool({"CONNMARK", "CONNSECMARK"} & given.context.volatile)
    text = given.args["mark"].option.values[0].text
    found = signed(given, "mark", unknown(given, f"connmark:{text}", pure=not volatile, option="mark"))
    return all_of(HAS_CONNECTION, found)


MATCHES = (
    MatchModule(name="mark", options=(Opt("mark", masked_number, invert=True, required=True),), lower=_mark),
    MatchModule(name="connmark", options=(Opt("mark", masked_number, invert=True, required=True),), lower=_connmark),
)
