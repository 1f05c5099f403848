"""A range ends before it begins, so nothing is in it.

Most firewalls refuse such a range, and then it is a mistake, which every command reports. Linux loads it in some
places (`-m iprange`, `-m length`) and means what it says: no packet matches. With `!` every packet does. Nothing tells
the administrator: a rule that was to block an address blocks none, or a rule for all but some addresses is one for
all.

**What to do.** Turn the range round. If the numbers are in the right order, one of them is mistyped.

**What is said exactly.** Reported is every such range of a rule in a policy that packets come to; with `!` only if
packets come to the rule. Such a rule is not reported as one that matches nothing (FW109).
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.reversed import reversed_ranges
from policy.diagnostic import Diagnostic, Severity
from policy.packet import FIELDS


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the reversed ranges that were loaded."""
    for at in facts.places:
        for found in reversed_ranges(facts.rule(at)):
            if at[0] in facts.met and (not found.negated or facts.is_live(at)):
                does = "this condition leaves out no packet" if found.negated else "this rule can match no packet"
                message = f"the range `{found.written}` is reversed, so no {FIELDS[found.name].title} is in it: {does}"
                yield CHECK.finding(found.span, message, help=f"did you mean `{found.turned}`?")


CHECK = Check(
    code="FW502",
    name="reversed-range",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    allow tcp/8099-8000 ### FW502 "did you mean `8000-8099`"
    allow any from 10.0.0.9-10.0.0.1 ### FW502 "no address is in it"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 8099:8000 -j ACCEPT ### FW502 "write 8000:8099"
COMMIT
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -m iprange --src-range 10.0.0.9-10.0.0.1 -j ACCEPT ### FW502 "can match no packet"
-A INPUT -p udp -m length --length 0x400:100 -j DROP ### FW502 "did you mean `100:0x400`"
-A INPUT -m iprange ! --src-range 10.0.0.9-10.0.0.1 -j ACCEPT ### FW502 "leaves out no packet"
COMMIT
""",
    ),
    good=(
        """
network nobody = 10.0.0.0/8 except 10.0.0.0/8
policy border {
    default block
    allow tcp/8000-8099 from 10.0.0.1-10.0.0.9
    allow tcp/8000-8000 from nobody
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -m iprange --src-range 10.0.0.1-10.0.0.9 -m length --length 100:100 -j ACCEPT
-A INPUT -m pkttype --pkt-type otherhost -j ACCEPT
-A INPUT -m ttl --ttl-lt 0 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
