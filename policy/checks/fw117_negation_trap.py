"""Two negations that together leave out nothing, where probably both were meant to hold.

"Everything that is not from A is blocked" and then "everything that is not from B is blocked" blocks everything: what
is from A is not from B. The same holds for a list of two groups that are each "everything but something".

**What to do.** Leave out both in one condition: `from any except a, b`, in nftables `ip saddr != { A, B }`. iptables
cannot say this of two networks in one rule: let a chain return for each of them, and block at its end.

**What is said exactly.** Two rules of one policy have the same actions, after which no rule sees the packet, and the
same match but for one condition, which each of them negates (`!`, `except`, or a group that is defined with
`except`), of values that have nothing in common: the packets of both together are those of the match without that
condition. And some packet that the first leaves out comes to the second and is matched there; it is the example. Or
two items of one list leave out such values of the same addresses, so that the list means all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policy.change import Announced, MergeRules
from policy.check import Check, Facts
from policy.check.fixes import offer
from policy.check.wording import SHOWN_RULES
from policy.diagnostic import Diagnostic, Related, Severity
from policy.ir import Allow, Block, Field, Goto, ItemList, Reject, Return, Rule, all_of, conjuncts, either_of
from policy.packet import FIELDS, Intervals, Names, Packet
from policy.packet.address import ANY_ADDRESS
from policy.packet.text import set_text
from policy.reach import At
from policy.reach.merges import ENDING
from policy.reach.negations import Exceptions, Negation, apart, exceptions, negations


def find(facts: Facts) -> Iterator[Diagnostic]:
    """Yield the rules that take what an earlier negation has left, and the lists that leave out nothing."""
    named = exceptions(facts.ruleset.definitions)
    for definition in facts.ruleset.definitions:
        for each in definition.lists:
            yield from _in_list(each, named, facts, None)
    for name in facts.met:
        groups: dict[object, list[tuple[At, Negation]]] = {}
        for number, rule in enumerate(facts.ruleset.policies[name].rules):
            for each in rule.lists:
                yield from _in_list(each, named, facts, (name, number))
            if rule.actions and isinstance(rule.actions[-1], ENDING):
                for found in negations(rule, named):
                    key = (rule.actions, found.rest, found.field, found.base)
                    groups.setdefault(key, []).append(((name, number), found))
        for group in groups.values():
            yield from _in_rules(group, facts)


def _in_rules(group: list[tuple[At, Negation]], facts: Facts) -> Iterator[Diagnostic]:
    """Yield a finding for the first rule that takes what an earlier one has left, if there is one."""
    if len(group) < 2:
        return
    policy = group[0][0][0]
    flows = facts.flows(policy, either_of(*(each.left_out for _, each in group)))
    for number, (at, mine) in enumerate(group):
        facts.budget.spend(number)
        taken = [flow.passing(at).surely for flow in flows]
        if not any(taken):
            continue
        others = [(before, other) for before, other in group[:number] if apart(mine.excepted, other.excepted)]
        for before, other in others:
            left_out = [flow.sets.of_match(other.left_out) for flow in flows]
            example = facts.replayed(
                (some & left for some, left in zip(taken, left_out, strict=True)), [facts.rule(at)]
            )
            if example is None:
                continue
            further = [each for each, found in group[number + 1 :] if apart(found.excepted, other.excepted)]
            region = facts.words(left_out[0])
            yield _finding(facts, (before, other), (at, mine), further, region, example)
            return


def _finding(
    facts: Facts,
    before: tuple[At, Negation],
    here: tuple[At, Negation],
    further: Sequence[At],
    region: str | None,
    example: Packet,
) -> Diagnostic:
    (first_at, other), (at, mine) = before, here
    first, rule = facts.rule(first_at), facts.rule(at)
    field = FIELDS[mine.field].title
    base = "" if mine.base in (None, ANY_ADDRESS) else f" in {set_text(mine.field, mine.base or Intervals())}"
    one, two = (set_text(mine.field, each.excepted) for each in (other, mine))
    message = (
        f"with the rule in line {first.span.line} this {_does(rule)} whatever the {field}{base} is: "
        f"`{one}` is left out there but not here, `{two}` here but not there"
    )
    related = (
        Related(first.span, f"this leaves out `{one}`"),
        *(Related(facts.rule(each).span, "this does not leave it out either") for each in further[:SHOWN_RULES]),
    )
    text = _one_rule(first, rule, other, mine, facts)
    if text is not None:
        help = f"if both are to be left out, write one rule: `{' '.join(text.split())}`"
        fix = offer(
            facts,
            "write one rule that leaves out both",
            MergeRules((first, rule), text),
            safe=False,
            announced=Announced(either_of(other.left_out, mine.left_out), rules=(first.span, rule.span)),
        )
    else:
        help, fix = _help(mine), None
    return CHECK.finding(rule.span, message, help=help, related=related, region=region, example=example, fix=fix)


def _does(rule: Rule) -> str:
    action = rule.actions[-1]
    match action:
        case Allow():
            return "allows"
        case Block():
            return "blocks"
        case Reject():
            return "rejects"
        case Return():
            return "returns"
        case Goto(policy):
            return f"goes to `{policy}`"
    raise AssertionError(action)


def _one_rule(first: Rule, rule: Rule, other: Negation, mine: Negation, facts: Facts) -> str | None:
    """Return the one rule that leaves out what both do, where the language has one."""
    left: Intervals | Names
    match mine.base or FIELDS[mine.field].domain, other.excepted, mine.excepted:
        case Intervals() as base, Intervals() as one, Intervals() as two:
            left = base - one - two
        case Names(), Names() as one, Names() as two:
            left = Names(one.exact | two.exact, one.prefixes | two.prefixes, negated=True)
        case _:
            return None
    return facts.with_values(first, mine.field, left, [rule]) if left else None


def _help(mine: Negation) -> str:
    """Return how both can be left out, where one rule cannot."""
    if mine.field in ("sport", "dport"):
        return "if both are to be left out, negate one list of ports"
    return "if both are to be left out, write a chain that returns for each of them, and does this for the rest"


def _in_list(written: ItemList, named: Exceptions, facts: Facts, at: At | None) -> Iterator[Diagnostic]:
    """Yield the first item of a list that takes what an earlier one leaves out."""
    parted = [
        (item, *named[item.values])
        for item in written.items
        if isinstance(item.values, Intervals) and item.values in named
    ]
    for number, (item, base, mine, how) in enumerate(parted):
        for before, other_base, other, how_before in parted[:number]:
            if base != other_base or mine.meets(other) or written.field is None:
                continue
            every = "every address" if base == ANY_ADDRESS else f"all of {set_text(written.field, base)}"
            one, two = before.span.text, item.span.text
            message = f"`{one}` or `{two}` is {every}: what one leaves out is in the other"
            both = ", ".join(" ".join(each.span.text.split()) for each in (*how_before.excepted, *how.excepted))
            from_ = ", ".join(" ".join(each.span.text.split()) for each in how.items)
            help = f"if both are to be left out, write `{from_} except {both}`"
            related = (Related(before.span, "this leaves out what the other has"),)
            example = region = None
            if at is not None:
                parts = conjuncts(facts.rule(at).match)
                rest = [part for part in parts if not (isinstance(part, Field) and part.name == written.field)]
                left_out = all_of(*rest, Field(written.field, other))
                taken = (flow.passing(at).surely for flow in facts.flows(at[0], left_out))
                example = facts.replayed(taken, [facts.rule(at)])
                region = facts.words(facts.space(facts.met[at[0]][0]).of_match(left_out))
            else:
                region = set_text(written.field, other)
            yield CHECK.finding(item.span, message, help=help, related=related, region=region, example=example)
            return


CHECK = Check(
    code="FW117",
    name="negation-trap",
    severity=Severity.WARNING,
    page=__doc__,
    find=find,
    bad=(
        """
network office  = 10.1.0.0/16
network servers = 10.2.0.0/24
network outside = any except office
network foreign = any except servers
network either  = outside, foreign ### FW117 "`outside` or `foreign` is every address"
policy border {
    default allow
    block any from any except office
    block any from any except servers ### FW117 "`block any from any except office, servers`"
}
""",
        """
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
-A INPUT ! -s 10.1.0.0/16 -j DROP
-A INPUT -p icmp -j ACCEPT
-A INPUT ! -s 10.2.0.0/24 -j DROP ### FW117 "with the rule in line 4 this blocks whatever the source address is"
-A FORWARD ! -i eth0 -j ACCEPT
-A FORWARD ! -i eth1 -j ACCEPT ### FW117 "allows whatever the input interface is"
COMMIT
""",
        """
table inet filter {
    chain input {
        type filter hook input priority filter; policy accept;
        ip saddr != 10.1.0.0/16 drop
        meta l4proto icmp accept
        ip saddr != 10.2.0.0/24 drop ### FW117 "`ip saddr != { 10.1.0.0/16, 10.2.0.0/24 } drop`"
    }
}
""",
    ),
    good=(
        """
network office  = 10.1.0.0/16
network servers = 10.2.0.0/24
policy border {
    default allow
    block  any    from any except office, servers
    block  tcp/22 from any except office
    reject tcp/23 from any except servers
}
""",
        """
*filter
:INPUT ACCEPT [0:0]
:outsiders - [0:0]
-A INPUT -j outsiders
-A INPUT ! -i eth0 -p tcp -m tcp --dport 22 -j DROP
-A INPUT ! -i eth1 -p tcp -m tcp --dport 23 -j DROP
-A outsiders -s 10.1.0.0/16 -j RETURN
-A outsiders -s 10.2.0.0/24 -j RETURN
-A outsiders -j DROP
COMMIT
""",
    ),
)
