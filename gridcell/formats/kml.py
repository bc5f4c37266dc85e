"""Cells as KML: a balloon that people can read, and typed columns for systems."""

import html
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.arrays import Geometries
from gridcell.formats.layers import CellLevels, Manifest, read_level_files
from gridcell.formats.ogr import ROUNDED, by_code, read_layer
from gridcell.formats.source import NOTE, CellSource, Written
from gridcell.schema import BAND_FIGURES, LOAD
from gridcell.words.catalogue import section, text
from gridcell.words.sentences import say_reasons
from gridcell.words.terms import term

ILLEGAL_XML: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What no XML may hold, and line breaks, which parsers change."""

_TYPES: Final = {
    **dict.fromkeys(("level", "households", "buildings", "estimated"), "int"),
    **dict.fromkeys(("area_m2", "compactness", *BAND_FIGURES, LOAD), "double"),
}
_ROWS: Final = (
    "label", "grid_type", "parent", "households", LOAD, "buildings", "area_m2", "band", "reason",
    "responsible", "management", "valid_from",
)  # fmt: skip
"""Rows of a balloon, in order."""
_DECIMALS: Final = {"area_m2": 2, "compactness": 4}
# Colours of KML are alpha, blue, green, red.
_STYLES: Final = {
    "large": ("ff3b2f24", "00ffffff", 3.0), "medium": ("ff5a3d1f", "00ffffff", 2.5),
    "general": ("ff8a5a2b", "40d8a05a", 1.5), "dedicated": ("ff1f4fb0", "664f8ff0", 2.0),
}  # fmt: skip


def as_kml(source: CellSource, folder: Path, *, lang: str) -> Written:
    """Write ``LEVEL.kml`` in longitude and latitude, exact again."""
    cells, lonlat = source.lonlat()
    rows, back, intended = {}, {}, {}
    for level, frame in lonlat.items():
        file = folder / f"{level}.kml"
        frame = _legal(frame)
        with file.open("w", encoding="utf-8", newline="\n") as stream:
            reasons = say_reasons(frame["code"], frame["reason"], source.plan.findings, lang)
            stream.writelines(_document(frame, level, lang, reasons, source.plan.note(lang)))
        rows[file] = len(frame)
        intended[level] = frame
        back[level] = _read(file, frame) if len(frame) else frame
    return Written(
        rows=rows, back=by_code(back), intended=intended, rounding=ROUNDED,
        notes=tuple(finding.text for finding in cells.findings),
    )  # fmt: skip


def read_kml(folder: Path, _manifest: Manifest) -> CellLevels:
    """Return the cells of ``LEVEL.kml``."""
    return read_level_files(folder, ".kml")


def _legal(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame with texts that XML can hold and every parser gives back."""
    out = frame.copy()
    for name in frame.columns.drop(frame.active_geometry_name):
        column = frame[name]
        if not pd.api.types.is_numeric_dtype(column.dtype):
            clean = column.str.replace(ILLEGAL_XML, "\ufffd", regex=True).str.strip(" ")
            out[name] = clean.where(clean != "", None)
    # The name of a placemark is what lists show: never nothing.
    out["name"] = out["name"].fillna(out["label"])
    return out


def _read(file: Path, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return what GDAL reads; columns that are empty everywhere are in no placemark."""
    back = read_layer(file).rename(columns={"Name": "name"})
    for name in frame.columns.drop(frame.active_geometry_name):
        if name not in back:
            back[name] = None
    return back


def _document(
    frame: gpd.GeoDataFrame, level: str, lang: str, reasons: list[str | None], note: str | None
) -> Iterator[str]:
    columns = [str(name) for name in frame.columns.drop(frame.active_geometry_name)]
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<kml xmlns="http://www.opengis.net/kml/2.2">\n<Document>\n'
        f"<name>{escape(text(f'level.{level}', lang))}</name>\n"
    )
    if note:
        yield f"<description>{escape(note)}</description>\n"
    for style, (line, fill, width) in _STYLES.items():
        yield (
            f'<Style id="{style}"><LineStyle><color>{line}</color><width>{width}</width>'
            f"</LineStyle><PolyStyle><color>{fill}</color></PolyStyle>"
            f"<BalloonStyle><text>$[description]</text></BalloonStyle></Style>\n"
        )
    fields = "".join(
        f'<SimpleField name="{name}" type="{_TYPES.get(name, "string")}"/>'
        for name in columns
        if name != "name"
    )
    yield f'<Schema name="{level}" id="{level}">{fields}</Schema>\n'
    yield f"<Folder><name>{level}</name>\n"
    values = {name: _texts(frame[name], name) for name in columns}
    shapes = _geometries(np.asarray(frame.geometry, dtype=object))
    for number, shape in enumerate(shapes):
        row = {name: texts[number] for name, texts in values.items()}
        yield _placemark(row, shape, level, reasons[number], lang)
    yield "</Folder>\n</Document>\n</kml>\n"


def _placemark(
    row: dict[str, str | None], shape: str, level: str, reason: str | None, lang: str
) -> str:
    balloon = escape(_balloon(row | {"reason": reason}, lang))
    style = level if level in _STYLES else row["grid_type"]
    data = "".join(
        f"<SimpleData name={quoteattr(name)}>{escape(value)}</SimpleData>"
        for name, value in row.items()
        if value is not None and name != "name"
    )
    name = escape(row["name"] or "")
    # Text in HTML in XML: escaped for both.
    return (
        f'<Placemark id="{level}-{escape(row["code"] or "")}"><name>{name}</name>'
        f'<Snippet maxLines="0"></Snippet><description>{balloon}</description>'
        f'<styleUrl>#{style}</styleUrl><ExtendedData><SchemaData schemaUrl="#{level}">{data}'
        f"</SchemaData></ExtendedData>{shape}</Placemark>\n"
    )


def _balloon(row: dict[str, str | None], lang: str) -> str:
    values = section("value", lang)
    lines = []
    for name in _ROWS:
        value = row.get(name)
        hidden = name == "households" and row.get(NOTE) == "hidden"
        if value is None and not hidden:
            continue
        told = value or values["hidden"]
        if name == "grid_type":
            told = values[told]
        if name == "band":
            told = term(told, lang)
        if name == "area_m2":
            told = f"{float(told):,.0f}"
        if name == "households" and row.get(NOTE) == "estimated":
            told += f" ({values['estimated']})"
        lines.append(
            f'<tr><td style="color:#666;padding-right:1em">{text(f"title.{name}", lang)}</td>'
            f"<td>{html.escape(told)}</td></tr>"
        )
    title = html.escape(row["name"] or "")
    return f"<h3>{title}</h3><table>{''.join(lines)}</table>"


def _texts(column: "pd.Series[Any]", name: str) -> list[str | None]:
    if name in _DECIMALS:
        return [repr(round(float(value), _DECIMALS[name])) for value in column]
    return [None if gone else str(v) for v, gone in zip(column, column.isna(), strict=True)]


def _geometries(shapes: Geometries) -> list[str]:
    """Return each polygon as KML; nothing for a cell without geometry."""
    parts, of_part = shapely.get_parts(shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    xy, of_xy = shapely.get_coordinates(rings, return_index=True)
    points = [f"{x!r},{y!r}" for x, y in xy.tolist()]
    ends = np.searchsorted(of_xy, np.arange(len(rings) + 1)).tolist()
    polygons: list[list[str]] = [[] for _ in parts]
    for part, (start, end) in zip(of_ring.tolist(), itertools.pairwise(ends), strict=True):
        kind = "inner" if polygons[part] else "outer"
        polygons[part].append(
            f"<{kind}BoundaryIs><LinearRing><coordinates>{' '.join(points[start:end])}"
            f"</coordinates></LinearRing></{kind}BoundaryIs>"
        )
    out: list[list[str]] = [[] for _ in shapes]
    for row, texts in zip(of_part.tolist(), polygons, strict=True):
        out[row].append(f"<Polygon>{''.join(texts)}</Polygon>")
    return [
        f"<MultiGeometry>{''.join(texts)}</MultiGeometry>" if len(texts) > 1 else "".join(texts)
        for texts in out
    ]
