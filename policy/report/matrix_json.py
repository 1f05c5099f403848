"""Who may reach whom, as JSON."""

from __future__ import annotations

from typing import Any

from policy.app.matrix import Cell, Grid, Matrix
from policy.packet import HOOKS
from policy.report.diagnostics_json import VERSION


def matrix_json(matrix: Matrix) -> dict[str, Any]:
    """Return the matrix; in a grid `cells[i][j]` is from `from[i]` to `to[j]`.

    `allowed` and `depends` are words, and null where they would be too many.
    """
    return {
        "version": VERSION,
        "hook": None if matrix.hook is None else HOOKS[matrix.hook],
        "families": list(matrix.families),
        "packets": "first packets of new connections",
        "grids": [_grid(grid) for grid in matrix.grids],
        "notes": list(matrix.notes),
    }


def _grid(grid: Grid) -> dict[str, Any]:
    return {
        "services": [kind.name for kind in grid.kinds],
        "from": [zone.name for zone in grid.senders],
        "to": [zone.name for zone in grid.receivers],
        "cells": [[_cell(cell) for cell in row] for row in grid.cells],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    if cell.answer != "part":
        return {"answer": cell.answer}
    return {
        "answer": cell.answer,
        "allowed": None if cell.allowed is None else list(cell.allowed),
        "depends": None if cell.depends is None else list(cell.depends),
    }
