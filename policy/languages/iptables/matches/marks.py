"""mark and connmark, of the packet and of its connection.

Sources: iptables-extensions(8); the kernel's xt_mark.c, xt_connmark.c. A packet with no entry in the connection table
has no connection mark, and in the raw table none has.
"""

from __future__ import annotations

from policy.ir import Match
from policy.languages.iptables.options import Given, MatchModule, Opt
from policy.languages.iptables.terms import term, tracked_already
from policy.languages.iptables.values import masked_number
from policy.netfilter import NOT_TRACKED_YET


def _mark(given: Given) -> Match:
    return term(given, "mark", "mark")


def _connmark(given: Given) -> Match:
    found = term(given, "mark", "ctmark")
    return tracked_already(given, NOT_TRACKED_YET, found) if given.context.table == "raw" else found


MATCHES = (
    MatchModule(name="mark", options=(Opt("mark", masked_number, invert=True, required=True),), lower=_mark),
    MatchModule(name="connmark", options=(Opt("mark", masked_number, invert=True, required=True),), lower=_connmark),
)
