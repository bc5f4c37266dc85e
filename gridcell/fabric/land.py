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
from scipy.sparse.csgraph import connected_components, dijkstra

from gridcell.arrays import Geometries, number_points, run_starts
from gridcell.fabric.gates import Walls, gates_between, slide_vertices, straight_vertices
from gridcell.model import Gates

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
    gates: Gates


def divide_land(
    faces: Geometries,
    community: Ints,
    label: Ints,
    *,
    is_open: NDArray[np.bool_],
    is_print: NDArray[np.bool_],
    block: Ints,
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
    block
        (n,) the same number for faces whose open land is divided as if it were one.
    """
    outlines = Outlines.of(faces)
    vertex, count = number_points(outlines.xy)
    claims = _claims(vertex, outlines.face, community, label, is_print, count)
    claimed = _claimed_by(claims, vertex, community[outlines.face])
    block = _in_one_piece(block, outlines.face, vertex, is_open)
    owners = _owners_of_blocks(block, outlines.face, claimed, is_open)
    own = np.where(is_open, -1 - np.arange(len(faces)), label)
    own = np.where(owners.single >= 0, owners.single, own)
    corner_xy, face = _triangulate(faces, owners.several)

    point = np.concatenate([outlines.xy, corner_xy.reshape(-1, 2)])
    number, count = number_points(point)
    xy = np.empty((count, 2))
    xy[number] = point
    vertex, corners = np.split(number, [len(outlines.xy)])
    claims = _claims(vertex, outlines.face, community, label, is_print, count)
    start, stop, left = outlines.edges(vertex, is_print)
    walls = Walls.of(start * count + stop, label[left])
    start, stop, left = outlines.edges(vertex, np.ones(len(faces), dtype=bool))
    straight = straight_vertices(start, stop, community[left], xy)
    straight[claims.key % count] = False
    cut = _cut_triangles(
        corners.reshape(-1, 3), face, block, community, claims, walls, xy, straight
    )

    whole = np.flatnonzero(~owners.several)
    patch_of_face = np.full(len(faces), -1, dtype=np.int64)
    patch_of_face[whole] = np.arange(len(whole))
    start, stop, left = outlines.edges(vertex, ~owners.several)
    return Patches(
        xy=cut.xy,
        start=np.concatenate([start, cut.start]),
        stop=np.concatenate([stop, cut.stop]),
        patch=np.concatenate([patch_of_face[left], cut.patch + len(whole)]),
        face=np.concatenate([whole, cut.face]),
        label=np.concatenate([own[whole], cut.label]),
        gates=cut.gates,
    )


@dataclass(frozen=True, eq=False, slots=True)
class Outlines:
    """The rings of faces, one point after another."""

    xy: NDArray[np.float64]
    ring: Ints
    """(points,)"""
    face: Ints
    """(points,)"""

    @classmethod
    def of(cls, faces: Geometries) -> "Outlines":
        """Return the rings of polygons."""
        rings, face = shapely.get_rings(faces, return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        return cls(xy, ring, face[ring])

    def edges(self, vertex: Ints, of: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
        """Return the edges of some faces: where they start and stop, and the face on their left.

        Parameters
        ----------
        vertex
            (points,) vertex at each point.
        of
            (faces,) which.
        """
        at = np.flatnonzero((self.ring[:-1] == self.ring[1:]) & of[self.face[:-1]])
        return vertex[at], vertex[at + 1], self.face[at]


def _triangulate(faces: Geometries, which: NDArray[np.bool_]) -> tuple[NDArray[np.float64], Ints]:
    """Return the corners of triangles, (triangles, 3, 2), that turn left, and the face of each."""
    triangles = shapely.constrained_delaunay_triangles(faces[which])
    # Read from the collections: millions of triangles as objects take longer than their making.
    xy, of_point = shapely.get_coordinates(triangles, return_index=True)
    corner_xy = xy.reshape(-1, 4, 2)[:, :3].copy()
    turned = _signed_area(corner_xy) < 0
    corner_xy[turned] = corner_xy[turned][:, ::-1]
    return corner_xy, np.flatnonzero(which)[of_point[::4]]


@dataclass(frozen=True, eq=False, slots=True)
class _VertexOwners:
    """Which footprint stands at a vertex, by community."""

    key: Ints
    label: Ints
    vertices: int


@dataclass(frozen=True, eq=False, slots=True)
class _Owners:
    single: Ints
    several: NDArray[np.bool_]


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


def _in_one_piece(block: Ints, face: Ints, vertex: Ints, is_open: NDArray[np.bool_]) -> Ints:
    """Return the block of each face anew, so that the open land of each is in one piece.

    Sites cut off land on which no footprint stands: it has another owner than the rest.
    """
    here = is_open[face]
    key = block[face[here]] * (int(vertex.max(initial=0)) + 1) + vertex[here]
    meets = len(block) + np.unique(key, return_inverse=True)[1]
    n = len(block) + len(meets)
    graph = coo_array((np.ones(len(meets), dtype=bool), (face[here], meets)), shape=(n, n))
    piece = connected_components(graph, directed=False)[1][: len(block)]
    number: Ints = np.unique(block * n + piece, return_inverse=True)[1]
    return number


def _owners_of_blocks(
    block: Ints, face: Ints, claimed: Ints, is_open: NDArray[np.bool_]
) -> _Owners:
    """Return for each face who claims vertices of the open land of its block."""
    here = is_open[face] & (claimed >= 0)
    n = int(block.max(initial=-1)) + 1
    low = np.full(n, np.iinfo(np.int64).max)
    high = np.full(n, -1, dtype=np.int64)
    np.minimum.at(low, block[face[here]], claimed[here])
    np.maximum.at(high, block[face[here]], claimed[here])
    single = np.where(is_open & (low == high)[block], high[block], -1)
    return _Owners(single, is_open & (low < high)[block])


@dataclass(frozen=True, eq=False, slots=True)
class _Cut:
    xy: NDArray[np.float64]
    start: Ints
    stop: Ints
    patch: Ints
    face: Ints
    label: Ints
    gates: Gates


def _cut_triangles(
    corners: Ints,
    face: Ints,
    block: Ints,
    community: Ints,
    claims: _VertexOwners,
    walls: Walls,
    xy: NDArray[np.float64],
    straight: NDArray[np.bool_],
) -> _Cut:
    """Return the triangles cut between the owners of their corners.

    Vertices on straight streets are moved to where land of two owners meets.
    """
    vertices = claims.vertices
    if not len(corners):
        empty = np.empty(0, dtype=np.int64)
        gates = gates_between(np.empty((0, 2), dtype=np.int64), walls, xy)
        return _Cut(xy, empty, empty, empty, empty, empty, gates)
    # A vertex on a street has an owner on each side: nodes are pairs of block and vertex.
    key = (block[face][:, None] * vertices + corners).ravel()
    home = np.empty(int(block.max()) + 1, dtype=np.int64)
    home[block] = community
    nodes, node = np.unique(key, return_inverse=True)
    node = node.reshape(-1, 3)
    vertex = nodes % vertices
    edges = _TriangleEdges.of(node)
    low, high = edges.low, edges.high
    length = np.hypot(*(xy[vertex[high]] - xy[vertex[low]]).T)
    owner, far = _nearest_owner(
        _claimed_by(claims, vertex, home[nodes // vertices]), low, high, length
    )

    differ = owner[low] != owner[high]
    # A wall has its own footprint's land before it, though its corners may be its neighbours'.
    behind = walls.behind(vertex[edges.stop] * vertices + vertex[edges.start])
    nearer_high = (behind != owner[low]) & (far[low] > far[high])
    outer_end = np.where((behind == owner[high]) | nearer_high, low, high)
    other_end = np.where(outer_end == low, high, low)
    cut = np.where(differ, vertex[outer_end], -1)
    loose = differ & ~edges.inner & straight[vertex[outer_end]]
    xy = slide_vertices(
        vertex[outer_end[loose]], vertex[other_end[loose]],
        ((length + far[other_end] - far[outer_end]) / (2 * length))[loose].clip(0, 1), corners, xy,
    )  # fmt: skip
    halved = differ & edges.inner
    cut[halved] = len(xy) + np.arange(halved.sum())
    ends = np.column_stack([vertex[low[halved]], vertex[high[halved]]])
    middle = (xy[ends[:, 0]] + xy[ends[:, 1]]) / 2
    gates = gates_between(ends, walls, xy)
    return _pieces(
        corners, face, owner[node], cut[edges.number], np.concatenate([xy, middle]), gates
    )


@dataclass(frozen=True, eq=False, slots=True)
class _TriangleEdges:
    """The edges of triangles, those that two share once, by their ends."""

    low: Ints
    high: Ints
    """(edges,) nodes at the ends, the lower and the higher."""
    start: Ints
    stop: Ints
    """(edges,) the same as the first triangle at the edge goes round."""
    inner: NDArray[np.bool_]
    """(edges,) whether two triangles share it."""
    number: Ints
    """(triangles, 3) number of the edge from each corner to the next."""

    @classmethod
    def of(cls, node: Ints) -> "_TriangleEdges":
        head, tail = node.ravel(), node[:, [1, 2, 0]].ravel()
        low, high = np.minimum(head, tail), np.maximum(head, tail)
        order = np.lexsort((high, low))
        pair = low[order] * (int(node.max()) + 1) + high[order]
        first = run_starts(pair)
        met = np.diff(np.append(first, len(pair)))
        number = np.empty(len(low), dtype=np.int64)
        number[order] = np.repeat(np.arange(len(first)), met)
        shown = order[first]
        return cls(
            low[shown], high[shown], head[shown], tail[shown], met == 2, number.reshape(-1, 3),
        )  # fmt: skip


def _nearest_owner(
    owner: Ints, low: Ints, high: Ints, length: NDArray[np.float64]
) -> tuple[Ints, NDArray[np.float64]]:
    """Return the owner of each node, or of the one with an owner nearest along edges, and how far.

    Parameters
    ----------
    owner
        (nodes,) -1 for none.
    low, high, length
        (edges,) nodes at the ends, and metres.
    """
    n = len(owner)
    graph = coo_array((np.maximum(length, 1e-9), (low, high)), shape=(n, n)).tocsr()
    far, _, source = dijkstra(
        graph, directed=False, indices=np.flatnonzero(owner >= 0), min_only=True,
        return_predecessors=True,
    )  # fmt: skip
    return owner[source], far


def _pieces(
    corners: Ints, face: Ints, owner: Ints, cut: Ints, xy: NDArray[np.float64], gates: Gates
) -> _Cut:
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
    slant = np.concatenate([gates.slant, np.ones((len(three), 2))])
    gates = Gates(ends=np.concatenate([gates.ends, v3]), slant=slant)

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
    return _Cut(xy, ring[edge], stop[edge], patch[edge], of_face[alive], label[alive], gates)
