"""Where packets get to: sets of them through the rules of a hook, and single ones that prove a point."""

from policy.reach.ends import At, End, Outcome, Passing
from policy.reach.flow import Flow

__all__ = ["At", "End", "Flow", "Outcome", "Passing"]
