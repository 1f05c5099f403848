"""All well-known ports are open to the outside at once.

Ports 0-1023 have more than a thousand services (RFC 6335), among them all that nobody wants to be reached from
outside: file sharing, remote shells, directories, printers, management. A server offers a handful. Whatever is
installed later, or listens without anybody knowing, is reachable from its first second on.

**What to do.** Allow the ports of the services that are offered, one by one.

**What is said exactly.** Reported is a rule whose widest range of destination ports begins with 0 or 1 and ends with
1023 or 1024, and that opens more than `wide-ports` ports to everybody outside (1,000 if nothing else is configured).
What that means is said at FW201; ports that earlier rules block are not among them. Other wide ranges are FW213.
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.categories import all_well_known
from policy.check.exposed import Opening, among, extents, findings
from policy.check.exposure import Extent
from policy.diagnostic import Diagnostic, Severity


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules that open all well-known ports."""

    def say(opening: Opening) -> str:
        return f"this rule lets all well-known ports in from {opening.sender}{among(opening.services)}"

    wide = extents(facts, Extent.MANY_PORTS)
    openings = (each for each in wide if all_well_known(facts.rule(each.at).match))
    return findings(CHECK, facts, openings, say, "allow the ports of the services that are offered, one by one")


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
    allow tcp/well-known ### FW507 "lets all well-known ports in from the Internet, among it SSH"
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
