"""What a host may send is limited, and asking for names was forgotten.

Nearly everything that goes out begins with a name. A policy that lets a host reach web servers everywhere but no name
server leaves it with addresses alone: updates fail, and certificates cannot be checked, after long waits.

**What to do.** Let `udp/53` and `tcp/53` out to the name servers that the host uses: both, since long answers come over
TCP (RFC 7766). With encrypted names it is `tcp/853` and `udp/853` (RFC 7858, RFC 9250).

**What is said exactly.** Reported is the hook output where a rule that names no destination surely lets connections
out to tcp/80 or tcp/443, and where no packet for port 53 or 853, of TCP or UDP, may pass to another host: all are
blocked, whatever the unknown conditions are. Not at forward: clients may have a name server that the rules do not see,
in their network or on the router itself. A missing tcp/53 alone is not reported.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.opening import opening
from policy.check.traffic import bound, traffic
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Allow, Field, all_of
from policy.packet import OUTPUT, Intervals
from policy.packet.address import ANY_ADDRESS, LOOPBACK
from policy.packet.fields import TCP, UDP
from policy.reach import At, Flow
from policy.reach.first import first_packets

_NAMES = Intervals.of(53, 853)
_WEB = Intervals.of(80, 443)
_WEB_TRAFFIC = all_of(Field("proto", Intervals.of(TCP)), Field("dport", _WEB))
_OTHERS = Field("dst", ANY_ADDRESS - LOOPBACK)


def find(facts: Facts) -> Iterator[Diagnostic]:
    if OUTPUT not in facts.hooks or not facts.ruleset.at(OUTPUT):
        return
    sets = facts.space(OUTPUT)
    for at in facts.places:
        if _may_let_web_out(facts, at) and opening(facts, at).get(OUTPUT, sets.nothing) & sets.of_match(_WEB_TRAFFIC):
            break
    else:
        return
    asking = all_of(first_packets(sets.layout), Field("proto", Intervals.of(TCP, UDP)), Field("dport", _NAMES), _OTHERS)
    flow = Flow(facts.ruleset, sets, sets.of_match(asking), passing=False)
    if flow.within <= flow.blocked:
        yield CHECK.finding(
            facts.rule(at).span,
            "web servers everywhere may be reached, but no name server: their names cannot be found out",
            help="let udp/53 and tcp/53 out to the name servers as well",
            region="tcp/{53,853}, udp/{53,853}",
            example=facts.proven(flow.within, "block"),
        )


def _may_let_web_out(facts: Facts, at: At) -> bool:
    """Does a rule name tcp/80 or tcp/443, among few ports, and no destination?"""
    rule = facts.rule(at)
    if OUTPUT not in facts.met.get(at[0], ()) or bound(rule.match, "dst") != ANY_ADDRESS:
        return False
    if not any(isinstance(action, Allow) for action in rule.actions):
        return False
    ports = [each.dport.values for each in traffic(rule.match) if each.is_protocol(TCP) and each.dport is not None]
    wide = facts.settings.wide_ports
    return any(isinstance(some, Intervals) and some.meets(_WEB) and some.size <= wide for some in ports)


CHECK = Check(
    code="FW818",
    name="dns-blocked",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy own at output {
    default block
    allow any out lo
    allow tcp/80, tcp/443, udp/443 ### FW818 "web servers everywhere may be reached, but no name server"
    allow udp/123
}
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A OUTPUT -o lo -j ACCEPT
-A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A OUTPUT -p tcp -m tcp --dport 443 -j ACCEPT ### FW818
COMMIT
""",
    ),
    good=(
        """
policy own at output {
    default block
    allow tcp/{80,443}
    allow udp/53 to 10.0.0.53
}
""",
        """
policy own at output {
    default block
    allow tcp/443 to 10.0.0.0/8
    allow tcp/22
}
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A OUTPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A OUTPUT -p udp -m udp --dport 53 -m limit --limit 10/s -j ACCEPT
COMMIT
""",
        """
policy through at forward {
    default block
    allow tcp/443 from 10.0.0.0/8
}
""",
        """
*filter
:OUTPUT DROP [0:0]
-A OUTPUT -o lo -p tcp -m tcp --dport 80 -j ACCEPT
-A OUTPUT -d 192.0.2.0/24 -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
