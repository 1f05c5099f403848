"""Packets of no known connection are let in by rules that do not ask for the state.

`INVALID` are packets that the table of connections cannot place: a reply to nothing, a combination of flags that no
TCP has, an error about an unknown packet. Where rules know connections, a rule such as `--dport 22 -j ACCEPT` takes
them as well, because it does not look at the state. They open no connection. But scans with odd flags (`nmap -sF`,
`-sX`) see through the filter by them, and with NAT such packets leave with inner addresses.

**What to do.** Drop them right behind the rule for known connections: `-m conntrack --ctstate INVALID -j DROP`; or let
the rules that follow ask for `--ctstate NEW`.

**What is said exactly.** Reported is, once for each of the hooks input and forward, the first rule that surely lets
TCP packets in that are `INVALID` and not on `lo`, where established packets are let in by a rule that asks for the
state. What a default lets in does not count.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.connections import names
from policy.check.wording import counted
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Field, Not, all_of, either_of
from policy.packet import ESTABLISHED, FORWARD, HOOKS, INPUT, INVALID, Intervals, Names
from policy.packet.fields import TCP
from policy.reach import Flow
from policy.reach.find import space_at

_TCP = all_of(
    Field("proto", Intervals.of(TCP)),
    *(Not(Field(name, Names.of("lo"))) for name in ("in", "out")),
)


def find(facts: Facts) -> Iterator[Diagnostic]:
    for hook in (INPUT, FORWARD):
        entries = facts.ruleset.at(hook)
        if hook not in facts.hooks or any(entry.stateful for entry in entries):
            continue
        known, invalid = (all_of(_TCP, Field("state", Intervals.of(state))) for state in (ESTABLISHED, INVALID))
        sets = space_at(facts.ruleset, either_of(known, invalid), hook, facts.budget)
        flows = [Flow(facts.ruleset, sets, sets.of_match(match), passing=False) for match in (known, invalid)]
        accepted, let_in = (
            [(each.end.rule, each.packets) for each in flow.outcomes() if each.verdict == "allow" and each.end]
            for flow in flows
        )
        found = sorted(
            ((rule, packets) for rule, packets in let_in if rule is not None and not names(rule, "state")),
            key=lambda each: each[0].span.start,
        )
        if found and any(rule is not None and names(rule, "state") for rule, _ in accepted):
            rule, packets = found[0]
            others = f", and so do {counted(len(found) - 1, 'other')}" if len(found) > 2 else ""
            yield CHECK.finding(
                rule.span,
                f"this rule lets packets in at {HOOKS[hook]} that belong to no known connection{others}",
                help="drop invalid packets behind the rule for known connections",
                related=tuple(Related(other.span, "this one, too") for other, _ in found[1:3]),
                region=facts.words(packets, within=sets.of_match(invalid)),
                example=facts.replayed([packets], [rule]),
            )


CHECK = Check(
    code="FW404",
    name="established-before-invalid-drop",
    severity=Severity.INFO,
    page=__doc__,
    off="Every third real file is so, and what is let in opens no connection.",
    bad=(
        """
*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT ### FW404 "lets packets in at input that belong to no known connection"
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
""",
        """
policy filter at forward stateless {
    default block
    allow any state established, related
    allow tcp/22 from 10.0.0.0/8 ### FW404
}
""",
    ),
    good=(
        """
*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
""",
        """
policy filter at forward {
    default block
    allow tcp/22 from 10.0.0.0/8
}
""",
    ),
    find=find,
)
