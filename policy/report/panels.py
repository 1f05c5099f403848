"""A matrix laid out for people: few small tables, and what is said of parts in notes."""

from __future__ import annotations

from policy._record import dataclass
from policy.app.matrix import Cell, Grid, Matrix
from policy.app.zones import ANYONE, Zone, anyone
from policy.packet import HOOKS

NO_PACKETS = "no such packets"


@dataclass(frozen=True, slots=True)
class Tile:
    """One answer; *note* is the number of the note that says more, *says* is the whole of it."""

    answer: str
    note: int | None
    says: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A table: *title* is what its rows and columns share, *corner* what they are (`rows \\ columns`)."""

    title: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Tile, ...]], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All panels of a matrix, the notes to their tiles by number, and further remarks."""

    subject: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...]


def page(matrix: Matrix) -> Page:
    """Return a matrix as panels: one for each kind of traffic, or one for all where the receiver does not matter."""
    together: dict[object, list[Grid]] = {}
    for number, grid in enumerate(map(_plain, matrix.grids)):
        key = (grid.senders, grid.receivers) if len(grid.receivers) == 1 else number
        together.setdefault(key, []).append(grid)
    in_order = sorted(together.values(), key=lambda grids: (len(grids[0].receivers) == 1, len(grids[0].senders) == 1))
    notes: list[str] = []
    panels = [
        _by_sender(grids, notes) if len(grids[0].receivers) == 1 else _table(grids[0], notes) for grids in in_order
    ]
    where = "at every hook" if matrix.hook is None else f"at {HOOKS[matrix.hook]}"
    families = " and ".join(f"IPv{family}" for family in matrix.families)
    subject = f"first packets of new connections, {where}, {families}"
    return Page(subject, tuple(panels), tuple(notes), matrix.notes)


def _plain(grid: Grid) -> Grid:
    """Return a grid of one answer as a grid of one cell."""
    found = {cell for row in grid.cells for cell in row if cell.answer != NO_PACKETS}
    if len(found) == 1 and all(cell.answer != "part" for cell in found):
        everybody = anyone()
        return Grid(grid.kinds, everybody.senders, everybody.receivers, ((*found,),))
    return grid


def _by_sender(grids: list[Grid], notes: list[str]) -> Panel:
    senders, (receiver,) = grids[0].senders, grids[0].receivers
    rows = [
        (
            _kinds(grid),
            tuple(
                _tile(row[0], grid, sender, receiver, notes) for sender, row in zip(senders, grid.cells, strict=True)
            ),
        )
        for grid in grids
    ]
    source = f"from {ANYONE} " if len(senders) == 1 else ""
    return Panel(f"{source}to {receiver.name}", "what \\ from", tuple(zone.name for zone in senders), tuple(rows))


def _table(grid: Grid, notes: list[str]) -> Panel:
    rows = [
        (sender.name, tuple(_tile(cell, grid, sender, to, notes) for to, cell in zip(grid.receivers, row, strict=True)))
        for sender, row in zip(grid.senders, grid.cells, strict=True)
    ]
    return Panel(_kinds(grid), "from \\ to", tuple(zone.name for zone in grid.receivers), tuple(rows))


def _kinds(grid: Grid) -> str:
    return ", ".join(kind.name for kind in grid.kinds)


def _tile(cell: Cell, grid: Grid, sender: Zone, receiver: Zone, notes: list[str]) -> Tile:
    """Return the tile of one cell, after adding what it has to say to *notes*."""
    about = f"{_kinds(grid)} from {sender.name} to {receiver.name}"
    if cell.answer != "part":
        return Tile(cell.answer, None, f"{about}: {cell.answer}")
    said = f"{_said('allowed', cell.allowed)}{_said('depends', cell.depends)}the rest is blocked"
    notes.append(said)
    return Tile("part", len(notes), f"{about}: {said}")


def _said(verdict: str, words: tuple[str, ...] | None) -> str:
    if words is None:
        return f"{verdict}: too many parts to say; "
    return f"{verdict}: {'; '.join(words)}; " if words else ""
