"""Findings as a layer, to look at in a GIS."""

import uuid
import warnings
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from gridcell.errors import WriteError

_GEOJSON: Final = (".geojson", ".json")


def write_findings(
    findings: gpd.GeoDataFrame,
    path: str | Path,
    *,
    pieces: gpd.GeoDataFrame | None = None,
    overwrite: bool = False,
) -> None:
    """Write findings as a point layer, in the format that the file's suffix names.

    Parameters
    ----------
    findings
        From `gridcell.check.CheckReport` or `gridcell.model.findings_frame`.
    path
        A ``.gpkg``, ``.geojson``, ``.fgb`` …; appears whole or not at all. GeoJSON is in longitude
        and latitude (RFC 7946).
    pieces
        Polygons of gaps, overlaps and spills: the layer ``pieces`` of a GeoPackage. Other formats
        hold one layer, the points.
    overwrite
        Replace a file that is there already.

    Raises
    ------
    WriteError
        The file is in the way or cannot be written; GeoJSON of findings without a CRS.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if file.exists() and not overwrite:
        raise WriteError(f"{file}: is there already; choose another name or allow it (--overwrite)")
    options: dict[str, Any] = {}
    if suffix in _GEOJSON:
        if findings.crs is None:
            raise WriteError(
                f"{file}: GeoJSON is in longitude and latitude, and the cells have no CRS; write a "
                f".gpkg instead"
            )
        findings, options = findings.to_crs(4326), {"RFC7946": "YES", "COORDINATE_PRECISION": 9}
    part = file.with_name(f".{file.stem}-{uuid.uuid4().hex[:8]}.part{file.suffix}")
    try:
        with warnings.catch_warnings():
            # A layer without a CRS is written without one.
            warnings.simplefilter("ignore")
            pyogrio.write_dataframe(
                findings, part, layer="findings", geometry_type="Point", use_arrow=False, **options
            )
            if pieces is not None and suffix == ".gpkg":
                pyogrio.write_dataframe(
                    pieces, part, layer="pieces", geometry_type="MultiPolygon",
                    promote_to_multi=True, use_arrow=False, append=True,
                )  # fmt: skip
        part.replace(file)
    except (DataSourceError, DataLayerError, ValueError, OSError) as error:
        raise WriteError(f"{file}: cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)
