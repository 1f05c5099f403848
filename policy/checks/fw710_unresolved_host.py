"""The name of a host in a rule: the name server decides what the firewall does.

`iptables` asks the name server once, when the rules are loaded, and keeps the addresses that it gets. So the rules are
wrong from the day on which the host moves; whoever can forge an answer at that moment writes a rule; a name that has
several addresses gives a rule for each of those that came; and where the name server does not answer, as often at boot
before the network is up, `iptables-restore` loads no rule at all, and the machine stands open.

**What to do.** Write the address. Where it changes, let something that runs keep a set (`ipset`), and match the set.

**What is said exactly.** One finding for each chain, with the number of rules in it that have such names as source or
destination; dead rules too, for they keep the file from being loaded like all others. `localhost` is no such name. In
the native language rules have no host names.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Policy, Rule, Unknown, walk
from policy.source import Span

_SHOWN = 5


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the policies with rules that have names of hosts, at the first of them."""
    for policy in facts.ruleset.policies.values():
        if finding := _finding(policy):
            yield finding


def _finding(policy: Policy) -> Diagnostic | None:
    places: dict[str, Span] = {}
    rules: dict[Span, Rule] = {}
    for rule in policy.rules:
        for part in walk(rule.match):
            if isinstance(part, Unknown) and part.key.startswith("host:"):
                places.setdefault(part.key.removeprefix("host:").rpartition(":")[0], part.span or rule.span)
                rules[rule.span] = rule
    if not places:
        return None
    (first, span), *others = places.items()
    if others:
        more = f"{len(others)} others" if len(others) > 1 else "another one"
        message = f"`{first}` and {more} are names of hosts"
    else:
        message = f"`{first}` is the name of a host"
    whom = f"{len(rules)} rules match" if len(rules) > 1 else "the rule matches"
    return CHECK.finding(
        span,
        f"{message}: the name server decides whom {whom}",
        help="write addresses, or match a set that is kept up to date",
        related=tuple(Related(each, f"`{name}`") for name, each in others[:_SHOWN]),
    )


CHECK = Check(
    code="FW710",
    name="unresolved-host",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s backup.example.org -p tcp --dport 22 -j ACCEPT ### FW710 "another one are names of hosts: the name server"
-A INPUT -s backup.example.org -p tcp --dport 873 -j ACCEPT
-A INPUT -s 10.1.0.7,mail.example.org -p tcp --dport 25 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 192.168.7.9 -p tcp --dport 22 -j ACCEPT
-A INPUT -s localhost -p tcp --dport 873 -j ACCEPT
-A INPUT -m set --match-set backup src -p tcp --dport 873 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
