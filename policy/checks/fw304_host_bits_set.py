"""An address with a prefix length that does not count for all of it: 10.1.2.3/24.

The length says how many bits of the address count. `10.1.2.3/24` looks like the host 10.1.2.3, and is the whole
network 10.1.2.0/24: a rule that was written for one machine lets 256 in. The other accident is a length that is too
short: `10.1.2.0/16` is 10.1.0.0/16, not the network that somebody had in mind. Firewalls load both without a word;
`iptables` lists the rule later as the network that it is, which is not what stands in the file.

**What to do.** For the network, write its first address; for one host, write the address alone, or with /32 or /128.
If neither is meant, correct the length.

**What is said exactly.** Reported is every prefix in a definition, and in the source or destination of a rule, also
behind `!` and `except`, whose address has a bit set that the length leaves out (RFC 4632, 3.1 and RFC 4291, 2.3 say
what a prefix is). Masks that are no prefix, such as 255.0.255.0, are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.change import WriteAddresses
from policy.check import Check, Facts
from policy.check.fixes import offer
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Item
from policy.packet import Intervals
from policy.packet.text import set_text


def find(facts: Facts) -> Iterator[Diagnostic]:
    for definition in facts.ruleset.definitions:
        yield from (_finding(facts, item) for item in definition.host_bits)
    for at in facts.places:
        yield from (_finding(facts, item) for item in facts.rule(at).host_bits)


def _finding(facts: Facts, item: Item) -> Diagnostic:
    assert isinstance(item.values, Intervals)
    written, network = item.span.text.strip(), set_text("src", item.values)
    host = written.rpartition("/")[0]
    return CHECK.finding(
        item.span,
        f"`{written}` is not the host {host}, but all of {network}",
        help=f"write `{network}` for the network, or `{host}` for the host",
        region=network,
        fix=offer(facts, f"write `{network}`", WriteAddresses(item.span, item.values)),
    )


CHECK = Check(
    code="FW304",
    name="host-bits-set",
    severity=Severity.WARNING,
    page=__doc__,
    find=find,
    bad=(
        """
network office = 10.1.2.3/16, 2001:db8:1::5/48 ### FW304 "10.1.0.0/16" ### FW304 "write `2001:db8:1::/48`"
policy border {
    default block
    allow tcp/22  from 10.1.2.3/24 ### FW304 "`10.1.2.3/24` is not the host 10.1.2.3, but all of 10.1.2.0/24"
    allow tcp/443 from office except 10.1.9.1/24 to 10.2.0.0/24 ### FW304 "10.1.9.1/24"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.1.2.3/24,10.2.0.1/255.255.255.0 -j ACCEPT ### FW304 "10.1.2.0/24" ### FW304 "10.2.0.0/24"
-A INPUT ! -d 192.168.1.1/24 -j DROP ### FW304 "192.168.1.0/24"
-A INPUT -s 10.0.0.1/0 -p udp -j ACCEPT ### FW304 "all of 0.0.0.0/0"
COMMIT
""",
    ),
    good=(
        """
network office = 10.1.0.0/16, 2001:db8:1::/48
host    admin  = 10.1.2.3, 10.1.2.4/32
policy border {
    default block
    allow tcp/22 from admin
    allow tcp/443 from office except 10.1.2.128/25 to 0.0.0.0/0
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 10.1.2.3/32 -p tcp --dport 22 -j ACCEPT
-A INPUT -s 10.1.2.0/255.255.255.0 -d 10.3 -p tcp --dport 443 -j ACCEPT
COMMIT
""",
    ),
)
