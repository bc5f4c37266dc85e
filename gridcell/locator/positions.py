"""Tables of where people are now."""

from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from gridcell.crs import NAME_IT, horizontal
from gridcell.errors import InputError
from gridcell.locator.places import as_pairs, point_coordinates, settle_places
from gridcell.locator.rows import open_points
from gridcell.schema import ALIASES
from gridcell.words.messages import Message, either, input_name, some

NEAREST_COLUMNS: Final = ("nearest", "nearest_m", "nearest_min")
"""What positions add to each point: the id of who is nearest along the streets, metres and minutes
of that way."""

_PAIRS: Final = (("lon", "lat"), ("x", "y"))

Positions = pd.DataFrame | str | Path
"""A frame or a file with ``staff_id``, and ``lon`` and ``lat``, ``x`` and ``y``, or points."""


def read_positions(
    given: Positions, plan_crs: pyproj.CRS, *, crs: pyproj.CRS | None, encoding: str | None = None
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return the ids of people, and (n, 2) where they are in the plan's CRS, NaN for nowhere.

    Raises
    ------
    InputError
        No column of ids, somebody twice, no coordinates, no such file.
    """
    if isinstance(given, pd.DataFrame):
        ids, xy, source = _from_frame(given, plan_crs, crs)
        label: Any = input_name("positions")
    else:
        ids, xy, source, label = _from_file(given, plan_crs, crs, encoding)
    twice = sorted(set(ids[pd.Series(ids).duplicated()].tolist()))
    if twice:
        raise InputError(Message("error.positions_twice", label=label, people=some(twice)))
    return ids, settle_places(xy, source, plan_crs)[0]


def _from_frame(
    frame: pd.DataFrame, plan_crs: pyproj.CRS, crs: pyproj.CRS | None
) -> tuple[NDArray[np.object_], NDArray[np.float64], pyproj.CRS]:
    ids = _texts(frame[_id_column(list(frame.columns), input_name("positions"))])
    if isinstance(frame, gpd.GeoDataFrame):
        source = crs if frame.crs is None else horizontal(frame.crs)
        if source is None:
            raise InputError(Message("error.points_no_crs"), NAME_IT)
        return ids, point_coordinates(np.asarray(frame.geometry.array))[0], source
    for pair in _PAIRS:
        if set(pair) <= set(frame.columns):
            xy = as_pairs(*(pd.to_numeric(frame[name], errors="coerce") for name in pair))
            degrees = pyproj.CRS.from_epsg(4326) if crs is None or crs.is_projected else crs
            return ids, xy, degrees if pair == _PAIRS[0] else crs or plan_crs
    raise InputError(
        Message(
            "error.no_coordinates", name=input_name("positions"),
            columns=either([str(name) for name in frame.columns]),
        )
    )  # fmt: skip


def _from_file(
    path: str | Path, plan_crs: pyproj.CRS, crs: pyproj.CRS | None, encoding: str | None
) -> tuple[NDArray[np.object_], NDArray[np.float64], pyproj.CRS, str]:
    ids: list[NDArray[np.object_]] = []
    places: list[NDArray[np.float64]] = []
    with open_points(path, plan_crs, crs=crs, encoding=encoding, fields={}) as source:
        for batch in source.batches:
            name = _id_column(batch.table.column_names, source.label)
            ids.append(_texts(batch.table.column(name).to_pandas()))
            places.append(batch.xy)
        return np.concatenate(ids), np.concatenate(places), source.crs, source.label


def _id_column(columns: list[Any], label: Any) -> Any:
    plain = {str(column).strip().lower(): column for column in reversed(columns)}
    for alias in ALIASES["staff"]["staff_id"]:
        if alias.lower() in plain:
            return plain[alias.lower()]
    raise InputError(
        Message(
            "error.positions_no_id", label=label, columns=either([str(name) for name in columns])
        )
    )  # fmt: skip


def _texts(values: "pd.Series[Any]") -> NDArray[np.object_]:
    return values.astype("str").fillna("").str.strip().to_numpy(dtype=object)
