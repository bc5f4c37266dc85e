"""Cells as CSV and XLSX, without their polygons."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import shapely

from gridcell.coverage.lattice import LONLAT
from gridcell.crs import transformer
from gridcell.formats.layers import CellLevels, Manifest, read_level_files, read_levels
from gridcell.formats.source import NOTE, CellSource, Written, without_geometry
from gridcell.schema import CELL_LAYERS, HOUSEHOLD_COLUMNS
from gridcell.tables.write import write_table, write_workbook
from gridcell.words.catalogue import LANGUAGES, section
from gridcell.words.messages import Message
from gridcell.words.terms import term

WORKBOOK: Final = "cells.xlsx"
_TEXT: Final = ("code", "label", "parent", "community", "small", "household_id")
_DECIMALS: Final = {"area_m2": 2, "compactness": 4}
_DEGREE_DECIMALS: Final = 7


def as_csv(source: CellSource, folder: Path, *, households: bool) -> Written:
    """Write ``LEVEL.csv``, ``fields.csv`` and, if asked for, ``households.csv``."""
    rows = {}
    for name, table in _tables(source, households=households).items():
        file = folder / f"{name}.csv"
        # By the mark Excel knows UTF-8.
        rows[file] = write_table(table, file, text=_TEXT, bom=True)
    return Written(rows=rows, notes=_notes(source))


def as_xlsx(
    source: CellSource, folder: Path, *, households: bool, lang: str = LANGUAGES[0]
) -> Written:
    """Write ``cells.xlsx``: a sheet a level, ``fields`` and, if asked for, ``households``.

    Sheets, columns and values of types are called by their keys in English, else by their names,
    which ``fields`` then explains in that language alone.
    """
    file = folder / WORKBOOK
    sheets = _tables(source, households=households)
    if source.note is not None:
        sheets["note"] = pd.DataFrame({"note": [source.plan.note(lang) or source.note]})
    if lang == LANGUAGES[0]:
        written = write_workbook(sheets, file, text=_TEXT)
    else:
        names = section("header", lang)
        fields = sheets["fields"]
        sheets["fields"] = pd.DataFrame({
            "column": fields["column"],
            "name": [names[key] for key in fields["column"]],
            "note": fields[lang],
        })  # fmt: skip
        called = {
            sheet_name(name, lang): _in_words(table, lang).rename(columns=dict(names))
            for name, table in sheets.items()
        }
        written = write_workbook(called, file, text=[names.get(name, name) for name in _TEXT])
    return Written(rows={file: written}, notes=_notes(source))


def read_csv_levels(folder: Path, _manifest: Manifest) -> CellLevels:
    """Return the cells of ``LEVEL.csv``."""
    return read_level_files(folder, ".csv")


def read_xlsx_levels(folder: Path, manifest: Manifest) -> CellLevels:
    """Return the cells of the sheets of ``cells.xlsx``, in whatever language they are called."""
    lang = str(manifest.get("language", LANGUAGES[0]))
    sheets = {level: f"{folder / WORKBOOK}#{sheet_name(level, lang)}" for level in CELL_LAYERS}
    return read_levels(sheets, column_keys(lang))


def sheet_name(name: str, lang: str) -> str:
    """Return what a sheet is called; in English it is the key."""
    return section("sheet", lang).get(name, name) if lang in LANGUAGES[1:] else name


def sheet_keys(lang: str) -> dict[str, str]:
    """Return the keys of sheets by their names in a workbook; none in an unknown language."""
    known = lang in LANGUAGES[1:]
    return {name: key for key, name in section("sheet", lang).items()} if known else {}


def column_keys(lang: str) -> dict[str, str]:
    """Return the keys of columns by their names in a workbook."""
    known = lang in LANGUAGES[1:]
    return {name: key for key, name in section("header", lang).items()} if known else {}


def _in_words(table: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Return a table whose types, bands and ways of telling have their names."""
    out = table.copy()
    values = section("value", lang)
    for name in (NOTE, "how"):
        if name in out:
            out[name] = out[name].map(values, na_action="ignore")
    for name in ("grid_type", "band"):
        if name in out:
            out[name] = out[name].map(lambda key: term(key, lang), na_action="ignore")
    return out


def _tables(source: CellSource, *, households: bool) -> dict[str, pd.DataFrame]:
    to_lonlat = transformer(source.plan.crs, LONLAT)
    tables = {}
    for level in CELL_LAYERS:
        frame = source.levels[level]
        table = without_geometry(frame).round(_DECIMALS)
        inside = shapely.point_on_surface(np.asarray(frame.geometry, dtype=object))
        lon, lat = to_lonlat.transform(shapely.get_x(inside), shapely.get_y(inside))
        table["lon"] = np.round(lon, _DEGREE_DECIMALS)
        table["lat"] = np.round(lat, _DEGREE_DECIMALS)
        tables[level] = table
    columns = list(tables["large"].columns)
    tables["fields"] = pd.DataFrame({
        "column": columns,
        **{lang: [section("column", lang)[name] for name in columns] for lang in LANGUAGES},
    })  # fmt: skip
    if households:
        tables["households"] = pd.DataFrame(source.plan.households[list(HOUSEHOLD_COLUMNS)])
    return tables


def _notes(source: CellSource) -> tuple[Message, ...]:
    told = ["no_polygons", *(["estimated"] if source.estimated else [])]
    return tuple(Message(f"export.{name}") for name in told)
