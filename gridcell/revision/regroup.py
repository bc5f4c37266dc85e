"""Whole micro cells moved to another small cell."""

from collections.abc import Sequence

import numpy as np

from gridcell.errors import InputError
from gridcell.revision.holding import CellHolding
from gridcell.revision.moves import move_buildings
from gridcell.words.messages import Message, listed


def move_land(holding: CellHolding, names: Sequence[str], to: str) -> None:
    """Give to a cell the land of buildings, or micro cells where no name is that of a building."""
    micro = holding.plan.micro
    cells = set(micro["code"]) | set(micro["label"])
    buildings = set(holding.given.fabric.pieces["bldg_id"].dropna())
    if names and all(name in cells and name not in buildings for name in names):
        move_micro_cells(holding, names, to)
    else:
        move_buildings(holding, names, to)


def move_micro_cells(holding: CellHolding, names: Sequence[str], to: str) -> None:
    """Give micro cells, as they are, to a small cell beside theirs.

    Raises
    ------
    InputError
        A target that is no small cell or in another community; micro cells that are all in it;
        a small cell that would be in pieces, or without land.
    """
    target = holding.general_cell(to)
    cells = [holding.general_cell(name) for name in names]
    moved = Message("part.micro_cells", n=len(names), names=listed(names, 5))
    if target.level != "small":
        raise InputError(Message("error.move_to_small", cells=moved, code=target.code))
    for cell in cells:
        if cell.community != target.community:
            raise InputError(Message("error.other_community", buildings=moved, code=target.code))
    atoms = np.flatnonzero(np.isin(holding.leaf, [cell.row for cell in cells]))
    sources = np.setdiff1d(holding.small[atoms], [target.row])
    if not len(sources):
        raise InputError(Message("error.already_in_cell", buildings=moved, code=target.code))
    holding.small[atoms] = target.row
    codes = holding.plan.small["code"]
    for row in sources.tolist():
        code = codes.iloc[row]
        if not (holding.small == row).any():
            raise InputError(Message("error.small_no_land_left", code=code))
        holding.require_connected(
            row, "small", target.community, Message("error.small_falls_apart", code=code)
        )
    pieces = Message("error.cells_not_beside", cells=moved, code=target.code)
    holding.require_connected(target.row, "small", target.community, pieces)
