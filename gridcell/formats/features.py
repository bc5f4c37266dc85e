"""Layers written batch by batch: GeoPackage, GeoJSON and GeoParquet."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj

from gridcell.errors import GridcellError, WriteError
from gridcell.files.whole import whole_file
from gridcell.formats.columns import fit_table, geopackage_names, require_names
from gridcell.formats.geopackage import dated
from gridcell.words.messages import Message

FEATURE_FORMATS: Final = (".gpkg", ".geojson", ".parquet")
_DRIVERS: Final = {".gpkg": "GPKG", ".geojson": "GeoJSON"}
_OPTIONS: Final[dict[str, dict[str, str]]] = {
    ".gpkg": {},
    ".geojson": {"RFC7946": "YES", "COORDINATE_PRECISION": "9"},
}


def write_features(
    tables: Iterable[pa.Table],
    path: str | Path,
    *,
    geometry: str,
    kind: str,
    crs: pyproj.CRS,
    layer: str,
    overwrite: bool = False,
) -> int:
    """Write a layer in the format that the file's suffix names; return its number of rows.

    Parameters
    ----------
    tables
        Rows with one schema; only one table is in memory at a time.
    path
        A ``.gpkg``, ``.geojson`` or ``.parquet`` file; appears whole or not at all.
    geometry
        The column of WKB.
    kind
        Type of the geometries, as GDAL names it: ``Point``.
    crs
        Their CRS; for GeoJSON they must be in WGS 84 already.
    layer
        Name of the layer.
    overwrite
        Replace a file that is there already.

    Raises
    ------
    WriteError
        A file in the way, or one that cannot be written.
    """
    suffix = Path(path).suffix.lower()
    rows = _Counted(tables)
    with whole_file(path, overwrite=overwrite) as part:
        try:
            first = next(rows)
            if suffix == ".parquet":
                _write_parquet(first, rows, part, geometry, kind, crs)
            else:
                names = [name for name in first.column_names if name != geometry]
                require_names(names, _DRIVERS[suffix], Path(path))
                options = {**_OPTIONS[suffix]}
                if suffix == ".gpkg":
                    options |= geopackage_names(names)
                zones = {"*": "UTC"} if suffix == ".gpkg" else {}
                first, fitting = fit_table(first, zones), (fit_table(t, zones) for t in rows)
                reader = pa.RecordBatchReader.from_batches(first.schema, _batches(first, fitting))
                with dated():
                    pyogrio.write_arrow(
                        reader, part, layer=layer, driver=_DRIVERS[suffix], geometry_type=kind,
                        geometry_name=geometry, crs=crs.to_wkt(), layer_options=options,
                    )  # fmt: skip
        except Exception as error:
            if rows.failure is not None:
                raise rows.failure from None
            if isinstance(error, pa.ArrowInvalid | pa.ArrowNotImplementedError):
                raise WriteError(Message("error.cannot_write", path=path, reason=error)) from None
            raise
    return rows.count


class _Counted:
    """Tables with the number of their rows, and the error that ended them behind GDAL's back."""

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self._tables = iter(tables)
        self.count = 0
        self.failure: GridcellError | None = None

    def __iter__(self) -> Iterator[pa.Table]:
        return self

    def __next__(self) -> pa.Table:
        try:
            table = next(self._tables)
        except GridcellError as error:
            self.failure = error
            raise
        self.count += table.num_rows
        return table


def _batches(first: pa.Table, rest: Iterable[pa.Table]) -> Iterator[Any]:
    yield from first.to_batches()
    for table in rest:
        yield from table.cast(first.schema).to_batches()


def _write_parquet(
    first: pa.Table, rest: Iterable[pa.Table], part: Path, geometry: str, kind: str, crs: pyproj.CRS
) -> None:
    column = {"encoding": "WKB", "geometry_types": [kind], "crs": crs.to_json_dict()}
    geo = {"version": "1.0.0", "primary_column": geometry, "columns": {geometry: column}}
    schema = first.schema.with_metadata({"geo": json.dumps(geo)})
    with pq.ParquetWriter(part, schema) as writer:
        for batch in _batches(first, rest):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
