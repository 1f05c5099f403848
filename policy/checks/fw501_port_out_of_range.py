"""A port is above 65535, the largest that there is.

Ports have 16 bits (RFC 9293, 3.1; RFC 768). No packet has such a port, so the rule cannot mean what it says, and
`iptables-restore` refuses the file: it is a mistake, which every command reports, not only `lint`. Mostly a digit too
many was typed, or a colon or a comma between two ports is missing.

**What to do.** Write the port that was meant.
"""

from policy.check import Check
from policy.diagnostic import Severity

CHECK = Check(
    code="FW501",
    name="port-out-of-range",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
policy border {
    default block
    allow tcp/65536 ### FW501 "the highest is 65535"
    allow tcp/{80,80443} from any port 99999 ### FW501 "80443" ### FW501 "99999"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 80443 -j ACCEPT ### FW501 "ports go from 0 to 65535"
-A INPUT -p udp -m multiport --dports 53,1024:70000 -j ACCEPT ### FW501 "70000"
COMMIT
""",
    ),
    good=(
        """
policy border {
    default block
    allow tcp/65535, udp/dynamic
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 1024: -j ACCEPT
-A INPUT -p udp -m multiport --dports 53,1024:65535 -j ACCEPT
COMMIT
""",
    ),
)
