"""The load of each building, of its pieces and of the land, where bands count loads."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.errors import InputError
from gridcell.households.estimate import storeys_of
from gridcell.model import Fabric, Finding, Layers
from gridcell.rules import Rules
from gridcell.schema import LOAD, OF_LOAD
from gridcell.words.messages import Message
from gridcell.workload import (
    MOST_LOAD,
    STREET,
    Workload,
    columns_told,
    share_loads,
    street_metres,
    sum_loads,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_NOBODY = "load_of_nobody"
"""Column of layers: what a building's load would be if it held no household."""


def with_loads(layers: Layers, households: Ints, rules: Rules) -> tuple[Layers, list[Finding]]:
    """Return layers whose buildings (or given atoms) have their load, where the rules have one.

    Parameters
    ----------
    layers
        Checked inputs.
    households
        (buildings,) or (given atoms,) of each.
    rules
        `Rules.load`.

    Returns
    -------
    layers, findings
        The column ``load`` in its thousandths, and ``load_NAME`` for what it was counted from.

    Raises
    ------
    InputError
        A column that there is not; a load that is negative or no number, or none at all.
    """
    workload = rules.workload
    given = layers.atoms if layers.atoms is not None else layers.buildings
    if workload is None or given is None:
        return layers, []
    columns, findings = _columns(given, households, workload, rules)
    loads = workload.of(columns, len(given))
    _require_loads(loads, given, columns, rules)
    if not loads.any() and not workload.street:
        raise InputError(Message("error.no_load", load=rules.load))
    kept = {OF_LOAD + name: columns[name] for name in workload.names if name != "households"}
    nobody = workload.of({**columns, "households": np.zeros(len(given))}, len(given))
    frame = given.assign(**kept, **{LOAD: loads, _NOBODY: nobody})
    name = "atoms" if layers.atoms is not None else "buildings"
    return dataclasses.replace(layers, **{name: frame}), findings


def share_out_loads(fabric: Fabric, layers: Layers, rules: Rules) -> Fabric:
    """Return land whose pieces and atoms have their loads, where the rules have one.

    What the households of a building add to its load is shared among its pieces as they are; the
    rest by area. Land has the metres of street beside it.

    Parameters
    ----------
    fabric
        The land, households as they are in the end. Atoms that have ``street_m`` keep it.
    layers
        From `with_loads`.
    rules
        `Rules.load`.
    """
    workload = rules.workload
    given = layers.atoms if layers.atoms is not None else layers.buildings
    if workload is None:
        return fabric
    n = len(fabric.atoms)
    pieces, along = fabric.pieces, np.zeros(n)
    if given is not None:
        pieces = pieces.assign(**_of_pieces(fabric, given))
    atoms = fabric.atoms
    if workload.street:
        metres = street_metres(
            n, fabric.arc_left, fabric.arc_right, fabric.arc_length, fabric.arc_barrier
        )
        if STREET in atoms:
            metres = np.where(atoms[STREET].isna(), metres, atoms[STREET])
        along = workload.along(metres)
        atoms = atoms.assign(**{STREET: metres})
    inside = pieces["atom"].to_numpy() >= 0
    held = np.zeros(n)
    if LOAD in pieces:
        held = sum_loads(pieces["atom"].to_numpy()[inside], pieces[LOAD].to_numpy()[inside], n)
    return dataclasses.replace(
        fabric, pieces=pieces, atoms=atoms.assign(**{LOAD: np.round(held + along, 3)})
    )


def _of_pieces(fabric: Fabric, given: gpd.GeoDataFrame) -> dict[str, NDArray[np.generic]]:
    """Return the columns of pieces that tell their loads."""
    building = fabric.pieces["building"].to_numpy()
    households = fabric.pieces["households"].to_numpy(dtype=np.float64)
    loads, nobody = given[LOAD].to_numpy(), given[_NOBODY].to_numpy()
    # Where a load falls with households, shares by households would not add up to it.
    by_people = np.where(nobody <= loads, loads - nobody, 0.0)
    by_people[np.bincount(building, weights=households, minlength=len(given)) == 0] = 0.0
    shares = share_loads(by_people, building, households)
    shares += share_loads(loads - by_people, building, fabric.outlines.area.to_numpy())
    kept = [name for name in given if name.startswith(OF_LOAD) and name != _NOBODY]
    return {LOAD: np.round(shares, 3)} | {name: given[name].to_numpy()[building] for name in kept}


def _columns(
    given: gpd.GeoDataFrame, households: Ints, workload: Workload, rules: Rules
) -> tuple[dict[str, Floats], list[Finding]]:
    """Return the columns in an expression, and what is missing in them."""
    area = given.area.to_numpy()
    storeys = storeys_of(given, rules.households)
    columns: dict[str, Floats] = {}
    findings = []
    for name in workload.names:
        if name == "households":
            columns[name] = households.astype(np.float64)
        elif name == "area_m2":
            columns[name] = area
        elif name in ("floors", "floor_m2") and {"floors", "height"} & set(given):
            findings += _missing(name, storeys, 1)
            floors = storeys.fillna(1.0).to_numpy(dtype=np.float64)
            columns[name] = np.asarray(floors if name == "floors" else floors * area)
        elif name in given and pd.api.types.is_numeric_dtype(given[name].dtype):
            numbers = pd.to_numeric(given[name]).astype("Float64")
            findings += _missing(name, numbers, 0)
            columns[name] = numbers.fillna(0.0).to_numpy(dtype=np.float64)
        else:
            there = [other for other in given if other != given.active_geometry_name]
            raise InputError(
                Message(
                    "error.load_column", label=Message("part.layers_of_load"), column=name,
                    load=rules.load, columns=columns_told(map(str, there)),
                )
            )  # fmt: skip
    return columns, findings


def _missing(name: str, numbers: "pd.Series[float]", instead: int) -> list[Finding]:
    missing = int(numbers.isna().sum())
    if not missing:
        return []
    text = Message(
        "finding.load_missing", n=missing, all=len(numbers), column=name, instead=instead
    )
    return [Finding(kind="load_missing", severity="note", measure=float(missing), text=text)]


def _require_loads(
    loads: Floats, given: gpd.GeoDataFrame, columns: dict[str, Floats], rules: Rules
) -> None:
    bad = np.flatnonzero(~((loads >= 0) & (loads <= MOST_LOAD)))
    if not len(bad):
        return
    row = int(bad[0])
    names = given["atom_id" if "atom_id" in given else "bldg_id"]
    told = [f"{name} = {values[row]:g}" for name, values in columns.items()]
    raise InputError(
        Message(
            "error.load_value", building=names.iloc[row], load=rules.load, value=loads[row],
            columns=tuple(told), n=len(bad), most=MOST_LOAD,
        )
    )  # fmt: skip
