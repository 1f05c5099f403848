"""What a check is, and what checks know of a set of rules."""

from policy.check.base import Check, Review, Undecided
from policy.check.facts import Facts
from policy.check.settings import Settings, Zone

__all__ = ["Check", "Facts", "Review", "Settings", "Undecided", "Zone"]
