"""A network or host in which no address is.

Its exception takes away all that it lists. A rule for it never acts; in an exception of its own (`from any except
NAME`) it excepts nothing, so that the rule holds for everybody. Neither is what the name promises.

**What to do.** Correct the list or the exception. Usually the exception became too large, or the list was moved and the
exception was not.

**What is said exactly.** The value of the name is the empty set. What only such names make is said of the first of
them. A rule that never acts for such a name is not reported as one that matches nothing (FW109); one whose own `except`
leaves nothing is. There are no empty lists in the native language, and no empty services. In iptables an empty chain
does nothing and is often meant to be filled by another program; sets are not in the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.empty import empty
from policy.diagnostic import Diagnostic, Related, Severity

_SHOWN = 3
_FILLED = frozenset({"set", "map"})
"""The kinds of definitions that are filled while the host runs."""


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the definitions in which nothing is, but for those that are others."""
    found = facts.once(empty)
    names = {each.name for each in found}
    for each in found:
        if each.text not in names and each.kind not in _FILLED:
            yield CHECK.finding(
                each.span,
                f"no address is in the {each.kind} `{each.name}`: its exception takes away all of it",
                help="correct the list, or its exception",
                related=tuple(Related(use, "used here") for use in each.uses[:_SHOWN]),
            )


CHECK = Check(
    code="FW708",
    name="empty-group",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
network office  = 10.1.0.0/16
network guests  = 10.1.7.0/24
network blocked = guests except office ### FW708 "no address is in the network `blocked`"

policy border {
    block any     from blocked
    allow tcp/443 from office except blocked
}
""",
    ),
    good=(
        """
network office  = 10.1.0.0/16
network guests  = 10.1.7.0/24
network blocked = office except guests

policy border {
    block any     from blocked
    allow tcp/443 from office
}
""",
        """
*filter
:INPUT DROP [0:0]
:DOCKER-USER - [0:0]
-A INPUT -j DOCKER-USER
-A INPUT -p tcp --dport 443 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
