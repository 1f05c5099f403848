"""No rule by itself lets a service in from everywhere, but several together do.

Each of the rules looks harmless: a few networks here, everything but those networks there, or the whole Internet in
four quarters, as it is written to get past a check for `0.0.0.0/0`. Whoever reads them one by one does not see that
nobody is left out.

**What to do.** Say in one rule who may come in. If it is everybody, that rule will be reported for what it opens.

**What is said exactly.** Looked at are the notable services of FW205 to FW211. Reported is one for which the rules
that let packets of it in from outside, whatever the unknown conditions are, do so from at least nine tenths of the
public addresses of IPv4 or of IPv6, though none of them does from half of them. Rules for less than a thousandth of
these addresses are not counted: a list of the prefixes of some countries is no accident. All that counts is what is
really open; what "outside" means is said at FW201. The finding is at the first of the rules. They need not lead to
the same destinations.
"""

from collections.abc import Collection, Iterator

from policy.check import Check, Facts
from policy.check.exposed import listed
from policy.check.exposure import Exposure, Packets
from policy.check.services import Notable, notable
from policy.check.source_ports import is_about_source_ports
from policy.check.traffic import bound
from policy.check.wording import counted, shown
from policy.diagnostic import Diagnostic, Severity
from policy.ir import either_of
from policy.packet import Intervals
from policy.reach import At

NEARLY_ALL = 0.9
COUNTS = 0.001


def _find(facts: Facts) -> Iterator[Diagnostic]:
    for rules, services in together(facts).items():
        yield _finding(facts, rules, services)


def together(facts: Facts) -> dict[tuple[At, ...], list[Notable]]:
    """Return the rules that open services to nearly everybody, though none of them does to half, with the services."""
    exposure = facts.once(Exposure)
    mine = (at for at in exposure.may_open(COUNTS) if not is_about_source_ports(facts.rule(at)))
    rules = sorted(mine, key=lambda at: -bound(facts.rule(at).match, "src").size)
    found: dict[tuple[At, ...], list[Notable]] = {}
    for service in notable():
        if opening := _together(facts, service, rules):
            found.setdefault(opening, []).append(service)
    return found


def _together(facts: Facts, service: Notable, rules: list[At]) -> tuple[At, ...]:
    """Return the rules that do so for one service, if there are any."""
    exposure = facts.once(Exposure)
    mine = [at for at in rules if exposure.asked(at).may_serve(service)]
    sources = [bound(facts.rule(at).match, "src") for at in mine]
    if not exposure.is_wide(Intervals.of(*(pair for each in sources for pair in each.ranges)), NEARLY_ALL):
        return ()
    parts: dict[At, Packets] = {}
    for at in mine:
        some = exposure.within(exposure.packets(at), service.match)
        if some and exposure.origin(some):
            return ()
        if some:
            parts[at] = some
    if len(parts) < 2 or not exposure.origin(_united(facts, parts.values()), NEARLY_ALL):
        return ()
    return tuple(at for at in facts.places if at in parts)


def _united(facts: Facts, parts: Collection[Packets]) -> Packets:
    """Return the packets of any of *parts*, by hook."""
    hooks = {hook for part in parts for hook in part}
    return {hook: facts.space(hook).union(part[hook] for part in parts if hook in part) for hook in hooks}


def _finding(facts: Facts, rules: tuple[At, ...], services: list[Notable]) -> Diagnostic:
    exposure = facts.once(Exposure)
    guess = either_of(*(service.match for service in services))
    parts = [exposure.within(exposure.packets(at), guess) for at in rules]
    packets = _united(facts, parts)
    origin = exposure.origin(packets, NEARLY_ALL)
    assert origin is not None
    names = listed([str(service) for service in services])
    return CHECK.finding(
        facts.rule(rules[0]).span,
        f"this rule and {counted(len(rules) - 1, 'other')} together let {names} in from {origin.name}",
        help="say in one rule who may come in",
        related=shown(facts, [(at, "it lets some of it in") for at in rules[1:]]),
        region=exposure.region(packets),
        example=exposure.example(parts[0], rules[0], services[0].match),
    )


CHECK = Check(
    code="FW217",
    name="exposed-by-union",
    severity=Severity.WARNING,
    page=__doc__,
    bad=(
        """
policy border at input {
    default block
    allow tcp/22 from 0.0.0.0-63.255.255.255 ### FW217 "this rule and 2 other rules together let SSH .tcp/22. in"
    allow tcp/{22,80} from 64.0.0.0/2
    allow tcp/443
    allow tcp/22 from 128.0.0.0/1
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 128.0.0.0/1 -j ACCEPT ### FW217 "this rule and 2 other rules together let Remote Desktop .tcp/3389. in"
-A INPUT -s 0.0.0.0/2 -p tcp -m tcp --dport 3389 -j ACCEPT
-A INPUT ! -s 128.0.0.0/2 -p tcp -m tcp --dport 22 -j DROP
-A INPUT -m iprange --src-range 64.0.0.0-126.255.255.255 -p tcp -m multiport --dports 22,3389 -j ACCEPT
COMMIT
""",
    ),
    good=(
        """
policy border at input {
    default block
    allow tcp/22 from 0.0.0.0-63.255.255.255
    block tcp/22
    allow tcp/22 from 64.0.0.0/2
    allow tcp/22 from 128.0.0.0/1
}
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 0.0.0.0/2 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 64.0.0.0/2 -p tcp -m tcp --dport 23 -j ACCEPT
-A INPUT -s 128.0.0.0/1 -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
""",
        """
*filter
:INPUT DROP [0:0]
-A INPUT -s 0.0.0.0/1 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 128.0.0.0/1 -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
