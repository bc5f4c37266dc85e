"""Tiny towns drawn in code, and the promises that every fabric of one keeps."""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.cells.polygons import draw_cells, trace_borders
from gridcell.fabric import build_fabric
from gridcell.model import Fabric, Layers
from gridcell.rules import Rules

CRS = pyproj.CRS.from_epsg(4547)
CORNER = (500_000.0, 2_560_000.0)
"""South-west corner of every drawn town: national coordinates, because they are what rounds."""

NO_SLABS = (0.0, np.inf)

PLANE = "+proj=tmerc +lat_0=24 +lon_0=111 +ellps=GRS80 +units=m +type=crs"
"""Metres from a point in town: for what is drawn around 0, 0."""
SITE = 'LOCAL_CS["site",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'
"""Metres from anywhere: for drawings so small that they could be degrees."""


def draw(text: str, size: float = 10.0) -> dict[str, shapely.Geometry]:
    """Return what an ASCII drawing shows: for each letter the union of its squares.

    Parameters
    ----------
    text
        Rows from north to south; dots and blanks are nothing.
    size
        Side of a square, metres.
    """
    rows = [line.strip() for line in text.strip().splitlines()]
    squares: dict[str, list[shapely.Geometry]] = {}
    for up, row in enumerate(reversed(rows)):
        for right, letter in enumerate(row):
            if letter not in ". ":
                x, y = CORNER[0] + size * right, CORNER[1] + size * up
                squares.setdefault(letter, []).append(shapely.box(x, y, x + size, y + size))
    return {letter: shapely.union_all(squares[letter]) for letter in sorted(squares)}


def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
    """Return points given from the town's south-west corner."""
    return [(CORNER[0] + x, CORNER[1] + y) for x, y in points]


def box(x0: float, y0: float, x1: float, y1: float) -> shapely.Polygon:
    """Return a rectangle given from the town's south-west corner."""
    return shapely.box(CORNER[0] + x0, CORNER[1] + y0, CORNER[0] + x1, CORNER[1] + y1)


def make_layers(
    communities: Sequence[Any],
    buildings: Sequence[Any] = (),
    *,
    sites: Sequence[Any] = (),
    barriers: Sequence[Any] = (),
    kinds: Sequence[str] | None = None,
    units: Sequence[int | None] | None = None,
    atoms: Sequence[Any] | None = None,
) -> Layers:
    """Return layers of these geometries, as the reader would hand them over."""

    def frame(columns: Mapping[str, Any], geometry: Sequence[Any]) -> gpd.GeoDataFrame:
        shapes = np.empty(len(geometry), dtype=object)
        shapes[:] = list(geometry)
        return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=shapes, crs=CRS)

    codes = [f"c{i:03}" for i in range(len(communities))]
    sites_named = {
        "site_id": [f"s{i}" for i in range(len(sites))],
        "name": [f"site {i}" for i in range(len(sites))],
    }
    known = pd.array([None] * len(buildings) if units is None else list(units), dtype="Int64")
    return Layers(
        crs=CRS,
        communities=frame({"code": codes, "name": codes}, communities),
        buildings=frame(
            {"bldg_id": [f"b{i}" for i in range(len(buildings))], "units": known}, buildings
        ),
        sites=frame(sites_named, sites) if len(sites) else None,
        barriers=frame({"kind": list(kinds or ["road"] * len(barriers))}, barriers)
        if len(barriers)
        else None,
        atoms=frame({"atom_id": [f"a{i}" for i in range(len(atoms))]}, atoms)
        if atoms is not None
        else None,
    )


def town(
    communities: str,
    buildings: str = "",
    *,
    sites: str = "",
    barriers: Sequence[Sequence[tuple[float, float]]] = (),
    size: float = 10.0,
) -> Layers:
    """Return the layers of drawings over each other; barriers in metres from the corner."""
    return make_layers(
        list(draw(communities, size).values()),
        list(draw(buildings, size).values()),
        sites=list(draw(sites, size).values()),
        barriers=[shapely.LineString(at(*line)) for line in barriers],
    )


def weave(
    layers: Layers,
    households: int | Sequence[int] = 1,
    *,
    band: tuple[float, float] = NO_SLABS,
    rules: Rules | None = None,
) -> Fabric:
    """Return the fabric of a town in which every building holds so many households."""
    sources = layers.buildings if layers.atoms is None else layers.atoms
    assert sources is not None
    held = np.broadcast_to(np.asarray(households, dtype=np.int64), len(sources)).copy()
    return build_fabric(layers, held, np.array([band] * len(layers.communities)), rules=rules)


def atoms_drawn(fabric: Fabric) -> NDArray[np.object_]:
    """Return the polygon of every atom."""
    n = len(fabric.atoms)
    return draw_cells(trace_borders(fabric, np.arange(n)), np.arange(n), n)


def broken_promises(layers: Layers, fabric: Fabric, households: int) -> list[str]:
    """Return what does not hold of a fabric, nothing for a sound one.

    Parameters
    ----------
    layers
        What it was made of.
    fabric
        What was made.
    households
        Number that the buildings or given atoms hold together.
    """
    broken = []
    land = layers.communities.geometry.to_numpy()
    atoms = fabric.atoms
    drawn = atoms_drawn(fabric)
    if any(shape is None for shape in drawn):
        return ["atoms without land"]
    if not shapely.is_valid(drawn).all():
        broken.append(f"invalid: {shapely.is_valid_reason(drawn[~shapely.is_valid(drawn)])}")
    if not edges_match(drawn):
        broken.append("edges that do not match")
    for row, area in enumerate(land):
        mine = drawn[(atoms["community"] == row).to_numpy()]
        # The grid may move a boundary by its own width, and by no more.
        rim = 2e-5 * area.length + 1e-3
        if abs(shapely.area(mine).sum() - area.area) > rim:
            broken.append(f"community {row}: {shapely.area(mine).sum()} of {area.area} m2")
        union = shapely.coverage_union_all(mine)
        if shapely.symmetric_difference(union, area, grid_size=None).area > rim:
            broken.append(f"community {row}: other land than its own")
    if np.abs(shapely.area(drawn) - atoms["area_m2"].to_numpy()).max(initial=0) > 1e-2:
        broken.append("areas that are not those of the atoms")
    several = shapely.get_num_geometries(drawn) > 1
    if (several & (atoms["kind"] != "site").to_numpy()).any():
        broken.append(f"scattered: {atoms[several]}")

    pieces = fabric.pieces
    outside = pieces["atom"] < 0
    if atoms["households"].sum() + pieces["households"][outside].sum() != households:
        broken.append("households lost")
    held = pieces[~outside].groupby("atom")["households"].sum()
    if not (atoms["households"] == held.reindex(atoms.index, fill_value=0)).all():
        broken.append("atoms that hold other households than their pieces")
    if layers.atoms is None:
        broken += _cut_buildings(layers, fabric, drawn)
    return broken


def edges_match(drawn: NDArray[np.object_]) -> bool:
    """Return whether every edge has one polygon on each side, or one and nothing.

    Not `shapely.coverage_is_valid`, which calls polygons invalid whose hole touches their shell.
    """
    rings = shapely.get_rings(shapely.orient_polygons(drawn))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    edges = np.hstack([xy[:-1], xy[1:]])[ring[:-1] == ring[1:]]
    directed = {tuple(edge) for edge in edges.tolist()}
    rim = [e for e in directed if (*e[2:], *e[:2]) not in directed]
    ends = shapely.linestrings(np.array(rim).reshape(-1, 2, 2))
    a, b = shapely.STRtree(ends).query(ends, predicate="intersects")
    met = shapely.relate_pattern(ends[a], ends[b], "T********") & (a != b)
    return len(directed) == len(edges) and not met.any()


def _cut_buildings(layers: Layers, fabric: Fabric, drawn: NDArray[np.object_]) -> list[str]:
    """Return the footprints that lie in several atoms of a community.

    What lies under another footprint as well is that one's: it is left out.
    """
    land = layers.communities.geometry.to_numpy()
    outline = fabric.outlines.geometry.to_numpy()
    row, community = shapely.STRtree(land).query(outline, predicate="intersects")
    part, of_part = shapely.get_parts(
        shapely.intersection(outline[row], land[community]), return_index=True
    )
    row, community = row[of_part], community[of_part]
    tree = shapely.STRtree(outline)
    atom_tree = shapely.STRtree(drawn)
    broken = []
    for i in np.flatnonzero(shapely.get_dimensions(part) == 2):
        others = tree.query(part[i], predicate="intersects")
        alone = shapely.difference(part[i], shapely.union_all(outline[others[others != row[i]]]))
        near = atom_tree.query(part[i], predicate="intersects")
        near = near[fabric.atoms["community"].to_numpy()[near] == community[i]]
        most = shapely.area(shapely.intersection(alone, drawn[near])).max(initial=0)
        if alone.area - most > 1e-3 + 2e-5 * part[i].length:
            broken.append(f"footprint {row[i]} is cut: {alone.area - most} m2")
    return broken
