"""Every format that cells are exported in: its writer beside its reader."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gridcell.formats.flatgeobuf import as_flatgeobuf, read_flatgeobuf
from gridcell.formats.geojson import as_geojson, read_geojson
from gridcell.formats.geopackage import as_geopackage, read_geopackage
from gridcell.formats.geoparquet import as_geoparquet, read_geoparquet
from gridcell.formats.hexagons import as_hexagons, read_hexagons
from gridcell.formats.kml import as_kml, read_kml
from gridcell.formats.layers import CellLevels, Manifest
from gridcell.formats.shapefile import as_shapefile, read_shapefile
from gridcell.formats.sheets import as_csv, as_xlsx, read_csv_levels, read_xlsx_levels
from gridcell.formats.source import Written
from gridcell.formats.tiles import as_tiles, read_tiles


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """A format of exports."""

    write: Callable[..., Written]
    """Takes a `CellSource`, a folder and `options`, and writes the cells into the folder."""
    read: Callable[[Path, Manifest], CellLevels]
    """Takes such a folder and what its manifest holds, and returns the cells by level."""
    options: tuple[str, ...] = ()
    """What `write` wants to know: ``lang``, ``households``, ``resolution``."""


FORMATS: Final[Mapping[str, ExportFormat]] = {
    "geojson": ExportFormat(write=as_geojson, read=read_geojson),
    "gpkg": ExportFormat(write=as_geopackage, read=read_geopackage, options=("lang",)),
    "shapefile": ExportFormat(write=as_shapefile, read=read_shapefile),
    "geoparquet": ExportFormat(write=as_geoparquet, read=read_geoparquet),
    "flatgeobuf": ExportFormat(write=as_flatgeobuf, read=read_flatgeobuf),
    "kml": ExportFormat(write=as_kml, read=read_kml, options=("lang",)),
    "csv": ExportFormat(write=as_csv, read=read_csv_levels, options=("households",)),
    "xlsx": ExportFormat(write=as_xlsx, read=read_xlsx_levels, options=("households", "lang")),
    "pmtiles": ExportFormat(write=as_tiles, read=read_tiles),
    "h3": ExportFormat(write=as_hexagons, read=read_hexagons, options=("resolution",)),
}
"""By the name that people say (`schema.EXPORT_FORMATS`)."""
