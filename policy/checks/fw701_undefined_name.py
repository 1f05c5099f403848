"""A name is used that nobody defines.

In the native language: a network, host, service or policy that the file and its includes do not define, a protocol, a
port, an ICMP type, a hook or a field that there is not. In iptables: a chain that is not declared before its rules, a
table that does not exist, a port by a name that is none. Either way nothing is loaded, often for a slip of the pen; and
on a machine that comes up without its rules everything passes. So it is a mistake, which every command reports.

**What to do.** Correct the name (the help names the nearest one), or define it.

**What is said exactly.** No finding are names that something outside of the file may know: sets (`-m set --match-set
NAME`), the targets of extensions and chains of other files (`-j NAME`), helpers, users. `iptables-restore` takes or
refuses them on the machine; here what they decide is not known. Host names are a check of their own (FW710).
"""

from policy.check import Check
from policy.diagnostic import Severity

CHECK = Check(
    code="FW701",
    name="undefined-name",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
network office = 10.1.0.0/16

policy border {
    allow tcp/22 from offfice ### FW701 "did you mean `office`"
    allow wbe    from office ### FW701 "there is no service `wbe`"
    call  guests from any ### FW701 "there is no policy `guests`"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPT -p tcp --dport 443 -j ACCEPT ### FW701 "no chain `INPT`"
-A INPUT -p tcp --dport htps -j ACCEPT ### FW701 "invalid port or service"
COMMIT
""",
    ),
    good=(
        """
network office = 10.1.0.0/16

policy border {
    allow tcp/22 from office
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -m set --match-set friends src -j ACCEPT
-A INPUT -p tcp --dport https -j ACCEPT
COMMIT
""",
    ),
)
