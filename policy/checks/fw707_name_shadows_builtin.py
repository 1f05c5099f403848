"""A name that readers know for something else.

`service ssh = tcp/2222` makes `allow ssh` mean another port than `allow tcp/ssh`, which stays 22; a network that is
called `tcp` or `input` reads like a protocol or a hook. Whoever reviews the rule reads what the name usually means, and
takes it for right.

**What to do.** Give it a name that says what is special: `ssh-alt`, `https-admin`.

**What is said exactly.** Reported are services that are called like one of everyday use (`ssh`, `https`, `dns` …, in
any case) and whose value has none of the ports that the registry gives to that name: a service `dns` of `tcp/53` alone
is fine. Also networks, hosts and services that are called like a protocol, a hook, a connection state or a category of
ports, policies that are called like one hook and bound to others, and in iptables chains of your own that are called
like a built-in chain which their table does not have (packets do not come to such a chain by themselves). Words of the
native language and the names of protocols cannot be given to services, so that is a mistake (FW703); nor in iptables
those of targets to chains.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.everyday import assigned, everyday
from policy.diagnostic import Diagnostic, Severity
from policy.ir import Definition, Ruleset
from policy.netfilter import BUILT_IN
from policy.packet import HOOKS, STATES, Intervals
from policy.packet.names import protocol_number
from policy.packet.text import set_text
from policy.reach.items import line_of

_CATEGORIES = ("well-known", "registered", "dynamic")
_CHAINS = {chain for chains in BUILT_IN.values() for chain in chains}


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the names that usually mean something else."""
    for each in facts.ruleset.definitions:
        if each.kind == "chain":
            if each.text in _CHAINS:
                help = "rename it; packets come to it only where a rule calls it"
                yield CHECK.finding(
                    each.span, f"`{each.text}` is called like a built-in chain, and is none in its table", help=help
                )
        elif meaning := _usual(each):
            help = "give it a name that says what it is"
            yield CHECK.finding(each.span, f"the {each.kind} `{each.name}` is called like {meaning}", help=help)
    yield from _policies(facts.ruleset)


def _usual(definition: Definition) -> str | None:
    """Return what else a name means, where its value is something else."""
    name = definition.name.lower()
    if name in HOOKS:
        return "a hook"
    if name in STATES:
        return "a state of connections"
    if name in _CATEGORIES:
        return "a category of ports"
    if isinstance(definition.value, Intervals):
        return "a protocol" if protocol_number(name) is not None else None
    usual = assigned(name) if name in everyday() else ()
    if not usual or definition.value is None or line_of(usual).meets(line_of(definition.value)):
        return None
    ports = Intervals.of(*(pair for fields in usual for pair in _ports(fields[1].values)))
    return f"the service on port {set_text('dport', ports)}, and is `{definition.text}`"


def _ports(values: object) -> tuple[tuple[int, int], ...]:
    assert isinstance(values, Intervals)
    return values.ranges


def _policies(ruleset: Ruleset) -> Iterator[Diagnostic]:
    """Yield the policies that are called like a hook, and bound to others only."""
    bound: dict[str, set[int | None]] = {}
    for hook, entries in ruleset.entries.items():
        for entry in entries:
            bound.setdefault(entry.policy, set()).add(hook)
    for name, hooks in bound.items():
        called = name.lower()
        span = ruleset.policies[name].span
        if called in HOOKS and span is not None and not hooks & {None, HOOKS.index(called)}:
            where = " and ".join(HOOKS[hook] for hook in sorted(hook for hook in hooks if hook is not None))
            yield CHECK.finding(
                span, f"the policy `{name}` holds at {where}", help=f"rename it, or bind it `at {called}`"
            )


CHECK = Check(
    code="FW707",
    name="name-shadows-builtin",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
network tcp  = 10.6.0.0/16 ### FW707 "the network `tcp` is called like a protocol"
service ssh  = tcp/2222 ### FW707 "the service on port"
service HTTP = tcp/8080 ### FW707 "the service on port"

policy input at forward { ### FW707 "the policy `input` holds at forward"
    allow ssh, HTTP from tcp
}
""",
        """
*filter
:INPUT DROP [0:0]
:PREROUTING - [0:0] ### FW707 "called like a built-in chain"
-A INPUT -j PREROUTING
-A PREROUTING -p tcp --dport 22 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
network lan     = 10.6.0.0/16
service ssh     = tcp/22
service dns     = udp/53, tcp/{53,853}
service https   = tcp/443
service ssh-alt = tcp/2222
service printer = tcp/9100

policy input at input {
    allow ssh, ssh-alt, printer, dns, https from lan
}
""",
        """
*filter
:INPUT DROP [0:0]
:input_rule - [0:0]
:ssh - [0:0]
-A INPUT -j input_rule
-A INPUT -j ssh
-A ssh -p tcp --dport 2222 -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
COMMIT
""",
    ),
    find=find,
)
