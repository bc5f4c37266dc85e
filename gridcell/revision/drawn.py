"""A layer of drawn cells, or a table of buildings and their cells, read as what it says of each."""

from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.layer import CellTable, column_of, find_column
from gridcell.coverage.mend import mend
from gridcell.crs import parse_crs
from gridcell.errors import InputError
from gridcell.read.crs import move
from gridcell.schema import ALIASES, CELL_ALIASES, LEVELS
from gridcell.tables.values import as_number, as_text
from gridcell.words.messages import Message

Texts = NDArray[np.object_]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_DEDICATED: Final = ("dedicated", "专属", "专属网格")
_CELLS: Final = (
    "code", "cell", "网格编码", "网格代码", "微网格编码", "微网格", "编码", "代码", "小网格编码",
    "小网格",
)  # fmt: skip
_PARENTS: Final = ("parent", "small", "小网格", "小网格编码", *CELL_ALIASES["parent"])
_LEVELS: Final[dict[str, int]] = {
    **LEVELS,
    **{str(number): number for number in LEVELS.values()},
    "大网格": 1, "中网格": 2, "小网格": 3, "微网格": 4,
}  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class DrawnLayer:
    """Rows of a layer, in an order that does not depend on that of the file."""

    shapes: Geometries | None
    """(rows,) valid polygons in the plan's CRS; ``None`` for a table of buildings."""
    buildings: pd.DataFrame | None
    """``bldg_id`` and ``row``, the drawn cell, and ``households`` where the table has them."""
    code: Texts
    """(rows,) ``None`` where there is none."""
    name: Texts
    level: Ints
    """(rows,) 3 small, 4 micro, 0 where the layer does not say."""
    dedicated: Mask
    parent: Texts
    """(rows,) code of the cell above, ``None`` where there is none."""
    left_out: int = 0
    """Rows of other levels than are adopted."""

    def __len__(self) -> int:
        return len(self.code)

    def called(self, row: int) -> str:
        """Return what messages call a row: its code, else its name, else its place."""
        told = self.code[row] if self.code[row] is not None else self.name[row]
        return f"row {row + 1}" if told is None else str(told)

    def taking(self, keep: Mask) -> "DrawnLayer":
        """Return some of the rows."""
        assert self.shapes is not None or keep.all()  # noqa: S101
        return DrawnLayer(
            shapes=None if self.shapes is None else self.shapes[keep], buildings=self.buildings,
            code=self.code[keep], name=self.name[keep], level=self.level[keep],
            dedicated=self.dedicated[keep], parent=self.parent[keep],
            left_out=self.left_out + int((~keep).sum()),
        )  # fmt: skip


def read_drawn(
    cells: pd.DataFrame, crs: pyproj.CRS, *, named: Any = None, level: str | None = None
) -> DrawnLayer:
    """Return the rows of a drawn layer, those of levels 1 and 2 left out.

    Parameters
    ----------
    cells
        Polygons in any CRS, or a table with ``bldg_id`` and the code of a cell.
    crs
        CRS of the plan.
    named
        CRS of polygons that name none.
    level
        ``small`` or ``micro``: what all rows are that are not of another level.

    Raises
    ------
    InputError
        No polygon with an area; a table without buildings or cells.
    """
    if isinstance(cells, gpd.GeoDataFrame) and cells.active_geometry_name in cells.columns:
        layer = _polygons(cells, crs, named)
    else:
        layer = _table(pd.DataFrame(cells))
    keep = (layer.level == 0) | (layer.level >= LEVELS["small"]) | layer.dedicated
    if level is not None:
        keep &= (layer.level == 0) | (layer.level == LEVELS[level]) | layer.dedicated
    if not keep.all():
        layer = layer.taking(keep)
    if not len(layer):
        raise InputError(Message("error.drawn_other_level"))
    return layer


def bare_code(text: str) -> str:
    """Return a code without separators and, of a label, without the check character."""
    if "-" not in text:
        return text.replace(" ", "")
    segments = [segment.strip() for segment in text.split("-")]
    if len(segments) > 1 and len(segments[-1]) == 1:
        segments.pop()
    return "".join(segments)


def _polygons(cells: gpd.GeoDataFrame, crs: pyproj.CRS, named: Any) -> DrawnLayer:
    table = CellTable.of(cells, "cell", parse_crs(named))
    if table.frame.crs is None:
        raise InputError(Message("error.drawn_no_crs"))
    mended = mend(table.shapes).shapes
    there = ~shapely.is_missing(mended)
    if not there.any():
        raise InputError(Message("error.nothing_to_adopt"))
    shapes = np.full(len(mended), None, dtype=object)
    shapes[there] = mend(move(mended[there], table.frame.crs, crs)).shapes
    there = ~shapely.is_missing(shapes)
    codes = table.code
    columns = _columns(table.frame, codes)
    bounds = shapely.bounds(shapes)
    text = [code or "" for code in codes]
    order = np.lexsort((*bounds.T[::-1], np.array(text, dtype=object).astype(str)))
    order = order[there[order]]
    return DrawnLayer(
        shapes=shapes[order], buildings=None, left_out=0,
        **{name: values[order] for name, values in columns.items()},
    )  # fmt: skip


def _table(frame: pd.DataFrame) -> DrawnLayer:
    column = find_column(frame, ALIASES["buildings"]["bldg_id"])
    cell = find_column(frame, _CELLS)
    if column is None or cell is None or column == cell:
        known = ", ".join(str(name) for name in frame.columns[:12]) or "none"
        raise InputError(Message("error.drawn_not_cells", columns=known))
    code = as_text(column_of(frame, cell))
    bldg_id = as_text(column_of(frame, column))
    placed = (code.notna() & bldg_id.notna()).to_numpy()
    if not placed.any():
        raise InputError(Message("error.drawn_no_pairs"))
    names, row = np.unique(code[placed].to_numpy(dtype=object).astype(str), return_inverse=True)
    first = np.flatnonzero(placed)[np.unique(row, return_index=True)[1]]
    buildings = pd.DataFrame(
        {"bldg_id": bldg_id[placed].to_numpy(dtype=object), "row": row.astype(np.int64)}
    )
    held = find_column(frame, ("households", "户数"))
    if held is not None:
        number, _ = as_number(column_of(frame, held))
        buildings["households"] = number[placed].fillna(0).to_numpy()
    columns = _columns(frame, names.astype(object))
    del columns["code"]
    return DrawnLayer(
        shapes=None, buildings=buildings, code=names.astype(object),
        **{name: values[first] for name, values in columns.items()},
    )  # fmt: skip


def _columns(frame: pd.DataFrame, code: Texts) -> dict[str, Any]:
    """Return what the columns of a layer say, but for its shapes."""
    kind = _text(frame, CELL_ALIASES["grid_type"])
    dedicated = np.array([str(k).strip().lower() in _DEDICATED for k in kind], dtype=bool)
    said = _text(frame, CELL_ALIASES["level"])
    level = np.array([_LEVELS.get(str(text).strip().lower(), 0) for text in said], dtype=np.int64)
    return {
        "code": code,
        "name": _text(frame, CELL_ALIASES["name"]),
        "level": level,
        "dedicated": dedicated,
        "parent": _text(frame, _PARENTS),
    }


def _text(frame: pd.DataFrame, names: tuple[str, ...]) -> Texts:
    column = find_column(frame, names)
    out = np.full(len(frame), None, dtype=object)
    if column is None:
        return out
    text = as_text(column_of(frame, column))
    there = text.notna().to_numpy()
    out[there] = text.to_numpy(dtype=object)[there]
    return out
