"""How cells of a plan stand to the bands of their communities, and the reasons given."""

from collections.abc import Iterator
from typing import Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from gridcell.cells.columns import band_figures
from gridcell.check.promises.faults import cell_faults, fault, layer, numbers, text, texts
from gridcell.check.promises.loads import held_against
from gridcell.model import Finding, Plan
from gridcell.schema import LEVELS, LOAD
from gridcell.words.messages import Message

Floats = NDArray[np.float64]

_ORDER: Final = ("under", "in", "over")
_SLACK: Final = 1e-9
_SAME: Final = 1e-6
"""Part of a figure that it may be off."""


def check_bands(plan: Plan) -> Iterator[Finding]:
    """Yield ``wrong_band`` and ``wrong_reason``.

    Where the band of a community is not known, its cells must at least agree with each other.
    """
    for level in ("large", "medium"):
        cells = plan.cells(level)
        for name in ("band", "reason"):
            given = cells[name].notna()
            yield from cell_faults(
                f"wrong_{name}", level, cells, given, Message("fault.expected_no", column=name)
            )
    for level in ("small", "micro"):
        cells = plan.cells(level)
        low, high = band_limits(plan, level)
        yield from _bands(level, cells, held_against(plan, cells), low, high)
        yield from _reasons(level, cells)
    for level in LEVELS:
        yield from _figures(plan, level)


def band_limits(plan: Plan, level: str) -> tuple[Floats, Floats]:
    """Return the least and most of the band of each cell's community, NaN where it has none."""
    limits = {
        code: (band.min, band.max) for (code, name), band in plan.bands.items() if name == level
    }
    none = (np.nan, np.nan)
    rows = [limits.get(code, none) for code in plan.cells(level)["community"]]
    low, high = np.array(rows, dtype=np.float64).reshape(-1, 2).T
    return low, high


def _bands(
    level: str, cells: gpd.GeoDataFrame, held: Floats, low: Floats, high: Floats
) -> Iterator[Finding]:
    band = texts(cells["band"])
    dedicated = (cells["grid_type"] == "dedicated").to_numpy(dtype=bool)
    yield from cell_faults(
        "wrong_band", level, cells, dedicated & (band != ""), Message("fault.dedicated_band")
    )
    known = np.isin(band, _ORDER)
    yield from cell_faults(
        "wrong_band", level, cells, ~dedicated & ~known,
        Message("fault.expected_band", bands=tuple(_ORDER)),
    )  # fmt: skip
    general = ~dedicated & known
    right = np.where(held < low - _SLACK, "under", np.where(held > high + _SLACK, "over", "in"))
    off = general & ~np.isnan(low) & ~np.isnan(held) & (band != right)
    wrong = "fault.wrong_band_load" if LOAD in cells else "fault.wrong_band"
    said = np.full(len(cells), None, dtype=object)
    said[off] = [
        Message(wrong, band=got, households=number, true=true, least=least, most=most)
        for got, number, true, least, most in zip(
            band[off], held[off], right[off], low[off], high[off], strict=True
        )
    ]
    yield from cell_faults("wrong_band", level, cells, off, said)
    loose = general & np.isnan(low) & ~np.isnan(held)
    yield from _contradictions(level, cells[loose], held[loose])


def _figures(plan: Plan, level: str) -> Iterator[Finding]:
    """Yield cells that tell another band than that of their community."""
    cells = plan.cells(level)
    for name, right in band_figures(cells, plan.bands).items():
        given = numbers(cells[name])
        same = np.isclose(given, right, rtol=_SAME, atol=0.0) | (np.isnan(given) & np.isnan(right))
        said = np.full(len(cells), None, dtype=object)
        said[~same] = [
            Message("fault.wrong_band_figure", column=name, given=_said(a), true=_said(b))
            for a, b in zip(given[~same], right[~same], strict=True)
        ]
        yield from cell_faults("wrong_band", level, cells, ~same, said)


def _said(figure: float) -> Message | float:
    return Message("part.none") if np.isnan(figure) else float(figure)


def _contradictions(level: str, cells: gpd.GeoDataFrame, held: Floats) -> Iterator[Finding]:
    """Yield communities where a cell counts as fuller than another that holds no fewer."""
    if cells.empty:
        return
    frame = cells[["community", "band", "code"]].assign(households=held)
    frame = frame.sort_values(["community", "households", "code"])
    rank = frame["band"].map({name: i for i, name in enumerate(_ORDER)})
    before = rank.groupby(frame["community"]).cummax()
    equal = frame.groupby(["community", "households"])["code"].transform("size") > 1
    mixed = rank.groupby([frame["community"], frame["households"]]).transform("nunique") > 1
    for row in frame[(rank < before) | (equal & mixed)].itertuples():
        yield fault(
            "wrong_band",
            Message(
                "finding.cell", level=layer(level), cell=row.code,
                fault=Message(
                    "fault.contradicting_band", band=row.band, households=row.households
                ),
            ),
            cell=text(row.code), community=text(row.community),
        )  # fmt: skip


def _reasons(level: str, cells: gpd.GeoDataFrame) -> Iterator[Finding]:
    outside = cells["band"].isin(["under", "over"]).to_numpy(dtype=bool)
    told = np.array([reason.strip() != "" for reason in texts(cells["reason"])], dtype=bool)
    yield from cell_faults(
        "wrong_reason", level, cells, outside & ~told, Message("fault.no_reason")
    )
    yield from cell_faults(
        "wrong_reason", level, cells, ~outside & told,
        Message("fault.needless_reason"),
    )  # fmt: skip
