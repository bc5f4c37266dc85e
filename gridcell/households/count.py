"""How many households each building holds: registered, counted, or estimated."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.errors import InputError
from gridcell.households.entrances import entrance_span
from gridcell.households.estimate import estimate_households
from gridcell.households.findings import (
    community_findings,
    crowding_findings,
    register_findings,
    unplaced,
    unplaced_findings,
)
from gridcell.households.register import locate_lines, unique_lines
from gridcell.model import Finding, Layers
from gridcell.rules import Households
from gridcell.words.messages import Message

Ints = NDArray[np.int64]

MOST_HOUSEHOLDS = 100_000
"""More households than any building in the world holds, and any line of a register."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HouseholdCounts:
    """Households by building (or given atom), and where each line of the register went."""

    households: Ints
    """(buildings,) to the unit."""
    estimated: bool
    register: pd.DataFrame
    """One row a line of the register: ``household_id`` (unique), ``unit``, ``count``, ``building``
    (row or -1), ``west`` and ``east`` (the stretch of the building's length, from 0 at its west end
    to 1, along which the line's entrance stands), ``how``, ``distance_m``, ``reason``. No rows
    without a register."""
    findings: tuple[Finding, ...] = ()


def count_households(layers: Layers, rules: Households | None = None) -> HouseholdCounts:
    """Return how many households each building holds: registered, counted, or estimated.

    The register counts where there is one; differences from counts on buildings are findings.
    Without any figure households are estimated from floor area, and said to be.

    Parameters
    ----------
    layers
        Checked inputs. With `Layers.atoms`, these take the place of buildings.
    rules
        How far a point may be from its building, and what estimates rest on.

    Raises
    ------
    InputError
        No line of the register can be placed, or a building holds more than
        `MOST_HOUSEHOLDS`.

    Examples
    --------
    `layers` are those of the example of `read_layers`.

    >>> import gridcell
    >>> counted = gridcell.households.count_households(layers)
    >>> len(counted.households), int(counted.households.sum()), counted.estimated
    (26, 900, False)
    """
    rules = rules or Households()
    if layers.atoms is not None:
        return _in_atoms(layers)
    buildings = layers.buildings
    if buildings is None:
        return HouseholdCounts(
            households=np.empty(0, np.int64), estimated=False, register=_no_register()
        )
    counted = _in_buildings(layers, buildings, rules)
    _refuse_impossible("buildings: building", buildings["bldg_id"], counted.households)
    more = community_findings(layers.communities, buildings, counted.households)
    if not counted.estimated:
        more += crowding_findings(buildings, counted.households, rules)
    return HouseholdCounts(
        households=counted.households, estimated=counted.estimated, register=counted.register,
        findings=(*counted.findings, *more),
    )  # fmt: skip


def _in_buildings(
    layers: Layers, buildings: gpd.GeoDataFrame, rules: Households
) -> HouseholdCounts:
    known = pd.to_numeric(buildings["households"])
    if layers.households is not None:
        return _registered(layers, buildings, known, rules)
    if known.notna().any():
        found = []
        if unknown := int(known.isna().sum()):
            found.append(
                Finding(
                    kind="households_unknown", severity="note", measure=float(unknown),
                    text=Message("finding.households_unknown", n=unknown, total=len(known)),
                )
            )  # fmt: skip
        counts = known.fillna(0).to_numpy(dtype=np.int64)
        return HouseholdCounts(
            households=counts, estimated=False, register=_no_register(), findings=tuple(found)
        )
    counts = estimate_households(buildings, rules)
    note = Finding(
        kind="estimated", severity="warning", measure=float(counts.sum()),
        text=Message("finding.estimated", n=counts.sum(), m2=rules.m2_per_household),
    )  # fmt: skip
    return HouseholdCounts(
        households=counts, estimated=True, register=_no_register(), findings=(note,)
    )


def _registered(
    layers: Layers, buildings: gpd.GeoDataFrame, known: pd.Series, rules: Households
) -> HouseholdCounts:
    assert layers.households is not None  # noqa: S101
    name = next((r.path for r in layers.inputs if r.role == "households"), "register")
    _refuse_impossible(
        f"households ({name}): household", layers.households["household_id"],
        layers.households["count"],
    )  # fmt: skip
    register, findings = unique_lines(layers.households)
    table = locate_lines(register, buildings, rules.nearest_m)
    table["west"], table["east"] = entrance_span(table, buildings)
    lost = unplaced_findings(table, register, buildings)
    placed = table["building"] >= 0
    if len(table) and not placed.any():
        why = "; ".join(map(str, unplaced(table, register, buildings)))
        raise InputError(
            f"households ({name}): no households can be placed: {why}; expected bldg_id as the "
            "buildings have them, or points in or near buildings"
        )
    counts = np.bincount(
        table.loc[placed, "building"], weights=table.loc[placed, "count"], minlength=len(buildings)
    ).astype(np.int64)
    findings += register_findings(table, register, layers, buildings, known, counts, rules)
    return HouseholdCounts(
        households=counts, estimated=False, register=table, findings=(*findings, *lost)
    )


def _in_atoms(layers: Layers) -> HouseholdCounts:
    """Return the households of given atoms, by the register where it has points."""
    assert layers.atoms is not None  # noqa: S101
    atoms = layers.atoms
    counts = atoms["households"].to_numpy(dtype=np.int64)
    if layers.households is None:
        # Hexagons may have got the figures of whole communities, by area.
        estimated = any(finding.kind == "estimated" for finding in layers.findings)
        return HouseholdCounts(households=counts, estimated=estimated, register=_no_register())
    named = atoms.assign(bldg_id=atoms["atom_id"])
    return _registered(
        layers, named, pd.Series(np.nan, index=named.index), Households(nearest_m=0.0)
    )


def _refuse_impossible(what: str, names: "pd.Series[str]", households: "Ints | pd.Series") -> None:
    counts = np.asarray(households, dtype=np.int64)
    if len(counts) and counts.max() > MOST_HOUSEHOLDS:
        worst = int(counts.argmax())
        raise InputError(
            f"{what} {names.iloc[worst]} counts {counts[worst]} households, expected at most "
            f"{MOST_HOUSEHOLDS:,}; is it the right column?"
        )


def _no_register() -> pd.DataFrame:
    columns = {
        "household_id": "str", "unit": "str", "count": "int64", "building": "int64",
        "west": "float64", "east": "float64", "how": "str", "distance_m": "float64",
        "reason": "object",
    }  # fmt: skip
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
