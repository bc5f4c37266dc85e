"""Layers of cells in the formats people have, each read back and compared before it is there."""

import json
import warnings
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from shapely import GeometryType

from gridcell.arrays import Geometries
from gridcell.coverage.lattice import LONLAT, to_lattice
from gridcell.crs import crs_name, is_on_earth, is_same_crs, move_coordinates
from gridcell.errors import WriteError
from gridcell.files.whole import require_space, require_writable, whole_file
from gridcell.formats.columns import fit_frame, geopackage_names, nested_frame, require_names
from gridcell.formats.geopackage import dated
from gridcell.formats.housekeeping import require_housekeeping
from gridcell.tables.written import written_text
from gridcell.words.messages import Message

FORMATS: Final = {
    ".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".geojson": "GeoJSON", ".json": "GeoJSON",
    ".fgb": "FlatGeobuf", ".parquet": "Parquet", ".geoparquet": "Parquet",
}  # fmt: skip
"""Formats by the suffix of the file."""

_OPTIONS: Final[dict[str, dict[str, str]]] = {
    "GeoJSON": {"RFC7946": "YES"},
    # An index would sort the rows.
    "FlatGeobuf": {"SPATIAL_INDEX": "NO"},
}
_NAME_BYTES: Final = 10
_DECIMALS: Final = 15
"""Decimals that keep every double from 8 up, and all with 9 decimals."""
_RELATIVE: Final = 1e-9
"""Part of a number that its text in a shapefile may be off."""
_DIGITS: Final = 17
"""Significant digits that keep every double."""


def write_cells(
    cells: gpd.GeoDataFrame,
    path: str | Path,
    *,
    layer: str = "cells",
    encoding: str | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write polygons with all their columns, in their order, and make sure that they arrived.

    Returns the files, all those of a shapefile.

    Parameters
    ----------
    cells
        (Multi)Polygons or ``None``.
    path
        A file with a suffix of `FORMATS`; appears whole or not at all. GeoJSON is in longitude and
        latitude (RFC 7946): coordinates of other CRS are rounded to 9 decimals such that an exact
        coverage stays one, and anything else is refused.
    layer
        Name of the layer where the format has one.
    encoding
        Of the text in a shapefile; UTF-8 by default.
    overwrite
        Replace files that are there already.

    Raises
    ------
    WriteError
        Geometries that are no polygons, a suffix of no known format, a file in the way, column
        names too long for a shapefile, GeoJSON without a CRS; a file that does not hold what was
        written.
    ProofError
        GeoJSON of cells in another CRS that are no exact coverage.
    """
    file = require_writable(path, overwrite=overwrite)
    driver = _driver(file)
    frame = _fitting(cells, file, driver, encoding)
    with whole_file(file, overwrite=overwrite) as part:
        try:
            _write(frame, part, driver, layer, encoding)
        except ValueError as error:
            raise WriteError(Message("error.cannot_write", path=file, reason=error)) from None
        require_space(part.parent)
        _compare(frame, part, encoding)
        names = sorted(other.name for other in part.parent.iterdir())
    return [file.with_name(name) for name in names]


def require_format(path: str | Path) -> None:
    """Raise `WriteError` where `write_cells` does not know the suffix of a file."""
    _driver(Path(path))


def _driver(file: Path) -> str:
    driver = FORMATS.get(file.suffix.lower())
    if driver is None:
        raise WriteError(
            Message("error.suffix_unknown", file=file, suffix=file.suffix, formats=list(FORMATS))
        )
    return driver


def _fitting(
    cells: gpd.GeoDataFrame, file: Path, driver: str, encoding: str | None
) -> gpd.GeoDataFrame:
    """Return the frame in the CRS of the format, when the format can hold it."""
    shapes = np.array(cells.geometry.array, dtype=object)
    area = np.isin(shapely.get_type_id(shapes), [GeometryType.POLYGON, GeometryType.MULTIPOLYGON])
    other = np.flatnonzero(~area & ~shapely.is_missing(shapes))
    if len(other):
        raise WriteError(
            Message(
                "error.rows_not_polygons",
                file=file,
                row=other[0] + 1,
                found=shapes[other[0]].geom_type,
                n_rows=len(other),
            )
        )
    names = _names(cells)
    require_names(names, driver, file)
    cells = nested_frame(cells) if driver == "Parquet" else fit_frame(cells)
    if driver == "ESRI Shapefile":
        long = [n for n in names if len(n.encode(encoding or "utf-8", "replace")) > _NAME_BYTES]
        if long:
            raise WriteError(
                Message(
                    "error.shapefile_long_names", file=file, names=list(long[:5]), most=_NAME_BYTES
                )
            )
    if driver != "GeoJSON" or is_same_crs(cells.crs, LONLAT):
        return cells
    if cells.crs is None or not is_on_earth(cells.crs):
        raise WriteError(Message("error.geojson_without_crs", file=file))
    solid = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_empty(shapes))
    xy, rows = shapely.get_coordinates(shapes[solid], return_index=True)
    lost = ~np.isfinite(move_coordinates(xy, cells.crs, LONLAT)).all(axis=1)
    if lost.any():
        raise WriteError(
            Message(
                "error.geojson_outside_crs",
                file=file,
                row=int(solid[rows[lost]][0]) + 1,
                crs=crs_name(cells.crs),
            )
        )
    lattice = to_lattice(shapes[solid], cells.crs)
    if len(lattice.collapsed):
        row = int(solid[lattice.collapsed[0]])
        raise WriteError(Message("error.geojson_too_small", file=file, row=row + 1))
    shapes[solid] = lattice.cells
    return cells.set_geometry(gpd.GeoSeries(shapes, index=cells.index, crs=LONLAT))


def _write(
    frame: gpd.GeoDataFrame, part: Path, driver: str, layer: str, encoding: str | None
) -> None:
    if driver == "Parquet":
        frame.to_parquet(part, index=False, write_covering_bbox=True)
        return
    options: dict[str, Any] = {}
    given = geopackage_names(_names(frame)) if driver == "GPKG" else _OPTIONS.get(driver)
    if driver == "GeoJSON":
        options["COORDINATE_PRECISION"] = str(_decimals(np.asarray(frame.geometry.array)))
    if driver == "ESRI Shapefile":
        options["encoding"] = encoding or "UTF-8"
    elif driver == "GPKG":
        options["layer"] = layer
    kind = "MultiPolygon" if driver != "GeoJSON" else None
    with warnings.catch_warnings(), dated():
        # A layer without a CRS is written without one.
        warnings.simplefilter("ignore")
        pyogrio.write_dataframe(
            frame, part, driver=driver, use_arrow=False, geometry_type=kind,
            promote_to_multi=kind is not None, layer_options=given, **options,
        )  # fmt: skip
    if driver == "GPKG":
        require_housekeeping(part)


def _decimals(shapes: Geometries) -> int:
    """Return the decimals that keep every coordinate: more near the equator and Greenwich."""
    size = np.abs(shapely.get_coordinates(shapes))
    fine = size[(size > 0) & (np.round(size, _DECIMALS) != size)]
    if not len(fine):
        return _DECIMALS
    return max(_DECIMALS, _DIGITS - 1 - int(np.floor(np.log10(fine.min()))))


def _compare(frame: gpd.GeoDataFrame, part: Path, encoding: str | None) -> None:
    """Read the file back and raise `WriteError` unless it holds the same polygons and columns."""
    back: gpd.GeoDataFrame
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if part.suffix.lower() in {".parquet", ".geoparquet"}:
            back = gpd.read_parquet(part)
        else:
            known = {"encoding": encoding} if encoding and part.suffix.lower() == ".shp" else {}
            back = gpd.GeoDataFrame(pyogrio.read_dataframe(part, **known))
    here = _as_multi(np.asarray(frame.geometry.array, dtype=object))
    there = _as_multi(np.asarray(back.geometry.array, dtype=object))
    names = _names(frame)
    lost = [name for name in names if name not in back.columns]
    if lost:
        raise WriteError(
            Message("error.format_loses_column", file=part.name, columns=list(lost[:5]))
        )
    if len(here) != len(there):
        raise WriteError(
            Message("error.rows_lost", file=part.name, written=len(here), found=len(there))
        )
    same: NDArray[np.bool_] = shapely.equals_identical(here, there)
    same |= shapely.is_missing(here) & shapely.is_missing(there)
    if not same.all():
        row = int(np.flatnonzero(~same)[0])
        raise WriteError(
            Message("error.polygon_changed", file=part.name, row=row + 1, n_rows=int((~same).sum()))
        )
    for name in names:
        kept = _same_values(frame[name], back[name], padded=part.suffix.lower() == ".shp")
        if not kept.all():
            row = int(np.flatnonzero(~kept)[0])
            raise WriteError(
                Message(
                    "error.value_changed",
                    file=part.name,
                    column=name,
                    row=row + 1,
                    n_rows=int((~kept).sum()),
                )
            )


def _same_values(
    here: "pd.Series[Any]", there: "pd.Series[Any]", *, padded: bool
) -> NDArray[np.bool_]:
    """Tell which texts and numbers arrived; formats have types of their own for everything else."""
    both = (here.dtype, there.dtype)
    if all(pd.api.types.is_numeric_dtype(kind) for kind in both):
        a, b = (column.to_numpy(dtype=float, na_value=np.nan) for column in (here, there))
        return np.asarray(np.isclose(a, b, rtol=_RELATIVE, atol=0.0, equal_nan=True))
    if not all(pd.api.types.is_string_dtype(kind) for kind in both):
        return np.ones(len(here), dtype=bool)
    # No text and an empty one look alike in some formats; tables of shapefiles pad with blanks.
    texts = [column.map(written_text, na_action="ignore").fillna("") for column in (here, there)]
    if padded:
        texts = [column.str.rstrip(" ") for column in texts]
    same = np.asarray(texts[0].to_numpy(object) == texts[1].to_numpy(object), dtype=bool)
    for row in np.flatnonzero(~same):
        same[row] = _is_same_json(texts[0].iloc[row], texts[1].iloc[row])
    return same


def _is_same_json(one: str, other: str) -> bool:
    """Tell whether two texts are the same list or object.

    In GeoJSON they are lists and objects; GDAL reads those of a column as texts if any is.
    """
    try:
        here, there = json.loads(one), json.loads(other)
    except (ValueError, RecursionError):
        return False
    if not isinstance(here, list | dict):
        return False
    return bool(here == there) or _bare(here) == _bare(there)


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items()}
    return [_bare(item) for item in value] if isinstance(value, list) else str(value)


def _names(frame: gpd.GeoDataFrame) -> list[str]:
    return [str(name) for name in frame.columns if name != frame.active_geometry_name]


def _as_multi(shapes: Geometries) -> Geometries:
    """Return every polygon as a normalized multipolygon, nothing as ``None``."""
    out = np.full(len(shapes), None, dtype=object)
    parts, row = shapely.get_parts(shapely.force_2d(shapes), return_index=True)
    if len(parts):
        shapely.multipolygons(parts, indices=row, out=out)
    return np.asarray(shapely.normalize(out), dtype=object)
