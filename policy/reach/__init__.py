"""Where packets get to: sets of them through the rules of a hook, and single ones that prove a point."""

from policy.reach.ends import At, End, Outcome, Passing
from policy.reach.find import Answer, Disagreement, Proof, Undecided, Witness, find, find_for_rule
from policy.reach.flow import Flow
from policy.reach.standing import Kind, Standing
from policy.reach.standings import Standings

__all__ = [
    "Answer",
    "At",
    "Disagreement",
    "End",
    "Flow",
    "Kind",
    "Outcome",
    "Passing",
    "Proof",
    "Standing",
    "Standings",
    "Undecided",
    "Witness",
    "find",
    "find_for_rule",
]
