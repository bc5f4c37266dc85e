"""The land that a plan was made for, read as the plan read it."""

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from gridcell.crs import crs_name, is_same_crs
from gridcell.errors import InputError
from gridcell.read.communities import check_communities
from gridcell.read.crs import move, settle_crs
from gridcell.read.fields import find_columns
from gridcell.read.files import Source
from gridcell.read.geometry import geometries_of
from gridcell.rules import Rules
from gridcell.words.messages import Message


def read_land(
    source: Source,
    crs: pyproj.CRS,
    rules: Rules,
    fallback: pyproj.CRS | None,
    *,
    whole: bool = False,
) -> tuple[gpd.GeoDataFrame, list[Message]]:
    """Return land in the CRS of a plan, its boundaries healed by the plan's rules, and remarks.

    What is no layer of communities, or none that fits together, is moved alone: its faults are for
    those to find who look for them.

    Parameters
    ----------
    source
        The land, opened.
    crs
        The plan's CRS.
    rules
        The plan's rules.
    fallback
        CRS of a land that names none.
    whole
        Return the communities as one polygon, which those above them divide.
    """
    own = settle_crs(source, fallback)
    moved = move(geometries_of(source), own, crs)
    remarks = []
    if not is_same_crs(own, crs):
        remarks.append(
            Message("read.moved", label=source.label, own=crs_name(own), plan=crs_name(crs))
        )
    frame = gpd.GeoDataFrame(
        source.frame.drop(columns=source.frame.geometry.name), geometry=moved, crs=crs
    )
    if "code" not in _columns(source, rules):
        return frame, remarks
    try:
        healed, findings = check_communities(source, moved, crs, rules)
    except InputError:
        return frame, remarks
    moves = [finding for finding in findings if finding.kind == "healed"]
    if moves:
        area = float(np.sum([finding.measure or 0 for finding in moves]))
        remarks.append(
            Message(
                "read.healed",
                label=source.label,
                width=rules.boundaries.heal_width,
                n=len(moves),
                area=area,
            )
        )
    if whole:
        together = shapely.coverage_union_all(healed.geometry.array)
        healed = gpd.GeoDataFrame(geometry=[together], crs=crs)
    return healed, remarks


def _columns(source: Source, rules: Rules) -> Iterable[str]:
    try:
        return find_columns(source, rules.fields.get("communities", {}), "communities")
    except InputError:
        return ()
