"""What a check is, and what checks know of a set of rules."""

from policy.check.base import Check, Undecided
from policy.check.facts import Facts

__all__ = ["Check", "Facts", "Undecided"]
