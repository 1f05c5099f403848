"""Boolean formulas as decision diagrams, with a budget: a thin layer over OxiDD that knows nothing of packets.

Equal formulas are one object of the library, so comparing them is free. The library has four traps, and
this module is the fence around them: two managers in one operation abort the process; a manager does not
survive a fork; a manager that has run out of nodes is of no more use; with very many
variables the stack overflows.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from policy.sets.among import either_range
from policy.sets.budget import Budget, Exhausted

if TYPE_CHECKING:
    from oxidd.bcdd import BCDDFunction, BCDDManager

CACHE_SHARE = 4
"""A table of results is kept for every so many nodes."""

MOST_VARIABLES = 4096
"""The library calls itself once for each variable: with very many of them the stack overflows, and the process ends."""


_forks = 0
"""How many forks this process has behind it."""


def _forked() -> None:
    global _forks  # noqa: PLW0603 (a process has one)
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _difference(one: BCDDFunction, two: BCDDFunction) -> BCDDFunction:
    return two.imp_strict(one)


class Missing(ImportError):
    """The library for decision diagrams is not installed."""


class Diagram:
    """The formulas over one set of variables. Nothing is allocated before the first variable is asked for.

    The table has room for *nodes* (left out: what the budget allows), and memory for it is taken at once.
    Raises `Exhausted` once the *budget* is spent, then and in every operation that follows.
    """

    def __init__(self, budget: Budget | None = None, nodes: int | None = None) -> None:
        self.budget = budget or Budget()
        self.room = self.budget.nodes if nodes is None else min(nodes, self.budget.nodes)
        self._manager: BCDDManager | None = None
        self._forks = 0
        self._spent = ""

    def variables(self, count: int) -> tuple[Formula, ...]:
        """Return new variables, below all earlier ones in the order."""
        self.check()
        manager = self._started()
        if manager.num_vars() + count > MOST_VARIABLES:
            raise self.exhausted(f"{MOST_VARIABLES:,} variables")
        return tuple(Formula(self, manager.var(number)) for number in manager.add_vars(count))

    def constant(self, value: bool) -> Formula:
        """Return the formula that is always true, or always false."""
        self.check()
        manager = self._started()
        return Formula(self, manager.true() if value else manager.false())

    def among(self, bits: Sequence[Formula], ranges: Sequence[tuple[int, int]]) -> Formula:
        """Return that the number with these *bits*, the highest first, is in one of *ranges* (`Intervals.ranges`)."""
        self.check()
        raw = [bit.raw_in(self) for bit in bits]
        try:
            return Formula(self, either_range(self._started().true(), raw, ranges, self.check))
        except MemoryError:
            raise self.exhausted(f"{self.room:,} nodes") from None

    def masked(self, bits: Sequence[Formula], value: int, mask: int) -> Formula:
        """Return that the *bits* under *mask* are those of *value*."""
        found = self.constant(True)
        for place, bit in enumerate(reversed(bits)):
            if mask >> place & 1:
                found &= bit if value >> place & 1 else ~bit
        return found

    def either(self, formulas: Iterable[Formula]) -> Formula:
        """Return that at least one of *formulas* is true, put together as a balanced tree."""
        left = list(formulas) or [self.constant(False)]
        while len(left) > 1:
            pairs = [a | b for a, b in zip(left[::2], left[1::2], strict=False)]
            left = pairs + left[len(left) // 2 * 2 :]
        return left[0]

    def all(self, formulas: Iterable[Formula]) -> Formula:
        """Return that all of *formulas* are true; those lowest in the order had best come last."""
        found = self.constant(True)
        for formula in reversed(list(formulas)):
            found = formula & found
        return found

    @property
    def count(self) -> int:
        """How many variables there are."""
        return 0 if self._manager is None else self._manager.num_vars()

    @property
    def nodes(self) -> int:
        """How many nodes are stored now."""
        return 0 if self._manager is None else self._manager.num_inner_nodes()

    def check(self) -> None:
        """Raise where the budget is spent, or where this is another process than the one that it was made in."""
        if self._spent:
            raise Exhausted(self._spent)
        try:
            self.budget.check()
        except Exhausted as limit:
            raise self.exhausted(str(limit)) from None
        if self._manager is not None and self._forks != _forks:
            raise RuntimeError("a diagram cannot be used after a fork: make it in the process that uses it")

    def exhausted(self, limit: str) -> Exhausted:
        """Throw the manager away, and return what to raise."""
        self._spent = limit
        self._manager = None
        return Exhausted(limit)

    def _started(self) -> BCDDManager:
        if self._manager is None:
            try:
                from oxidd.bcdd import BCDDManager
            except ImportError:
                raise Missing("exact packet sets need the package `oxidd`: install `fwpolicy[exact]`") from None
            nodes = self.room
            self._forks = _forks
            self._manager = BCDDManager(nodes, max(nodes // CACHE_SHARE, 1024), 1)
        return self._manager


class Formula:
    """A Boolean function of the variables of one diagram; `&`, `|`, `^`, `-` and `~` as usual."""

    __slots__ = ("_raw", "diagram")

    def __init__(self, diagram: Diagram, raw: BCDDFunction) -> None:
        self.diagram = diagram
        self._raw = raw

    def __and__(self, other: Formula) -> Formula:
        return self._with_other(operator.and_, other)

    def __or__(self, other: Formula) -> Formula:
        return self._with_other(operator.or_, other)

    def __xor__(self, other: Formula) -> Formula:
        return self._with_other(operator.xor, other)

    def __sub__(self, other: Formula) -> Formula:
        return self._with_other(_difference, other)

    def __invert__(self) -> Formula:
        return self._with(operator.invert)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self.diagram is other.diagram and self._raw == other._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __bool__(self) -> bool:
        """Is it true for any values of the variables?"""
        return self._raw.satisfiable()

    @property
    def valid(self) -> bool:
        """Is it true for all values of the variables?"""
        return self._raw.valid()

    @property
    def size(self) -> int:
        """How many nodes it has."""
        return self._raw.node_count()

    def choose(self, then: Formula, otherwise: Formula) -> Formula:
        """Return *then* where this is true, and *otherwise* where it is false."""
        return self._with(lambda one, two, three: one.ite(two, three), then, otherwise)

    def some(self, variables: Formula) -> Formula:
        """Return that it is true for some values of *variables* (a conjunction of them)."""
        return self._with(lambda one, two: one.exists(two), variables)

    def solutions(self, variables: int) -> int:
        """Return how many values of so many variables, which must be all that it looks at, make it true."""
        self.diagram.check()
        count = self.diagram.count
        return self._raw.sat_count(count) >> (count - variables)

    def branches(self) -> tuple[int, Formula, Formula] | None:
        """Return the highest variable that it looks at, and what is left where it is true and false; None: constant."""
        variable = self._raw.node_var()
        cofactors = self._raw.cofactors()
        if variable is None or cofactors is None:
            return None
        then, otherwise = cofactors
        return variable, Formula(self.diagram, then), Formula(self.diagram, otherwise)

    def nodes(self) -> Iterator[Formula]:
        """Yield every formula that it is made of, itself first."""
        waiting, seen = [self], {self}
        while waiting:
            formula = waiting.pop()
            yield formula
            for part in (formula.branches() or (0,))[1:]:
                if part not in seen:
                    seen.add(part)
                    waiting.append(part)

    def raw_in(self, diagram: Diagram) -> BCDDFunction:
        """Return the library's own object, for operations in *diagram* alone."""
        if self.diagram is not diagram:
            raise ValueError("formulas of two diagrams cannot be combined")
        return self._raw

    def _with_other(self, operation: Callable[[BCDDFunction, BCDDFunction], BCDDFunction], other: Formula) -> Formula:
        """Return the result of an operation of the library on two formulas: what most time goes into."""
        diagram = self.diagram
        raw = other.raw_in(diagram)
        diagram.check()
        try:
            return Formula(diagram, operation(self._raw, raw))
        except MemoryError:
            raise diagram.exhausted(f"{diagram.room:,} nodes") from None

    def _with(self, operation: Callable[..., BCDDFunction], *others: Formula) -> Formula:
        """Return the result of *operation* of the library, with all its traps fenced off."""
        diagram = self.diagram
        raw = [other.raw_in(diagram) for other in others]
        diagram.check()
        try:
            return Formula(diagram, operation(self._raw, *raw))
        except MemoryError:
            raise diagram.exhausted(f"{diagram.room:,} nodes") from None
