"""What the last edits changed, kept in the plan so that they can be taken back to the byte.

The land is the same before and after an edit, so that the cells of before can be drawn anew from
the leaf that each atom was in; of the tables those that changed are kept as they were.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.cells.polygons import LeafBorders, draw_cells, trace_borders
from gridcell.errors import InputError
from gridcell.formats.facts import read_facts
from gridcell.formats.geopackage import plain
from gridcell.households import building_table, household_table
from gridcell.model import Plan, empty_table
from gridcell.report import make_report
from gridcell.revision.operation import input_of
from gridcell.words.messages import Message, Value

Texts = NDArray[np.object_]

_TABLES: Final = ("staff", "vacancies", "lineage", "codes", "history", "findings")
_CELLS: Final = ("large", "medium", "small", "micro")


def remember(before: Plan, after: Plan) -> Plan:
    """Return a plan that knows the one before the edit that made it."""
    state: dict[str, Any] = {"report": plain(make_report(before))}
    for name in (*_CELLS, *_TABLES):
        old, new = getattr(before, name), getattr(after, name)
        if not old.equals(new):
            state[name] = _packed(old)
    if before.fabric is not None and after.fabric is not None:
        was, now = (land.atoms["code"].to_numpy(object) for land in (before.fabric, after.fabric))
        other = np.flatnonzero(was != now)
        state["atoms"] = {"atom": other.tolist(), "code": was[other].tolist()}
    text = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
    data = base64.b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii")
    row = pd.DataFrame({"number": [int(after.history["number"].max())], "state": [data]})
    return replace(after, undo=pd.concat([before.undo, row.astype(empty_table("undo").dtypes)],
                                         ignore_index=True))  # fmt: skip


def undo_last(plan: Plan) -> Plan:
    """Return the plan as it was before its last edit.

    Raises
    ------
    InputError
        Its last operation was no edit, or what was before is not known.
    """
    if plan.undo.empty:
        last = plan.history.iloc[-1] if len(plan.history) else None
        what: Value = ""
        if last is not None:
            operation = str(last["operation"])
            key = "part.last_operation_an" if operation[0] in "aeu" else "part.last_operation"
            what = Message(key, number=last["number"], operation=operation)
        raise InputError(Message("error.nothing_to_undo", last=what))
    try:
        state = json.loads(zlib.decompress(base64.b64decode(plan.undo["state"].iloc[-1])))
        fields: dict[str, Any] = read_facts(json.dumps(state["report"]), "undo: report")
        fields |= {name: _unpacked(state[name]) for name in _TABLES if name in state}
        cells = {name: _unpacked(state[name]) for name in _CELLS if name in state}
        atoms = state.get("atoms", {"atom": [], "code": []})
        changed = np.array(atoms["atom"], dtype=np.int64)
        code = np.array(atoms["code"], dtype=object)
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(Message("error.undo_damaged", error=error)) from None
    if "findings" in fields:
        fields["findings"] = _placed(fields["findings"], plan)
    before = replace(plan, **fields, undo=plan.undo.iloc[:-1].reset_index(drop=True))
    if not len(changed) and not cells:
        return before
    assert plan.fabric is not None  # noqa: S101
    leaf = plan.fabric.atoms["code"].to_numpy(dtype=object).copy()
    leaf[changed] = code
    return _drawn(plan, before, leaf, cells)


def _drawn(plan: Plan, before: Plan, leaf: Texts, cells: dict[str, pd.DataFrame]) -> Plan:
    """Return the plan with the cells of before, drawn from the leaf of each atom."""
    fabric = plan.fabric
    assert fabric is not None  # noqa: S101
    given = input_of(plan)
    frames = {name: cells.get(name, pd.DataFrame(plan.cells(name).drop(columns="geometry")))
              for name in _CELLS}  # fmt: skip
    micro, small = frames["micro"], frames["small"]
    over = dict(zip(micro["code"], micro["parent"], strict=True))
    small_of_atom = np.array([over.get(own, own) for own in leaf], dtype=object)
    number, names = pd.factorize(leaf, sort=True)
    borders = trace_borders(fabric, number.astype(np.int64))
    layers = {}
    # Also those of upper levels: where cells meet, their boundary has a vertex.
    own = names.tolist()
    for name in reversed(_CELLS):
        layers[name] = gpd.GeoDataFrame(
            frames[name], geometry=_polygons(borders, own, frames[name]["code"]), crs=plan.crs
        )
        above = dict(zip(frames[name]["code"], frames[name]["parent"], strict=True))
        own = [above.get(code, code) for code in own]
    itself = ~layers["small"]["code"].isin(micro["parent"])
    leaves = pd.concat([layers["small"][itself], layers["micro"]], ignore_index=True)
    leaves = leaves.sort_values("code", kind="stable", ignore_index=True)
    community = dict(zip(small["code"], small["community"], strict=True))
    table = household_table(
        given.register, fabric.pieces, given.names, leaf=leaf, small=small_of_atom,
        community=np.array([community[own] for own in small_of_atom], dtype=object),
    )  # fmt: skip
    return replace(
        before,
        **layers,
        leaves=leaves,
        buildings=building_table(given.fabric, given.names, leaf),
        households=table,
        fabric=replace(fabric, atoms=fabric.atoms.assign(code=pd.Series(leaf, dtype="str"))),
    )


def _polygons(
    borders: LeafBorders, cell_of_leaf: Sequence[str], code: "pd.Series[str]"
) -> Geometries:
    """Return the polygons of the cells of a level, of which some leaves may be no part."""
    rows = pd.Index(code).get_indexer(pd.Index(cell_of_leaf))
    return draw_cells(borders, rows.astype(np.int64), len(code))


def _packed(frame: pd.DataFrame) -> dict[str, Any]:
    """Return a frame as JSON holds it: by column its type and values."""
    out: dict[str, Any] = {}
    for name, column in frame.items():
        if name == "geometry":
            if "measure" not in frame:
                continue
            shapes = shapely.to_wkb(np.asarray(column, dtype=object), hex=True)
            values = shapes.tolist()
        else:
            values = column.astype(object).where(column.notna(), None).tolist()
        out[str(name)] = {"type": str(column.dtype), "values": values}
    return out


def _unpacked(stored: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: pd.Series(column["values"], dtype=object).astype(
                object if column["type"] == "geometry" else column["type"]
            )
            for name, column in stored.items()
        }
    )


def _placed(findings: pd.DataFrame, plan: Plan) -> gpd.GeoDataFrame:
    shapes = shapely.from_wkb(findings["geometry"].to_numpy(dtype=object))
    return gpd.GeoDataFrame(findings.drop(columns="geometry"), geometry=shapes, crs=plan.crs)
