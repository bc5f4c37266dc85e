"""Layers compared with each other: extents, the offset of a datum, registers and buildings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import shapely

from gridcell.errors import Saying
from gridcell.read.crs import move
from gridcell.read.offset import find_offset
from gridcell.read.remarks import register_remarks
from gridcell.words.messages import Message

if TYPE_CHECKING:
    from gridcell.read.inspect import LayerInfo


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Looked:
    """A layer, as far as it is compared with others."""

    info: "LayerInfo"
    shapes: gpd.GeoDataFrame | None = None
    """Its geometries in a metric CRS."""
    ids: "pd.Series[str] | None" = None
    """Ids of buildings: of the rows, or those that the rows of a register name."""


def compare(looked: Sequence[Looked]) -> list["LayerInfo"]:
    """Return the reports with remarks on how the layers fit together.

    Features outside the extent of the first layer of communities, and an offset of buildings from
    it; rows of registers that find no building in the first layer of buildings.
    """
    extra: list[list[Saying | str]] = [[] for _ in looked]
    _compare_places(looked, extra)
    built = next((o for o in looked if o.info.role == "buildings" and o.ids is not None), None)
    for one, remarks in zip(looked, extra, strict=True):
        if built is None or built.ids is None or one.ids is None:
            continue
        if one.info.role in {"households", "staff"}:
            remarks += register_remarks(one.ids, built.ids, built.info.path)
    return [
        replace(one.info, notes=(*one.info.notes, *remarks))
        for one, remarks in zip(looked, extra, strict=True)
    ]


def _compare_places(looked: Sequence[Looked], extra: list[list[Saying | str]]) -> None:
    base = next((o for o in looked if o.info.role == "communities" and o.shapes is not None), None)
    if base is None or base.shapes is None:
        return
    communities, crs = base.shapes, base.shapes.crs
    extent = shapely.box(*communities.total_bounds)
    shared = {
        number: gpd.GeoDataFrame(
            geometry=move(one.shapes.geometry.to_numpy(), one.shapes.crs, crs), crs=crs
        )
        for number, one in enumerate(looked)
        if one.shapes is not None
    }
    lines = [shared[k].geometry for k in shared if looked[k].info.role == "barriers"]
    barriers = gpd.GeoDataFrame(geometry=pd.concat(lines, ignore_index=True)) if lines else None
    for number, frame in shared.items():
        if looked[number] is base:
            continue
        outside = int((~frame.intersects(extent)).sum())
        if outside:
            extra[number].append(
                Message(
                    "read.outside_extent", outside=outside, features=len(frame), file=base.info.path
                )
            )
        if looked[number].info.role == "buildings":
            found = find_offset(frame, communities, barriers, crs)
            extra[number] += [finding.text for finding in found]
