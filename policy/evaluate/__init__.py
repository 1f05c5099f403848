"""The one evaluator: a packet through the rules, step by step, to a decision."""

from policy.evaluate.index import Index
from policy.evaluate.state import rewritten
from policy.evaluate.trace import Decision, Final, Implicit, Step, Translation, is_implied
from policy.evaluate.truth import Atom, Case, Known, settle, title, truth
from policy.evaluate.walk import decide, evaluate

__all__ = [
    "Atom",
    "Case",
    "Decision",
    "Final",
    "Implicit",
    "Index",
    "Known",
    "Step",
    "Translation",
    "decide",
    "evaluate",
    "is_implied",
    "rewritten",
    "settle",
    "title",
    "truth",
]
