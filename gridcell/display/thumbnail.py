"""A plan as a picture of a few kilobytes: SVG for notebook cells."""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.display.colour import colour_cells
from gridcell.display.frames import PlanFrames

_FILLS: Final = ("#f4e6c4", "#d3e5d0", "#cddff0", "#f1d6d3", "#ddd5ea", "#e7e9bf")
_DEDICATED: Final = "#f5a65b"
_UNITS: Final = 1000
"""Resolution of the longer side."""
_DETAIL: Final = 4.0
"""Borders are simplified by so much; neighbours stay matched."""
_MOST: Final = 600
"""Of more small cells only the communities are drawn, and of more communities nothing."""


def thumbnail(plan: PlanFrames, *, width: int = 220, height: int = 180) -> str:
    """Return a plan's small cells as an SVG element, or nothing where there are too many.

    Parameters
    ----------
    plan
        A plan; up to 600 small cells are drawn, else its communities.
    width, height
        Pixels that the picture fits into.
    """
    cells = plan.small if len(plan.small) <= _MOST else plan.medium
    if not 0 < len(cells) <= _MOST:
        return ""
    west, south, east, north = cells.total_bounds.tolist()
    scale = _UNITS / max(east - west, north - south)
    shapes = shapely.transform(
        np.asarray(cells.geometry.array), lambda xy: (xy - (west, north)) * (scale, -scale)
    )
    shapes = shapely.coverage_simplify(shapes, _DETAIL, simplify_boundary=True)
    colour = colour_cells(cells.geometry, len(_FILLS))
    colour[(cells["grid_type"] == "dedicated").to_numpy()] = len(_FILLS)
    paths = "".join(
        f'<path fill="{fill}" d="{_path(shapes[colour == number])}"/>'
        for number, fill in enumerate((*_FILLS, _DEDICATED))
        if (colour == number).any()
    )
    wide, high = (east - west) * scale, (north - south) * scale
    shown = min(width / wide, height / high)
    return (
        f'<svg width="{wide * shown:.0f}" height="{high * shown:.0f}" '
        f'viewBox="0 0 {wide:.0f} {high:.0f}" stroke="#4d5560" stroke-width="3" '
        f'stroke-linejoin="round" fill-rule="evenodd" role="img">{paths}</svg>'
    )


def _path(shapes: NDArray[np.object_]) -> str:
    rings = shapely.get_rings(shapely.get_parts(shapes))
    text = str(shapely.to_wkt(shapely.multilinestrings(rings), rounding_precision=0))
    lines = text.removeprefix("MULTILINESTRING ((").removesuffix("))")
    return "M" + lines.replace("), (", "ZM").replace(", ", "L") + "Z"
