"""Where each household is in a plan: pieces of buildings, then cells, or the reason why nowhere."""

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.arrays import run_starts
from gridcell.households.entrances import households_along
from gridcell.model import Fabric, Finding, place_of
from gridcell.schema import HOUSEHOLD_COLUMNS, load_columns
from gridcell.words.messages import Message

Ints = NDArray[np.int64]


def place_register(pieces: pd.DataFrame, register: pd.DataFrame) -> pd.DataFrame:
    """Return the register by piece of building.

    Entrances are numbered from west to east, as slabs are: a building's households, in the order
    in which they live along it, fill its pieces one after another. A line of several households
    that no piece can hold alone becomes one row for each piece, so that figures add up to the unit.

    Parameters
    ----------
    pieces
        `Fabric.pieces`, made with the households that the register counts.
    register
        `HouseholdCounts.register`.

    Returns
    -------
    pd.DataFrame
        The register in its order and on its index, with ``piece`` (row of `pieces`, or -1).
    """
    register = register.reset_index(drop=True)
    register["piece"] = np.full(len(register), -1, dtype=np.int64)
    placed = register[register["building"] >= 0]
    if placed.empty:
        return register
    source = pieces["building"].to_numpy()
    ends = np.cumsum(pieces["households"].to_numpy())

    # Places are numbered through: those of a piece end where those of the next begin.
    line, _ = households_along(placed)
    building = placed["building"].to_numpy()
    home = building[line]
    begin = run_starts(home)
    size = np.diff(np.append(begin, len(home)))
    number = np.arange(len(home)) - np.repeat(begin, size)
    opening = np.append(0, ends)[np.searchsorted(source, home)]
    piece = np.searchsorted(ends, opening + number, side="right")
    piece = np.minimum(piece, np.searchsorted(source, home, side="right") - 1)

    # Lines that count nobody are in the first piece.
    nobody = np.flatnonzero(placed["count"].to_numpy() == 0)
    line = np.concatenate([line, nobody])
    piece = np.concatenate([piece, np.searchsorted(source, building[nobody])])
    order = np.lexsort((piece, line))
    line, piece = line[order], piece[order]
    new = (np.diff(line, prepend=-1) != 0) | (np.diff(piece, prepend=-1) != 0)
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, len(line)))
    count[np.isin(line[first], nobody)] = 0
    rows = placed.iloc[line[first]].assign(piece=piece[first], count=count)
    return pd.DataFrame(
        pd.concat([register[register["building"] < 0], rows]).sort_index(kind="stable")
    )


def household_table(
    register: pd.DataFrame,
    pieces: pd.DataFrame,
    names: NDArray[np.object_],
    *,
    leaf: NDArray[np.object_],
    small: NDArray[np.object_],
    community: NDArray[np.object_],
    left_out: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Return `schema.HOUSEHOLD_COLUMNS`: every line of the register, and every household left out.

    Without a register only households left out are listed, one row a building, without an id.

    Parameters
    ----------
    register
        From `place_register`.
    pieces
        `Fabric.pieces`.
    names
        (buildings,) their ids, for reasons.
    leaf, small, community
        Codes by atom.
    left_out
        (pieces,) whether each stands in a community that is left out of the plan, if any is.
    """
    if register.empty:
        register = _left_out(pieces)
    piece = register["piece"].to_numpy()
    atom = np.append(pieces["atom"].to_numpy(), -1)[piece]
    inside = atom >= 0
    reason = register["reason"].to_numpy(dtype=object, copy=True)
    outside = np.flatnonzero((piece >= 0) & ~inside)
    why = np.full(len(pieces), "unplaced.outside", dtype=object)
    if left_out is not None:
        why[left_out] = "unplaced.left_out"
    reason[outside] = [
        Message(why[at], building=names[b])
        for at, b in zip(piece[outside], register["building"].to_numpy()[outside], strict=True)
    ]
    table = pd.DataFrame(
        {
            "household_id": register["household_id"],
            "code": _at(leaf, atom),
            "small": _at(small, atom),
            "community": _at(community, atom),
            "how": register["how"].where(inside),
            "distance_m": register["distance_m"].where(inside),
            "count": register["count"],
            "reason": [None if said is None else str(said) for said in reason],
            "atoms": _at(np.arange(len(leaf)).astype(str).astype(object), atom),
        }
    )
    text = ["household_id", "code", "small", "community", "how", "reason", "atoms"]
    table = table.astype(dict.fromkeys(text, "str") | {"distance_m": "float64", "count": "int64"})
    if not table.index.is_unique:
        # Slabs of one building may end up in one leaf: then the line is in it once.
        table["line"] = table.index
        keys = ["line", "code"]
        several = table.duplicated(keys, keep=False)
        parts = table.assign(part=table["atoms"] + ":" + table["count"].astype("str"))[several]
        joined = parts.groupby(keys)["part"].agg(";".join)
        table["count"] = table.groupby(keys, dropna=False)["count"].transform("sum")
        table = table[~table.duplicated(keys)].set_index(keys, drop=False)
        table.loc[joined.index, "atoms"] = joined
    return table[[*HOUSEHOLD_COLUMNS, "atoms"]].reset_index(drop=True)


def building_table(
    fabric: Fabric, names: NDArray[np.object_], leaf: NDArray[np.object_]
) -> gpd.GeoDataFrame:
    """Return `schema.BUILDING_COLUMNS` and outlines, one row a piece; no code outside all cells.

    Behind the others stands what pieces know of their loads, if they do.

    Parameters are those of `household_table`.
    """
    pieces = fabric.pieces
    return gpd.GeoDataFrame(
        {
            "bldg_id": pd.Series(names[pieces["building"]], dtype="str"),
            "households": pieces["households"].to_numpy(),
            "code": pd.Series(_at(leaf, pieces["atom"].to_numpy()), dtype="str"),
            **{name: pieces[name].to_numpy() for name in load_columns(pieces.columns)},
        },
        geometry=fabric.outlines.geometry.to_numpy(),
        crs=fabric.crs,
    )


def outside_findings(
    fabric: Fabric, names: NDArray[np.object_], left_out: NDArray[np.bool_] | None = None
) -> list[Finding]:
    """Return a finding for every footprint that stands outside every community.

    Parameters
    ----------
    fabric
        The land.
    names
        (buildings,) ids.
    left_out
        (pieces,) whether each stands in a community that is left out of the plan, if any is.
    """
    outside = (fabric.pieces["atom"] < 0).to_numpy()
    rows = np.flatnonzero(outside if left_out is None else outside & ~left_out)
    lost = fabric.pieces.iloc[rows]
    return [
        Finding(
            kind="building_outside",
            severity="warning" if households else "note",
            measure=float(households),
            place=place_of(outline),
            text=Message("finding.building_outside", building=names[building], n=households),
        )
        for building, households, outline in zip(
            lost["building"], lost["households"], fabric.outlines.geometry.iloc[rows], strict=True
        )
    ]


def _at(codes: NDArray[np.object_], atom: Ints) -> NDArray[np.object_]:
    """Return the code of each atom, ``None`` for -1."""
    out = np.full(len(atom), None, dtype=object)
    out[atom >= 0] = codes[atom[atom >= 0]]
    return out


def _left_out(pieces: pd.DataFrame) -> pd.DataFrame:
    """Return the households of pieces outside every community as lines of a register."""
    rows = np.flatnonzero((pieces["atom"] < 0) & (pieces["households"] > 0))
    lost = pieces.iloc[rows]
    none = np.full(len(rows), None, dtype=object)
    return pd.DataFrame(
        {
            "household_id": none,
            "count": lost["households"].to_numpy(),
            "building": lost["building"].to_numpy(),
            "how": none,
            "distance_m": np.nan,
            "reason": none,
            "piece": rows,
        }
    )
