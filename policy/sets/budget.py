"""How much an exact answer may cost, and what is raised when it costs more."""

from __future__ import annotations

from dataclasses import dataclass


class Exhausted(Exception):
    """The budget is spent: the question is undecided. The text is the limit that was met."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits: *seconds*, *nodes* of a diagram (about 40 bytes each) or *boxes* of a list."""

    seconds: float = 60.0
    nodes: int = 1 << 22
    boxes: int = 20_000

    def __str__(self) -> str:
        return f"{self.seconds:g} seconds, {self.nodes:,} nodes or {self.boxes:,} boxes"
