"""The tree of nftables as script text: what `nft list ruleset` prints, as near as is sensible.

What is printed has the meaning of the tree when it is read again; the words of a tree are not changed (numbers stay
decimal or hexadecimal as they are, names stay names).
"""

from policy.languages.nftables.text.commands import rule, script
from policy.languages.nftables.text.expressions import element, expression, selector
from policy.languages.nftables.text.statements import statement

__all__ = ["element", "expression", "rule", "script", "selector", "statement"]
