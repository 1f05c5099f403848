"""Exact sets of packets, as decision diagrams (`Space`) or, where the library is missing, as lists of boxes."""

from policy.sets.boxes import Boxes, BoxSpace
from policy.sets.budget import Budget, Exhausted
from policy.sets.dd import Missing
from policy.sets.packets import PacketSet
from policy.sets.regions import Region
from policy.sets.space import Space

__all__ = ["BoxSpace", "Boxes", "Budget", "Exhausted", "Missing", "PacketSet", "Region", "Space"]
