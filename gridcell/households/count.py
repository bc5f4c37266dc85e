"""How many households each building holds: registered, counted, or estimated."""

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.errors import InputError
from gridcell.households.entrances import entrance_span
from gridcell.households.estimate import estimate_households, may_be_lived_in
from gridcell.households.estimate_findings import estimate_findings, unknown_findings
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
from gridcell.words.messages import Message, joined

Ints = NDArray[np.int64]

MOST_HOUSEHOLDS = 100_000
"""More households than any building in the world holds, and any line of a register."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HouseholdCounts:
    """Households by building (or given atom), and where each line of the register went."""

    households: Ints
    """(buildings,) to the unit."""
    is_estimate: NDArray[np.bool_]
    """(buildings,) whether the figure is an estimate."""
    register: pd.DataFrame
    """One row a line of the register: ``household_id`` (unique), ``unit``, ``count``, ``building``
    (row or -1), ``west`` and ``east`` (the stretch of the building's length, from 0 at its west end
    to 1, along which the line's entrance stands), ``how``, ``distance_m``, ``reason``. No rows
    without a register."""
    findings: tuple[Finding, ...] = ()

    @property
    def estimated(self) -> bool:
        """Whether any figure is an estimate."""
        return bool(self.is_estimate.any())


def count_households(layers: Layers, rules: Households | None = None) -> HouseholdCounts:
    """Return how many households each building holds: registered, counted, or estimated.

    The register counts where there is one; differences from counts on buildings are findings.
    Where no building has a figure, or few have one, the others are estimated from floor area
    (`estimate_households`), and said to be.

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
            households=np.empty(0, np.int64), is_estimate=np.empty(0, bool),
            register=_no_register(),
        )  # fmt: skip
    counted = _in_buildings(layers, buildings, rules)
    figures = np.where(counted.is_estimate, 0, counted.households)
    _refuse_impossible(Message("part.building_of_buildings"), buildings["bldg_id"], figures)
    more = community_findings(layers.communities, buildings, counted.households)
    more += crowding_findings(buildings, figures, rules)
    return replace(counted, findings=(*counted.findings, *more))


def _in_buildings(
    layers: Layers, buildings: gpd.GeoDataFrame, rules: Households
) -> HouseholdCounts:
    known = pd.to_numeric(buildings["households"])
    if layers.households is not None:
        return _registered(layers, buildings, known, rules)
    figures = known.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    unknown = np.isnan(figures)
    if not _asks_for_estimates(buildings, unknown, rules):
        return HouseholdCounts(
            households=np.nan_to_num(figures).astype(np.int64),
            is_estimate=np.zeros(len(buildings), dtype=bool), register=_no_register(),
            findings=tuple(unknown_findings(buildings, unknown, rules)),
        )  # fmt: skip
    counts = estimate_households(buildings, rules, known=figures)
    # Nobody can live on more floor than there is in any building: no estimate is fatal.
    counts = np.where(unknown, np.minimum(counts, MOST_HOUSEHOLDS), counts)
    return HouseholdCounts(
        households=counts, is_estimate=unknown, register=_no_register(),
        findings=tuple(estimate_findings(buildings, figures, counts, rules)),
    )  # fmt: skip


def _asks_for_estimates(
    buildings: gpd.GeoDataFrame, unknown: NDArray[np.bool_], rules: Households
) -> bool:
    """Return whether figures are so few that they are no register of the buildings."""
    if rules.estimate == "never" or not unknown.any():
        return False
    if rules.estimate == "missing" or unknown.all():
        return True
    homes = may_be_lived_in(buildings, rules)
    share = float((~unknown[homes]).mean()) if homes.any() else 1.0
    return share < rules.complete_share


def _registered(
    layers: Layers, buildings: gpd.GeoDataFrame, known: pd.Series, rules: Households
) -> HouseholdCounts:
    assert layers.households is not None  # noqa: S101
    name = next((r.path for r in layers.inputs if r.role == "households"), "register")
    _refuse_impossible(
        Message("part.household_of", file=name), layers.households["household_id"],
        layers.households["count"],
    )  # fmt: skip
    register, findings = unique_lines(layers.households)
    table = locate_lines(register, buildings, rules.nearest_m)
    table["west"], table["east"] = entrance_span(table, buildings)
    lost = unplaced_findings(table, register, buildings)
    placed = table["building"] >= 0
    if len(table) and not placed.any():
        why = joined("clauses", list(unplaced(table, register, buildings)))
        raise InputError(Message("error.register_unplaced", name=name, why=why))
    counts = np.bincount(
        table.loc[placed, "building"], weights=table.loc[placed, "count"], minlength=len(buildings)
    ).astype(np.int64)
    findings += register_findings(table, register, layers, buildings, known, counts, rules)
    return HouseholdCounts(
        households=counts, is_estimate=np.zeros(len(buildings), dtype=bool), register=table,
        findings=(*findings, *lost),
    )  # fmt: skip


def _in_atoms(layers: Layers) -> HouseholdCounts:
    """Return the households of given atoms, by the register where it has points."""
    assert layers.atoms is not None  # noqa: S101
    atoms = layers.atoms
    counts = atoms["households"].to_numpy(dtype=np.int64)
    if layers.households is None:
        # Hexagons may have got the figures of whole communities, by area.
        estimated = any(finding.kind == "estimated" for finding in layers.findings)
        return HouseholdCounts(
            households=counts, is_estimate=np.full(len(atoms), estimated), register=_no_register()
        )
    named = atoms.assign(bldg_id=atoms["atom_id"])
    return _registered(
        layers, named, pd.Series(np.nan, index=named.index), Households(nearest_m=0.0)
    )


def _refuse_impossible(
    what: Message, names: "pd.Series[str]", households: "Ints | pd.Series"
) -> None:
    counts = np.asarray(households, dtype=np.int64)
    if len(counts) and counts.max() > MOST_HOUSEHOLDS:
        worst = int(counts.argmax())
        raise InputError(
            Message(
                "error.too_many_households", what=what, name=names.iloc[worst],
                households=counts[worst], most=MOST_HOUSEHOLDS,
            )
        )  # fmt: skip


def _no_register() -> pd.DataFrame:
    columns = {
        "household_id": "str", "unit": "str", "count": "int64", "building": "int64",
        "west": "float64", "east": "float64", "how": "str", "distance_m": "float64",
        "reason": "object",
    }  # fmt: skip
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
