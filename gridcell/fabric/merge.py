"""Patches to atoms: connected, without splinters, numbered from north to south."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import run_starts
from gridcell.errors import GridcellError
from gridcell.fabric.land import Patches

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SPLINTER_M2 = 1.0
_SPLINTER_WIDTH_M = 0.5
"""Land without a building that is smaller, or thinner (twice area over perimeter), joins its
neighbour: it comes of lines digitised twice, and as an atom it blocks the search."""
_SPECK_M2 = 0.01
"""A footprint or a site smaller than this is no land of its own."""
_DETACHED_M2 = 200.0
"""Land of a building, cut off from it and smaller than this, joins its neighbour."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Atoms:
    """Numbered atoms and the edges between different ones."""

    xy: Floats
    low: Ints
    high: Ints
    left: Ints
    """Atom on the left of the edge from `low` to `high`, -1 outside."""
    right: Ints
    area: Floats
    centroid: Floats
    community: Ints
    site: Ints
    """(atoms,) number of the site part, -1 for general land."""
    atom_of_face: Ints
    """(faces,) its atom; -1 where open land was divided."""


@dataclass(frozen=True, eq=False, slots=True)
class _Edges:
    low: Ints
    high: Ints
    left: Ints
    right: Ints
    length: Floats


def merge_patches(
    patches: Patches,
    *,
    community_of_face: Ints,
    n_sites: int,
    footprint_face: NDArray[np.bool_],
    lived_in_face: NDArray[np.bool_],
    same_print: tuple[Ints, Ints],
    absorb_m2: float,
) -> Atoms:
    """Return the atoms that patches make up.

    Parameters
    ----------
    patches
        All patches of all faces.
    community_of_face
        (faces,) row of the community.
    n_sites
        Labels below this number are parts of sites.
    footprint_face
        (faces,) whether a face is part of a footprint.
    lived_in_face
        (faces,) whether that footprint holds households.
    same_print
        Pairs of face and footprint that lie over each other: a footprint in several pieces, because
        another one stands across it, makes one atom with that one.
    absorb_m2
        Land without households, cut off by sites and at most this large, joins a site.
    """
    edges = _match(patches)
    n = len(patches.face)
    community = community_of_face[patches.face]
    area, moment = _areas(patches, n)

    inner = (edges.left >= 0) & (edges.right >= 0)
    a, b = edges.left[inner], edges.right[inner]
    same = (patches.label[a] == patches.label[b]) & (community[a] == community[b])
    part = _components(a[same], b[same], n)
    parts = int(part.max()) + 1 if n else 0

    label = np.empty(parts, dtype=np.int64)
    label[part] = patches.label
    home = np.empty(parts, dtype=np.int64)
    home[part] = community
    size = np.bincount(part, weights=area, minlength=parts).astype(np.float64)
    has_print = np.zeros(parts, dtype=bool)
    has_print[part[footprint_face[patches.face]]] = True
    of_face = np.full(len(community_of_face), -1, dtype=np.int64)
    of_face[patches.face] = part
    divided = np.bincount(patches.face, minlength=len(of_face)) > 1
    part_of_face = np.where(divided, -1, of_face)

    site = (label >= 0) & (label < n_sites)
    touch = _touching(edges, part, home)
    rim = _perimeters(edges, part, parts)
    thin = (size < _SPLINTER_M2) | (2 * size < _SPLINTER_WIDTH_M * rim)
    detached = (label >= 0) & (size < _DETACHED_M2)
    loose = ~has_print & np.where(site, size < _SPLINTER_M2, thin | detached)
    loose |= size < _SPECK_M2
    lived_in = np.zeros(parts, dtype=bool)
    lived_in[part[lived_in_face[patches.face]]] = True
    enclosed = _cut_off(touch, home, site, lived_in, size, absorb_m2)
    links = [
        _glue_sites(label, site & ~loose),
        _glue_prints(touch, label, part_of_face, site, same_print),
        _join(touch, loose | enclosed, site, enclosed),
    ]
    tail, head = (np.concatenate([link[i] for link in links]) for i in (0, 1))
    group = _components(tail, head, parts)[part]

    atoms = int(group.max()) + 1 if n else 0
    atom_area = np.bincount(group, weights=area, minlength=atoms).astype(np.float64)
    centroid = np.column_stack(
        [np.bincount(group, weights=moment[:, i], minlength=atoms) / atom_area for i in (0, 1)]
    )
    atom_home = np.empty(atoms, dtype=np.int64)
    atom_home[group] = community
    atom_site = np.full(atoms, -1, dtype=np.int64)
    np.maximum.at(atom_site, group, np.where(site & ~loose, label, -1)[part])
    order = np.lexsort((centroid[:, 0], -centroid[:, 1], atom_home))
    number = np.empty(atoms, dtype=np.int64)
    number[order] = np.arange(atoms)

    atom_of_patch = number[group]
    left = np.where(edges.left >= 0, atom_of_patch[edges.left], -1)
    right = np.where(edges.right >= 0, atom_of_patch[edges.right], -1)
    border = left != right
    atom_of_part = np.empty(parts + 1, dtype=np.int64)
    atom_of_part[part] = atom_of_patch
    atom_of_part[-1] = -1
    return Atoms(
        xy=patches.xy,
        low=edges.low[border],
        high=edges.high[border],
        left=left[border],
        right=right[border],
        area=atom_area[order],
        centroid=centroid[order],
        community=atom_home[order],
        site=atom_site[order],
        atom_of_face=atom_of_part[part_of_face],
    )


def _match(patches: Patches) -> _Edges:
    """Return undirected edges with the patch on either side, -1 where there is none."""
    low = np.minimum(patches.start, patches.stop)
    high = np.maximum(patches.start, patches.stop)
    forward = patches.start < patches.stop
    order = np.lexsort((forward, high, low))
    key = low[order] * len(patches.xy) + high[order]
    first = run_starts(key)
    count = np.diff(np.append(first, len(key)))
    side = forward[order]
    doubled = (count == 2) & (side[first] == side[np.minimum(first + 1, len(side) - 1)])
    if (count > 2).any() or doubled.any():
        at = patches.xy[low[order][first[(count > 2) | doubled][0]]]
        raise GridcellError(
            f"the land near {at[0]:.3f} {at[1]:.3f} could not be divided: lines meet there closer "
            "than 0.01 mm; move or simplify them"
        )
    patch = patches.patch[order]
    left = np.full(len(first), -1, dtype=np.int64)
    right = left.copy()
    edge = np.repeat(np.arange(len(first)), count)
    left[edge[side]] = patch[side]
    right[edge[~side]] = patch[~side]
    low, high = low[order][first], high[order][first]
    step = patches.xy[high] - patches.xy[low]
    return _Edges(low, high, left, right, np.hypot(step[:, 0], step[:, 1]))


def _areas(patches: Patches, n: int) -> tuple[Floats, Floats]:
    """Return areas and first moments of patches, m2 and m3."""
    origin = patches.xy.mean(axis=0)
    p, q = patches.xy[patches.start] - origin, patches.xy[patches.stop] - origin
    # About the first vertex of each patch, so that far from the origin nothing cancels.
    anchor = np.empty((n, 2))
    anchor[patches.patch] = p
    p, q = p - anchor[patches.patch], q - anchor[patches.patch]
    cross = p[:, 0] * q[:, 1] - q[:, 0] * p[:, 1]
    area = np.bincount(patches.patch, weights=cross, minlength=n) / 2
    moment = np.column_stack(
        [
            np.bincount(patches.patch, weights=(p[:, i] + q[:, i]) * cross, minlength=n) / 6
            for i in (0, 1)
        ]
    )
    return area, moment + area[:, None] * (anchor + origin)


def _components(a: Ints, b: Ints, n: int) -> Ints:
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class _Touch:
    """Which parts of one community share a border: each pair once, both ways round."""

    a: Ints
    b: Ints
    length: Floats


def _touching(edges: _Edges, part: Ints, home: Ints) -> _Touch:
    inner = (edges.left >= 0) & (edges.right >= 0)
    a, b = part[edges.left[inner]], part[edges.right[inner]]
    length = edges.length[inner]
    keep = (a != b) & (home[a] == home[b])
    a, b, length = a[keep], b[keep], length[keep]
    a, b, length = np.concatenate([a, b]), np.concatenate([b, a]), np.concatenate([length, length])
    order = np.lexsort((b, a))
    a, b, length = a[order], b[order], length[order]
    first = run_starts(a * (len(home) + 1) + b)
    return _Touch(a[first], b[first], np.add.reduceat(length, first) if len(first) else length)


def _perimeters(edges: _Edges, part: Ints, parts: int) -> Floats:
    """Return the perimeter of each part, metres."""
    out = np.zeros(parts)
    left = np.where(edges.left >= 0, part[edges.left], -1)
    right = np.where(edges.right >= 0, part[edges.right], -1)
    border = left != right
    for side in (left, right):
        mine = border & (side >= 0)
        out += np.bincount(side[mine], weights=edges.length[mine], minlength=parts)
    return out


def _cut_off(
    touch: _Touch,
    home: Ints,
    site: NDArray[np.bool_],
    lived_in: NDArray[np.bool_],
    size: Floats,
    absorb_m2: float,
) -> NDArray[np.bool_]:
    """Return which parts lie behind a site, without households, in a small piece of land."""
    general = ~site[touch.a] & ~site[touch.b]
    region = _components(touch.a[general], touch.b[general], len(home))
    regions = int(region.max()) + 1 if len(region) else 0
    area = np.bincount(region, weights=size, minlength=regions)
    peopled = np.bincount(region, weights=lived_in & ~site, minlength=regions) > 0
    beside_site = np.zeros(regions, dtype=bool)
    beside_site[region[touch.a[site[touch.b]]]] = True
    small: NDArray[np.bool_] = ~site & ~peopled[region] & (area[region] <= absorb_m2)
    return small & beside_site[region]


def _glue_sites(label: Ints, mine: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return links that hold the parts of one site together."""
    rows = np.flatnonzero(mine)
    rows = rows[np.argsort(label[rows], kind="stable")]
    same = label[rows[1:]] == label[rows[:-1]]
    return rows[1:][same], rows[:-1][same]


def _glue_prints(
    touch: _Touch,
    label: Ints,
    part_of_face: Ints,
    site: NDArray[np.bool_],
    same_print: tuple[Ints, Ints],
) -> tuple[Ints, Ints]:
    """Return links between the neighbours that a footprint in several pieces lies over."""
    face, piece = same_print
    part = part_of_face[face]
    keep = (part >= 0) & ~site[part]
    part, piece = part[keep], piece[keep]
    order = np.lexsort((part, label[part], piece))
    part, piece = part[order], piece[order]
    # Two parts with one label: the footprint is torn. (Labels tell communities apart.)
    tear = (
        (piece[1:] == piece[:-1]) & (label[part[1:]] == label[part[:-1]]) & (part[1:] != part[:-1])
    )
    torn = np.isin(piece, piece[1:][tear])
    part, piece = part[torn], piece[torn]
    under = coo_array(
        (np.ones(len(part), dtype=np.int64), (part, piece)),
        shape=(len(label), int(piece.max(initial=-1)) + 1),
    ).tocsr()
    both = np.isin(touch.a, part) & np.isin(touch.b, part)
    a, b = touch.a[both], touch.b[both]
    link = under[a].multiply(under[b]).sum(axis=1) > 0
    return a[link], b[link]


def _join(
    touch: _Touch,
    loose: NDArray[np.bool_],
    site: NDArray[np.bool_],
    to_site: NDArray[np.bool_],
) -> tuple[Ints, Ints]:
    """Return links from loose parts to the neighbour with the longest shared border.

    A part behind a site joins it; any other joins a site only where nothing else touches it.
    """
    pending = loose.copy()
    tails, heads = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    weight = np.where(site[touch.b] & ~to_site[touch.a], touch.length * 1e-6, touch.length)
    while True:
        open_ = pending[touch.a] & ~pending[touch.b]
        a, b, w = touch.a[open_], touch.b[open_], weight[open_]
        order = np.lexsort((b, -w, a))
        first = run_starts(a[order])
        a, b = a[order][first], b[order][first]
        if not len(a):
            return np.concatenate(tails), np.concatenate(heads)
        pending[a] = False
        tails.append(a)
        heads.append(b)
