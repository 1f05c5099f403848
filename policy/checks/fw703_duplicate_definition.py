"""Something is given twice, and only one of the two can hold.

In the native language that is a mistake, which every command reports: a name, a default or a hook that is given twice,
and a service that is called like a protocol. So it is in iptables with `-N` for a chain that there is, and with a chain
that is called like a target.

But `iptables-restore` loads a chain that is declared twice, and a table that begins twice, and does not say that the
second time it starts from nothing: every rule that stood there before is gone. This happens where saved files are put
together into one, and the rules that open or block what matters are in the first of them.

**What to do.** Put the rules of both under one declaration, or load the files one after the other with `--noflush`.

**What is said exactly.** A line `:CHAIN` or `*TABLE` for which the file has rules already. A chain or table that is
named again before it has a rule loses nothing, and is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.diagnostic import Diagnostic, Related, Severity

_SHOWN = 3


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield what the file itself takes back."""
    for each in facts.ruleset.replaced:
        count = f"the {len(each.rules)} rules" if len(each.rules) > 1 else "the rule"
        yield CHECK.finding(
            each.span,
            f"{each.what} begins a second time here, and {count} that it had before are not loaded",
            help="put all its rules under the first",
            related=(
                Related(each.first, "the first time"),
                *(Related(rule, "not loaded") for rule in each.rules[:_SHOWN]),
            ),
        )


CHECK = Check(
    code="FW703",
    name="duplicate-definition",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
network office = 10.1.0.0/16
network office = 10.2.0.0/16 ### FW703 "there is a network or host `office` already"

policy border {
    default block
    default allow ### FW703 "the policy has a default already"
    allow tcp/22 from office
}
""",
        """
*filter
:INPUT DROP [0:0]
:web - [0:0]
-A INPUT -j web
-A web -s 10.9.0.0/16 -j DROP
:web - [0:0] ### FW703 "the chain `web` begins a second time here, and the rule"
-A web -p tcp --dport 443 -j ACCEPT
COMMIT
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -p tcp --dport 443 -j ACCEPT
COMMIT
*filter ### FW703 "the table `filter` begins a second time here, and the 2 rules"
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 25 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
network office = 10.1.0.0/16
service office = tcp/443

policy border {
    allow office from office
}
""",
        """
*filter
:INPUT DROP [0:0]
:web - [0:0]
:web - [0:0]
-A INPUT -j web
-A web -p tcp --dport 443 -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
COMMIT
""",
    ),
    find=find,
)
