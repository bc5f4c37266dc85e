"""Narrow gaps and overlaps given to one community each, so that every one stays in one piece."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, permutations
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.land_faces import SNAP_M, Faces, Floats, Ints, neighbours
from gridcell.coverage.width import width_of

_ORDERS: Final = 24
"""Orders of the neighbours of a gap that are tried."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Heal:
    """Land that changed hands."""

    kind: str
    """``gap``, ``overlap`` or ``sliver`` (cut off from its community by a neighbour's border)."""
    shape: shapely.Geometry
    between: list[int]
    to: int


def heal_faces(
    faces: Faces, gaps: NDArray[np.bool_], polygons: Geometries, heal_width: float
) -> tuple[Geometries, list[Heal]]:
    """Return the polygons with every face given to one of them, and what changed hands.

    Parameters
    ----------
    faces
        The faces between the borders of the polygons.
    gaps
        Which faces are gaps to be closed; other faces without owner stay open.
    polygons
        The (Multi)Polygons; those whose faces are what they were are returned as they are.
    heal_width
        Metres that a border may move.
    """
    work = _Work(faces, gaps, polygons, heal_width)
    work.spread(limited=True)
    for gap, ranked in work.crossings:
        work.fill(gap, ranked)
    work.spread(limited=False)
    return work.result()


class _Work:
    """The pieces, who has them, and whom they border on."""

    def __init__(
        self, faces: Faces, gaps: NDArray[np.bool_], polygons: Geometries, heal_width: float
    ) -> None:
        self.polygons, self.heal_width = polygons, heal_width
        shapes: list[shapely.Geometry] = list(faces.shapes)
        self.origin = list(range(len(shapes)))
        self.around = {int(g): around(faces, int(g)) for g in np.flatnonzero(gaps)}
        self.crossings: list[tuple[list[int], Ints]] = []
        self.gone: set[int] = set()
        for gap, ranked in self.around.items():
            if len(ranked) > 2:
                parts = shapely.get_parts(shapely.constrained_delaunay_triangles(shapes[gap]))
                self.crossings.append((list(range(len(shapes), len(shapes) + len(parts))), ranked))
                shapes += list(parts)
                self.origin += [gap] * len(parts)
                self.gone.add(gap)
        self.shapes = np.array(shapes, dtype=object)
        present = np.array([i for i in range(len(shapes)) if i not in self.gone], dtype=np.int64)
        left, right, length = neighbours(self.shapes[present])
        self.left, self.right, self.length = present[left], present[right], length
        self.owners = faces.owners
        self.owner = np.full(len(shapes), -1, dtype=np.int64)
        self.open = {
            i for i in present.tolist()
            if self.origin[i] in self.around or len(self.owners[self.origin[i]]) > 0
        }  # fmt: skip
        self._seed()

    def _seed(self) -> None:
        """Settle the faces that stay: the largest of each part of a polygon, and all wide ones."""
        single = np.array([i for i, o in enumerate(self.owners) if len(o) == 1], dtype=np.int64)
        shapes = self.shapes[single]
        parts, _ = shapely.get_parts(self.polygons, return_index=True)
        row, part = shapely.STRtree(parts).query(
            shapely.point_on_surface(shapes), predicate="intersects"
        )
        area = shapely.area(shapes)
        order = np.lexsort((row, -area[row], part))
        first = np.ones(len(order), dtype=bool)
        first[1:] = part[order][1:] != part[order][:-1]
        stays = np.zeros(len(single), dtype=bool)
        stays[row[order][first]] = True
        stays[~stays] = width_of(shapes[~stays]) >= self.heal_width
        for face in single[stays].tolist():
            self.owner[face] = self.owners[face][0]
            self.open.discard(face)

    def _borders(self, piece: int) -> dict[int, float]:
        """Return the length of border with each community that has a neighbour of the piece."""
        total: dict[int, float] = {}
        for row in range(*np.searchsorted(self.left, np.array([piece, piece + 1]))):
            owner = int(self.owner[self.right[row]])
            if owner >= 0:
                total[owner] = total.get(owner, 0.0) + float(self.length[row])
        return total

    def spread(self, *, limited: bool) -> None:
        """Give pieces, round by round, to the neighbour with the longest border.

        `limited`: overlaps only to their owners, and no pieces of gaps among three or more.
        """
        rows = np.lexsort((self.right, self.left))
        self.left, self.right, self.length = self.left[rows], self.right[rows], self.length[rows]
        while True:
            given: dict[int, int] = {}
            for piece in sorted(self.open):
                own = self.owners[self.origin[piece]] if self.origin[piece] == piece else []
                if limited and self.origin[piece] != piece:
                    continue
                borders = self._borders(piece)
                if limited and len(own):
                    borders = {c: b for c, b in borders.items() if c in own}
                if borders:
                    far = self._far(piece, borders)
                    given[piece] = min(borders, key=lambda c: (far[c], -borders[c], c))
            if not given:
                return
            for piece, owner in given.items():
                self.owner[piece] = owner
            self.open -= given.keys()

    def _far(self, piece: int, communities: Iterable[int]) -> dict[int, float]:
        """Return how far beyond `heal_width` the piece of a divided gap would take each."""
        if self.origin[piece] == piece:
            return dict.fromkeys(communities, 0.0)
        corners = shapely.points(shapely.get_coordinates(self.shapes[piece]))
        return {
            c: max(float(shapely.distance(corners, self.polygons[c]).max()) - self.heal_width, 0.0)
            for c in communities
        }

    def fill(self, pieces: list[int], ranked: Ints) -> None:
        """Give the triangles of a gap to its neighbours, each all that it reaches and is near.

        Who comes first may cut others off from triangles that only they are near, so the orders of
        the neighbours are tried until one leaves nothing over; longest border first.
        """
        corners = shapely.get_coordinates(self.shapes[pieces]).reshape(-1, 4, 2)[:, :3]
        points = np.asarray(shapely.points(corners), dtype=object)
        near = {
            c: np.flatnonzero(
                shapely.distance(points, self.polygons[c]).max(axis=1) <= self.heal_width
            ).tolist()
            for c in ranked.tolist()
        }
        best: dict[int, int] = {}
        for order in islice(permutations(ranked.tolist()), _ORDERS):
            given: dict[int, int] = {}
            for community in order:
                self._grow(community, [pieces[i] for i in near[community]], given)
            if len(given) > len(best):
                best = given
            if len(best) == len(pieces):
                break
        for piece, owner in best.items():
            self.owner[piece] = owner
        self.open -= best.keys()

    def _grow(self, community: int, near: list[int], given: dict[int, int]) -> None:
        """Add to `given` what the community reaches of the pieces that it is near."""
        waiting = [p for p in near if p not in given]
        while True:
            reached = [
                p for p in waiting
                if any(
                    given.get(n, self.owner[n]) == community
                    for n in self.right[slice(*np.searchsorted(self.left, [p, p + 1]))].tolist()
                )
            ]  # fmt: skip
            if not reached:
                return
            given.update(dict.fromkeys(reached, community))
            waiting = [p for p in waiting if p not in given]

    def result(self) -> tuple[Geometries, list[Heal]]:
        out = self.polygons.copy()
        for row in range(len(out)):
            parts = self.shapes[self.owner == row]
            # A single face is what it was; several weld exactly, since all share vertices.
            merged = parts[0] if len(parts) == 1 else shapely.coverage_union_all(parts)
            if not shapely.equals_exact(shapely.normalize(merged), shapely.normalize(out[row])):
                out[row] = merged
        return out, self._heals()

    def _heals(self) -> list[Heal]:
        heals = []
        moved = [
            i for i in np.flatnonzero(self.owner >= 0).tolist()
            if self.owners_of(i) != [self.owner[i]]
        ]  # fmt: skip
        groups: dict[tuple[int, int], list[int]] = {}
        for piece in moved:
            groups.setdefault((self.origin[piece], int(self.owner[piece])), []).append(piece)
        for (face, to), pieces in sorted(groups.items()):
            own = self.owners_of(pieces[0])
            kind = "gap" if face in self.around else "overlap" if len(own) > 1 else "sliver"
            between = [int(c) for c in (self.around[face] if kind == "gap" else own)]
            shape = shapely.coverage_union_all(self.shapes[pieces])
            heals.append(Heal(kind=kind, shape=shape, between=_with(between, to), to=to))
        return heals

    def owners_of(self, piece: int) -> list[int]:
        return [int(o) for o in self.owners[self.origin[piece]]]


def around(faces: Faces, face: int) -> Ints:
    """Return the communities that share border with a face, longest border first."""
    total: dict[int, float] = {}
    for row in range(*np.searchsorted(faces.left, np.array([face, face + 1]))):
        owner = faces.owners[faces.right[row]]
        if len(owner) == 1:
            total[int(owner[0])] = total.get(int(owner[0]), 0.0) + float(faces.length[row])
    return np.array(sorted(total, key=lambda c: (-total[c], c)), dtype=np.int64)


def snapped_to(rim: Floats, segments: Floats, reach: float) -> Floats:
    """Return the segments with their ends on the nearest vertex, else edge, of the rim in reach."""
    ends = segments.reshape(-1, 2).copy()
    points = np.asarray(shapely.points(ends), dtype=object)
    vertices = np.asarray(shapely.points(rim[:, 0]), dtype=object)
    edges = np.asarray(shapely.linestrings(rim), dtype=object)
    row, edge = shapely.STRtree(edges).query_nearest(points, max_distance=reach, all_matches=False)
    along = shapely.line_locate_point(edges[edge], points[row])
    ends[row] = shapely.get_coordinates(shapely.line_interpolate_point(edges[edge], along))
    row, vertex = shapely.STRtree(vertices).query_nearest(
        points, max_distance=reach, all_matches=False
    )
    # A narrow mouth must not collapse into one of its two lips.
    lips = np.repeat(0.3 * np.hypot(*(segments[:, 1] - segments[:, 0]).T), 2)[row]
    close = np.hypot(*(rim[vertex, 0] - ends[row]).T) <= np.maximum(lips, SNAP_M)
    ends[row[close]] = rim[vertex[close], 0]
    out = ends.reshape(-1, 2, 2)
    kept: Floats = out[(out[:, 0] != out[:, 1]).any(axis=1)]
    return kept


def _with(codes: Iterable[int], to: int) -> list[int]:
    out = list(codes)
    return out if to in out else [*out, to]
