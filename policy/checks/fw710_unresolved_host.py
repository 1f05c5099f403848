"""The name of a host in a rule: the name server decides what the firewall does.

`iptables` asks the name server once, when the rules are loaded, and keeps the addresses that it gets. So the rules are
wrong from the day on which the host moves; whoever can forge an answer at that moment writes a rule; a name that has
several addresses gives a rule for each of those that came; and where the name server does not answer, as often at boot
before the network is up, `iptables-restore` loads no rule at all, and the machine stands open.

**What to do.** Write the address. Where it changes, let something that runs keep a set (`ipset`), and match the set.

**What is said exactly.** One finding for each name, with the number of rules that use it as a source or destination,
dead ones too: they keep the file from being loaded like all others. `localhost` is no such name. In the native language
rules have no host names.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Unknown, walk
from policy.source import Span

_SHOWN = 3


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each host name, where it is first used."""
    uses: dict[str, dict[Span, Span]] = {}
    for at in facts.places:
        rule = facts.rule(at)
        for part in walk(rule.match):
            if isinstance(part, Unknown) and part.key.startswith("host:"):
                name = part.key.removeprefix("host:").rpartition(":")[0]
                uses.setdefault(name, {}).setdefault(rule.span, part.span or rule.span)
    for name, places in uses.items():
        first, *others = places.values()
        count = f"{len(places)} rules use it, and are" if others else "the rule is"
        yield CHECK.finding(
            first,
            f"`{name}` is the name of a host: {count} what the name server says when the rules are loaded",
            help="write the address, or match a set that is kept up to date",
            related=tuple(Related(each, "here too") for each in others[:_SHOWN]),
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
-A INPUT -s backup.example.org -p tcp --dport 22 -j ACCEPT ### FW710 "2 rules use it"
-A INPUT -s backup.example.org -p tcp --dport 873 -j ACCEPT
-A INPUT -s 10.1.0.7,mail.example.org -p tcp --dport 25 -j ACCEPT ### FW710 "`mail.example.org`"
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
