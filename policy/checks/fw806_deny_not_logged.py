"""Rules that block packets, of which no log tells.

When something does not work, the log of what was blocked is where to look first; and after an incident it tells who had
knocked before.

**What to do.** In the native language add `log`. In iptables log the same packets before, with a limit (`-m limit`), so
that nobody can fill the disk.

**What is said exactly.** A rule blocks or rejects packets that no rule with a log may have matched before. One that
logs within limits counts. Nothing is said of what the default of a policy blocks. The rules of a policy are one
finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policy.check import Check, Facts
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Block, Log, Reject, Rule
from policy.reach import At

_SHOWN = 3


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the policies with rules that block and do not log, at the first such rule."""
    logged = _logged(facts)
    found: dict[str, list[Rule]] = {}
    for at in facts.places:
        rule = facts.rule(at)
        if _logs(rule) or not any(isinstance(action, Block | Reject) for action in rule.actions):
            continue
        if facts.is_live(at) and _unlogged(facts, at, logged):
            found.setdefault(at[0], []).append(rule)
    for name, (first, *others) in found.items():
        verb = f"{len(others) + 1} rules of `{name}` block packets" if others else "this rule blocks packets"
        yield CHECK.finding(
            first.span,
            f"{verb} without a word in a log",
            help="log them before, within a limit",
            related=tuple(Related(each.span, "so does this one") for each in others[:_SHOWN]),
        )


def _logs(rule: Rule) -> bool:
    return any(isinstance(action, Log) for action in rule.actions)


def _logged(facts: Facts) -> dict[int | None, Any]:
    """Return the packets that some rule may log, by hook."""
    found: dict[int | None, Any] = {}
    for at in facts.places:
        if _logs(facts.rule(at)):
            for hook, packets in facts.matched(at).items():
                found[hook] = found[hook] | packets if hook in found else packets
    return found


def _unlogged(facts: Facts, at: At, logged: dict[int | None, Any]) -> bool:
    return any(hook not in logged or not packets <= logged[hook] for hook, packets in facts.matched(at).items())


CHECK = Check(
    code="FW806",
    name="deny-not-logged",
    severity=Severity.INFO,
    off="What is blocked from the Internet is noise to most, and a log of it hides what matters.",
    page=__doc__,
    bad=(
        """
policy border at forward {
    default block
    block  tcp/23 from 10.0.0.0/8 ### FW806 "2 rules of `border`"
    reject tcp/25 from 10.0.0.0/8
    block  udp/69 log
    allow  tcp/443
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 23 -j LOG --log-prefix "telnet "
-A INPUT -p tcp --dport 23 -j DROP
-A INPUT -p tcp --dport 25 -j DROP ### FW806 "this rule blocks packets"
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    block tcp/23 log
    allow tcp/443
}
""",
        """
*filter
:INPUT DROP [0:0]
:logdrop - [0:0]
-A INPUT -p tcp --dport 23 -j logdrop
-A INPUT -p tcp --dport 443 -j ACCEPT
-A logdrop -m limit --limit 5/min -j LOG
-A logdrop -j DROP
COMMIT
""",
    ),
    find=find,
)
