"""Findings as a layer, to look at in a GIS."""

import uuid
from pathlib import Path

import geopandas as gpd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from gridcell.errors import WriteError


def write_findings(
    findings: gpd.GeoDataFrame, path: str | Path, *, overwrite: bool = False
) -> None:
    """Write findings as a point layer, in the format that the file's suffix names.

    Parameters
    ----------
    findings
        From `gridcell.model.findings_frame`.
    path
        A ``.gpkg``, ``.geojson``, ``.fgb`` …; appears whole or not at all.
    overwrite
        Replace a file that is there already.

    Raises
    ------
    WriteError
        The file is in the way or cannot be written.
    """
    file = Path(path)
    if file.exists() and not overwrite:
        raise WriteError(f"{file}: is there already; choose another name or allow it (--overwrite)")
    part = file.with_name(f".{file.stem}-{uuid.uuid4().hex[:8]}.part{file.suffix}")
    try:
        pyogrio.write_dataframe(
            findings, part, layer="findings", geometry_type="Point", use_arrow=False
        )
        part.replace(file)
    except (DataSourceError, DataLayerError, ValueError, OSError) as error:
        raise WriteError(f"{file}: cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)
