"""No packet can match a rule, whatever stands before it.

Its own conditions exclude each other (a port of a protocol that has none, `! -s` and `-s` of one network, an output
interface at input), or the packets that it asks for are never sent to its policy: the rules that call it ask for
others, the default of a policy that was called before takes them, or the implicit rule for connection states does. The
message says which. Such a rule does nothing, though somebody wanted it to: this is why it is an error. Of a range that
ends before it begins FW502 speaks, of a name in which nothing is FW708. Chains that container engines, libvirt and the
like fill (`DOCKER…`, `KUBE-…`) have rules for what is there on other hosts: one to which nothing is sent is no mistake.

**What to do.** Correct the condition that excludes everything, or remove the rule.
"""

from collections.abc import Iterator

from policy.check import Check, Facts, Undecided
from policy.check.dead import dead_rules
from policy.check.empty import names_nothing
from policy.check.reversed import unmatchable
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Either
from policy.reach import At, Kind, Standing


def _find(facts: Facts) -> Iterator[Diagnostic | Undecided]:
    return dead_rules(CHECK, facts, lambda s: s.kind in (Kind.UNMATCHABLE, Kind.NOT_SENT), _say)


def _say(facts: Facts, at: At, standing: Standing[At]) -> tuple[str, str] | None:
    if standing.kind is Kind.UNMATCHABLE:
        rule = facts.rule(at)
        if unmatchable(rule) or names_nothing(facts, rule):
            return None
        if isinstance(rule.match, Either) and rule.match.called and not rule.match.parts:
            return f"this rule can match no packet: none is {rule.match.called}", "move it to the mangle table"
        return "this rule can match no packet: its conditions exclude each other", "correct the condition that does"
    if standing.by:
        return f"this rule can match no packet: {standing.reason}", "correct it, or what is sent here, or remove it"
    return f"this rule can match no packet: {standing.reason}", "correct it, or remove it"


CHECK = Check(
    code="FW109",
    name="unmatchable",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
policy border at input {
    default block
    allow tcp/22 out eth1 ### FW109 "its conditions exclude each other"
    allow tcp/80 state established ### FW109 "the implicit rule for connection states takes all packets"
    call web tcp/80
}
policy web {
    allow udp/80 ### FW109 "none of the packets that are sent to `web` match it"
    allow from 10.0.0.0/8
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -m ttl --ttl-lt 0 -j ACCEPT ### FW109 "exclude each other"
-A INPUT -s 10.0.0.0/8 -m state --state NEW -m conntrack --ctstate ESTABLISHED -j ACCEPT ### FW109
COMMIT
*raw
:OUTPUT ACCEPT [0:0]
-A OUTPUT -p tcp ! --syn -m connmark --mark 7 -j DROP ### FW109 "none is part of a connection yet in the raw table"
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    allow tcp/22 out eth1
    call web tcp/80, udp/80
}
policy web {
    allow udp/80
    allow from 10.0.0.0/8
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -m iprange --src-range 10.0.0.9-10.0.0.1 -j ACCEPT
COMMIT
""",
        """
*filter
:FORWARD DROP [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
COMMIT
""",
    ),
    find=_find,
)
