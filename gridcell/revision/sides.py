"""On which side of the outlines of locked cells atoms belong."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.model import Fabric
from gridcell.revision.match import atom_shapes

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

OFF_M: Final = 4e-5
"""How far the same border may be off: vertices on straight lines are not kept."""
_SITE_SHARE: Final = 0.05
"""Share of a locked cell that a site may claim beyond its outline, and does not get."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Sides:
    """On which side of the outlines atoms belong."""

    polygons: Geometries
    shapes: Geometries
    """(outlines,)"""
    home: Ints
    """(outlines,) community of each."""
    held: Ints
    """Outlines that hold."""
    side: Ints
    """(atoms,) outline in which it belongs, -1 for none."""
    crossing: Mask
    """(atoms,) whether it lies on both sides of one."""

    @classmethod
    def of(
        cls, fabric: Fabric, shapes: Geometries, home: Ints, kept: Ints, dedicated: Mask
    ) -> "Sides":
        """Return the sides of the atoms, for outlines of which those in `kept` have land."""
        polygons = atom_shapes(fabric)
        whole, off = shapely.area(polygons), OFF_M * shapely.length(polygons)
        cell, atom = shapely.STRtree(polygons).query(shapes[kept], predicate="intersects")
        cell = kept[cell]
        same = fabric.atoms["community"].to_numpy()[atom] == home[cell]
        cell, atom = cell[same], atom[same]
        area = shapely.area(shapely.intersection(polygons[atom], shapes[cell]))
        met = area > off[atom]
        cell, atom, area = cell[met], atom[met], area[met]
        is_site = (fabric.atoms["site"] >= 0).to_numpy()

        # A site that takes real land of a cell has it: it is given.
        taken = is_site[atom] & ~dedicated[cell]
        taken &= area > _SITE_SHARE * np.minimum(shapely.area(shapes)[cell], whole[atom])
        most = area > whole[atom] / 2
        alone = np.setdiff1d(kept[dedicated[kept]], cell[is_site[atom] & most])
        held = np.setdiff1d(kept, np.concatenate([cell[taken], alone]))
        mine = np.isin(cell, held)
        cell, atom, area, most = cell[mine], atom[mine], area[mine], most[mine]

        partly = area < whole[atom] - off[atom]
        belongs = most & (is_site[atom] == dedicated[cell])
        built = np.flatnonzero(partly & ~is_site[atom] & ~dedicated[cell])
        belongs[built] = _stands_inside(fabric, atom[built], shapes[cell[built]], most[built])
        side = np.full(len(polygons), -1, dtype=np.int64)
        side[atom[belongs]] = cell[belongs]
        crossing = np.zeros(len(polygons), dtype=bool)
        crossing[atom[partly | ~belongs]] = True
        return cls(
            polygons=polygons, shapes=shapes, home=home, held=held, side=side, crossing=crossing
        )


def _stands_inside(fabric: Fabric, atom: Ints, shapes: Geometries, most: Mask) -> Mask:
    """Tell of which atoms most of what stands on them is inside; without any, most of the land."""
    pieces = fabric.pieces["atom"].to_numpy()
    outlines = fabric.outlines.geometry.to_numpy()
    order = np.argsort(pieces, kind="stable")
    out = most.copy()
    for at, number in enumerate(atom.tolist()):
        mine = order[slice(*np.searchsorted(pieces[order], [number, number + 1]))]
        if len(mine):
            inside = shapely.area(shapely.intersection(outlines[mine], shapes[at])).sum()
            out[at] = inside > shapely.area(outlines[mine]).sum() / 2
    return out
