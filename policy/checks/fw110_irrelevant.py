"""A rule allows only packets that do not exist where it stands.

Some packets never come to a firewall, or are thrown away by the system before any rule could allow them. A rule that
allows nothing else does nothing. Often an address or an interface in it is the wrong one.

**What to do.** Check the addresses and interfaces of the rule. If they are right, remove it.

**What is said exactly.** Reported is a rule that allows, and of which every packet that might come to it and match it
is one that these assumptions exclude:

* loopback addresses (127.0.0.0/8, ::1) travel on `lo` only, and are never forwarded (RFC 1122, 3.2.1.3; RFC 4291,
  2.5.3);
* multicast and broadcast addresses are never a source (RFC 1122, 3.2.1.3; RFC 4291, 2.7);
* where the host's own addresses are given, with `--local` and all of them: what is forwarded is not to the host itself,
  nor, in IPv4, from it; and what it sends has one of its addresses, a loopback or a link-local one as its source.

Linux drops such packets as martians when it routes them (`ip_route_input_slow`, `ip6_rcv_core`). It does not where
`route_localnet` or `accept_local` is set, and a process with raw or transparent sockets may send what it likes: there
the check is to be ignored. Rules that block such packets are kept on purpose, to be safe from forged ones, and are not
reported. Where rules rewrite destinations, nothing is assumed of the destination of what is forwarded. Of loopback
addresses nothing is said at a hook where no rule looks at interfaces.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.programs import filled_by_program
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Allow
from policy.reach.effects import deciding


def find(facts: Facts) -> Iterator[Diagnostic]:
    for at in facts.places:
        if filled_by_program(at[0]) or not facts.is_whole(at):
            continue
        if not isinstance(deciding(facts.rule(at)), Allow) or not facts.may_be_absent(at):
            continue
        packets = facts.matched(at)
        broken: dict[str, None] = {}
        for hook, some in packets.items():
            found = facts.absent(hook, some)
            broken.update(dict.fromkeys(found))
            if not found:
                broken.clear()
                break
        if broken:
            yield CHECK.finding(
                facts.rule(at).span,
                f"this rule allows only packets that do not exist here: {', and '.join(broken)}",
                help="check the addresses and the interfaces of the rule",
                region=facts.region(packets, facts.rule(at).match),
                example=facts.replayed(packets.values(), [facts.rule(at)], facts.usual(packets, facts.rule(at).match)),
            )


CHECK = Check(
    code="FW110",
    name="irrelevant",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at forward {
    default block
    allow tcp/5432 from 127.0.0.1 to 10.2.0.5 ### FW110 "loopback addresses are never forwarded"
    allow udp/5353 from 224.0.0.251 ### FW110 "multicast and broadcast addresses are never a source"
    allow tcp/443 from 10.1.0.0/16
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i eth0 -d 127.0.0.1/32 -p tcp --dport 8080 -j ACCEPT ### FW110 "travel on `lo` only"
-A INPUT -i lo -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
policy server at input {
    default block
    allow any from 127.0.0.0/8 in lo
    block any from 127.0.0.0/8
    allow udp/5353 to 224.0.0.251
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -s 127.0.0.0/8 -j DROP
-A INPUT -s 224.0.0.0/4 -j DROP
COMMIT
""",
    ),
    find=find,
)
