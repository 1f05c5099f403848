"""Packets are blocked by default, and no rule lets the replies of known connections in.

Netfilter keeps a table of connections, but rules use it only where they ask for it. Without a rule that accepts
`ESTABLISHED` packets, a policy that drops by default drops the replies too: what the host asks others (names, updates,
the time) is never answered, or what it is asked it cannot answer. People find out when nothing works after a restart,
and then often open far more than was needed, such as everything that comes *from* port 53 or 80 (FW407).

**What to do.** Put one rule first: `-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`, and the same for
FORWARD and OUTPUT where these drop by default.

**What is said exactly.** Reported is a hook of iptables or nftables where no reply may pass that would not pass as well
if it opened a connection itself: so no rule asks for the state, or for TCP packets that open none, to good effect.
Of the connections from usual client ports that the other side lets through, more than half get no reply at all (over
any interface). Not reported are hooks where nothing passes at all, and policies of our own language, which know
connections unless they are `stateless`: then each rule is judged by itself (FW401). All hooks are in one finding.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.connections import all_forgotten, place, usual
from policy.diagnostic import Diagnostic, Related, Severity
from policy.packet import HOOKS

_SAID = ("-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", "ct state established,related accept")


def find(facts: Facts) -> Iterator[Diagnostic]:
    found = [(replies, lost, replies.blockers(lost)[0][0]) for replies, lost in all_forgotten(facts)]
    for replies, lost, end in found[:1]:
        assert replies.back is not None
        assert replies.hook is not None
        yield CHECK.finding(
            place(facts, end),
            f"no rule at {HOOKS[replies.back]} lets replies in because they are replies: connections that pass at "
            f"{HOOKS[replies.hook]} are not answered",
            help=f"accept packets of known connections first: `{_SAID[facts.ruleset.language == 'nftables']}`",
            related=tuple(
                Related(place(facts, other), f"it is the same at {HOOKS[each.back]}, for replies to what passes here")
                for each, _, other in found[1:]
                if each.back is not None
            ),
            region=facts.words(lost, within=usual(replies)),
            example=replies.example(lost),
        )


CHECK = Check(
    code="FW402",
    name="no-established-rule",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
*filter
:INPUT DROP [0:0] ### FW402 "no rule at input lets replies in because they are replies"
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p udp -m udp --sport 53 -j ACCEPT
COMMIT
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A OUTPUT -p udp -m udp --dport 53 -j ACCEPT
-A OUTPUT -j REJECT ### FW402 "connections that pass at input are not answered"
COMMIT
""",
    ),
    good=(
        """
*filter
:INPUT DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
""",
        """
*filter
:INPUT DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp ! --syn -j ACCEPT
-A INPUT -p udp -m udp --sport 53 -j ACCEPT
COMMIT
""",
        """
*filter
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s 192.0.2.0/24 -j DROP
-A INPUT -p tcp -m tcp --dport 3306 -j DROP
COMMIT
""",
        """
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
COMMIT
""",
        """
*filter
:ufw-user-input - [0:0]
-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
""",
        """
policy filter at forward stateless {
    default block
    allow tcp/25 from 10.60.0.0/16
    allow tcp from any port 25
}
""",
    ),
    find=find,
)
