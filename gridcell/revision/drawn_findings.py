"""What an adoption found: land that changed hands, cells in pieces, missing, without land."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.assembly import DivisionInput
from gridcell.model import Finding, place_of
from gridcell.partition.drawn import TakenCells
from gridcell.revision.drawn import DrawnLayer
from gridcell.revision.drawn_units import DrawnUnits, row_shapes
from gridcell.words.messages import Message, counted

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_TOLD_M2: Final = 1.0
"""Less land comes from rounding, and is not told where nobody lives on it."""
_LISTED: Final = 5


def drawn_findings(
    layer: DrawnLayer,
    given: DivisionInput,
    units: DrawnUnits,
    taken: TakenCells,
    *,
    stays: Ints | None = None,
) -> list[Finding]:
    """Return what became of drawn cells on their way to the cells of a plan.

    Parameters
    ----------
    layer, given, units
        What was drawn, and on which land.
    taken
        The division.
    stays
        Rows that were put aside, because what they draw is locked.
    """
    told = _Told(layer, given, units, taken)
    return [
        *told.level(), *told.moved(), *told.uncovered(), *told.missing(), *told.in_pieces(),
        *told.regrouped(), *told.beyond(), *told.without_land(stays), *told.unknown_buildings(),
    ]  # fmt: skip


class _Told:
    def __init__(
        self, layer: DrawnLayer, given: DivisionInput, units: DrawnUnits, taken: TakenCells
    ) -> None:
        self.layer, self.given, self.units, self.taken = layer, given, units, taken
        self.atoms = given.fabric.atoms
        self.general = self.atoms["site"].to_numpy() < 0
        self.codes = given.layers.communities["code"].to_numpy(dtype=object)
        self.final = np.append(units.row, -1)[taken.cell]

    def level(self) -> list[Finding]:
        """Say on which level the drawn cells are."""
        units, given = self.units, self.given
        level = "small" if 2 * units.is_small.sum() >= len(units.is_small) else "micro"
        targets = given.small if level == "small" else given.micro
        target = 0.0 if targets is None else float(np.median(targets.target))
        text = Message(
            f"finding.drawn_level_{units.how}", level=Message(f"level.{level}"),
            n=len(np.unique(units.row)),
            median=round(units.median), target=round(target),
        )  # fmt: skip
        found = [Finding(kind="drawn_level", severity="note", text=text)]
        if self.layer.left_out:
            text = Message("finding.drawn_left_out", n=self.layer.left_out)
            found.append(Finding(kind="drawn_left_out", severity="note", text=text))
        return found

    def moved(self) -> list[Finding]:
        """Tell for each community how much land is in another cell than it was drawn in."""
        layer, taken, pieces = self.layer, self.taken, self.given.fabric.pieces
        area = np.zeros(len(self.codes))
        if layer.shapes is not None:
            units = self.units
            shapes = row_shapes(self.given.fabric, taken.cell, len(units.row))
            there = np.flatnonzero(~shapely.is_missing(shapes))
            drawn = layer.shapes[units.row[there]]
            kept = shapely.area(shapely.intersection(shapes[there], drawn))
            lost = np.maximum(shapely.area(shapes[there]) - kept, 0)
            home = units.community[there]
            area = np.bincount(home, weights=lost, minlength=len(area)).astype(np.float64)
        atom = pieces["atom"].to_numpy()
        placed = np.flatnonzero(
            (atom >= 0) & (self.units.row_of_piece >= 0) & np.append(self.general, False)[atom]
        )
        other = placed[self.final[atom[placed]] != self.units.row_of_piece[placed]]
        home = self.atoms["community"].to_numpy()[atom[other]]
        held = np.bincount(
            home, weights=pieces["households"].to_numpy()[other], minlength=len(area)
        )
        return [
            self._finding(
                "drawn_moved", "note", area[row], int(held[row]), community=self.codes[row],
                params={"community": self.codes[row]},
            )
            for row in np.flatnonzero((area >= _TOLD_M2) | (held > 0)).tolist()
        ]  # fmt: skip

    def uncovered(self) -> list[Finding]:
        """Tell which cells got land that no drawn cell holds."""
        if self.layer.shapes is None:
            return []
        lost = self.general & (self.units.row_of_atom < 0) & (self.taken.cell >= 0)
        return [
            self._finding(
                "drawn_uncovered", "warning" if held else "note", area, held,
                community=self.codes[self.units.community[unit]], at=at,
                params={"cell": self._called(unit)},
            )
            for unit, area, held, at in self._sums(lost, self.taken.cell)
        ]  # fmt: skip

    def missing(self) -> list[Finding]:
        """Tell where no cell was drawn, so that the search made some."""
        lost = self.general & (self.taken.cell < 0) & (self.units.unit_of_atom < 0)
        community = self.atoms["community"].to_numpy()
        found = []
        for row, area, held, at in self._sums(lost, community):
            mine = lost & (community == row)
            made = len(np.unique(self.taken.division.small[mine]))
            found.append(
                self._finding(
                    "drawn_missing",
                    "warning",
                    area,
                    held,
                    community=self.codes[row],
                    at=at,
                    params={"community": self.codes[row], "made": counted("small_cell", made)},
                )
            )
        return found

    def in_pieces(self) -> list[Finding]:
        """Tell which drawn cells were in several pieces, and where the smaller ones went."""
        unit = self.units.unit_of_atom
        lost = self.general & (unit >= 0) & (self.taken.cell != unit)
        found = []
        for row, area, held, at in self._sums(lost, unit):
            heirs = np.unique(self.final[lost & (unit == row)])
            names = tuple(self.layer.called(heir) for heir in heirs[heirs >= 0][:_LISTED].tolist())
            # What touches nothing else cannot go anywhere.
            told: dict[str, object] = {"others": names} if names else {}
            found.append(
                self._finding(
                    "drawn_in_pieces" if names else "drawn_detached", "warning", area, held, at=at,
                    community=self.codes[self.units.community[row]],
                    params={"cell": self._called(row), **told},
                )
            )  # fmt: skip
        return found

    def regrouped(self) -> list[Finding]:
        """Tell which small cells, unions of drawn micro cells, were in several pieces."""
        group = np.append(self.units.group, -1)[self.taken.cell]
        lost = self.general & (group >= 0) & (self.taken.group != group)
        return [
            self._finding(
                "drawn_regrouped", "warning", area, held, at=at,
                params={"cell": str(self.units.group_code[row] or self._group_called(row))},
            )
            for row, area, held, at in self._sums(lost, group)
        ]  # fmt: skip

    def beyond(self) -> list[Finding]:
        """Tell which drawn cells reach into other communities."""
        units, community = self.units, self.atoms["community"].to_numpy()
        lost = self.general & (units.row_of_atom >= 0) & (units.unit_of_atom < 0)
        count = len(self.codes)
        found = []
        for key, area, held, at in self._sums(lost, units.row_of_atom * count + community):
            row, home = divmod(key, count)
            if area >= _TOLD_M2 or held:
                found.append(
                    self._finding(
                        "drawn_beyond",
                        "warning" if held else "note",
                        area,
                        held,
                        at=at,
                        community=self.codes[home],
                        params={"cell": self.layer.called(row), "community": self.codes[home]},
                    )
                )
        several = np.bincount(units.row, minlength=len(self.layer)) > 1
        for row in np.flatnonzero(several).tolist():
            homes = tuple(self.codes[units.community[units.row == row]].tolist())
            text = Message("finding.drawn_parted", cell=self.layer.called(row), communities=homes)
            found.append(Finding(kind="drawn_parted", severity="warning", text=text))
        return found

    def without_land(self, stays: Ints | None) -> list[Finding]:
        """Tell which drawn cells got no land at all."""
        used = np.zeros(len(self.layer), dtype=bool)
        used[self.final[self.final >= 0]] = True
        if stays is not None:
            used[stays] = True
        # Small cells that were drawn under their micro cells have these.
        group = self.taken.group
        rows = np.append(self.units.group_row, -1)[group]
        used[rows[rows >= 0]] = True
        if self.layer.shapes is None:
            # The buildings of a site are its dedicated cell.
            listed = self.units.row_of_piece
            used[listed[listed >= 0]] |= True
        return [
            Finding(
                kind="drawn_without_land", severity="warning",
                place=None if self.layer.shapes is None else place_of(self.layer.shapes[row]),
                text=Message("finding.drawn_without_land", cell=self.layer.called(row)),
            )
            for row in np.flatnonzero(~used).tolist()
        ]  # fmt: skip

    def unknown_buildings(self) -> list[Finding]:
        """Tell which buildings of a table there are not, and which are in several cells."""
        table = self.layer.buildings
        if table is None:
            return []
        unknown = table.loc[~table["bldg_id"].isin(set(self.given.names)), "bldg_id"].unique()
        found = []
        if len(unknown):
            text = Message(
                "finding.drawn_unknown_buildings", n=len(unknown), names=tuple(unknown[:_LISTED])
            )
            found.append(
                Finding(
                    kind="drawn_unknown_buildings", severity="warning",
                    measure=float(len(unknown)), text=text,
                )
            )  # fmt: skip
        several = table.groupby("bldg_id")["row"].agg(["nunique", "size"])
        slabs = self.given.fabric.pieces.groupby("building").size()
        slabs.index = pd.Index(self.given.names[slabs.index])
        # A line for each slab is as it should be.
        lines = slabs.reindex(several.index) == several["size"]
        names = several.index[(several["nunique"] > 1) & ~lines].tolist()
        if names:
            text = Message(
                "finding.drawn_building_twice", n=len(names), names=tuple(names[:_LISTED])
            )
            found.append(
                Finding(
                    kind="drawn_building_twice", severity="warning", measure=float(len(names)),
                    text=text,
                )
            )  # fmt: skip
        return found

    def _called(self, unit: int) -> str:
        return self.layer.called(int(self.units.row[unit]))

    def _group_called(self, group: int) -> str:
        row = int(self.units.group_row[group])
        return self.layer.called(row) if row >= 0 else str(group + 1)

    def _sums(self, mask: Mask, by: Ints) -> list[tuple[int, float, int, int]]:
        """Return number, area, households and largest atom of atoms with the same number."""
        where = np.flatnonzero(mask)
        table = pd.DataFrame(
            {
                "by": by[where], "area": self.atoms["area_m2"].to_numpy()[where],
                "held": self.atoms["households"].to_numpy()[where], "atom": where,
            }
        )  # fmt: skip
        out = []
        for _, mine in table.groupby("by", sort=True):
            largest = int(mine.sort_values("area", ascending=False, kind="stable")["atom"].iloc[0])
            area, held = float(mine["area"].sum()), int(mine["held"].sum())
            out.append((int(by[largest]), area, held, largest))
        return out

    def _finding(
        self,
        kind: str,
        severity: str,
        area: float,
        held: int,
        *,
        params: dict[str, object],
        community: str | None = None,
        at: int | None = None,
    ) -> Finding:
        place = None
        if at is not None:
            x, y = self.atoms[["x", "y"]].to_numpy()[at]
            place = shapely.Point(x, y)
        text = Message(
            f"finding.{kind}", area=float(area), households=counted("household", held), **params
        )
        return Finding(
            kind=kind, severity="warning" if severity == "warning" else "note",
            community=community, measure=float(area), place=place, text=text,
        )  # fmt: skip


def code_findings(n: int, codes: Sequence[str]) -> list[Finding]:
    """Return a note on codes that could not be kept."""
    if not n:
        return []
    text = Message("finding.drawn_codes", n=n, codes=tuple(sorted(codes)[:_LISTED]))
    return [Finding(kind="drawn_codes", severity="note", measure=float(n), text=text)]
