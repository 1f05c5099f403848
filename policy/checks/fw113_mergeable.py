"""Rules next to each other that differ in one field only, and can be one rule.

A rule for each port, or for each half of a network, is more to read, and more to forget when something changes. What
belongs together is easier to see in one rule.

**What to do.** Write the rule that the finding names instead of the others; where each is to be counted on its own,
or is to get a note of its own, leave them as they are.

**What is said exactly.** The rules follow each other in one policy, have the same actions, label, note, owner, expiry
date and suppressions of other checks, and no condition that cannot be known; none of them is dead. Their matches
differ in the values of one field, no rule says what the others say already, and the one rule matches just those
packets that any of them matches. Each packet then meets the same as before. The new rule is read again before it is
shown. What cannot be written as one rule is not reported: iptables has one prefix, one range of ports, or fifteen
ports with multiport; nftables has sets of anything. A finding speaks of at most 32 rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policy.change import MergeRules
from policy.check import Check, Facts
from policy.check.fixes import offer
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Field, Rule, with_values
from policy.packet import FIELDS
from policy.reach.effects import changed_fields
from policy.reach.merges import Neighbours, Run, united
from policy.written import Suppression

_MOST = 32
Merged = tuple[Sequence[Rule], Field, str]
_PATIENCE = 4
"""So many further rules are looked at when a list cannot be written: the next may complete a prefix."""


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the runs of rules that can be one."""
    changing = changed_fields(map(facts.rule, facts.places))
    for name in facts.met:
        neighbours = Neighbours(facts.ruleset.policies[name].rules, changing, _silent)
        at = 0
        while at + 1 < len(neighbours.rules):
            found = _longest(neighbours, at, facts)
            if found is not None and all(
                facts.is_live((name, at + n)) and facts.is_whole((name, at + n)) for n in range(len(found[0]))
            ):
                yield _finding(*found, facts, name)
            at += 1 if found is None else len(found[0])


def _silent(rule: Rule) -> tuple[Suppression, ...]:
    """Return what silences other checks than this one."""
    return tuple(each for each in rule.suppressions if each.checks and not each.names(CHECK.code, CHECK.name))


def _longest(neighbours: Neighbours, at: int, facts: Facts) -> Merged | None:
    """Return the most rules from *at* on that can be one, what is then in their field, and the one rule."""
    run = neighbours.run(at, _MOST)
    if run is None:
        return None
    facts.budget.check()

    def merged(count: int) -> Merged | None:
        values = united(run.values[:count])
        rules = neighbours.rules[at : at + count]
        text = None if values is None else facts.with_values(rules[0], run.field, values, rules[1:])
        return None if values is None or text is None else (rules, Field(run.field, values), text)

    last = 1
    best = merged(len(run.values))
    if best is None:
        for count in range(2, len(run.values)):
            found = merged(count)
            if found is not None:
                best, last = found, count
            elif count - last >= _PATIENCE:
                break
    if best is None:
        return None
    count = neighbours.useful(at, Run(run.field, run.values[: len(best[0])]))
    return best if count == len(best[0]) else merged(count) if count > 1 else None


def _finding(rules: Sequence[Rule], field: Field, text: str, facts: Facts, policy: str) -> Diagnostic:
    first, *others = rules
    match = with_values(first.match, field.name, field.values)
    assert match is not None
    which = "the next one" if len(others) == 1 else f"the {len(others)} that follow it"
    what, one = FIELDS[field.name].title, " ".join(text.split())
    message = f"this rule and {which} differ only in the {what} and can be one rule: `{one}`"
    help = f"write it instead of the {'two' if len(others) == 1 else len(rules)}"
    related = tuple(Related(each.span, "one rule with the first") for each in others)
    space = facts.space(facts.met[policy][0])
    region = facts.words(space.of_match(match))
    fix = offer(facts, "write one rule for them", MergeRules(tuple(rules), text))
    return CHECK.finding(first.span, message, help=help, related=related, region=region, fix=fix)


CHECK = Check(
    code="FW113",
    name="mergeable",
    severity=Severity.INFO,
    page=__doc__,
    find=find,
    bad=(
        """
network office  = 10.1.0.0/16
network servers = 10.2.0.0/24
host    db      = 10.2.0.5
policy border {
    default block
    allow tcp/80 from office to servers ### FW113 "`allow tcp/.80,443. from office to servers`"
    allow tcp/443 from office to servers
    block udp/69
    allow tcp/22 from office to db log ### FW113 "the 2 that follow .* office, 10.7.0.0/24, 10.9.9.9 to"
    allow tcp/22 from 10.7.0.0/24 to db log
    allow tcp/22 from 10.9.9.9 to db log
    allow tcp/53 to db ### FW113 "`allow tcp/53, udp/53 to db`"
    allow udp/53 to db
    reject any in wan0 ### FW113 "`reject any in wan0, ppp\\+`"
    reject any in ppp+
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.0.0.0/24 -p udp -m udp --dport 53 -j ACCEPT ### FW113 "`-A INPUT -s 10.0.0.0/23 -p udp"
-A INPUT -s 10.0.1.0/24 -p udp -m udp --dport 53 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT ### FW113 "`-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT`"
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -p udp -m udp --dport 5000 -m comment --comment "calls" -j ACCEPT ### FW113 "--dport 5000:5001 -m comment"
-A INPUT -p udp -m udp --dport 5001 -m comment --comment "calls" -j ACCEPT
COMMIT
""",
        """
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established accept ### FW113 "`ct state established,related accept`"
        ct state related accept
        iifname "eth0" tcp dport 22 accept ### FW113 "`iifname .eth0. tcp dport { 22, 80, 443 } accept`"
        iifname "eth0" tcp dport { 80, 443 } accept
    }
}
""",
    ),
    good=(
        """
network office  = 10.1.0.0/16
policy border {
    default block
    allow tcp/{80,443} from office
    allow tcp/22       from office as admins
    allow tcp/23       from office until 2027-01-31
    block udp/69       from office
    allow udp/123      to 10.2.0.5
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.0.0.0/24 -j ACCEPT
-A INPUT -s 10.0.2.0/24 -j ACCEPT
-A INPUT -p icmp -m icmp --icmp-type 3 -j ACCEPT
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A INPUT -p udp -m udp --dport 53 -m limit --limit 5/min -j ACCEPT
-A INPUT -p udp -m udp --dport 54 -m limit --limit 5/min -j ACCEPT
-A INPUT -p tcp -m tcp --dport 80 -m comment --comment "web" -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "admins" -j ACCEPT
COMMIT
""",
        """
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        tcp dport 22 counter name "ssh" accept
        tcp dport 80 counter name "web" accept
        tcp dport 53 accept
        udp dport 53 accept
    }
    counter ssh { }
    counter web { }
}
""",
    ),
)
