"""Service points of a plan as files: for maps, and as tables."""

import json
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import shapely

from gridcell.coverage.lattice import LONLAT
from gridcell.crs import move_coordinates
from gridcell.formats.geopackage import plain
from gridcell.model import Plan
from gridcell.schema import POINT_COLUMNS
from gridcell.siting.tables import BEYOND, SERVED_CELLS, beyond_reach, served_cells
from gridcell.tables.write import write_table

POINT_FILES: Final = ("geojson/points.geojson", "points.csv", "served.csv", "beyond.csv")
"""Files of a plan with service points."""
_TEXT: Final = ("point_id", "tier", "code", "zone", "community", "small", "place", "bldg_id")
_DECIMALS: Final = 7
"""Of a degree: a centimetre."""


def write_points(plan: Plan, folder: Path) -> None:
    """Write the service points of a plan, whom they serve and whom they are too far from.

    Parameters
    ----------
    plan
        A plan with service points.
    folder
        Its folder, with a folder ``geojson``.
    """
    points = pd.DataFrame(plan.points[list(POINT_COLUMNS)])
    xy = shapely.get_coordinates(np.asarray(plan.points.geometry, dtype=object)).reshape(-1, 2)
    degrees = np.round(move_coordinates(xy, plan.crs, LONLAT), _DECIMALS)
    rows = points.astype(object).where(points.notna(), None).to_dict("records")
    features = [
        {
            "type": "Feature",
            "properties": plain({str(name): value for name, value in row.items()}),
            "geometry": {"type": "Point", "coordinates": at},
        }
        for row, at in zip(rows, degrees.tolist(), strict=True)
    ]
    # A feature a line, as differences are looked at.
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    text = '{"type": "FeatureCollection", "name": "points", "features": [\n' + lines + "\n]}\n"
    (folder / "geojson" / "points.geojson").write_text(text, encoding="utf-8", newline="\n")
    x, y = np.round(xy.T, 3)
    lon, lat = degrees.T
    table = points.assign(x=x, y=y, lon=lon, lat=lat)
    for name, frame in (
        ("points.csv", table), ("served.csv", served_cells(plan)[list(SERVED_CELLS)]),
        ("beyond.csv", beyond_reach(plan)[list(BEYOND)]),
    ):  # fmt: skip
        text_columns = [column for column in _TEXT if column in frame]
        write_table(frame, folder / name, text=text_columns, bom=True)
