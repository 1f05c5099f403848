"""Whether the rules of a file turn connection tracking on.

The nat table alone does not: Linux tracks the packets of a network namespace only while a rule is loaded whose match
or target asks for it (nf_ct_netns_get, in the checkentry of net/netfilter/xt_*.c), wherever the rule stands. Without,
the nat table lets every packet pass, whatever its policy is (nf_nat_inet_fn).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from policy.source import Span

_QUOTED = re.compile(r'"[^"]*"?')
_NEEDED = re.compile(
    r"(?:^|\s)(?:(?:-m|--match)\s+(?:state|conntrack|connmark|connlimit|connbytes|connlabel|helper|cluster)"
    r"|(?:-j|--jump)\s+(?:DNAT|REDIRECT|SNAT|MASQUERADE|NETMAP|CONNMARK|CONNSECMARK|SYNPROXY|CT(?!.*--notrack)))"
    r"(?=\s|$)"
)


def tracks(rules: Iterable[Span | None]) -> bool:
    """Is one of the *rules* surely one that turns connection tracking on?"""
    texts = (span.text for span in rules if span is not None)
    return any(_NEEDED.search(_QUOTED.sub("x", text)) for text in texts)
