"""Which parts become one atom: those of a site, of a torn footprint, and land too small to stay."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.spatial import KDTree

from gridcell.arrays import run_starts
from gridcell.fabric.land import Patches
from gridcell.fabric.parts import Contacts, Ints, Mask, Parts, components

Links = tuple[Ints, Ints]
"""Parts that are held together: from the first to the second of each pair."""

_SPLINTER_M2 = 1.0
_SPLINTER_WIDTH_M = 0.5
"""Land without a building that is smaller, or thinner (twice area over perimeter), joins its
neighbour: it comes of lines digitised twice, and as an atom it blocks the search."""
_SPECK_M2 = 0.01
"""A footprint or a site smaller than this is no land of its own."""
_DETACHED_M2 = 200.0
"""Land of a building, cut off from it and smaller than this, joins its neighbour."""
STANDING_M2: Final = 4.0
"""Land of a community, apart from the rest of it and smaller than this, is no place to stand on: a
crumb of how the boundary was drawn. It is no atom of its own and belongs to the nearest one."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Crumbs:
    """Pieces of land too small to stand on that belong to an atom which they do not touch."""

    community: Ints
    """(n,) row of the community of each, in order."""
    area_m2: NDArray[np.float64]
    xy: NDArray[np.float64]
    """(n, 2) a vertex of each."""


def join_parts(
    parts: Parts, patches: Patches, same_print: tuple[Ints, Ints], absorb_m2: float
) -> tuple[int, Ints, Ints, Crumbs]:
    """Return how parts are grouped into atoms.

    Parameters
    ----------
    parts
        All parts.
    patches
        What they are made of.
    same_print, absorb_m2
        See `gridcell.fabric.merge.merge_patches`.

    Returns
    -------
    groups, group_of_part, site_of_group, crumbs
        Their number; (parts,) the group of each; (groups,) the label of the site, -1 for general
        land; the land that joined another for its size.
    """
    loose = _is_loose(parts)
    enclosed = _is_cut_off(parts, absorb_m2)
    site = parts.is_site & ~loose
    of_crumbs, crumbs = _links_of_crumbs(parts, patches)
    links = [
        _links_of_sites(parts.label, site),
        _links_of_prints(parts, same_print),
        _links_to_neighbours(parts.contacts, loose | enclosed, parts.is_site, enclosed),
        of_crumbs,
    ]
    tail, head = (np.concatenate([link[end] for link in links]) for end in (0, 1))
    groups, group_of_part = components(tail, head, len(parts.label))
    site_of_group = np.full(groups, -1, dtype=np.int64)
    np.maximum.at(site_of_group, group_of_part, np.where(site, parts.label, -1))
    return groups, group_of_part, site_of_group, crumbs


def _is_loose(parts: Parts) -> Mask:
    """Return which parts are too small, too thin or too far from their building to stay."""
    area = parts.area_m2
    thin = (area < _SPLINTER_M2) | (2 * area < _SPLINTER_WIDTH_M * parts.perimeter_m)
    detached = (parts.label >= 0) & (area < _DETACHED_M2)
    empty = ~parts.has_footprint & np.where(parts.is_site, area < _SPLINTER_M2, thin | detached)
    loose: Mask = empty | (area < _SPECK_M2)
    return loose


def _is_cut_off(parts: Parts, absorb_m2: float) -> Mask:
    """Return which parts lie behind a site, without households, in a small piece of land."""
    a, b, site = parts.contacts.a, parts.contacts.b, parts.is_site
    general = ~site[a] & ~site[b]
    regions, region = components(a[general], b[general], len(site))
    area = np.bincount(region, weights=parts.area_m2, minlength=regions)
    peopled = np.bincount(region, weights=parts.lived_in & ~site, minlength=regions) > 0
    beside_site = np.zeros(regions, dtype=bool)
    beside_site[region[a[site[b]]]] = True
    small: Mask = ~site & ~peopled[region] & (area[region] <= absorb_m2)
    return small & beside_site[region]


def _links_of_sites(label: Ints, site: Mask) -> Links:
    """Return links that hold the parts of one site together."""
    part = np.flatnonzero(site)
    part = part[np.argsort(label[part], kind="stable")]
    same = label[part[1:]] == label[part[:-1]]
    return part[1:][same], part[:-1][same]


def _links_of_prints(parts: Parts, same_print: tuple[Ints, Ints]) -> Links:
    """Return links between the neighbours that a footprint in several pieces lies over."""
    label, contacts = parts.label, parts.contacts
    face, piece = same_print
    part = parts.of_face[face]
    keep = (part >= 0) & ~parts.is_site[part]
    part, piece = part[keep], piece[keep]
    order = np.lexsort((part, label[part], piece))
    part, piece = part[order], piece[order]
    # Two parts with one label: the footprint is torn. (Labels tell communities apart.)
    tear = (
        (piece[1:] == piece[:-1]) & (label[part[1:]] == label[part[:-1]]) & (part[1:] != part[:-1])
    )
    torn = np.isin(piece, piece[1:][tear])
    part, piece = part[torn], piece[torn]
    pieces_over = coo_array(
        (np.ones(len(part), dtype=np.int64), (part, piece)),
        shape=(len(label), int(piece.max(initial=-1)) + 1),
    ).tocsr()
    both = np.isin(contacts.a, part) & np.isin(contacts.b, part)
    a, b = contacts.a[both], contacts.b[both]
    shared = pieces_over[a].multiply(pieces_over[b]).sum(axis=1) > 0
    return a[shared], b[shared]


def _links_of_crumbs(parts: Parts, patches: Patches) -> tuple[Links, Crumbs]:
    """Return links from the parts of each crumb to the nearest part of their community beyond."""
    regions, region = components(parts.contacts.a, parts.contacts.b, len(parts.label))
    area = np.bincount(region, weights=parts.area_m2, minlength=regions)
    crumb = np.asarray(area[region] < STANDING_M2, dtype=bool)
    tails, heads = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    moved, owners, corners = tails[:], tails[:], [np.empty((0, 2))]
    part_of_corner = parts.of_patch[patches.patch]
    for community in np.unique(parts.community[crumb]).tolist():
        here = np.flatnonzero(parts.community[part_of_corner] == community)
        part, xy = part_of_corner[here], patches.xy[patches.start[here]]
        small = crumb[part]
        if small.all():
            continue
        away, nearest = KDTree(xy[~small]).query(xy[small])
        beyond, of = part[~small][nearest], region[part[small]]
        order = np.lexsort((beyond, np.asarray(away), of))
        first = order[run_starts(of[order])]
        tail = np.unique(part[small])
        tails.append(tail)
        heads.append(beyond[first][np.searchsorted(of[first], region[tail])])
        moved.append(of[first])
        owners.append(np.full(len(first), community, dtype=np.int64))
        corners.append(xy[small][order[first]])
    crumbs = Crumbs(
        community=np.concatenate(owners), area_m2=area[np.concatenate(moved)].astype(np.float64),
        xy=np.concatenate(corners),
    )  # fmt: skip
    return (np.concatenate(tails), np.concatenate(heads)), crumbs


def _links_to_neighbours(contacts: Contacts, loose: Mask, site: Mask, to_site: Mask) -> Links:
    """Return links from loose parts to the neighbour with the longest shared border.

    A part behind a site joins it; any other joins a site only where nothing else touches it. Loose
    parts among loose ones only join in a later round, when a neighbour has joined.
    """
    pending = loose.copy()
    tails, heads = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    unwanted = site[contacts.b] & ~to_site[contacts.a]
    weight = np.where(unwanted, contacts.length * 1e-6, contacts.length)
    while True:
        open_ = pending[contacts.a] & ~pending[contacts.b]
        a, b = contacts.a[open_], contacts.b[open_]
        order = np.lexsort((b, -weight[open_], a))
        first = run_starts(a[order])
        if not len(first):
            return np.concatenate(tails), np.concatenate(heads)
        a, b = a[order][first], b[order][first]
        pending[a] = False
        tails.append(a)
        heads.append(b)
