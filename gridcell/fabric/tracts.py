"""Tracts: a few communities whose land is cut into atoms as one task, and what they need for it.

A tract knows every line within `REACH_M` of its land, whole: what is noded along a border is noded
alike on both sides of it, and the borders of two tracts fit vertex by vertex
(`gridcell.fabric.seams`).
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.fabric.barriers import ON_BARRIER_M, edge_classes
from gridcell.fabric.footprints import Footprints
from gridcell.fabric.land import divide_land
from gridcell.fabric.linework import faces_of, node
from gridcell.fabric.merge import Atoms, NumberedAtoms, merge_patches
from gridcell.fabric.sites import SiteLand
from gridcell.files.digest import digest_arrays
from gridcell.model import Gates

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LEAST_PRINTS: Final = 400
"""Communities in a row with fewer footprints together are one tract: each has a cost of its own."""
REACH_M: Final = 1e-3
"""Lines nearer than this to some land may be noded with those on its boundary: far above the
precision of noding."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Linework:
    """All that the land of all communities is cut by."""

    land: Geometries
    """(communities,)"""
    lines: Geometries
    relief: Geometries
    """Those of the lines that split crowded blocks and long strips."""
    blocks: Geometries
    """The crowded blocks, whole."""
    prints: Footprints
    sites: SiteLand
    barriers: Geometries
    barrier_class: Ints
    """(barriers,)"""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Tract:
    """Communities, and all that lies on their land or beside it."""

    rows: Ints
    """Rows of the communities, ascending."""
    row: Ints
    """(land,) rows of these communities and of those beside them."""
    land: Geometries
    lines: Geometries
    relief: Geometries
    blocks: Geometries
    print_row: Ints
    """(prints,) rows among all footprints."""
    prints: Footprints
    site_row: Ints
    """(parts of sites,) rows among all of them."""
    sites: SiteLand
    barriers: Geometries
    barrier_class: Ints
    absorb_m2: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TractAtoms(NumberedAtoms):
    """The atoms of a tract; parts of sites have their rows among all."""

    flag: Ints
    """(edges,) 0, or 1 + the class of the barrier on which it runs."""
    piece: Ints
    """(claims,) footprints of which an atom has a face, rows among all."""
    atom: Ints
    """(claims,) that atom."""
    at_home: NDArray[np.bool_]
    """(claims,) whether the face lies in the community in which most of the footprint stands."""
    own: NDArray[np.bool_]
    """(claims,) whether the footprint has the land, and no smaller one that stands across it."""
    face_m2: Floats
    """(claims,) area of the face."""


def group_communities(linework: Linework) -> Ints:
    """Return the number of the tract of each community: one each, those with few footprints joined.

    It depends on nothing but the inputs, so that workers change no byte.
    """
    home = linework.prints.home
    group = np.empty(len(linework.land), dtype=np.int64)
    number, held = 0, 0
    for row, count in enumerate(np.bincount(home[home >= 0], minlength=len(group)).tolist()):
        if held and held + count > LEAST_PRINTS:
            number, held = number + 1, 0
        group[row] = number
        held += count
    return group


def cut_tracts(linework: Linework, together: Ints, absorb_m2: float) -> list[Tract]:
    """Return the tracts of all communities, by number.

    Parameters
    ----------
    linework
        What the land is cut by.
    together
        (communities,) number of the tract of each, as `group_communities` gives them.
    absorb_m2
        See `gridcell.fabric.merge.merge_patches`.
    """
    lines, relief, blocks, prints, sites, barriers = (
        shapely.STRtree(each)
        for each in (
            linework.lines, linework.relief, linework.blocks, linework.prints.geometry,
            linework.sites.geometry, linework.barriers,
        )
    )  # fmt: skip
    land = shapely.STRtree(linework.land)
    tracts = []
    for number in np.unique(together).tolist():
        rows = np.flatnonzero(together == number)
        mine = linework.land[rows]
        row = near(land, mine, REACH_M)
        print_row, site_row = near(prints, mine, REACH_M), near(sites, mine, REACH_M)
        barrier = near(barriers, mine, 2 * ON_BARRIER_M)
        tracts.append(
            Tract(
                rows=rows, row=row, land=linework.land[row],
                lines=linework.lines[near(lines, mine, REACH_M)],
                relief=linework.relief[near(relief, mine, REACH_M)],
                blocks=linework.blocks[near(blocks, mine, REACH_M)],
                print_row=print_row, prints=linework.prints.take(print_row),
                site_row=site_row, sites=linework.sites.take(site_row, print_row),
                barriers=linework.barriers[barrier],
                barrier_class=linework.barrier_class[barrier], absorb_m2=absorb_m2,
            )
        )  # fmt: skip
    return tracts


def tract_digest(tract: Tract, codes: NDArray[np.object_], names: NDArray[np.object_]) -> str:
    """Return the digest of all that the land of a tract is cut by, wherever its rows are.

    Parameters
    ----------
    tract
        The tract.
    codes
        (communities,) codes of all communities.
    names
        (sources,) ids of all buildings.
    """
    prints, sites = tract.prints, tract.sites
    own = np.concatenate([[-1], sites.row, sites.of_print])
    number = np.unique(own, return_inverse=True)[1]
    first = np.full(len(own), len(own))
    np.minimum.at(first, number, np.arange(len(own)))
    home = np.array([*codes, None], dtype=object)
    return digest_arrays(
        codes[tract.rows], codes[tract.row], tract.land, _sorted(tract.lines),
        _sorted(tract.relief), _sorted(tract.blocks), prints.geometry, names[prints.source],
        prints.slab, prints.slabs, prints.households, home[prints.home], prints.rank,
        sites.geometry, codes[sites.community], first[number], tract.barriers,
        tract.barrier_class, np.array([tract.absorb_m2]),
    )  # fmt: skip


def _sorted(shapes: Geometries) -> Geometries:
    """Return shapes in an order of their own: that of lines is no matter when they are noded."""
    return shapes[np.argsort(shapely.to_wkb(shapes), kind="stable")]


def near(tree: shapely.STRtree, land: Geometries, metres: float) -> Ints:
    """Return the rows of what lies within some metres of some land, in their order."""
    return np.unique(tree.query(land, predicate="dwithin", distance=metres)[1])


def cut_tract(tract: Tract) -> TractAtoms:
    """Return the atoms of a tract."""
    faces = _faces(tract)
    atoms = _atoms(tract, faces)
    hits = faces.hits
    own = hits.first[hits.face] == hits.piece
    atom = atoms.atom_of_face[hits.face]
    ends = np.unique(np.concatenate([atoms.low, atoms.high]))
    of_gates = atoms.gates.ends[ends]
    used = np.unique(np.concatenate([ends, of_gates[of_gates >= 0]]))
    number = np.full(len(atoms.xy) + 1, -1, dtype=np.int64)
    number[used] = np.arange(len(used))
    low, high, xy = number[atoms.low], number[atoms.high], atoms.xy[used]
    gates = Gates(ends=number[atoms.gates.ends[used]], slant=atoms.gates.slant[used])
    flag = np.zeros(len(low), dtype=np.int64)
    if len(tract.barriers):
        # Lines of barriers have only vertices that stay; borders in the open do not run on them.
        still = gates.ends[:, 0] < 0
        fixed = still[low] & still[high]
        flag[fixed] = edge_classes(
            xy[low[fixed]], xy[high[fixed]], tract.barriers, tract.barrier_class
        )
    return TractAtoms(
        xy=xy, low=low, high=high, left=atoms.left, right=atoms.right, flag=flag, gates=gates,
        area=atoms.area, centroid=atoms.centroid, community=atoms.community,
        site=np.append(tract.site_row, -1)[atoms.site], crumbs=atoms.crumbs,
        piece=tract.print_row[hits.piece], atom=atom, own=own,
        at_home=atoms.community[atom] == tract.prints.home[hits.piece],
        face_m2=shapely.area(faces.geometry[hits.face]),
    )  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class _Hits:
    """Which footprints lie over which faces."""

    face: Ints
    piece: Ints
    """One entry for each footprint over a face, the one that has the land first."""
    first: Ints
    """(faces,) the footprint that has the land, -1 for none."""


@dataclass(frozen=True, eq=False, slots=True)
class _LandFaces:
    """Faces of all linework inside the communities, and what lies over them."""

    geometry: Geometries
    community: Ints
    site: Ints
    """Part of a site that has the land, -1 for none."""
    hits: _Hits
    block: Ints
    """What is divided as one has the same number: the pieces of a crowded block."""


def _faces(tract: Tract) -> _LandFaces:
    # In normal form: what becomes of a face depends on nothing beside it.
    faces = shapely.orient_polygons(shapely.normalize(faces_of(node(tract.lines, tract.relief))))
    point = shapely.point_on_surface(faces)
    community = _container(point, tract)
    inside = np.isin(community, tract.rows)
    faces, point, community = faces[inside], point[inside], community[inside]
    hits = _hits(point, tract.prints)
    site = tract.sites.holding(point, community, hits.first)
    block = np.arange(len(faces))
    face, of = shapely.STRtree(tract.blocks).query(point, predicate="within")
    block[face] = len(faces) + of
    return _LandFaces(faces, community, site, hits, block)


def _container(point: Geometries, tract: Tract) -> Ints:
    """Return the community, of the smallest land, at each point; -1 for none."""
    face, land = shapely.STRtree(tract.land).query(point, predicate="intersects")
    order = np.lexsort((land, shapely.area(tract.land)[land], face))[::-1]
    out = np.full(len(point), -1, dtype=np.int64)
    out[face[order]] = tract.row[land[order]]
    return out


def _hits(point: Geometries, prints: Footprints) -> _Hits:
    face, piece = shapely.STRtree(prints.geometry).query(point, predicate="intersects")
    order = np.lexsort((piece, prints.rank[piece], face))
    face, piece = face[order], piece[order]
    first = np.full(len(point), -1, dtype=np.int64)
    first[face[::-1]] = piece[::-1]
    return _Hits(face, piece, first)


def _atoms(tract: Tract, faces: _LandFaces) -> Atoms:
    """Return the faces divided among their owners and merged into atoms of the communities."""
    piece, n_sites = faces.hits.first, len(tract.site_row)
    general = faces.site < 0
    own = np.searchsorted(tract.rows, faces.community)
    # Labels: sites, then footprints by community, so that a part abroad is an atom of its own.
    label = np.where(general, n_sites + piece * len(tract.rows) + own, faces.site)
    is_open = general & (piece < 0)
    patches = divide_land(
        faces.geometry,
        own,
        np.where(is_open, -1, label),
        is_open=is_open,
        is_print=general & (piece >= 0),
        block=faces.block,
    )
    atoms = merge_patches(
        patches,
        community_of_face=own,
        n_sites=n_sites,
        footprint_face=piece >= 0,
        lived_in_face=np.append(tract.prints.households, 0)[piece] > 0,
        same_print=(faces.hits.face, faces.hits.piece),
        absorb_m2=tract.absorb_m2,
    )
    crumbs = replace(atoms.crumbs, community=tract.rows[atoms.crumbs.community])
    return replace(atoms, community=tract.rows[atoms.community], crumbs=crumbs)
