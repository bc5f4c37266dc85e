"""Open land given to the footprint that it lies nearest to, without adding a vertex to any line.

Within a face the open land is triangulated (constrained Delaunay). Every vertex belongs to a
footprint: its own, or the one nearest along the edges of the triangles. Triangles whose corners
belong to different footprints are cut at the midpoints of their edges, which both neighbours share,
so that the pieces fit by construction. Edges on the rim of the face are never cut in the middle:
there the border ends at a vertex that the other side of the street has as well.

The idea is that of the morphological tessellation (Fleischmann et al. 2020, doi:10.1016/
j.compenvurbsys.2019.101441), on triangles in place of Voronoi cells of sampled outlines.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from gridcell.arrays import Geometries, run_starts

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Patches:
    """Pieces of land with one owner each, as directed edges with the patch on their left."""

    xy: NDArray[np.float64]
    """(vertices, 2)"""
    start: Ints
    """(edges,) vertex at which each edge begins."""
    stop: Ints
    """(edges,) vertex at which it ends."""
    patch: Ints
    """(edges,) patch on its left."""
    face: Ints
    """(patches,) face that the patch is of."""
    label: Ints
    """(patches,) its owner: a label of footprints, or -1 - face for land that nobody claims."""


def divide_land(
    faces: Geometries,
    community: Ints,
    label: Ints,
    *,
    is_open: NDArray[np.bool_],
    is_print: NDArray[np.bool_],
) -> Patches:
    """Return the faces, those with several footprints around open land divided among them.

    Parameters
    ----------
    faces
        (n,) Polygon, oriented, meeting edge to edge.
    community
        (n,) number of the community each lies in.
    label
        (n,) owner of each face, any numbers >= 0; of open faces it is not read.
    is_open
        (n,) whether a face is land to be given to footprints.
    is_print
        (n,) whether it is part of a footprint that may get such land; sites get none.
    """
    rings, face_of_ring = shapely.get_rings(faces, return_index=True)
    ring_xy, ring = shapely.get_coordinates(rings, return_index=True)
    face_of_point = face_of_ring[ring]

    vertex, count = _vertex_numbers(ring_xy)
    claims = _claims(vertex, face_of_point, community, label, is_print, count)
    claimed = _claimed_by(claims, vertex, community[face_of_point])
    owners = _owners_of_faces(face_of_point, claimed, is_open, len(faces))
    own = np.where(is_open, -1 - np.arange(len(faces)), label)
    own = np.where(owners.single >= 0, owners.single, own)
    shared = owners.several

    parts, of_part = shapely.get_parts(
        shapely.constrained_delaunay_triangles(faces[shared]), return_index=True
    )
    corner_xy = shapely.get_coordinates(parts).reshape(-1, 4, 2)[:, :3]
    turned = _signed_area(corner_xy) < 0
    corner_xy[turned] = corner_xy[turned][:, ::-1]
    vertex, count = _vertex_numbers(np.concatenate([ring_xy, corner_xy.reshape(-1, 2)]))
    xy = np.empty((count, 2))
    xy[vertex] = np.concatenate([ring_xy, corner_xy.reshape(-1, 2)])
    corners = vertex[len(ring_xy) :].reshape(-1, 3)
    vertex = vertex[: len(ring_xy)]
    face = np.flatnonzero(shared)[of_part]

    claims = _claims(vertex, face_of_point, community, label, is_print, count)
    along = ring[:-1] == ring[1:]
    wall = np.flatnonzero(along & is_print[face_of_point[:-1]])
    walls = _Walls.of(vertex[wall] * count + vertex[wall + 1], label[face_of_point[wall]])
    tri = _cut_triangles(corners, face, community, claims, walls, xy)

    whole = ~shared[face_of_point[:-1]] & along
    at = np.flatnonzero(whole)
    whole_faces = np.flatnonzero(~shared)
    number = np.full(len(faces), -1, dtype=np.int64)
    number[whole_faces] = np.arange(len(whole_faces))
    return Patches(
        xy=tri.xy,
        start=np.concatenate([vertex[at], tri.start]),
        stop=np.concatenate([vertex[at + 1], tri.stop]),
        patch=np.concatenate([number[face_of_point[at]], tri.patch + len(whole_faces)]),
        face=np.concatenate([whole_faces, tri.face]),
        label=np.concatenate([own[whole_faces], tri.label]),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _VertexOwners:
    """Which footprint stands at a vertex, by community."""

    key: Ints
    label: Ints
    vertices: int


@dataclass(frozen=True, eq=False, slots=True)
class _Walls:
    """Directed edges with a footprint on their left."""

    key: Ints
    """``start * vertices + stop``, sorted."""
    label: Ints

    @classmethod
    def of(cls, key: Ints, label: Ints) -> "_Walls":
        order = np.argsort(key, kind="stable")
        return cls(key[order], label[order])

    def behind(self, key: Ints) -> Ints:
        """Return the footprint on the left of each edge, -1 where there is none."""
        if not len(self.key):
            return np.full(len(key), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where(self.key[at] == key, self.label[at], -1)


@dataclass(frozen=True, eq=False, slots=True)
class _Owners:
    single: Ints
    several: NDArray[np.bool_]


def _vertex_numbers(xy: NDArray[np.float64]) -> tuple[Ints, int]:
    """Return the number of each point, equal points alike, numbered by x, then y."""
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    ranked = xy[order]
    new = np.concatenate([[True], (ranked[1:] != ranked[:-1]).any(axis=1)])
    number = np.empty(len(xy), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return number, int(new.sum())


def _signed_area(corner: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, c = corner[:, 0], corner[:, 1], corner[:, 2]
    area: NDArray[np.float64] = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1])
    area -= (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    return area


def _claims(
    vertex: Ints,
    face: Ints,
    community: Ints,
    label: Ints,
    is_print: NDArray[np.bool_],
    vertices: int,
) -> _VertexOwners:
    mine = is_print[face]
    key = community[face[mine]] * vertices + vertex[mine]
    order = np.lexsort((label[face[mine]], key))
    first = run_starts(key[order])
    return _VertexOwners(key[order][first], label[face[mine]][order][first], vertices)


def _claimed_by(claims: _VertexOwners, vertex: Ints, community: Ints) -> Ints:
    """Return the label that claims each vertex in a community, -1 where none does."""
    if not len(claims.key):
        return np.full(len(vertex), -1, dtype=np.int64)
    key = community * claims.vertices + vertex
    at = np.minimum(np.searchsorted(claims.key, key), len(claims.key) - 1)
    return np.where(claims.key[at] == key, claims.label[at], -1)


def _owners_of_faces(face: Ints, claimed: Ints, is_open: NDArray[np.bool_], n: int) -> _Owners:
    here = is_open[face] & (claimed >= 0)
    low = np.full(n, np.iinfo(np.int64).max)
    high = np.full(n, -1, dtype=np.int64)
    np.minimum.at(low, face[here], claimed[here])
    np.maximum.at(high, face[here], claimed[here])
    return _Owners(np.where(low == high, high, -1), low < high)


@dataclass(frozen=True, eq=False, slots=True)
class _Cut:
    xy: NDArray[np.float64]
    start: Ints
    stop: Ints
    patch: Ints
    face: Ints
    label: Ints


def _cut_triangles(
    corners: Ints,
    face: Ints,
    community: Ints,
    claims: _VertexOwners,
    walls: _Walls,
    xy: NDArray[np.float64],
) -> _Cut:
    """Return the triangles cut between the owners of their corners."""
    n, vertices = len(corners), claims.vertices
    empty = np.empty(0, dtype=np.int64)
    if not n:
        return _Cut(xy, empty, empty, empty, empty, empty)
    # A vertex on a street has an owner on each side: nodes are pairs of face and vertex.
    key = (face[:, None] * vertices + corners).ravel()
    nodes, node = np.unique(key, return_inverse=True)
    node = node.reshape(-1, 3)
    owner = _claimed_by(claims, nodes % vertices, community[nodes // vertices])

    head, tail = node.ravel(), node[:, [1, 2, 0]].ravel()
    low, high = np.minimum(head, tail), np.maximum(head, tail)
    order = np.lexsort((high, low))
    pair = low[order] * len(nodes) + high[order]
    first = run_starts(pair)
    edge = np.empty(len(low), dtype=np.int64)
    edge[order] = np.cumsum(np.isin(np.arange(len(pair)), first)) - 1
    start, stop = nodes[head[order][first]] % vertices, nodes[tail[order][first]] % vertices
    low, high = low[order][first], high[order][first]
    inner = np.diff(np.append(first, len(pair))) == 2
    point = xy[nodes % vertices]
    length = np.hypot(*(point[high] - point[low]).T)

    graph = coo_array((np.maximum(length, 1e-9), (low, high)), shape=(len(nodes),) * 2).tocsr()
    sources = np.flatnonzero(owner >= 0)
    far, _, source = dijkstra(
        graph, directed=False, indices=sources, min_only=True, return_predecessors=True
    )
    owner = owner[source]

    differ = owner[low] != owner[high]
    # A wall has its own footprint's land before it, though its corners may be its neighbours'.
    behind = walls.behind(stop * vertices + start)
    nearer_high = (behind != owner[low]) & (far[low] > far[high])
    outer_end = np.where((behind == owner[high]) | nearer_high, low, high)
    cut = np.where(differ, nodes[outer_end] % vertices, -1)
    halved = differ & inner
    cut[halved] = len(xy) + np.arange(halved.sum())
    middle = (point[low[halved]] + point[high[halved]]) / 2
    return _pieces(
        corners, face, owner[node], cut[edge].reshape(-1, 3), np.concatenate([xy, middle])
    )


def _pieces(corners: Ints, face: Ints, owner: Ints, cut: Ints, xy: NDArray[np.float64]) -> _Cut:
    """Return the pieces of triangles whose edges are cut at the vertices `cut` (-1: not cut).

    ``cut[:, i]`` is the cut of the edge from corner i to the next.
    """
    kinds = (cut >= 0).sum(axis=1)
    plain, two, three = (np.flatnonzero(kinds == k) for k in (0, 2, 3))
    # With two owners the odd corner comes first: the edge opposite to it is not cut.
    turn = (np.argmin(cut[two], axis=1) + 2) % 3
    rolled = (turn[:, None] + np.arange(3)) % 3
    v2 = np.take_along_axis(corners[two], rolled, axis=1)
    o2 = np.take_along_axis(owner[two], rolled, axis=1)
    c2 = np.take_along_axis(cut[two], rolled, axis=1)
    v3, o3, c3 = corners[three], owner[three], cut[three]
    centre = len(xy) + np.arange(len(three))
    xy = np.concatenate([xy, xy[v3].mean(axis=1)])

    none2 = np.full(len(two), -1, dtype=np.int64)
    rings = [
        np.column_stack([corners[plain], np.full(len(plain), -1, dtype=np.int64)]),
        np.column_stack([v2[:, 0], c2[:, 0], c2[:, 2], none2]),
        np.column_stack([c2[:, 0], v2[:, 1], v2[:, 2], c2[:, 2]]),
        *(np.column_stack([v3[:, i], c3[:, i], centre, c3[:, i - 1]]) for i in range(3)),
    ]
    ring = np.concatenate(rings)
    label = np.concatenate([owner[plain, 0], o2[:, 0], o2[:, 1], *(o3[:, i] for i in range(3))])
    of_face = np.concatenate([face[plain], face[two], face[two], *([face[three]] * 3)])

    # Where a cut is itself a corner, pieces lose edges, or vanish.
    stop = np.roll(ring, -1, axis=1)
    triangle = ring[:, 3] < 0
    stop[triangle, 2] = ring[triangle, 0]
    edge = (ring >= 0) & (ring != stop)
    edge[triangle, 3] = False
    alive = edge.sum(axis=1) >= 3
    ring, stop, edge = ring[alive], stop[alive], edge[alive]
    patch = np.broadcast_to(np.arange(len(ring))[:, None], ring.shape)
    return _Cut(xy, ring[edge], stop[edge], patch[edge], of_face[alive], label[alive])
