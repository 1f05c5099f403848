"""A name does not follow the convention that the configuration gives.

Where names follow a convention, a reader knows from the name what it stands for, and a reviewer sees what does not
belong where it stands.

**What to do.** Rename it; or change the pattern.

**What is said exactly.** The configuration has a regular expression for each kind of name that has a convention:
`network`, `host`, `service`, `policy` (in iptables: the chains of your own) and `label`. The whole name has to match
it. Without configuration there is no convention, and nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from policy.check import Check, Facts, Settings
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Ruleset
from policy.source import Span


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the names that do not match the pattern of their kind."""
    patterns = {str(kind): pattern for kind, pattern in facts.settings.names.items()}
    if not patterns:
        return
    for kind, name, span in _named(facts.ruleset):
        pattern = patterns.get(kind)
        if pattern is not None and re.fullmatch(pattern, name) is None:
            yield CHECK.finding(
                span, f"the {kind} `{name}` is not named as the convention wants it", help=f"the pattern is `{pattern}`"
            )


def _named(ruleset: Ruleset) -> Iterator[tuple[str, str, Span]]:
    """Yield the kind, the name and the place of everything that the file names."""
    for each in ruleset.definitions:
        yield ("policy", each.text, each.span) if each.kind == "chain" else (each.kind, each.name, each.span)
    chains = {each.name for each in ruleset.definitions if each.kind == "chain"}
    for policy in ruleset.policies.values():
        if policy.name not in chains and policy.span is not None and policy.span.text == policy.name:
            yield "policy", policy.name, policy.span
        for rule in policy.rules:
            if rule.label is not None:
                yield "label", rule.label, rule.span


CHECK = Check(
    code="FW706",
    name="naming-convention",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
network net_office = 10.1.0.0/16
network Guests     = 10.7.0.0/16 ### FW706 "Guests"

policy border {
    allow tcp/443 from net_office, Guests as out-web
    allow tcp/22  from net_office         as Staff ### FW706 "the label `Staff`"
}
""",
        """
*filter
:INPUT DROP [0:0]
:Web - [0:0] ### FW706 "the policy `Web`"
-A INPUT -p tcp -j Web
-A Web -p tcp --dport 443 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
network net_office = 10.1.0.0/16
host    Mail       = 10.1.0.7

policy border {
    allow tcp/443 from net_office as out-web
    allow tcp/25  from Mail
}
""",
        """
*filter
:INPUT DROP [0:0]
:web - [0:0]
-A INPUT -p tcp -j web
-A web -p tcp --dport 443 -j ACCEPT
COMMIT
""",
    ),
    find=find,
    settings=Settings(names={"network": "net_[a-z0-9_]+", "policy": "[a-z]+", "label": "[a-z-]+"}),
)
