"""Land cut anew along the outlines of locked cells, and given to whoever is on either side."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, number_points
from gridcell.cells.polygons import LeafBorders, draw_cells
from gridcell.fabric.barriers import barrier_classes, bridges, edge_classes
from gridcell.fabric.build import border_arcs
from gridcell.fabric.land import Outlines, Patches
from gridcell.fabric.parts import Edges, components, match_edges
from gridcell.model import Fabric, Gates, Layers
from gridcell.partition.settle import absorb
from gridcell.revision.sides import OFF_M, Sides

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NEAR_M: Final = 1e-3


def redrawn(fabric: Fabric, layers: Layers, sides: Sides) -> tuple[Fabric, Ints] | None:
    """Return the fabric cut along outlines, and the side of each atom; ``None`` if that fails."""
    polygons, side = sides.polygons, sides.side
    tree = shapely.STRtree(polygons)
    crossing = np.flatnonzero(sides.crossing)
    met = shapely.STRtree(sides.shapes[sides.held]).query(
        polygons[crossing], predicate="intersects"
    )[1]
    lines = shapely.boundary(sides.shapes[sides.held[np.unique(met)]])
    near = tree.query(lines, predicate="dwithin", distance=_NEAR_M)[1]
    beside = tree.query(polygons[crossing], predicate="dwithin", distance=_NEAR_M)[1]
    atoms = np.unique(np.concatenate([near, beside]))

    noded = shapely.union_all(np.concatenate([shapely.boundary(polygons[atoms]), lines]))
    faces = shapely.orient_polygons(
        shapely.normalize(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))
    )
    community, is_site = fabric.atoms["community"].to_numpy(), fabric.atoms["site"] >= 0
    land = _ParedLand.of(faces, atoms, np.unique(sides.held[met]), sides, community)
    owner, extra = land.given(is_site.to_numpy(dtype=bool))
    count = len(polygons) + len(extra)
    drawn = np.append(polygons, np.full(len(extra), None, dtype=object))
    given = np.unique(owner)
    drawn[atoms] = None
    drawn[given] = land.drawn(np.searchsorted(given, owner), len(given))
    side = np.append(side, land.side[extra])
    # The land of an atom that lost all of it has another.
    heir = np.arange(count)
    for gone in np.flatnonzero(shapely.is_missing(drawn)).tolist():
        lost = np.flatnonzero(land.owner == gone)
        if not len(lost):
            return None
        heir[gone] = owner[lost[np.argmax(shapely.area(land.shapes[lost]))]]
    home = np.append(community, community[land.owner[extra]])
    return _renumbered(fabric, layers, drawn, home, heir, side, atoms)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _ParedLand:
    """Land around outlines, between the borders of atoms and the outlines."""

    shapes: Geometries
    owner: Ints
    """(faces,) the atom that has it."""
    side: Ints
    """(faces,) the outline that it lies in, -1 for none."""
    community: Ints
    right: Mask
    """(faces,) whether its atom belongs there."""
    xy: Floats
    edges: Edges

    @classmethod
    def of(
        cls, faces: Geometries, atoms: Ints, cut: Ints, sides: Sides, community: Ints
    ) -> "_ParedLand":
        point = shapely.point_on_surface(faces)
        at, atom = shapely.STRtree(sides.polygons[atoms]).query(point, predicate="intersects")
        owner = np.full(len(faces), -1, dtype=np.int64)
        owner[at[::-1]] = atoms[atom[::-1]]
        faces, point, owner = faces[owner >= 0], point[owner >= 0], owner[owner >= 0]
        inside = np.full(len(faces), -1, dtype=np.int64)
        at, cell = shapely.STRtree(sides.shapes[cut]).query(point, predicate="intersects")
        inside[at] = cut[cell]
        inside[(inside >= 0) & (sides.home[inside] != community[owner])] = -1
        # Outlines that nothing crosses are as they were.
        whole = (inside < 0) & ~np.isin(sides.side[owner], cut)
        side = np.where(whole, sides.side[owner], inside)
        xy, edges = _edges(faces)
        return cls(
            shapes=faces, owner=owner, side=side, community=community[owner],
            right=side == sides.side[owner], xy=xy, edges=edges,
        )  # fmt: skip

    def drawn(self, owner: Ints, count: int) -> Geometries:
        """Return the polygons of owners, numbered from 0, of the faces."""
        left, right = self.edges.beside(owner)
        ends = np.column_stack([self.edges.low, self.edges.high])
        borders = LeafBorders(
            xy=self.xy, start=2 * np.arange(len(ends) + 1), vertex=ends.ravel(), left=left,
            right=right,
        )  # fmt: skip
        return draw_cells(borders, np.arange(count), count)

    def given(self, is_site: Mask) -> tuple[Ints, Ints]:
        """Return the atom that gets each face, and a face of each atom that is new.

        New atoms are numbered on from the others.
        """
        inner = (self.edges.left >= 0) & (self.edges.right >= 0)
        left, right = self.edges.left[inner], self.edges.right[inner]
        length = self.edges.length[inner]
        same = (self.side[left] == self.side[right]) & (
            self.community[left] == self.community[right]
        )
        around = np.bincount(
            np.concatenate([left, right]), np.concatenate([length, length]), len(self.owner)
        )
        thin = shapely.area(self.shapes) < OFF_M * shapely.length(self.shapes)
        # A sliver goes to whom it lies along, not to whom it touches at its end.
        wide = np.ones(len(left), dtype=bool)
        for side in (left, right):
            wide &= ~(thin & ~self.right)[side] | (length > 0.2 * around[side])
        first, neighbour, weight = _rows(
            left[same & wide], right[same & wide], length[same & wide], len(self.owner)
        )
        has = np.where(self.right, self.owner, -1)
        # Sites take no other land than that of their own outline.
        sites = self.right & is_site[self.owner] & (self.side < 0)
        has[sites] = -2
        for _ in range(2):
            filled = absorb(first, neighbour, weight, has)
            filled = np.where(has == -2, self.owner, filled)
            filled = np.where((filled == -1) & thin, self.owner, filled)
            # What nobody has yet ends at the outlines too.
            joined = (filled[left] == filled[right]) & ((filled[left] >= 0) | same)
            piece = components(left[joined], right[joined], len(filled))[1]
            area = np.bincount(piece, shapely.area(self.shapes) * np.where(self.right, 1e6, 1.0))
            order = np.lexsort((-area[piece], filled))
            best = np.full(filled.max(initial=-1) + 2, -1, dtype=np.int64)
            best[filled[order][::-1]] = piece[order][::-1]
            stray = (filled >= 0) & (best[filled] != piece)
            has = np.where(stray & (has != -2), -1, has)
            if not stray.any():
                break
        owner = np.where(stray & (has != -2), -1, filled)
        # Slivers are no atoms: whoever lies along them has them, sites only where nobody else does.
        lost = np.flatnonzero((owner < 0) & (np.bincount(piece, ~thin)[piece] > 0))
        extra = lost[np.unique(piece[lost], return_index=True)[1]]
        owner[lost] = len(is_site) + np.searchsorted(piece[extra], piece[lost])
        here = self.community[left] == self.community[right]
        links = _rows(left[here], right[here], length[here], len(self.owner))
        owner = np.where(sites, owner, absorb(*links, np.where(sites, -2, owner)))
        owner = absorb(*links, owner)
        owner = np.where(owner < 0, self.owner, owner)
        return owner, extra


def _rows(a: Ints, b: Ints, length: Floats, n: int) -> tuple[Ints, Ints, Floats]:
    """Return where the neighbours of each face begin, the neighbours, and common metres."""
    tail, head = np.concatenate([a, b]), np.concatenate([b, a])
    both = np.concatenate([length, length])
    order = np.lexsort((head, tail))
    first = np.searchsorted(tail[order], np.arange(n + 1))
    return first.astype(np.int64), head[order], both[order]


def _edges(polygons: Geometries) -> tuple[Floats, Edges]:
    """Return the vertices and edges of polygons that share them all, the polygon on either side."""
    parts, of_part = shapely.get_parts(polygons, return_index=True)
    outlines = Outlines.of(shapely.orient_polygons(parts))
    vertex, count = number_points(outlines.xy)
    xy = np.empty((count, 2))
    xy[vertex] = outlines.xy
    start, stop, part = outlines.edges(vertex, np.ones(len(parts), dtype=bool))
    nothing = np.zeros(len(polygons), dtype=np.int64)
    patches = Patches(
        xy=xy, start=start, stop=stop, patch=of_part[part], face=nothing, label=nothing,
        gates=Gates.none(count),
    )  # fmt: skip
    return xy, match_edges(patches)


def _renumbered(
    fabric: Fabric,
    layers: Layers,
    drawn: Geometries,
    home: Ints,
    heir: Ints,
    side: Ints,
    touched: Ints,
) -> tuple[Fabric, Ints] | None:
    """Return the fabric of other polygons, its atoms by community, and the side of each.

    Borders around the atoms that were touched are no longer free to move.
    """
    there = np.flatnonzero(~shapely.is_missing(drawn))
    order = there[np.argsort(home[there], kind="stable")]
    number = np.full(len(drawn) + 1, -1, dtype=np.int64)
    number[order] = np.arange(len(order))
    number[:-1] = number[heir]
    polygons = drawn[order]
    xy, edges = _edges(polygons)
    xy, gates = _gates_left(fabric, touched, xy)
    flag, bridge = np.zeros(len(edges.low), dtype=np.int64), np.empty((0, 2))
    if layers.barriers is not None:
        lines, kinds = layers.barriers.geometry.to_numpy(), barrier_classes(layers.barriers)
        still = gates.ends[:, 0] < 0
        fixed = still[edges.low] & still[edges.high]
        flag[fixed] = edge_classes(xy[edges.low[fixed]], xy[edges.high[fixed]], lines, kinds)
        bridge = bridges(lines, kinds)
    arcs: dict[str, Any] = border_arcs(
        xy, edges.low, edges.high, edges.left, edges.right, flag, bridge
    )
    rim = (arcs["arc_left"] < 0) | (arcs["arc_right"] < 0)
    was = (fabric.arc_left < 0) | (fabric.arc_right < 0)
    if abs(arcs["arc_length"][rim].sum() - fabric.arc_length[was].sum()) > _NEAR_M:
        return None
    old = len(fabric.atoms)
    fresh = pd.DataFrame(
        {"kind": "open", "households": 0, "site": -1}, index=np.arange(old, len(drawn))
    )
    atoms = pd.concat([fabric.atoms, fresh])
    held = np.bincount(number[:old], atoms["households"].to_numpy()[:old], len(order))
    centroid = shapely.get_coordinates(shapely.centroid(polygons))
    table = atoms.iloc[order].reset_index(drop=True)
    table = table.assign(
        community=home[order], households=held.astype(np.int64), area_m2=shapely.area(polygons),
        x=centroid[:, 0], y=centroid[:, 1], site=table["site"].astype("int64"),
    )  # fmt: skip
    pieces = fabric.pieces.assign(atom=number[fabric.pieces["atom"].to_numpy()])
    return replace(fabric, atoms=table, pieces=pieces, gates=gates, **arcs), side[order]


def _gates_left(fabric: Fabric, touched: Ints, xy: Floats) -> tuple[Floats, Gates]:
    """Return vertices, with the ends of gates behind them, and the gates of untouched borders."""
    gates = Gates.none(0) if fabric.gates is None else fabric.gates
    free = np.ones(len(fabric.atoms) + 1, dtype=bool)
    free[touched] = False
    arc = np.repeat(np.arange(len(fabric.arc_left)), np.diff(fabric.arc_start))
    loose = np.zeros(len(fabric.xy), dtype=bool)
    loose[: len(gates.ends)] = gates.ends[:, 0] >= 0
    loose[fabric.arc_vertices[~(free[fabric.arc_left] & free[fabric.arc_right])[arc]]] = False
    used = np.zeros(len(fabric.xy), dtype=bool)
    used[fabric.arc_vertices] = True
    moves = np.flatnonzero(loose & used)
    ends = gates.ends[moves]
    corner = np.unique(ends[ends >= 0])
    both = np.concatenate([xy, fabric.xy[moves], fabric.xy[corner]])
    number, count = number_points(both)
    # The first of equal points has the number; those of `xy` keep theirs.
    first = np.full(count, len(both))
    np.minimum.at(first, number, np.arange(len(both)))
    known = first[number]
    kept, place = np.unique(known[len(xy) :], return_inverse=True)
    fresh = kept >= len(xy)
    at = np.where(fresh, len(xy) + np.cumsum(fresh) - 1, kept)[place]
    out = Gates.none(len(xy) + int(fresh.sum()))
    of_corner = np.full(len(fabric.xy) + 1, -1, dtype=np.int64)
    of_corner[corner] = at[len(moves) :]
    there = at[: len(moves)] < len(xy)
    mine = at[: len(moves)][there]
    out.ends[mine], out.slant[mine] = of_corner[ends[there]], gates.slant[moves[there]]
    return np.concatenate([xy, both[kept[fresh]]]), out
