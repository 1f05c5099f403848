"""Fixes: which go together, what they make of the texts, and the proof that they do what they say."""

from policy.fix.proof import Difference, prove
from policy.fix.settle import Refusal, Settled, settle
from policy.fix.texts import Offer, edited, offers
from policy.fix.trial import Attempt, Root, again, compared

__all__ = [
    "Attempt",
    "Difference",
    "Offer",
    "Refusal",
    "Root",
    "Settled",
    "again",
    "compared",
    "edited",
    "offers",
    "prove",
    "settle",
]
