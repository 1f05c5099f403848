"""A port stands where no protocol has ports.

Only TCP, UDP, DCCP, SCTP and UDP-Lite have ports. A rule that asks for the port of GRE, of ICMP, or of whatever
protocol, matches nothing, or not what its author thinks; `iptables-restore` refuses it. So it is a mistake, which
every command reports, not only `lint`. In iptables `-p` stands before the option that names the port: `--dport` is an
option of what `-p` loads.

**What to do.** Say which protocol the port belongs to, or leave the port out.
"""

from policy.check import Check
from policy.diagnostic import Severity

CHECK = Check(
    code="FW504",
    name="port-without-protocol",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
service web = tcp/80
policy border {
    default block
    allow gre/80 ### FW504 "the protocol `gre` has no ports"
    allow icmp from any port 80 ### FW504 "has no ports"
    allow web/443 ### FW504 "has its ports already"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT --dport 22 -j ACCEPT ### FW504 "a port needs a protocol"
-A INPUT -p icmp --dport 22 -j ACCEPT ### FW504 "--dport"
-A INPUT -p gre -m multiport --dports 22,23 -j ACCEPT ### FW504 "multiport needs a protocol that has ports"
COMMIT
""",
    ),
    good=(
        """
policy border {
    default block
    allow gre, sctp/80
    allow any from any port 80
    allow icmp/3
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -p udplite -m multiport --dports 22,23 -j ACCEPT
COMMIT
""",
    ),
)
