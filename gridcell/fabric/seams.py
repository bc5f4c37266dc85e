"""Tracts joined: their atoms numbered through, their edges matched along common borders."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, number_points
from gridcell.fabric.joins import Crumbs
from gridcell.fabric.linework import GRID_M
from gridcell.fabric.merge import NumberedAtoms
from gridcell.fabric.parts import components
from gridcell.fabric.tracts import TractAtoms
from gridcell.model import Gates

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class JoinedAtoms(NumberedAtoms):
    """The atoms of all tracts, by community.

    Vertices are numbered by x, then y; edges stand by `low`, then `high`, each once.
    """

    flag: Ints
    """(edges,) as `TractAtoms.flag`."""
    atom_of_piece: Ints
    """(footprints,) -1 where none was given."""
    clashes: tuple[Ints, Ints]
    """Pairs of atoms that both lie on one side of an edge: their tracts do not fit."""

    @classmethod
    def none(cls, prints: int) -> "JoinedAtoms":
        """Return no atoms, beside so many footprints."""
        number, metres = np.empty(0, dtype=np.int64), np.empty(0)
        return cls(
            xy=np.empty((0, 2)), low=number, high=number, left=number, right=number, flag=number,
            gates=Gates.none(0), area=metres, centroid=np.empty((0, 2)), community=number,
            site=number, crumbs=Crumbs(community=number, area_m2=metres, xy=np.empty((0, 2))),
            atom_of_piece=np.full(prints, -1), clashes=(number, number),
        )  # fmt: skip


def join_tracts(tracts: Sequence[TractAtoms], prints: int) -> JoinedAtoms:
    """Return the atoms of tracts, numbered through.

    Parameters
    ----------
    tracts
        Of all communities.
    prints
        Number of all footprints.
    """
    if not tracts:
        return JoinedAtoms.none(prints)

    def together(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(tract, name) for tract in tracts])

    community = together("community").astype(np.int64)
    order = np.argsort(community, kind="stable")
    number = np.empty(len(order) + 1, dtype=np.int64)
    number[order] = np.arange(len(order))
    number[-1] = -1
    first = np.cumsum([0, *(len(tract.area) for tract in tracts)])

    def atoms(name: str) -> Ints:
        """Return atoms of the tracts as they are numbered through; -1 stays."""
        own = zip(tracts, first[:-1], strict=True)
        each = [np.where(getattr(t, name) < 0, -1, getattr(t, name) + at) for t, at in own]
        numbered: Ints = number[np.concatenate(each)]
        return numbered

    vertex, count = number_points(together("xy"))
    xy = np.empty((count, 2))
    xy[vertex] = together("xy")
    offset = np.cumsum([0, *(len(tract.xy) for tract in tracts)])

    def vertices(name: str) -> Ints:
        own = zip(tracts, offset[:-1], strict=True)
        numbered: Ints = vertex[np.concatenate([getattr(t, name) + at for t, at in own])]
        return numbered

    edges, clashes = _matched(
        vertices("low"), vertices("high"), atoms("left"), atoms("right"),
        together("flag").astype(np.int64),
    )  # fmt: skip
    low, high, left, right, flag = edges
    gates = Gates.none(count)
    for tract, at in zip(tracts, offset[:-1], strict=True):
        moves = np.flatnonzero(tract.gates.ends[:, 0] >= 0)
        own, ends = vertex[moves + at], tract.gates.ends[moves]
        gates.ends[own] = np.where(ends >= 0, vertex[ends + at], -1)
        gates.slant[own] = tract.gates.slant[moves]
    crumbs = [tract.crumbs for tract in tracts]
    return JoinedAtoms(
        xy=xy, low=low, high=high, left=left, right=right, flag=flag, gates=gates,
        area=together("area")[order], centroid=together("centroid")[order],
        community=community[order], site=together("site").astype(np.int64)[order],
        crumbs=Crumbs(
            community=np.concatenate([each.community for each in crumbs]),
            area_m2=np.concatenate([each.area_m2 for each in crumbs]),
            xy=np.concatenate([each.xy for each in crumbs]),
        ),
        atom_of_piece=_atoms_of_pieces(tracts, atoms("atom"), prints), clashes=clashes,
    )  # fmt: skip


def _matched(
    low: Ints, high: Ints, left: Ints, right: Ints, flag: Ints
) -> tuple[tuple[Ints, Ints, Ints, Ints, Ints], tuple[Ints, Ints]]:
    """Return the edges from their lower to their higher end, those that two tracts have once.

    Also pairs of atoms that lie on one side of the same edge.
    """
    turned = low > high
    low, high = np.minimum(low, high), np.maximum(low, high)
    left, right = np.where(turned, right, left), np.where(turned, left, right)
    order = np.lexsort((high, low))
    low, high, left, right, flag = (each[order] for each in (low, high, left, right, flag))
    again = np.flatnonzero((low[1:] == low[:-1]) & (high[1:] == high[:-1])) + 1
    before = again - 1
    a = np.concatenate([left[before], right[before]])
    b = np.concatenate([left[again], right[again]])
    clash = (a >= 0) & (b >= 0)
    for each in (left, right, flag):
        each[before] = np.maximum(each[before], each[again])
    kept = np.delete(np.arange(len(low)), again)
    return (low[kept], high[kept], left[kept], right[kept], flag[kept]), (a[clash], b[clash])


def unfit_communities(joined: JoinedAtoms, land: Geometries) -> tuple[Ints, Ints]:
    """Return pairs of communities whose tracts do not fit together along their common border.

    Both sides of a border are noded from the same lines, and fit but for what rounding does where
    it moves a line onto a vertex that only one of them has.

    Parameters
    ----------
    joined
        The atoms.
    land
        (communities,) polygons.
    """
    left, right = joined.left, joined.right
    rim = np.flatnonzero((left < 0) | (right < 0))
    home = joined.community[np.maximum(left, right)[rim]]
    middle = (joined.xy[joined.low[rim]] + joined.xy[joined.high[rim]]) / 2
    # What is asked of a tree is indexed by its segments, what is in it is not.
    points = np.asarray(shapely.points(middle), dtype=object)
    beside, edge = shapely.STRtree(points).query(land, predicate="dwithin", distance=2 * GRID_M)
    lonely = home[edge] != beside
    a, b = joined.clashes
    return (
        np.concatenate([home[edge[lonely]], joined.community[a]]),
        np.concatenate([beside[lonely], joined.community[b]]),
    )


def together_with(together: Ints, pairs: tuple[Ints, Ints]) -> Ints:
    """Return the number of the tract of each community where those of some pairs have to be one.

    Parameters
    ----------
    together
        (communities,) number of the tract of each.
    pairs
        Rows of communities.
    """
    a, b = pairs
    _, group = components(together[a], together[b], int(together.max()) + 1)
    return group[together]


def _atoms_of_pieces(tracts: Sequence[TractAtoms], atom: Ints, prints: int) -> Ints:
    """Return the atom of each footprint: of its largest face at home, else elsewhere.

    Faces that it has itself come before those that a smaller one across it has.
    """
    names = ("piece", "at_home", "own", "face_m2")
    piece, at_home, own, area = (
        np.concatenate([getattr(tract, name) for tract in tracts]) for name in names
    )
    order = np.lexsort((area, own, at_home))
    out = np.full(prints, -1, dtype=np.int64)
    out[piece[order]] = atom[order]
    return out
