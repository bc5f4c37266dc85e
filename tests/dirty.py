"""Coverages with known faults: irregular cells, what was broken in them, and where."""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import affinity
from shapely.geometry import Point, Polygon

from gridcell.cells.iso7064 import check_characters

CRS = "EPSG:32650"
CORNER = (450_000.0, 4_420_000.0)
SIDE = 30.0
APART = 5
"""Faults are so many cells apart that none touches another."""


@dataclass(frozen=True)
class Fault:
    """One fault: what a check must say of it, what it may say besides, and where."""

    name: str
    must: frozenset
    may: frozenset
    cells: tuple
    place: object
    """Every finding about the fault lies in it, or names one of the cells."""


@dataclass(frozen=True)
class Dirty:
    cells: gpd.GeoDataFrame
    clean: gpd.GeoDataFrame
    land: gpd.GeoDataFrame
    faults: list = field(default_factory=list)


def clean_cells(side, seed=0):
    """Return side x side cells of 8 vertices, some with an enclave, with codes and labels."""
    rng = np.random.default_rng(seed)
    corner = np.stack(np.meshgrid(np.arange(side + 1), np.arange(side + 1), indexing="ij"), -1)
    corner = corner * SIDE + rng.uniform(-0.2, 0.2, corner.shape) * SIDE
    # Vertices between corners: on the edge that leaves (i, j) upwards, and rightwards.
    up = (corner[:, :-1] + corner[:, 1:]) / 2 + rng.uniform(-0.08, 0.08, (side + 1, side, 2)) * SIDE
    right = (corner[:-1] + corner[1:]) / 2 + rng.uniform(-0.08, 0.08, (side, side + 1, 2)) * SIDE
    i, j = (index.ravel() for index in np.meshgrid(*[np.arange(side)] * 2, indexing="ij"))
    rings = np.stack([
        corner[i, j], right[i, j], corner[i + 1, j], up[i + 1, j],
        corner[i + 1, j + 1], right[i, j + 1], corner[i, j + 1], up[i, j], corner[i, j],
    ], axis=1)  # fmt: skip
    shapes = shapely.polygons(rings + np.array(CORNER))
    islands = []
    for at in np.flatnonzero((i % APART == 0) & (j % (2 * APART) == 0) & (i > 0) & (j > 0)):
        hole = shapely.Polygon(shapes[at].centroid.buffer(4, quad_segs=2))
        shapes[at] = Polygon(shapes[at].exterior, [hole.exterior])
        islands.append(hole)
    return _frame(np.append(shapes, np.array(islands, dtype=object)))


def _frame(shapes):
    code = np.array([f"{450802001013000 + number}" for number in range(len(shapes))])
    return gpd.GeoDataFrame({"code": code, "label": labels_of(code)}, geometry=shapes, crs=CRS)


def labels_of(codes):
    last = check_characters(codes)
    return [f"{c[:9]}-{c[9:12]}-{c[12:]}-{x}" for c, x in zip(codes, last, strict=True)]


def dirty_cells(side, seed=0, *, names=None):
    """Return a coverage with faults of these names (all), as many as fit, and its land."""
    rng = np.random.default_rng(seed)
    clean = clean_cells(side, seed)
    land = gpd.GeoDataFrame(
        {"code": ["L"]}, geometry=[shapely.coverage_union_all(clean.geometry.array)], crs=CRS
    )
    work = _Work(clean, side, rng)
    names = sorted(FAULTS) if names is None else names
    inner = [name for name in names if name not in RIM]
    spots = [(i, j) for i in range(3, side - 2, APART) for j in range(3, side - 2, APART)]
    for number, spot in enumerate(spots if inner else []):
        FAULTS[inner[number % len(inner)]](work, *spot)
    rim = [name for name in names if name in RIM]
    for number, i in enumerate(range(1, side, APART) if rim else []):
        FAULTS[rim[number % len(rim)]](work, i, 0)
    return Dirty(cells=work.frame(), clean=clean, land=land, faults=work.faults)


class _Work:
    def __init__(self, clean, side, rng):
        self.side, self.rng, self.faults = side, rng, []
        self.clean = np.asarray(clean.geometry.array, dtype=object)
        self.shapes = np.asarray(clean.geometry.array, dtype=object).copy()
        self.code = clean["code"].to_numpy(dtype=object).copy()
        self.label = clean["label"].to_numpy(dtype=object).copy()
        self.gone = np.zeros(len(clean), dtype=bool)
        self.more = []

    def row(self, i, j):
        return i * self.side + j

    def fault(self, name, row, place, must, may=(), cells=()):
        must = frozenset(must.split())
        self.faults.append(
            Fault(name, must, must | frozenset(may), (self.code[row], *cells), place)
        )

    def add(self, shape):
        code = f"{450802001900000 + len(self.more)}"
        self.more.append((code, labels_of([code])[0], shape))
        return code

    def frame(self):
        code, label, shape = ([one[column] for one in self.more] for column in range(3))
        shapes = np.empty(len(self.shapes) + len(shape), dtype=object)
        shapes[: len(self.shapes)] = self.shapes
        shapes[len(self.shapes) :] = shape
        frame = gpd.GeoDataFrame(
            {"code": [*self.code, *code], "label": [*self.label, *label]}, geometry=shapes, crs=CRS
        )
        keep = np.append(~self.gone, np.ones(len(shape), dtype=bool))
        return frame[keep].reset_index(drop=True)


COVER = ("overlap", "sliver", "open_sliver", "gap", "hole", "outside")


def _ring(shape):
    return shapely.get_coordinates(shape.exterior)


def _with_ring(xy):
    xy = np.array(xy)
    xy[-1] = xy[0]
    with np.errstate(invalid="ignore"):
        return Polygon(xy)


def jitter(work, i, j):
    """One vertex of one cell moved by 5 cm to 2 m."""
    row = work.row(i, j)
    while True:
        xy, angle = _ring(work.clean[row]), work.rng.uniform(0, 2 * np.pi)
        by = np.exp(work.rng.uniform(np.log(0.05), np.log(2)))
        xy[work.rng.integers(1, 8)] += by * np.array([np.cos(angle), np.sin(angle)])
        new = _with_ring(xy)
        if new.is_valid:
            break
    work.shapes[row] = new
    place = work.clean[row].symmetric_difference(new)
    work.fault("jitter", row, place, "overlap|sliver", COVER)


def drop(work, i, j):
    """A cell left out."""
    row = work.row(i, j)
    work.gone[row] = True
    work.fault("drop", row, work.clean[row], "hole|gap")


def grow(work, i, j):
    """A cell that reaches 0.3 to 3 m into all its neighbours."""
    row = work.row(i, j)
    work.shapes[row] = work.clean[row].buffer(work.rng.uniform(0.3, 3), join_style="mitre")
    place = work.shapes[row].difference(work.clean[row])
    work.fault("grow", row, place, "overlap")


def enclave(work, i, j):
    """A cell laid over another that has no hole for it."""
    row = work.row(i, j)
    shape = affinity.rotate(work.clean[row].centroid.buffer(4, quad_segs=1), 20)
    code = work.add(shape)
    work.fault("enclave", row, shape, "overlap", cells=(code,))


def bow_tie(work, i, j):
    """Two corners of a cell in the wrong order."""
    row = work.row(i, j)
    xy = _ring(work.clean[row])
    xy[[2, 4]] = xy[[4, 2]]
    new = _with_ring(xy)
    work.shapes[row] = new
    place = work.clean[row].symmetric_difference(shapely.make_valid(new))
    place = shapely.union(place, shapely.unary_union(new.exterior))
    work.fault("bow_tie", row, place, "invalid_geometry", COVER)


def not_a_number(work, i, j):
    row = work.row(i, j)
    xy = _ring(work.clean[row])
    xy[work.rng.integers(1, 8), 1] = np.nan
    work.shapes[row] = _with_ring(xy)
    work.fault("not_a_number", row, work.clean[row], "invalid_geometry hole|gap")


def none(work, i, j):
    row = work.row(i, j)
    work.shapes[row] = None
    work.fault("none", row, work.clean[row], "empty_geometry hole|gap")


def empty(work, i, j):
    row = work.row(i, j)
    work.shapes[row] = Polygon()
    work.fault("empty", row, work.clean[row], "empty_geometry hole|gap")


def line(work, i, j):
    row = work.row(i, j)
    work.shapes[row] = work.clean[row].exterior
    work.fault("line", row, work.clean[row], "wrong_type hole|gap")


def duplicate(work, i, j):
    """The same polygon again, drawn from another vertex."""
    row = work.row(i, j)
    xy = np.roll(_ring(work.clean[row])[:-1], 3, axis=0)[::-1]
    code = work.add(Polygon(xy))
    work.fault("duplicate", row, work.clean[row], "duplicate_geometry", cells=(code,))


def junction(work, i, j):
    """A vertex on a border that only one of two cells has."""
    row = work.row(i, j)
    xy = _ring(work.clean[row])
    at = work.rng.integers(0, 7)
    middle = (xy[at] + xy[at + 1]) / 2
    work.shapes[row] = Polygon(np.insert(xy, at + 1, middle, axis=0))
    work.fault("junction", row, Point(middle), "unmatched_border")


def multipart(work, i, j):
    """A cell that holds another one, away from it."""
    row, far = work.row(i, j), work.row(i, j + 2)
    work.shapes[row] = shapely.MultiPolygon([work.clean[row], work.clean[far]])
    work.gone[far] = True
    work.fault("multipart", row, work.shapes[row], "multipart")


def same_code(work, i, j):
    row, other = work.row(i, j), work.row(i, j + 1)
    work.code[row], work.label[row] = work.code[other], work.label[other]
    place = shapely.union_all(work.clean[[row, other]])
    work.fault("same_code", row, place, "duplicate_code")


def no_code(work, i, j):
    row = work.row(i, j)
    work.code[row] = None
    work.fault("no_code", row, work.clean[row], "missing_code")


def wrong_label(work, i, j):
    row = work.row(i, j)
    last = work.label[row][-1]
    work.label[row] = work.label[row][:-1] + str((int(last) + 1) % 10)
    work.fault("wrong_label", row, work.clean[row], "wrong_check_character")


def spill(work, i, j):
    """A vertex of a cell at the rim, outside the land."""
    _at_the_rim(work, i, j, -work.rng.uniform(0.05, 4), "spill", "outside")


def rim_gap(work, i, j):
    """A vertex of a cell at the rim, drawn back: the gap is open to one side."""
    _at_the_rim(work, i, j, work.rng.uniform(0.05, 4), "rim_gap", "gap|sliver")


def _at_the_rim(work, i, j, by, name, must):
    row = work.row(i, j)
    xy = _ring(work.clean[row])
    xy[1, 1] += by
    work.shapes[row] = _with_ring(xy)
    place = work.clean[row].symmetric_difference(work.shapes[row])
    work.fault(name, row, place, must)


RIM = ("spill", "rim_gap")
"""Faults that show only beside the land."""

FAULTS = {
    function.__name__: function
    for function in (
        jitter, drop, grow, enclave, bow_tie, not_a_number, none, empty, line, duplicate, junction,
        multipart, same_code, no_code, wrong_label, spill, rim_gap,
    )
}  # fmt: skip


def score(findings, faults, *, within):
    """Return the findings about no fault, and the faults that no finding tells of.

    Parameters
    ----------
    findings
        Of a `CheckReport`.
    faults
        Of a `Dirty`.
    within
        Whether land was given: without it faults at the rim cannot show.
    """
    told = [fault for fault in faults if within or fault.name not in RIM]
    places = np.array([fault.place for fault in told], dtype=object)
    points = np.asarray(findings.geometry.array, dtype=object)
    found, fault = shapely.STRtree(places).query(points, predicate="dwithin", distance=1e-6)
    pairs = set(zip(found.tolist(), fault.tolist(), strict=True))
    by_code = {}
    for number, one in enumerate(told):
        for code in one.cells:
            by_code.setdefault(code, []).append(number)
    for row in np.flatnonzero(shapely.is_missing(points)).tolist():
        named = findings["cells"].iloc[row]
        for code in [] if pd.isna(named) else str(named).split(";"):
            pairs.update((row, number) for number in by_code.get(code, []))
    kinds = findings["kind"].tolist()
    explained, seen = set(), [set() for _ in told]
    for row, number in sorted(pairs):
        allowed = {kind for text in told[number].may for kind in text.split("|")}
        if kinds[row] in allowed:
            explained.add(row)
            seen[number].add(kinds[row])
    invented = [row for row in range(len(kinds)) if row not in explained]
    missed = [
        one for one, kind in zip(told, seen, strict=True)
        if not all(kind & set(wanted.split("|")) for wanted in one.must)
    ]  # fmt: skip
    return findings.iloc[invented], missed
