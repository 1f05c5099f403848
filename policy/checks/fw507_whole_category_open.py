"""All well-known ports are open to the outside at once.

Ports 0-1023 have more than a thousand services (RFC 6335), among them all that nobody wants to be reached from
outside: file sharing, remote shells, directories, printers, management. A server offers a handful. Whatever is
installed later, or listens without anybody knowing, is reachable from its first second on.

**What to do.** Allow the ports of the services that are offered, one by one.

**What is said exactly.** Reported is a rule with a range of destination ports that begins with 0 or 1 and ends with
1023 or 1024, if some connection from outside passes by it.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.categories import opens_well_known
from policy.check.opening import about
from policy.check.traffic import traffic
from policy.diagnostic import Diagnostic, Severity


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules that open all well-known ports."""
    for at in facts.places:
        found = [each.dport.values for each in traffic(facts.rule(at).match) if each.dport is not None]
        if any(opens_well_known(each) for each in found) and (packets := facts.exposed(at)):
            message = "this rule opens all well-known ports to the outside, whatever listens there"
            help = "allow the ports of the services that are offered, one by one"
            yield about(CHECK, facts, at, packets, message, help)


CHECK = Check(
    code="FW507",
    name="whole-category-open",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at input {
    default block
    block tcp/23
    allow tcp/well-known ### FW507 "opens all well-known ports to the outside"
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 1:1024 -j ACCEPT ### FW507 "one by one"
COMMIT
""",
    ),
    good=(
        """
policy border at input {
    default block
    allow tcp/well-known from any in br-lan
    allow udp/1-2000
    block tcp/0-1023
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -i lo -p tcp -m tcp --dport 1:1023 -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -p tcp -m tcp --dport 0:1023 -j ACCEPT
-A INPUT -p tcp -m tcp --sport 0:1023 -j ACCEPT
COMMIT
""",
    ),
    find=find,
)
