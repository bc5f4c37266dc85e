"""Patches to atoms: connected, without slivers, numbered from north to south.

The land goes through five kinds of pieces, each numbered from 0: *faces* of the linework; *patches*
that faces were divided into; *parts*, connected patches of one owner in one community; *groups* of
parts that are joined; and *atoms*, which are the groups in their final order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridcell.fabric.joins import Crumbs, join_parts
from gridcell.fabric.land import Patches
from gridcell.fabric.parts import Edges, gather_parts, match_edges
from gridcell.model import Gates

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class NumberedAtoms:
    """Numbered atoms and the edges between different ones."""

    xy: Floats
    """(vertices, 2) those of the edges and of the gates between which they may run."""
    low: Ints
    high: Ints
    """(edges,) vertices at the ends."""
    left: Ints
    """(edges,) atom on the left of the edge from `low` to `high`, -1 outside."""
    right: Ints
    gates: Gates
    area: Floats
    centroid: Floats
    community: Ints
    site: Ints
    """(atoms,) part of a site, -1 for general land."""
    crumbs: Crumbs


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Atoms(NumberedAtoms):
    """The atoms that patches make up."""

    atom_of_face: Ints
    """(faces,) its atom; -1 where open land was divided."""


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

    Returns
    -------
    Atoms
        By community, then from north to south. Each is one connected piece, but for sites and
        communities that are not one themselves.

    Raises
    ------
    GridcellError
        Patches that lie over each other.
    """
    edges = match_edges(patches)
    area, moment = _measure_patches(patches)
    parts = gather_parts(
        patches,
        edges,
        patch_area_m2=area,
        community_of_face=community_of_face,
        n_sites=n_sites,
        footprint_face=footprint_face,
        lived_in_face=lived_in_face,
    )
    groups, group_of_part, site_of_group, crumbs = join_parts(parts, patches, same_print, absorb_m2)
    group_of_patch = group_of_part[parts.of_patch]

    group_area, centroid = _sum_up(group_of_patch, area, moment, groups)
    community = np.empty(groups, dtype=np.int64)
    community[group_of_part] = parts.community
    group_of_atom = np.lexsort((centroid[:, 0], -centroid[:, 1], community))
    atom_of_group = np.empty(groups, dtype=np.int64)
    atom_of_group[group_of_atom] = np.arange(groups)

    atom_of_part = atom_of_group[group_of_part]
    low, high, left, right = _borders(edges, atom_of_group[group_of_patch])
    return Atoms(
        xy=patches.xy,
        gates=patches.gates,
        low=low,
        high=high,
        left=left,
        right=right,
        area=group_area[group_of_atom],
        centroid=centroid[group_of_atom],
        community=community[group_of_atom],
        site=site_of_group[group_of_atom],
        atom_of_face=np.append(atom_of_part, -1)[parts.of_face],
        crumbs=crumbs,
    )


def _measure_patches(patches: Patches) -> tuple[Floats, Floats]:
    """Return areas and first moments of patches, m2 and m3."""
    n = len(patches.face)
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


def _sum_up(group: Ints, area: Floats, moment: Floats, groups: int) -> tuple[Floats, Floats]:
    """Return area and centroid of each group of patches."""
    total = np.bincount(group, weights=area, minlength=groups).astype(np.float64)
    sums = [np.bincount(group, weights=moment[:, i], minlength=groups) for i in (0, 1)]
    return total, np.column_stack([each / total for each in sums])


def _borders(edges: Edges, atom_of_patch: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return ends and sides of the edges between different atoms."""
    left, right = edges.beside(atom_of_patch)
    border = left != right
    return edges.low[border], edges.high[border], left[border], right[border]
