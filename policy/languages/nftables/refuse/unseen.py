"""Rules of the families bridge, arp and netdev: no packet that can be asked about comes to them; they are checked."""

from __future__ import annotations

from policy.languages.nftables import matches
from policy.languages.nftables.ast import expression as e
from policy.languages.nftables.ast import statement as s
from policy.languages.nftables.ast.command import Rule
from policy.languages.nftables.context import Context


def check_unseen(context: Context, rule: Rule) -> None:
    """Note what is wrong with the conditions and look-ups of a rule."""
    for statement in rule.statements:
        match statement:
            case s.Match():
                matches.condition(context, statement)
            case s.VerdictMap(key, map_, span=span):
                matches.branches(context, key, map_, span)
            case s.Assign(value=e.Lookup(key, map_), span=span):
                matches.branches(context, key, map_, span)
