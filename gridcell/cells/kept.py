"""The land as a plan keeps it: its atoms know their leaves, and follow from them."""

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.cells.stored import fabric_frames, fabric_from_frames
from gridcell.model import Fabric
from gridcell.schema import LEVELS


def place_atoms(
    atoms: gpd.GeoDataFrame,
    *,
    leaves: gpd.GeoDataFrame,
    small: gpd.GeoDataFrame,
    medium: gpd.GeoDataFrame,
) -> gpd.GeoDataFrame:
    """Return atoms with the columns that follow from their leaves.

    Parameters
    ----------
    atoms
        ``code`` of the leaf.
    leaves, small, medium
        Cells of the plan.

    Returns
    -------
    The atoms with ``community``, row of `medium` (-1 where the code is no leaf), and ``site``,
    number of their cell among the dedicated ones of `small`, -1 for general land.
    """
    row = _rows(atoms["code"], leaves["code"])
    is_small = (leaves["level"] == LEVELS["small"]).to_numpy(dtype=bool)
    code = leaves["parent"].mask(is_small, leaves["code"])
    return atoms.assign(
        community=_rows(_taken(leaves["community"], row), medium["code"]),
        site=_rows(_taken(code, row), small["code"][small["grid_type"] == "dedicated"]),
    )


def keep_fabric(
    fabric: Fabric,
    buildings: gpd.GeoDataFrame,
    *,
    leaves: gpd.GeoDataFrame,
    small: gpd.GeoDataFrame,
    medium: gpd.GeoDataFrame,
) -> Fabric:
    """Return the land as a plan keeps it: as it comes back from a file.

    Parameters
    ----------
    fabric
        The land; its atoms have ``code`` of the leaf.
    buildings
        Of the plan, a row a piece.
    leaves, small, medium
        Cells of the plan.
    """
    atoms, borders = fabric_frames(fabric)
    placed = place_atoms(atoms, leaves=leaves, small=small, medium=medium)
    standing = with_atom_ids(buildings, fabric.pieces["atom"])
    return fabric_from_frames(placed, borders, standing, fabric.crs)


def with_atom_ids(buildings: gpd.GeoDataFrame, atom: "pd.Series[int]") -> gpd.GeoDataFrame:
    """Return buildings with ``atom_id``, which is NA where `atom` is -1.

    Parameters
    ----------
    buildings
        Of a plan, a row a piece.
    atom
        `Fabric.pieces` has it.
    """
    column = pd.Series(atom.to_numpy(), index=buildings.index, dtype="Int64")
    return buildings.assign(atom_id=column.mask(column < 0))


def _taken(codes: "pd.Series[str]", row: NDArray[np.int64]) -> "pd.Series[str]":
    """Return the code in each row, a missing one for -1."""
    return codes.reset_index(drop=True).reindex(row)


def _rows(codes: "pd.Series[str]", table: "pd.Series[str]") -> NDArray[np.int64]:
    """Return the first row of each code in the table, -1 where it is not there."""
    first = np.flatnonzero(~table.duplicated() & table.notna())
    found = pd.Index(table.iloc[first], dtype=object).get_indexer(pd.Index(codes, dtype=object))
    return np.append(first, -1)[found]
