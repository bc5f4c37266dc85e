"""The land of a plan as frames that a file can hold, and made again of them.

A polygon of each atom keeps every vertex of the fabric. What a border lies on is told by a table
whose rows follow the rings of the polygons, so that it needs no geometry of its own.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, number_points, run_starts
from gridcell.cells.polygons import straighten_safely
from gridcell.cells.rings import AtomRings, draw_atoms
from gridcell.errors import InputError
from gridcell.fabric.arcs import BorderArcs, arcs_in_order, edges_of
from gridcell.model import Fabric
from gridcell.schema import BARRIER_CLASSES, load_columns
from gridcell.words.messages import Message

Ints = NDArray[np.int64]

_MEASURED: Final = ("area_m2", "x", "y")
"""Columns of `Fabric.atoms` that the polygons tell."""
_ATOMS: Final = ("community", "kind", "households", *_MEASURED, "site")
_SAME_M: Final = 1e-3
"""How far a length in the table may be off: as far as nobody sees."""
_CURE: Final = Message("part.restore")


def fabric_frames(fabric: Fabric) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the land as frames: a polygon for each atom, and what lies along its borders.

    The frames depend on nothing but the land: not on how its arcs are numbered or run.

    Parameters
    ----------
    fabric
        The land.

    Returns
    -------
    atoms
        ``atom_id`` (row of `Fabric.atoms`), the columns of `Fabric.atoms` but those that the
        polygon tells, and the polygon with every vertex of the fabric.
    borders
        A row for each run of segments along the ring of atom ``a`` beyond which there is atom ``b``
        (greater than ``a``, or NA outside all communities), on barriers of one class: ``a``, ``b``,
        ``metres``, ``barrier`` (a key of `schema.BARRIER_CLASSES` or NA), ``open``, ``segments``.
        Sorted by ``a``, then along its rings; a run ends where its ring does.

    Examples
    --------
    `layers` are those of the example of `read_layers`.

    >>> import gridcell, numpy as np
    >>> from gridcell.cells.stored import fabric_frames
    >>> households = gridcell.households.count_households(layers).households
    >>> fabric = gridcell.build_fabric(layers, households, np.array([[30.0, 50.0]]))
    >>> atoms, borders = fabric_frames(fabric)
    >>> len(atoms) == len(fabric.atoms), list(borders)
    (True, ['a', 'b', 'metres', 'barrier', 'open', 'segments'])
    """
    arcs = _arcs_of(fabric)
    n = len(fabric.atoms)
    drawn = draw_atoms(arcs, n)
    columns = fabric.atoms.drop(columns=list(_MEASURED)).reset_index(drop=True)
    columns.insert(0, "atom_id", np.arange(n))
    atoms = gpd.GeoDataFrame(columns, geometry=drawn.polygons, crs=fabric.crs)
    return atoms, _borders(arcs, drawn)


def fabric_from_frames(
    atoms: gpd.GeoDataFrame, borders: pd.DataFrame, buildings: gpd.GeoDataFrame, crs: pyproj.CRS
) -> Fabric:
    """Return the land that was taken apart by `fabric_frames`.

    Vertices are numbered by x, then y, and arcs begin at their lower end; taken apart and made
    again, the land is the same to the byte.

    Parameters
    ----------
    atoms, borders
        As `fabric_frames` returns them; the rows of the atoms in any order.
    buildings
        ``bldg_id``, ``households``, ``atom_id`` (NA outside all communities) and the outline of
        each piece, the pieces of a building in their order.
    crs
        Of all of them.

    Returns
    -------
    Fabric
        Its pieces have the column ``bldg_id`` as well.

    Raises
    ------
    InputError
        Frames that do not belong together; the row is named.
    """
    atoms = atoms.sort_values("atom_id", kind="stable", ignore_index=True)
    _require_numbers(atoms["atom_id"])
    polygons = atoms.geometry.to_numpy()
    segments = _segments(polygons)
    owned = segments.owned
    arcs = arcs_in_order(
        segments.xy, segments.tail[owned], segments.head[owned], segments.atom[owned],
        segments.other[owned], _flags_told(segments, borders),
    )  # fmt: skip
    centroid = shapely.get_coordinates(shapely.centroid(polygons))
    table = pd.DataFrame(atoms.drop(columns=["atom_id", atoms.active_geometry_name]))
    table = table.assign(area_m2=shapely.area(polygons), x=centroid[:, 0], y=centroid[:, 1])
    return Fabric(
        crs=crs,
        atoms=table[[*_ATOMS, *(name for name in table if name not in _ATOMS)]],
        **fields_of(arcs),
        pieces=_pieces(buildings, len(atoms)),
        outlines=gpd.GeoDataFrame(geometry=buildings.geometry.to_numpy(), crs=crs),
    )


def settle_fabric(fabric: Fabric) -> Fabric:
    """Return the same land as a plan keeps it: its arcs in their own order, and straight.

    Vertices on the straight line between their neighbours are left out where two atoms meet: those
    that the fabric needed to be woven. Arcs are in the order of `arcs_in_order`.

    Parameters
    ----------
    fabric
        The land.
    """
    arcs = _arcs_of(fabric)
    start, vertex = straighten_safely(arcs.start, arcs.vertex, arcs.xy)
    return replace(fabric, **fields_of(_chained(replace(arcs, start=start, vertex=vertex))))


def _arcs_of(fabric: Fabric) -> BorderArcs:
    return _chained(
        BorderArcs(
            xy=fabric.xy,
            start=fabric.arc_start,
            vertex=fabric.arc_vertices,
            left=fabric.arc_left,
            right=fabric.arc_right,
            flag=_flag(fabric.arc_barrier, fabric.arc_open),
        )
    )


def _chained(arcs: BorderArcs) -> BorderArcs:
    """Return arcs in their own order."""
    tail, head, arc = edges_of(arcs.start, arcs.vertex)
    return arcs_in_order(
        arcs.xy, tail, head, arcs.left[arc], arcs.right[arc], arcs.flag[arc]
    )  # fmt: skip


def fields_of(arcs: BorderArcs) -> dict[str, Any]:
    """Return the fields of `Fabric` that hold its borders."""
    tail, head, arc = edges_of(arcs.start, arcs.vertex)
    step = arcs.xy[head] - arcs.xy[tail]
    return {
        "xy": arcs.xy,
        "gates": None,
        "arc_start": arcs.start,
        "arc_vertices": arcs.vertex,
        "arc_left": arcs.left,
        "arc_right": arcs.right,
        "arc_length": _sum_runs(np.hypot(step[:, 0], step[:, 1]), run_starts(arc)),
        "arc_barrier": arcs.flag // 2,
        "arc_open": arcs.flag % 2 == 1,
    }


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _AtomSegments:
    """The segments of the rings of all atoms, one after another, the atom on their left."""

    xy: NDArray[np.float64]
    tail: Ints
    head: Ints
    ring: Ints
    atom: Ints
    other: Ints
    """The atom on the right, -1 outside all communities."""

    @property
    def owned(self) -> Ints:
        """Every border once: on the ring of the lower atom."""
        return np.flatnonzero((self.other < 0) | (self.atom < self.other))

    @property
    def key(self) -> Ints:
        return self.tail * len(self.xy) + self.head

    @property
    def key_back(self) -> Ints:
        return self.head * len(self.xy) + self.tail


def _segments(polygons: Geometries) -> _AtomSegments:
    """Return the segments of atoms.

    Raises
    ------
    InputError
        Atoms that lie over each other.
    """
    parts, of_part = shapely.get_parts(polygons, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    point, ring = shapely.get_coordinates(rings, return_index=True)
    vertex, count = number_points(point)
    xy = np.empty((count, 2))
    xy[vertex] = point
    at = np.flatnonzero(ring[1:] == ring[:-1])
    tail, head, atom = vertex[at], vertex[at + 1], of_part[of_ring[ring[at]]]
    key, back = tail * count + head, head * count + tail
    order = np.argsort(key, kind="stable")
    key = key[order]
    twice = np.flatnonzero(key[1:] == key[:-1])
    if len(twice):
        a, b = atom[order[twice[0] : twice[0] + 2]]
        x, y = xy[tail[order[twice[0]]]]
        raise InputError(Message("error.stored_atoms_overlap", a=a, b=b, x=x, y=y, cure=_CURE))
    other = _found(key, atom[order], back)
    return _AtomSegments(xy=xy, tail=tail, head=head, ring=ring[at], atom=atom, other=other)


def _borders(arcs: BorderArcs, drawn: AtomRings) -> pd.DataFrame:
    """Return the table of borders, of which each is on the ring of the lower atom."""
    arc, back = drawn.half // 2, drawn.half % 2 == 1
    left, right = arcs.left[arc], arcs.right[arc]
    atom, other = np.where(back, right, left), np.where(back, left, right)
    owned = np.flatnonzero((other < 0) | (atom < other))
    arc, ring, atom, other = arc[owned], drawn.ring[owned], atom[owned], other[owned]
    flag = arcs.flag[arc]
    breaks = (np.diff(owned) > 1) | (np.diff(ring) != 0) | (np.diff(other) != 0)
    breaks |= np.diff(flag) != 0
    first = np.concatenate([[0], np.flatnonzero(breaks) + 1])[: len(owned)]
    b, barrier = other[first], flag[first] // 2
    names = np.array([None, *BARRIER_CLASSES], dtype=object)
    length = fields_of(arcs)["arc_length"]
    return pd.DataFrame(
        {
            "a": atom[first],
            "b": pd.Series(b, dtype="Int64").mask(b < 0),
            "metres": _sum_runs(length[arc], first),
            "barrier": pd.Series(names[barrier], dtype="str"),
            "open": flag[first] % 2 == 1,
            "segments": np.add.reduceat(np.diff(arcs.start)[arc] - 1, first),
        }
    )


def _lengths(segments: _AtomSegments, owned: Ints, first: Ints) -> NDArray[np.float64]:
    """Return the metres of each run of owned segments."""
    step = segments.xy[segments.head[owned]] - segments.xy[segments.tail[owned]]
    return _sum_runs(np.hypot(step[:, 0], step[:, 1]), first)


def _flags_told(segments: _AtomSegments, borders: pd.DataFrame) -> Ints:
    """Return the flag of each owned segment, as the table of borders tells it.

    Raises
    ------
    InputError
        Borders that are not those of the polygons.
    """
    owned = segments.owned
    atom, other = segments.atom[owned], segments.other[owned]
    count = borders["segments"].to_numpy(dtype=np.int64)
    if (count < 1).any():
        at = int(np.argmax(count < 1))
        raise InputError(Message("error.stored_segments", row=at + 1, count=count[at], cure=_CURE))
    row = np.repeat(np.arange(len(borders)), count)
    a = borders["a"].to_numpy(dtype=np.int64)[row]
    b = borders["b"].fillna(-1).to_numpy(dtype=np.int64)[row]
    size = min(len(row), len(owned))
    off = np.flatnonzero((a[:size] != atom[:size]) | (b[:size] != other[:size]))
    if len(off):
        at = off[0]
        raise InputError(
            Message(
                "error.stored_border_pair",
                row=row[at] + 1,
                pair=_pair(a[at], b[at]),
                found=_pair(atom[at], other[at]),
                cure=_CURE,
            )
        )
    if len(row) != len(owned):
        raise InputError(
            Message("error.stored_border_count", given=len(row), found=len(owned), cure=_CURE)
        )
    _require_metres(borders["metres"], _lengths(segments, owned, run_starts(row)))
    names = ["", *BARRIER_CLASSES]
    said = borders["barrier"].fillna("").to_numpy(dtype=object)
    barrier = pd.Index(names).get_indexer(pd.Index(said))
    if (barrier < 0).any():
        at = int(np.argmax(barrier < 0))
        raise InputError(
            Message(
                "error.stored_barrier",
                row=at + 1,
                barrier=said[at],
                classes=list(BARRIER_CLASSES),
                cure=_CURE,
            )
        )
    return _flag(barrier, borders["open"].to_numpy(dtype=bool))[row]


def _require_metres(told: "pd.Series[float]", found: NDArray[np.float64]) -> None:
    given = told.to_numpy(dtype=np.float64)
    off = np.flatnonzero(~(np.abs(given - found) <= _SAME_M))
    if len(off):
        raise InputError(
            Message(
                "error.stored_metres",
                row=off[0] + 1,
                given=given[off[0]],
                found=found[off[0]],
                cure=_CURE,
            )
        )


def _pieces(buildings: gpd.GeoDataFrame, atoms: int) -> pd.DataFrame:
    """Return `Fabric.pieces`: buildings are numbered in the order in which they come."""
    atom = buildings["atom_id"].fillna(-1).to_numpy(dtype=np.int64)
    unknown = np.flatnonzero((atom < -1) | (atom >= atoms))
    if len(unknown):
        raise InputError(
            Message(
                "error.stored_atom_id",
                row=unknown[0] + 1,
                atom=atom[unknown[0]],
                last=atoms - 1,
                cure=_CURE,
            )
        )
    building = pd.factorize(buildings["bldg_id"])[0].astype(np.int64)
    return pd.DataFrame(
        {
            "building": building,
            "atom": atom,
            "slab": pd.Series(building).groupby(building).cumcount().to_numpy(dtype=np.int64),
            "households": buildings["households"].to_numpy(dtype=np.int64),
            "bldg_id": buildings["bldg_id"].to_numpy(dtype=object),
            **{
                name: buildings[name].to_numpy(dtype=np.float64)
                for name in load_columns(buildings.columns)
            },
        }
    ).astype({"bldg_id": "str"})


def _require_numbers(atom_id: "pd.Series[int]") -> None:
    expected = np.arange(len(atom_id))
    off = np.flatnonzero(atom_id.to_numpy(dtype=np.int64) != expected)
    if len(off):
        raise InputError(
            Message(
                "error.stored_atom_gap", given=atom_id.iloc[off[0]], expected=off[0], cure=_CURE
            )
        )


def _flag(barrier: Ints, is_open: NDArray[np.bool_]) -> Ints:
    """Return class and openness as one number."""
    return 2 * barrier + is_open


def _found(keys: Ints, value: Ints, wanted: Ints) -> Ints:
    """Return the value of each wanted key among the sorted ones, -1 where it is not."""
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, value[at], -1)


def _sum_runs(metres: NDArray[np.float64], first: Ints) -> NDArray[np.float64]:
    return np.add.reduceat(metres, first) if len(first) else np.empty(0)


def _pair(a: int, b: int) -> Message:
    return Message("part.both", a=a, b=b) if b >= 0 else Message("part.with_outside", a=a)
