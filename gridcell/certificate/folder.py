"""The files around a plan: each says what the plan says."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from gridcell.arrays import Geometries
from gridcell.check.plan import find_rows, parent_rows
from gridcell.check.promises.faults import fault, numbers, text, texts
from gridcell.check.promises.report import differences
from gridcell.coverage.lattice import DECIMALS, LONLAT
from gridcell.coverage.proof import prove_coverage
from gridcell.crs import is_same_crs
from gridcell.errors import InputError
from gridcell.model import Finding, Plan
from gridcell.read.crs import move
from gridcell.read.offline import offline, refuse_pointers
from gridcell.schema import (
    BAND_FIGURES,
    CELL_COLUMNS,
    CELL_LAYERS,
    LATER_COLUMNS,
    LINEAGE_COLUMNS,
    LOAD,
    cell_columns,
)
from gridcell.tables.read import read_csv
from gridcell.words.messages import Message
from gridcell.words.sentences import in_english

_NUMBERS: Final = {
    **dict.fromkeys(("level", "households", "buildings", "estimated", *BAND_FIGURES, LOAD), 0.0),
    "area_m2": 0.00501, "compactness": 0.0000501,
}  # fmt: skip
"""Columns that hold numbers, and half of their last decimal in the files."""
_STEP_DEG: Final = 10.0**-DECIMALS


def check_plan_folder(plan: Plan, folder: str | Path) -> list[Finding]:
    """Return where the files of a folder contradict the plan in its ``plan.gpkg``.

    Parameters
    ----------
    plan
        What `gridcell.read_plan` returned for the folder. `gridcell.check.check_plan`
        checks the plan itself.
    folder
        The folder.

    Returns
    -------
    Findings, all errors, places in the plan's CRS. Kinds: ``missing_file``; ``file_differs``,
    a file that is unreadable, or has other cells, columns, figures or shapes than the plan;
    ``file_gap``, ``file_overlap``, ``file_outside`` and ``file_border``, levels of the GeoJSON
    files that are no exact coverage in longitude and latitude.
    """
    base = Path(folder)
    findings: list[Finding] = []
    if not (base / "map.html").is_file():
        findings.append(_missing("map.html"))
    findings += _report(plan, base / "report.json")
    findings += _lineage(plan, base / "lineage.csv")
    layers = {}
    columns = _columns_of(base)
    for level in CELL_LAYERS:
        name = f"geojson/{level}.geojson"
        if not (base / name).is_file():
            findings.append(_missing(name))
            continue
        layer, faults = _read(plan, level, base / name, columns)
        findings += faults
        if layer is not None:
            layers[level] = layer
    findings += _coverage(plan, layers)
    return findings


def _missing(name: str) -> Finding:
    return fault("missing_file", Message("finding.missing_file", file=name))


def _report(plan: Plan, file: Path) -> Iterator[Finding]:
    if not file.is_file():
        yield _missing(file.name)
        return
    try:
        report = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        said = Message("finding.file_no_json", file=file.name, error=error)
        yield fault("file_differs", said)
        return
    told = report if isinstance(report, dict) else {}
    if names := dict.fromkeys(path[0] for path, *_ in differences(told, plan.report)):
        said = Message("finding.file_figures", file=file.name, names=list(names))
        yield fault("file_differs", said)


def _lineage(plan: Plan, file: Path) -> Iterator[Finding]:
    """Yield where the table of lineage is not that of the plan."""
    if not file.is_file():
        if len(plan.lineage):
            yield _missing(file.name)
        return
    try:
        told = read_csv(file, "utf-8")[0]
    except InputError as error:
        said = Message("finding.file_no_table", file=file.name, error=error)
        yield fault("file_differs", said)
        return
    same = len(told) == len(plan.lineage)
    for name in LINEAGE_COLUMNS if same else ():
        ours = plan.lineage[name]
        if name not in told:
            same = False
        elif pd.api.types.is_numeric_dtype(ours.dtype):
            away = np.abs(numbers(pd.to_numeric(told[name], errors="coerce")) - numbers(ours))
            same &= bool((away <= _NUMBERS["area_m2"]).all())
        else:
            same &= bool((texts(told[name]) == texts(ours)).all())
    if not same:
        yield fault("file_differs", Message("finding.file_lineage", file=file.name))


def _columns_of(base: Path) -> tuple[str, ...]:
    """Return the columns of cells in a folder's plan: earlier versions had fewer."""
    with warnings.catch_warnings(), offline():
        warnings.simplefilter("ignore")
        try:
            fields = set(pyogrio.read_info(base / "plan.gpkg", layer="large")["fields"])
        except (DataSourceError, DataLayerError):
            return CELL_COLUMNS
    if fields & set(LATER_COLUMNS):
        return cell_columns(fields)
    return tuple(name for name in CELL_COLUMNS if name not in LATER_COLUMNS)


def _read(
    plan: Plan, level: str, file: Path, columns: tuple[str, ...]
) -> tuple[gpd.GeoDataFrame | None, list[Finding]]:
    """Return the cells of a file in the order of the plan's, where they are the same cells."""
    name = f"geojson/{file.name}"
    try:
        refuse_pointers(file)
        # As they stand: texts that look like dates stay texts.
        with warnings.catch_warnings(), offline():
            warnings.simplefilter("ignore")
            layer = pyogrio.read_dataframe(file, use_arrow=False, DATE_AS_STRING="YES")
    except (DataSourceError, DataLayerError, ValueError, shapely.errors.ShapelyError) as error:
        said = Message("finding.file_no_geojson", file=name, error=error)
        return None, [fault("file_differs", said)]
    cells = plan.cells(level)
    if not len(layer) and not len(cells):
        return None, []
    wanted = [*columns, "geometry"]
    if not isinstance(layer, gpd.GeoDataFrame) or set(layer.columns) != set(wanted):
        odd = sorted(set(layer.columns) ^ set(wanted))
        said = Message("finding.file_columns", file=name, names=odd)
        return None, [fault("file_differs", said)]
    findings = []
    if layer.crs is not None and not is_same_crs(layer.crs, LONLAT):
        said = Message("finding.file_crs", file=name, crs=layer.crs.name)
        findings.append(fault("file_differs", said))
    # Reasons are compared in one language, whichever the file is in.
    layer = in_english(layer, plan.findings)
    code = pd.Series(texts(layer["code"]), dtype="str")
    row, back = find_rows(cells["code"], code), find_rows(code, cells["code"])
    strangers = code[(back < 0) | code.duplicated().to_numpy()]
    lost = cells["code"][row < 0]
    for codes, key in ((lost, "lost"), (strangers, "strange")):
        for code in codes:
            said = Message(f"finding.file_cell_{key}", file=name, cell=text(code) or "-")
            findings.append(fault("file_differs", said, cell=text(code)))
    there = np.flatnonzero(row >= 0)
    same = layer.iloc[row[there]].reset_index(drop=True)
    ours = cells.iloc[there].reset_index(drop=True)
    findings += _attributes(name, ours, same, columns)
    findings += _shapes(plan, name, ours, same)
    whole = len(there) == len(cells) == len(layer)
    return (same if whole else None), findings


def _attributes(
    name: str, ours: gpd.GeoDataFrame, theirs: gpd.GeoDataFrame, columns: tuple[str, ...]
) -> Iterator[Finding]:
    for column in columns:
        if column in _NUMBERS:
            try:
                given = numbers(theirs[column])
            except (ValueError, TypeError):
                said = Message("finding.file_column_texts", file=name, column=column)
                yield fault("file_differs", said)
                continue
            true = numbers(ours[column])
            near = np.abs(given - true) <= _NUMBERS[column]
            differs = ~near & ~(np.isnan(given) & np.isnan(true))
        else:
            differs = texts(ours[column]) != texts(theirs[column])
        for code in ours["code"][differs]:
            said = Message("finding.file_column_differs", file=name, cell=code, column=column)
            yield fault("file_differs", said, cell=text(code))


def _shapes(
    plan: Plan, name: str, ours: gpd.GeoDataFrame, theirs: gpd.GeoDataFrame
) -> Iterator[Finding]:
    """Yield cells that lie elsewhere than in the plan.

    A cell smaller than the lattice has no shape in the file, and a finding that says so.
    """
    drawn = move(_array(ours), plan.crs, LONLAT)
    given = _array(theirs)
    gone = shapely.is_missing(given) | shapely.is_empty(given)
    small = ours["code"].isin(plan.findings.loc[plan.findings["kind"] == "collapsed", "cell"])
    wrong = np.where(gone, ~small.to_numpy(dtype=bool), ~_equal(drawn, given))
    for code in ours["code"][wrong & ~shapely.is_missing(drawn)]:
        said = Message("finding.file_shape_differs", file=name, cell=code)
        yield fault("file_differs", said, cell=text(code))


def _equal(drawn: Geometries, given: Geometries) -> NDArray[np.bool_]:
    """Tell which shapes are the same but for rounding: spikes thinner than it may be gone."""
    near = shapely.equals_exact(drawn, given, tolerance=2 * _STEP_DEG, normalize=True)
    # Nothing can be measured of a shape in the file that is invalid.
    rest = np.flatnonzero(~near & ~shapely.is_missing(drawn) & shapely.is_valid(given))
    # Projected, a spike may cross itself.
    whole = shapely.make_valid(drawn[rest], method="structure", keep_collapsed=False)
    off = shapely.area(shapely.symmetric_difference(whole, given[rest]))
    near[rest] = off <= 10 * _STEP_DEG * shapely.length(drawn[rest])
    return np.asarray(near, dtype=bool)


def _coverage(plan: Plan, layers: dict[str, gpd.GeoDataFrame]) -> Iterator[Finding]:
    """Prove each level of the files within the one above it, in longitude and latitude."""
    for level, above in (("large", None), ("medium", "large"), ("small", "medium"),
                         ("leaves", "small")):  # fmt: skip
        if level not in layers or (above is not None and above not in layers):
            continue
        cells = layers[level]
        solid = ~shapely.is_missing(_array(cells))
        if above is None:
            proof = prove_coverage(_array(cells)[solid])
        else:
            land = layers[above]
            parent = parent_rows(cells, land)[solid]
            proof = prove_coverage(_array(cells)[solid], _array(land), parent_of=parent)
        code = texts(cells["code"])[solid]
        pieces = (
            ("file_gap", proof.gap_pieces),
            ("file_overlap", proof.overlap_pieces),
            ("file_outside", proof.outside_pieces),
        )
        name = f"geojson/{level}.geojson"
        for kind, frame in pieces:
            for piece in move(_array(frame), LONLAT, plan.crs):
                # Outlines without land enclose lakes as well as gaps.
                if above is None and kind == "file_gap":
                    continue
                area = float(shapely.area(piece))
                said = Message(f"finding.{kind}", file=name, area=area)
                yield fault(kind, said, piece=piece, measure=area)
        for row in proof.unmatched:
            said = Message("finding.file_border", file=name, cell=code[row])
            yield fault("file_border", said, cell=text(code[row]))
        for row in proof.invalid_cells:
            said = Message("finding.file_invalid", file=name, cell=code[row])
            yield fault("file_border", said, cell=text(code[row]))
        faults = proof.gaps + proof.overlaps + proof.outside + len(proof.unmatched)
        if above is not None and not proof.exact and not faults:
            yield fault("file_border", Message("finding.file_border_above", file=name))


def _array(frame: gpd.GeoDataFrame) -> Geometries:
    return np.asarray(frame.geometry, dtype=object)
