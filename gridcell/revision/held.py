"""Locked cells keep their outlines: land is cut anew around them, and given to whoever is there.

Where houses beside a locked cell change, the open land between is divided anew, and borders that
ran midway between houses would move. Here atoms are cut along the old outline instead: what lies
beyond it goes to an atom on that side.
"""

from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.holders import find_holders
from gridcell.fabric import build_fabric
from gridcell.model import Fabric, Finding, Layers, Plan, place_of
from gridcell.revision.match import Descent
from gridcell.revision.pared import redrawn
from gridcell.revision.sides import OFF_M, Sides
from gridcell.rules import Rules
from gridcell.words.messages import Message, listed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_CUT_M2: Final = 0.01
"""A building of which less stands beyond an outline only touches it."""


@dataclass(eq=False, slots=True)
class HeldLand:
    """Outlines of locked leaves, and which atoms lie in them once land was woven."""

    shapes: Geometries
    rows: Ints
    """(outlines,) row of the earlier leaf."""
    dedicated: Mask
    codes: NDArray[np.object_]
    leaf: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """(atoms,) row of the locked leaf in which each lies, -1 for none; made by `weave`."""

    @classmethod
    def of(cls, plan: Plan, locked: Mask) -> "HeldLand":
        """Return the outlines of the locked leaves of a plan.

        Parameters
        ----------
        plan
            The earlier plan.
        locked
            From `gridcell.revision.locks.locked_cells`.
        """
        leaves = plan.leaves
        rows = np.flatnonzero(locked[len(plan.small) :])
        return cls(
            shapes=np.asarray(leaves.geometry, dtype=object)[rows],
            rows=rows,
            dedicated=(leaves["grid_type"] == "dedicated").to_numpy(dtype=bool)[rows],
            codes=leaves["code"].to_numpy(dtype=object)[rows],
        )

    def weave(
        self,
        layers: Layers,
        households: Ints,
        micro_band: Floats,
        *,
        rules: Rules,
        executor: Executor | None = None,
    ) -> Fabric:
        """Return the land cut into atoms that end at the outlines, as far as there is land."""
        fabric = build_fabric(layers, households, micro_band, rules=rules, executor=executor)
        self.leaf = np.full(len(fabric.atoms), -1, dtype=np.int64)
        land = layers.communities.geometry.to_numpy()
        home = find_holders(self.shapes, land)
        shapes = _within(self.shapes, home, land)
        kept = np.flatnonzero(~shapely.is_missing(shapes))
        if not len(kept):
            return fabric
        sides = Sides.of(fabric, shapes, home, kept, self.dedicated)
        cut = redrawn(fabric, layers, sides) if sides.crossing.any() else None
        if cut is not None:
            fabric, side = cut
            found = self._cut(fabric, layers, shapes, sides.held)
            fabric = replace(fabric, findings=(*fabric.findings, *found))
        else:
            side = np.where(sides.crossing, -1, sides.side)
        self.leaf = np.append(self.rows, -1)[side]
        return fabric

    def descent(self, traced: Descent) -> Descent:
        """Return where atoms come from: those inside an outline, and no others, from its leaf."""
        leaf = traced.leaf.copy()
        leaf[np.isin(leaf, self.leaf[self.leaf >= 0])] = -1
        leaf[self.leaf >= 0] = self.leaf[self.leaf >= 0]
        return replace(traced, leaf=leaf)

    def _cut(self, fabric: Fabric, layers: Layers, shapes: Geometries, held: Ints) -> list[Finding]:
        """Return a finding for each building that stands on an outline."""
        outlines = fabric.outlines.geometry.to_numpy()
        pieces = np.flatnonzero(fabric.pieces["atom"].to_numpy() >= 0)
        at, cell = shapely.STRtree(shapes[held]).query(outlines[pieces], predicate="intersects")
        piece, cell = pieces[at], held[cell]
        area = shapely.area(shapely.intersection(outlines[piece], shapes[cell]))
        whole = shapely.area(outlines[piece])
        least = np.maximum(_CUT_M2, OFF_M * shapely.length(outlines[piece]))
        cut = (area > least) & (area < whole - least)
        source = layers.atoms if layers.atoms is not None else layers.buildings
        assert source is not None  # noqa: S101
        names = source["atom_id" if layers.atoms is not None else "bldg_id"].to_numpy(dtype=object)
        building = fabric.pieces["building"].to_numpy()
        community = layers.communities["code"].to_numpy(dtype=object)
        of_piece = fabric.atoms["community"].to_numpy()[fabric.pieces["atom"].to_numpy()]
        found = []
        for row in np.unique(building[piece[cut]]).tolist():
            mine = np.flatnonzero(cut & (building[piece] == row))
            cells = listed([str(code) for code in np.unique(self.codes[cell[mine]])], 5)
            first = int(piece[mine[0]])
            one = mine[cell[mine] == cell[mine[0]]]
            inside = float(area[one].sum())
            all_of_it = float(shapely.area(outlines[np.unique(piece[mine])]).sum())
            found.append(
                Finding(
                    kind="cut_building", severity="warning", place=place_of(outlines[first]),
                    cell=str(self.codes[cell[mine[0]]]), community=community[of_piece[first]],
                    measure=inside,
                    text=Message(
                        "finding.lock_cut_building", building=names[row], cells=cells,
                        part=inside, area=all_of_it,
                    ),
                )
            )  # fmt: skip
        return found


def _within(shapes: Geometries, home: Ints, land: Geometries) -> Geometries:
    """Return what of each outline lies in its community, the outline itself where all of it does.

    ``None`` for one without land, or in several pieces.
    """
    out = shapes.copy()
    out[home < 0] = None
    there = np.flatnonzero(home >= 0)
    inside = shapely.intersection(shapes[there], land[home[there]])
    beyond = shapely.area(shapes[there]) - shapely.area(inside)
    left = beyond > OFF_M * shapely.length(shapes[there])
    inside[shapely.get_type_id(inside) != shapely.GeometryType.POLYGON] = None
    out[there[left]] = inside[left]
    return out
