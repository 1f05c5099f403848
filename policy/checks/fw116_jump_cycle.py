"""Chains that call each other in a circle.

A packet that goes into the circle would go round for ever, so Linux refuses to load such rules (`iptables-restore`:
"Loop found in table"), and so do we: it is a mistake, which every command reports, not only `lint`.

**What to do.** Let one of the chains end with a verdict or return, instead of calling one that it was called from.
"""

from policy.check import Check
from policy.diagnostic import Severity

CHECK = Check(
    code="FW116",
    name="jump-cycle",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
policy border at forward {
    default block
    call office any
}
policy office {
    call border any ### FW116 "round in a circle"
}
""",
        """
*filter
:FORWARD DROP [0:0]
:a - [0:0]
:b - [0:0]
-A FORWARD -j a
-A a -j b
-A b -j a ### FW116 "round for ever"
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    call office any
}
policy office {
    allow tcp/443
}
""",
    ),
)
