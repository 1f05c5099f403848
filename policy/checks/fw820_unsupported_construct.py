"""Part of the rules could not be understood: what is said of them holds whatever that part does.

A match or a target that is not known here, a program for packets (`u32`, `bpf`), a set: whether such a rule matches,
or what it does, does not follow from the file. It is read all the same, as a condition that may be true or false,
and answers that hang on it are `depends`: verdicts are bounds. Findings hold either way, but rules behind it may be
dead, or open more than they seem to, without anybody being able to prove it.

In our own language, and where iptables itself would not load the file, this code is a mistake, which makes a file
unreadable.

**What to do.** Know that the answers are bounds there. `ask --assume KEY=yes` tells what holds if the condition is
true. The members of sets are given with `--ipset FILE`, as `ipset save` prints them. A target that is a chain of
another file (ufw keeps its chains in several) is understood if both are read as one, as `iptables-save` prints them.

**What is said exactly.** One finding for each kind of thing, with the first rule that has it, and how many have.
Only rules count that packets come to. Limits, counters, clocks and what the host knows of itself (its addresses, its
users, its routes) are no such things: they are understood, and nobody can know them from the file. Host names
have a check of their own (FW710).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from policy.check import Check, Facts
from policy.check.wording import shown
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Opaque, Rule, Unknown, UnknownAction, walk
from policy.reach import At
from policy.source import Span

_SHOWN = 5
_WHAT = {
    "match": ("hangs", "hang", "on what is not modelled: the match"),
    "target": ("goes", "go", "to what is neither a target known here nor a chain of this file:"),
    "chain": ("stands", "stand", "for what is not modelled and may drop packets: the chain"),
    "set": ("hangs", "hang", "on members of a set, which this file does not have:"),
}


@dataclass
class _Kind:
    """The rules that have something of a kind, the names of it, and where the first stands, with its key."""

    span: Span
    key: str
    rules: dict[At, None] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the kinds of what could not be understood."""
    kinds: dict[str, _Kind] = {}
    for at in facts.places:
        for opaque, span, key in _opaque(facts.rule(at)):
            if facts.is_live(at):
                kind = kinds.setdefault(opaque.kind, _Kind(span, key))
                kind.rules[at] = None
                kind.names[opaque.name] = None
    for name, kind in kinds.items():
        one, many, what = _WHAT[name]
        others = list(kind.rules)[1:]
        who = f"{len(kind.rules):,} rules {many}" if others else f"this rule {one}"
        names = ", ".join(f"`{each}`" for each in list(kind.names)[:_SHOWN])
        more = f" and {len(kind.names) - _SHOWN} more" if len(kind.names) > _SHOWN else ""
        give = "`--ipset FILE` gives what `ipset save` prints; " if name == "set" else ""
        yield CHECK.finding(
            kind.span,
            f"{who} {what} {names}{more}",
            help=f"{give}where that decides, answers are `depends`; "
            f"`ask --assume {kind.key}=yes` tells what holds if so",
            related=shown(facts, [(at, "so does this rule") for at in others]),
        )


def _opaque(rule: Rule) -> Iterator[tuple[Opaque, Span, str]]:
    for part in walk(rule.match):
        if isinstance(part, Unknown) and part.opaque:
            yield part.opaque, part.span or rule.span, part.key
    for action in rule.actions:
        if isinstance(action, UnknownAction) and action.opaque:
            yield action.opaque, rule.action_span or rule.span, action.key


CHECK = Check(
    code="FW820",
    name="unsupported-construct",
    severity=Severity.INFO,
    page=__doc__,
    bad=(
        """
*filter
:INPUT DROP [0:0]
-A INPUT -m set --match-set office src -j ACCEPT ### FW820 "2 rules hang on members of a set, .*`office`, `bad`$"
-A INPUT -p tcp -m tcp --dport 80 -m set ! --match-set bad src -j ACCEPT
-A INPUT -m geoip --source-country SE -p tcp --dport 22 -j ACCEPT ### FW820 "this rule hangs .* `geoip`"
-A INPUT -p tcp -m tcp --dport 25 -j TARPIT ### FW820 "^TARPIT$"
COMMIT
""",
    ),
    good=(
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p icmp -m limit --limit 1/sec -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m recent --rcheck --name knock -j ACCEPT
-A INPUT -m addrtype --dst-type LOCAL -p udp -m udp --dport 53 -j ACCEPT
-A INPUT -m time --timestart 08:00 --timestop 18:00 -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
""",
        """
*filter
:INPUT DROP [0:0]
:unused - [0:0]
-A unused -m geoip --source-country SE -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
