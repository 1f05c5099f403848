"""A rule says nowhere why it is there.

What a rule does can be read off it; not who needed it, and for what. Without that nobody can ever remove it: so rules
pile up, and each of them opens something.

**What to do.** Write who needs it and why, and the ticket if there is one: in the native language as `note "…"`, `owner
…` or a comment, in iptables as `--comment "…"` or a comment above the rule.

**What is said exactly.** The rule lets something pass, decides more than packets of known connections and of `lo`, and
has no note, no label, no owner, and no comment in its lines or right above it. A comment above several rules that
follow each other without an empty line is for all of them. Those up to the next rule that has one are one finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.comments import remarks, remarks_at
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Allow, Rule


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rows of rules without a description."""
    comments = facts.once(remarks)
    for name, policy in facts.ruleset.policies.items():
        row: list[Rule] = []
        before: Rule | None = None
        headed = False
        for number, rule in enumerate(policy.rules):
            follows = before is not None and rule.span.source is before.span.source
            follows = follows and before is not None and rule.span.line == before.span.end_line + 1
            said = remarks_at(comments, rule.span)
            headed = any(each.line < rule.span.line for each in said) or (headed and follows)
            before = rule
            if said or headed or rule.note or rule.label or rule.owner:
                yield from _finding(row)
                row = []
            elif _opens(rule) and facts.is_live((name, number)) and not facts.is_preamble((name, number)):
                row.append(rule)
        yield from _finding(row)


def _opens(rule: Rule) -> bool:
    return any(isinstance(action, Allow) for action in rule.actions)


def _finding(row: list[Rule]) -> Iterator[Diagnostic]:
    if row:
        rest = len(row) - 1
        more = "" if not rest else ", nor does another one" if rest == 1 else f", nor do {rest} that follow"
        yield CHECK.finding(row[0].span, f"this rule does not say why it is there{more}", help="write who needs it")


CHECK = Check(
    code="FW802",
    name="missing-description",
    severity=Severity.INFO,
    off="How much is written, and where, is a rule of each house; many keep it in tickets.",
    page=__doc__,
    bad=(
        """
network office = 10.1.0.0/16

policy border {
    # the web servers, NET-12
    allow tcp/80  from office
    allow tcp/443 from office

    allow tcp/22  from office ### FW802 "nor does another one"
    allow tcp/23  from office
    allow tcp/25  from office note "the mail gateway"
    block tcp/26
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 443 -j ACCEPT ### FW802 "does not say why"
-A INPUT -p tcp --dport 22 -m comment --comment "admins" -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
network office = 10.1.0.0/16

policy border {
    allow tcp/80  from office as portal
    allow tcp/443 from office owner "the web team"
    allow tcp/22  from office  # admins
    block tcp/26
}
""",
    ),
    find=find,
)
