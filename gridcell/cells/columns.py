"""Columns of cells that follow from what is known of the plan: bands, estimates."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.errors import InputError
from gridcell.rules import Band
from gridcell.schema import BAND_FIGURES, LATER_COLUMNS, LEVELS
from gridcell.tables.values import as_date
from gridcell.words.messages import Message

Bands = Mapping[tuple[str, str], Band]


def band_figures(cells: pd.DataFrame, bands: Bands) -> dict[str, NDArray[np.float64]]:
    """Return the columns `BAND_FIGURES` of cells, NaN where they have no band.

    Parameters
    ----------
    cells
        With ``level``, ``grid_type`` and ``community``.
    bands
        By community and level: `Plan.bands`.
    """
    names = {number: name for name, number in LEVELS.items()}
    level = pd.to_numeric(cells["level"]).map(names)
    general = (cells["grid_type"] == "general").to_numpy(dtype=bool)
    own = [
        bands.get(at) if has_band else None
        for at, has_band in zip(zip(cells["community"], level, strict=True), general, strict=True)
    ]
    return {
        column: np.array([np.nan if band is None else getattr(band, part) for band in own], float)
        for column, part in BAND_FIGURES.items()
    }


def with_band_figures(cells: gpd.GeoDataFrame, bands: Bands) -> gpd.GeoDataFrame:
    """Return the cells with the columns of their bands."""
    return cells.assign(**band_figures(cells, bands))


def with_later_columns(
    cells: gpd.GeoDataFrame, bands: Bands, *, estimated: bool
) -> gpd.GeoDataFrame:
    """Return the cells of an earlier version with the columns that it did not have.

    Parameters
    ----------
    cells
        The cells of a layer.
    bands
        `Plan.bands`.
    estimated
        Whether their households are estimates.
    """
    if set(LATER_COLUMNS) & set(cells.columns):
        return cells
    households = pd.to_numeric(cells["households"]).astype("Int64")
    texts = {
        name: pd.Series(None, index=cells.index, dtype="str")
        for name in ("valid_from", "valid_to", "responsible", "management")
    }
    # Of hidden counts it is hidden which part is estimated, whatever part that is.
    share = households if estimated else households * 0
    share = share if share.hasnans else share.astype("int64")
    known = with_band_figures(cells, bands).assign(estimated=share, **texts)
    rest = [name for name in cells.columns if name != "geometry"]
    return known[[*rest, *LATER_COLUMNS, "geometry"]]


def require_date(text: str | None, what: str) -> str | None:
    """Return a date as ISO 8601 has it.

    Raises
    ------
    InputError
        It is none.
    """
    if text is None:
        return None
    date = as_date(text.strip())
    if date is None:
        raise InputError(Message("error.not_a_date", what=what, given=text))
    return date
