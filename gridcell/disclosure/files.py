"""What an export has of a publication beside the cells."""

from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from gridcell.disclosure.publication import Publication, publish_plan
from gridcell.errors import InputError
from gridcell.formats.read import CROSSWALK, read_export
from gridcell.model import Plan
from gridcell.tables.write import write_table
from gridcell.words.messages import Message

NOTE_FILE: Final = "NOTE.txt"


def make_publication(
    plan: Plan, threshold: int, earlier: str | Path | None, *, level: str = "micro"
) -> Publication:
    """Return a plan as it may be published, after what was published before.

    Parameters
    ----------
    plan, threshold, level
        As in `gridcell.publish_plan`.
    earlier
        An export with polygons, published; or a polygon layer with codes and households.

    Raises
    ------
    InputError
        As `read_export` and `publish_plan`; an export without polygons, or one not published.
    """
    if earlier is None:
        return publish_plan(plan, threshold=threshold, level=level)
    before = read_export(earlier)
    if before.manifest and before.publication is None:
        raise InputError(Message("error.export_not_published", path=earlier))
    leaves = before.levels.get("leaves")
    if not isinstance(leaves, gpd.GeoDataFrame) or leaves.crs is None:
        raise InputError(Message("error.no_smallest_polygons", path=earlier))
    levels = {name: gpd.GeoDataFrame(frame) for name, frame in before.levels.items()}
    figures = before.publication or {}
    return publish_plan(
        plan, threshold=threshold, level=level, earlier=levels,
        earlier_total=figures.get("households"),
    )  # fmt: skip


def write_pairs(pairs: pd.DataFrame, folder: Path) -> int:
    """Write the land shared with an earlier division as a table; return its number of rows."""
    return write_table(pairs, folder / CROSSWALK, text=("a", "b"), bom=True)
