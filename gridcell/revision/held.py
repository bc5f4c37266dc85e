"""Locked cells keep their outlines: land is cut anew around them, and given to whoever is there.

Where houses beside a locked cell change, the open land between is divided anew, and borders that
ran midway between houses would move. Here atoms are cut along the old outline instead: what lies
beyond it goes to an atom on that side.
"""

from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, number_points
from gridcell.cells.polygons import LeafBorders, draw_cells
from gridcell.coverage.holders import find_holders
from gridcell.fabric import build_fabric
from gridcell.fabric.barriers import barrier_classes, bridges, edge_classes
from gridcell.fabric.build import border_arcs
from gridcell.fabric.land import Outlines, Patches
from gridcell.fabric.parts import Edges, components, match_edges
from gridcell.model import Fabric, Finding, Gates, Layers, Plan, place_of
from gridcell.partition.settle import absorb
from gridcell.revision.match import Descent, atom_shapes
from gridcell.rules import Rules
from gridcell.words.messages import Message, listed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_OFF_M: Final = 4e-5
"""How far the same border may be off: vertices on straight lines are not kept."""
_NEAR_M: Final = 1e-3
_SITE_SHARE: Final = 0.05
"""Share of a locked cell that a site may claim beyond its outline, and does not get."""
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
        sides = _Sides.of(fabric, shapes, home, kept, self.dedicated)
        redrawn = _redrawn(fabric, layers, sides) if sides.crossing.any() else None
        if redrawn is not None:
            fabric, side = redrawn
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
        least = np.maximum(_CUT_M2, _OFF_M * shapely.length(outlines[piece]))
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
            found.append(
                Finding(
                    kind="cut_building", severity="warning", place=place_of(outlines[first]),
                    cell=str(self.codes[cell[mine[0]]]), community=community[of_piece[first]],
                    measure=float(area[mine].sum()),
                    text=Message(
                        "finding.lock_cut_building", building=names[row], cells=cells,
                        part=float(area[mine].sum()), area=float(whole[mine].sum()),
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
    left = beyond > _OFF_M * shapely.length(shapes[there])
    inside[shapely.get_type_id(inside) != shapely.GeometryType.POLYGON] = None
    out[there[left]] = inside[left]
    return out


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Sides:
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
    ) -> "_Sides":
        polygons = atom_shapes(fabric)
        whole, off = shapely.area(polygons), _OFF_M * shapely.length(polygons)
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


def _redrawn(fabric: Fabric, layers: Layers, sides: _Sides) -> tuple[Fabric, Ints] | None:
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
        cls, faces: Geometries, atoms: Ints, cut: Ints, sides: _Sides, community: Ints
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
        thin = shapely.area(self.shapes) < _OFF_M * shapely.length(self.shapes)
        # A sliver goes to whom it lies along, not to whom it touches at its end.
        wide = np.ones(len(left), dtype=bool)
        for side in (left, right):
            wide &= ~(thin & ~self.right)[side] | (length > 0.2 * around[side])
        first, neighbour, weight = _rows(
            left[same & wide], right[same & wide], length[same & wide], len(self.owner)
        )
        has = np.where(self.right, self.owner, -1)
        # Sites take no other land than that of their own outline.
        has[self.right & is_site[self.owner] & (self.side < 0)] = -2
        for _ in range(2):
            filled = absorb(first, neighbour, weight, has)
            filled = np.where(has == -2, self.owner, filled)
            filled = np.where((filled == -1) & thin, self.owner, filled)
            piece = components(
                left[filled[left] == filled[right]], right[filled[left] == filled[right]],
                len(filled),
            )[1]  # fmt: skip
            area = np.bincount(piece, shapely.area(self.shapes) * np.where(self.right, 1e6, 1.0))
            order = np.lexsort((-area[piece], filled))
            best = np.full(filled.max(initial=-1) + 2, -1, dtype=np.int64)
            best[filled[order][::-1]] = piece[order][::-1]
            stray = (filled >= 0) & (best[filled] != piece)
            has = np.where(stray & (has != -2), -1, has)
            if not stray.any():
                break
        owner = np.where(stray & (has != -2), -1, filled)
        lost = np.flatnonzero(owner < 0)
        extra = lost[np.unique(piece[lost], return_index=True)[1]]
        owner[lost] = len(is_site) + np.searchsorted(piece[extra], piece[lost])
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
