"""Parts: patches of one owner in one community that hang together, and how parts touch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import run_starts
from gridcell.errors import GridcellError
from gridcell.fabric.land import Patches
from gridcell.words.messages import Message

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Edges:
    """Undirected edges, each once."""

    low: Ints
    high: Ints
    left: Ints
    """Patch on the left of the edge from `low` to `high`, -1 outside."""
    right: Ints
    length: Floats

    def beside(self, number_of_patch: Ints) -> tuple[Ints, Ints]:
        """Return what patches are numbered as, left and right of each edge; -1 outside."""
        number = np.append(number_of_patch, -1)
        return number[self.left], number[self.right]


@dataclass(frozen=True, eq=False, slots=True)
class Contacts:
    """Which parts of one community share a border: each pair once, both ways round."""

    a: Ints
    b: Ints
    length: Floats


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Parts:
    """Connected patches of one owner in one community."""

    of_patch: Ints
    """(patches,) the part of each."""
    of_face: Ints
    """(faces,) the part of each, -1 where the face was divided."""
    label: Ints
    """(parts,) owner, as in `Patches.label`."""
    community: Ints
    is_site: Mask
    has_footprint: Mask
    lived_in: Mask
    """(parts,) whether its footprint holds households."""
    area_m2: Floats
    perimeter_m: Floats
    contacts: Contacts


def match_edges(patches: Patches) -> Edges:
    """Return undirected edges with the patch on either side.

    Raises
    ------
    GridcellError
        Patches that lie over each other: more than one on the same side of an edge.
    """
    low = np.minimum(patches.start, patches.stop)
    high = np.maximum(patches.start, patches.stop)
    forward = patches.start < patches.stop
    order = np.lexsort((forward, high, low))
    low, high, forward, patch = low[order], high[order], forward[order], patches.patch[order]
    first = run_starts(low * len(patches.xy) + high)
    count = np.diff(np.append(first, len(order)))
    _require_two_sides(patches.xy, low, forward, first, count)
    left = np.full(len(first), -1, dtype=np.int64)
    right = left.copy()
    edge = np.repeat(np.arange(len(first)), count)
    left[edge[forward]] = patch[forward]
    right[edge[~forward]] = patch[~forward]
    low, high = low[first], high[first]
    step = patches.xy[high] - patches.xy[low]
    return Edges(low, high, left, right, np.hypot(step[:, 0], step[:, 1]))


def gather_parts(
    patches: Patches,
    edges: Edges,
    *,
    patch_area_m2: Floats,
    community_of_face: Ints,
    n_sites: int,
    footprint_face: Mask,
    lived_in_face: Mask,
) -> Parts:
    """Return the parts that patches make up.

    Parameters
    ----------
    patches, edges
        All patches, and their edges from `match_edges`.
    patch_area_m2
        (patches,)
    community_of_face, n_sites, footprint_face, lived_in_face
        See `gridcell.fabric.merge.merge_patches`.
    """
    community = community_of_face[patches.face]
    inner = (edges.left >= 0) & (edges.right >= 0)
    a, b = edges.left[inner], edges.right[inner]
    same = (patches.label[a] == patches.label[b]) & (community[a] == community[b])
    count, of_patch = components(a[same], b[same], len(patches.face))

    label = _of_members(of_patch, patches.label, count)
    community_of_part = _of_members(of_patch, community, count)
    patches_of_face = np.bincount(patches.face, minlength=len(community_of_face))
    part_of_face = np.full(len(community_of_face), -1, dtype=np.int64)
    part_of_face[patches.face] = of_patch
    return Parts(
        of_patch=of_patch,
        of_face=np.where(patches_of_face > 1, -1, part_of_face),
        label=label,
        community=community_of_part,
        is_site=(label >= 0) & (label < n_sites),
        has_footprint=_any_member(of_patch, footprint_face[patches.face], count),
        lived_in=_any_member(of_patch, lived_in_face[patches.face], count),
        area_m2=np.bincount(of_patch, weights=patch_area_m2, minlength=count).astype(np.float64),
        perimeter_m=_perimeters(edges, of_patch, count),
        contacts=_contacts(edges, of_patch, community_of_part),
    )


def components(a: Ints, b: Ints, n: int) -> tuple[int, Ints]:
    """Return how many groups links from `a` to `b` make of n items, and the group of each."""
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n))
    count, group = connected_components(graph, directed=False)
    return int(count), group.astype(np.int64)


def _require_two_sides(xy: Floats, low: Ints, forward: Mask, first: Ints, count: Ints) -> None:
    """Raise where sorted edges have more than one patch on a side."""
    second = np.minimum(first + 1, len(forward) - 1)
    crowded = (count > 2) | ((count == 2) & (forward[first] == forward[second]))
    if crowded.any():
        x, y = xy[low[first[crowded][0]]]
        raise GridcellError(Message("error.land_undivided", x=x, y=y))


def _of_members(owner: Ints, value: Ints, n: int) -> Ints:
    """Return the value of each of n owners, whose members have all the same."""
    out = np.empty(n, dtype=np.int64)
    out[owner] = value
    return out


def _any_member(owner: Ints, flag: Mask, n: int) -> Mask:
    out = np.zeros(n, dtype=bool)
    out[owner[flag]] = True
    return out


def _perimeters(edges: Edges, of_patch: Ints, parts: int) -> Floats:
    """Return the perimeter of each part, metres."""
    out = np.zeros(parts)
    left, right = edges.beside(of_patch)
    border = left != right
    for side in (left, right):
        mine = border & (side >= 0)
        out += np.bincount(side[mine], weights=edges.length[mine], minlength=parts)
    return out


def _contacts(edges: Edges, of_patch: Ints, community: Ints) -> Contacts:
    left, right = edges.beside(of_patch)
    keep = (left >= 0) & (right >= 0) & (left != right) & (community[left] == community[right])
    left, right, length = left[keep], right[keep], edges.length[keep]
    a, b = np.concatenate([left, right]), np.concatenate([right, left])
    length = np.concatenate([length, length])
    order = np.lexsort((b, a))
    a, b, length = a[order], b[order], length[order]
    first = run_starts(a * (len(community) + 1) + b)
    return Contacts(a[first], b[first], np.add.reduceat(length, first) if len(first) else length)
