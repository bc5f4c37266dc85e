"""Households by H3 hexagon: a summary to join with what others count by hexagons."""

import json
from pathlib import Path
from typing import Final

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, apportion
from gridcell.coverage.lattice import LONLAT
from gridcell.crs import transformer
from gridcell.errors import InputError, ProofError
from gridcell.formats.layers import CellLevels, Manifest
from gridcell.formats.source import CellSource, Written
from gridcell.read.fields import as_count
from gridcell.read.files import open_input
from gridcell.tables.values import as_text
from gridcell.tables.write import write_table
from gridcell.words.messages import Message

DEFAULT_RESOLUTION: Final = 9
_MOST: Final = 2_000_000
_TEXT: Final = ("h3", "code", "community")
_DECIMALS: Final = 9


def as_hexagons(source: CellSource, folder: Path, *, resolution: int) -> Written:
    """Write ``hexagons.csv``, ``hexagons.geojson`` and ``cells_hexagons.csv``.

    A leaf's households are apportioned to hexagons by those of its buildings, each where a point of
    it lies; a leaf without buildings by area. Whole households, totals kept. In a publication all
    buildings of a leaf count alike, so that nothing is made of what is not told.

    Raises
    ------
    InputError
        More hexagons than anybody can use.
    """
    hexagons, shapes = _on_land(source, resolution)
    shares = _shares(source, hexagons, shapes, resolution)
    buildings = _buildings(source, resolution)
    table = pd.DataFrame({"h3": hexagons})
    # A hexagon with part of a hidden count has none that is known.
    hidden = shares["households"].isna().groupby(shares["h3"]).any()
    summed = shares.groupby("h3")["households"].sum().mask(hidden)
    table["households"] = summed.reindex(hexagons, fill_value=0).array
    table["buildings"] = buildings.reindex(hexagons, fill_value=0).to_numpy()
    _require_totals(source, table, shares)
    files = {name: folder / name for name in
             ("hexagons.csv", "hexagons.geojson", "cells_hexagons.csv")}  # fmt: skip
    write_table(table, files["hexagons.csv"], text=_TEXT, bom=True)
    write_table(shares, files["cells_hexagons.csv"], text=_TEXT, bom=True)
    _write_geojson(source, table, shapes, files["hexagons.geojson"])
    return Written(
        rows={
            files["hexagons.csv"]: len(table), files["hexagons.geojson"]: len(table),
            files["cells_hexagons.csv"]: len(shares),
        },
        notes=(Message("export.hexagons"),),
        proof={
            "holds": True, "resolution": resolution, "hexagons": len(table),
            "households": int(table["households"].sum()),
        },
    )  # fmt: skip


def read_hexagons(folder: Path, _manifest: Manifest) -> CellLevels:
    """Return the leaves that a summary by hexagons tells of."""
    source = open_input(str(folder / "cells_hexagons.csv"), "hexagons")
    for name in ("code", "households"):
        if name not in source.frame:
            raise InputError(Message("error.export_no_column", label=source.label, column=name))
    shares = as_count(source.frame["households"], source, "households")
    groups = shares.groupby(as_text(source.frame["code"]))
    # Who sees a hidden share knows no total.
    leaves = pd.DataFrame({
        "code": pd.array([str(code) for code, _ in groups], dtype="str"),
        "households": pd.array([part.sum(skipna=False) for _, part in groups], dtype="Int64"),
    })  # fmt: skip
    return {"leaves": leaves}


def _on_land(source: CellSource, resolution: int) -> tuple[NDArray[np.object_], Geometries]:
    """Return the hexagons that meet the land, sorted, and their polygons in WGS 84."""
    land = source.levels["large"]
    expected = float(land["area_m2"].sum()) / h3.average_hexagon_area(resolution, unit="m^2")
    if expected > _MOST:
        raise InputError(
            Message("error.too_many_hexagons", resolution=resolution, number=expected, most=_MOST)
        )
    found: set[str] = set()
    for shape in land.to_crs(LONLAT).geometry:
        found.update(
            h3.h3shape_to_cells_experimental(
                h3.geo_to_h3shape(shape), resolution, contain="overlap"
            )
        )
    # Points at the rim may lie in a hexagon that only touches the land by rounding.
    points, _ = _building_points(source)
    found.update(_cells_at(points, resolution))
    found.update(_cells_at(_inside(source.levels["leaves"]), resolution))
    names = np.array(sorted(found), dtype=object)
    rings = [[(lng, lat) for lat, lng in h3.cell_to_boundary(name)] for name in names]
    shapes = shapely.polygons([shapely.linearrings(ring) for ring in rings])
    return names, np.asarray(shapes, dtype=object)


def _shares(
    source: CellSource, hexagons: NDArray[np.object_], shapes: Geometries, resolution: int
) -> pd.DataFrame:
    """Return ``h3``, ``code``, ``community``, ``households``: a leaf's share in each hexagon."""
    leaves = source.levels["leaves"]
    points, rows = _building_points(source)
    weights = pd.DataFrame({
        "h3": _cells_at(points, resolution),
        "code": source.plan.buildings["code"].to_numpy(dtype=object)[rows],
        "weight": _households(source)[rows],
    })  # fmt: skip
    somebody = (leaves["households"] > 0).fillna(value=True).to_numpy(dtype=bool)
    bare = leaves[~leaves["code"].isin(weights.loc[weights["weight"] > 0, "code"]) & somebody]
    lonlat = np.asarray(bare.to_crs(LONLAT).geometry, dtype=object)
    leaf, hexagon = shapely.STRtree(shapes).query(lonlat, predicate="intersects")
    by_area = pd.DataFrame({
        "h3": hexagons[hexagon], "code": bare["code"].to_numpy(dtype=object)[leaf],
        "weight": shapely.area(shapely.intersection(lonlat[leaf], shapes[hexagon])),
    })  # fmt: skip
    # So that every leaf has a hexagon, if only with nobody in it.
    at_all = pd.DataFrame({
        "h3": _cells_at(_inside(leaves), resolution),
        "code": leaves["code"].to_numpy(dtype=object), "weight": 0.0,
    })  # fmt: skip
    weights = pd.concat([weights, by_area, at_all], ignore_index=True)
    weights = weights[weights["code"].isin(leaves["code"])]
    weights = weights.groupby(["code", "h3"])[["weight"]].sum().reset_index()
    known = leaves.set_index("code").loc[weights["code"]]
    hidden = known["households"].isna().to_numpy()
    total = known["households"].fillna(0).to_numpy(dtype=np.int64)
    shared = _apportion(weights["code"], weights["weight"].to_numpy(), total)
    out = pd.DataFrame({
        "h3": weights["h3"], "code": weights["code"],
        "community": known["community"].to_numpy(dtype=object),
        "households": pd.array(shared, dtype="Int64"),
    })  # fmt: skip
    # Where nobody is counts only if the cell is nowhere else.
    out["held"] = np.where(hidden, weights["weight"] > 0, shared)
    out["households"] = out["households"].mask(hidden)
    out = out.sort_values(["code", "held", "h3"], ascending=[True, False, True])
    kept = out[(out["held"] > 0) | ~out["code"].duplicated()].drop(columns="held")
    return kept.sort_values(["h3", "code"], kind="stable", ignore_index=True)


def _apportion(
    group: "pd.Series[str]", weight: NDArray[np.float64], total: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return whole shares of each group's total, which stands beside each of its weights."""
    owner, _ = pd.factorize(group)
    totals = np.zeros(int(owner.max(initial=-1)) + 1, dtype=np.int64)
    totals[owner] = total
    return apportion(totals, owner, weight)


def _building_points(source: CellSource) -> tuple[Geometries, NDArray[np.int64]]:
    """Return points of the plan's buildings in WGS 84, and their rows."""
    frame = source.plan.buildings
    rows = np.flatnonzero(frame["code"].notna() & ~frame.geometry.isna() & ~frame.geometry.is_empty)
    return _inside(frame.iloc[rows]), rows


def _buildings(source: CellSource, resolution: int) -> "pd.Series[int]":
    """Return the buildings of each hexagon: each once, where most of its households are."""
    points, rows = _building_points(source)
    frame = source.plan.buildings.iloc[rows]
    order = np.lexsort((frame["code"], -_households(source)[rows]))
    first = ~frame["bldg_id"].iloc[order].duplicated().to_numpy()
    names = np.array(_cells_at(points, resolution), dtype=object)[order][first]
    return pd.Series(names, dtype=object).value_counts()


def _households(source: CellSource) -> NDArray[np.float64]:
    column = pd.to_numeric(source.plan.buildings["households"])
    if source.plan.publication is not None:
        return np.ones(len(column))
    return np.asarray(column.astype("float64").fillna(0.0), dtype=np.float64)


def _inside(frame: gpd.GeoDataFrame) -> Geometries:
    points = shapely.point_on_surface(np.asarray(frame.geometry, dtype=object))
    there = transformer(frame.crs, LONLAT)
    return np.asarray(
        shapely.points(*there.transform(shapely.get_x(points), shapely.get_y(points))), dtype=object
    )


def _cells_at(points: Geometries, resolution: int) -> list[str]:
    x, y = shapely.get_x(points).tolist(), shapely.get_y(points).tolist()
    return [h3.latlng_to_cell(lat, lng, resolution) for lng, lat in zip(x, y, strict=True)]


def _require_totals(source: CellSource, table: pd.DataFrame, shares: pd.DataFrame) -> None:
    leaves = source.levels["leaves"].set_index("code")["households"]
    shown = leaves[leaves.notna()]
    by_leaf = shares.groupby("code")["households"].sum().reindex(shown.index)
    whole = int(table["households"].sum()) == int(leaves.sum()) or len(shown) < len(leaves)
    if not (by_leaf == shown).all() or not whole:
        raise ProofError(Message("error.bug_hexagons"))


def _write_geojson(source: CellSource, table: pd.DataFrame, shapes: Geometries, file: Path) -> None:
    rounded = shapely.transform(shapes, lambda xy: np.round(xy, _DECIMALS))
    texts = shapely.to_geojson(shapely.orient_polygons(rounded))
    note = '"households":"estimated",' if source.estimated else ""
    if source.note is not None:
        note += f'"note":{json.dumps(source.note, ensure_ascii=False)},'
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    features = ",\n".join(
        f'{{"type":"Feature","properties":{json.dumps(row)},"geometry":{text}}}'
        for row, text in zip(rows, texts, strict=True)
    )
    file.write_text(
        f'{{"type":"FeatureCollection","name":"hexagons",{note}"features":[\n{features}\n]}}\n',
        encoding="utf-8", newline="\n",
    )  # fmt: skip
