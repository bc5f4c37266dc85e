"""How the layers of a plan look in QGIS and other systems: styles in the GeoPackage itself.

A GeoPackage may hold a table ``layer_styles``; QGIS draws each layer by the one that is the default
there. Each style is written as QML, for QGIS, and as SLD (1.1), for others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pandas as pd
import pyogrio

STYLES: Final = "layer_styles"
"""The table's name, fixed by QGIS."""
_GEOMETRY: Final = "geom"
"""What GDAL calls the geometry column of a GeoPackage."""

Colour = tuple[int, int, int, int]

_WHITE: Final = (255, 255, 255, 255)
_SLD: Final = "http://www.opengis.net/sld"
_SE: Final = "http://www.opengis.net/se"
_OGC: Final = "http://www.opengis.net/ogc"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One symbol and what it is for."""

    title: str
    column: str | None = None
    """Features whose value here is `value`; all where there is none."""
    value: str = ""
    line: Colour = (0, 0, 0, 0)
    width: float = 0.3
    """Millimetres; of points their size."""
    dashed: bool = False
    fill: Colour | None = None
    hatched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    """Text on features."""

    text: str
    """An expression of QGIS."""
    column: str
    """The column shown by systems that know no expressions."""
    size: float
    colour: Colour
    below: int
    """Shown at scales larger than one to this."""
    bold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    kind: str
    """``fill``, ``line`` or ``marker``."""
    rules: tuple[_Rule, ...]
    label: _Label | None = None
    below: int | None = None
    """Drawn at scales larger than one to this."""
    title: str = "gridcell"
    about: str = ""
    default: bool = True


_GENERAL: Final = "综合网格 General"
_DEDICATED: Final = "专属网格 Dedicated"
_ORANGE: Final = (176, 79, 31, 255)


def _by_type(line: Colour, width: float, fill: Colour) -> tuple[_Rule, ...]:
    return (
        _Rule(title=_GENERAL, column="grid_type", value="general", line=line, width=width,
              fill=fill),
        _Rule(title=_DEDICATED, column="grid_type", value="dedicated", line=_ORANGE,
              width=width + 0.1, fill=(240, 143, 79, 60), hatched=True),
    )  # fmt: skip


def _by_band(line: Colour, width: float) -> tuple[_Rule, ...]:
    colours = {
        "in": ("户数达标 In the band", (120, 180, 110, 110)),
        "under": ("户数不足 Under the band", (90, 150, 210, 150)),
        "over": ("户数超出 Over the band", (215, 80, 70, 150)),
    }
    bands = (
        _Rule(title=title, column="band", value=band, line=line, width=width, fill=fill)
        for band, (title, fill) in colours.items()
    )
    return (*bands, _by_type(line, width, line)[1])


_SMALL_LINE: Final = (43, 90, 138, 255)
_MICRO_LINE: Final = (110, 130, 150, 255)
# The number of a cell within its parent, and its households; dedicated grids have a name.
_NUMBER: Final = (
    """CASE WHEN "grid_type" = 'dedicated' THEN "name" """
    """ELSE regexp_replace(substr("code", length("parent") + 1), '^0+', '') """
    """|| '\\n' || "households" END"""
)
_SMALL_LABEL: Final = _Label(
    text=_NUMBER, column="label", size=9, colour=(31, 61, 110, 255), below=20_000, bold=True
)
_MICRO_LABEL: Final = _Label(
    text=_NUMBER, column="label", size=6.5, colour=(80, 90, 100, 255), below=5_000
)
_BANDS_TITLE: Final = "户数范围 Bands"

_STYLES: Final[Mapping[str, tuple[_Style, ...]]] = {
    "large": (
        _Style(
            kind="fill", about="Level 1: outline and name",
            rules=(_Rule(title="大网格 Large grid", line=(36, 47, 59, 255), width=1.0),),
            label=_Label(text='"name"', column="name", size=12, colour=(36, 47, 59, 255),
                         below=10_000_000, bold=True),
        ),
    ),
    "medium": (
        _Style(
            kind="fill", about="Level 2: outline and name",
            rules=(_Rule(title="社区（中网格） Community", line=(31, 61, 90, 255), width=0.7),),
            label=_Label(text='"name"', column="name", size=10, colour=(31, 61, 90, 255),
                         below=100_000, bold=True),
        ),
    ),
    "small": (
        _Style(
            kind="fill", about="Level 3 by type, dedicated grids hatched",
            rules=_by_type(_SMALL_LINE, 0.45, (160, 196, 224, 70)), label=_SMALL_LABEL,
            below=200_000,
        ),
        _Style(
            kind="fill", title=_BANDS_TITLE, about="Level 3 by households against the band",
            rules=_by_band(_SMALL_LINE, 0.45), label=_SMALL_LABEL, below=200_000, default=False,
        ),
    ),
    **{
        level: (
            _Style(
                kind="fill", about=f"{what} by type, dedicated grids hatched",
                rules=_by_type(_MICRO_LINE, 0.2, (255, 255, 255, 0)), label=_MICRO_LABEL,
                below=25_000,
            ),
            _Style(
                kind="fill", title=_BANDS_TITLE, about=f"{what} by households against the band",
                rules=_by_band(_MICRO_LINE, 0.2), label=_MICRO_LABEL, below=25_000, default=False,
            ),
        )
        for level, what in (("micro", "Level 4"), ("leaves", "Cells without children"))
    },
    "buildings": (
        _Style(
            kind="fill", about="Buildings and their slabs", below=15_000,
            rules=(_Rule(title="建筑 Building", line=(140, 135, 130, 255), width=0.1,
                         fill=(205, 200, 192, 255)),),
        ),
    ),
    "barriers": (
        _Style(
            kind="line", about="Roads, rivers, railways and walls by kind", below=100_000,
            rules=(
                _Rule(title="道路 Road", column="kind", value="road", line=(170, 165, 155, 255),
                      width=0.5),
                _Rule(title="河流 River", column="kind", value="river", line=(90, 150, 210, 255),
                      width=0.8),
                _Rule(title="铁路 Railway", column="kind", value="rail", line=(60, 60, 60, 255),
                      width=0.5, dashed=True),
                _Rule(title="围墙 Wall", column="kind", value="wall", line=(140, 110, 80, 255),
                      width=0.4),
            ),
        ),
    ),
    "findings": (
        _Style(
            kind="marker", about="What checks found, by severity",
            rules=(
                _Rule(title="提示 Note", column="severity", value="note", line=_WHITE, width=2.2,
                      fill=(70, 130, 200, 255)),
                _Rule(title="警告 Warning", column="severity", value="warning", line=_WHITE,
                      width=2.8, fill=(235, 150, 40, 255)),
                _Rule(title="错误 Error", column="severity", value="error", line=_WHITE, width=3.4,
                      fill=(205, 45, 45, 255)),
            ),
            label=_Label(text='"kind"', column="kind", size=7, colour=(90, 60, 40, 255),
                         below=5_000),
        ),
    ),
}  # fmt: skip


def write_styles(file: Path, layers: Iterable[str]) -> None:
    """Add the styles of these layers to a GeoPackage that has none yet.

    Parameters
    ----------
    file
        The GeoPackage.
    layers
        Names of its layers; those that nothing is known of keep QGIS's own look.
    """
    rows = [
        {
            # QGIS looks for empty texts, not for nothing.
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": layer,
            "f_geometry_column": _GEOMETRY,
            "styleName": style.title,
            "styleQML": qml(style),
            "styleSLD": sld(style, layer),
            "useAsDefault": style.default,
            "description": style.about,
            "owner": "",
            "ui": None,
            "update_time": pd.Timestamp("2000-01-01"),
        }
        for layer in layers
        for style in _STYLES.get(layer, ())
    ]
    table = pd.DataFrame(rows)
    table["ui"] = table["ui"].astype("str")
    pyogrio.write_dataframe(
        table, file, layer=STYLES, driver="GPKG", append=True, use_arrow=False,
        layer_options={"FID": "id"},
    )  # fmt: skip


def qml(style: _Style) -> str:
    """Return a style as QGIS writes it."""
    root = ET.Element(
        "qgis", version="3.22.0", styleCategories="Symbology|Labeling|Rendering",
        labelsEnabled="1" if style.label else "0",
        hasScaleBasedVisibilityFlag="1" if style.below else "0",
        minScale=str(style.below or 100_000_000), maxScale="0",
    )  # fmt: skip
    renderer = ET.SubElement(
        root, "renderer-v2", type="RuleRenderer", symbollevels="0", enableorderby="0",
        forceraster="0",
    )  # fmt: skip
    rules = ET.SubElement(renderer, "rules", key="{gridcell}")
    symbols = ET.SubElement(renderer, "symbols")
    for number, rule in enumerate(style.rules):
        entry = ET.SubElement(
            rules, "rule", key=f"{{gridcell-{number}}}", symbol=str(number), label=rule.title
        )
        if rule.column is not None:
            entry.set("filter", f"\"{rule.column}\" = '{rule.value}'")
        symbol = _symbol(symbols, str(number), style.kind)
        _QML[style.kind](symbol, rule, number)
    if style.label is not None:
        _qml_label(root, style.label, style.kind)
    ET.SubElement(root, "layerGeometryType").text = {"marker": "0", "line": "1"}.get(
        style.kind, "2"
    )
    doctype = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return doctype + ET.tostring(root, encoding="unicode")


def _symbol(above: ET.Element, name: str, kind: str) -> ET.Element:
    return ET.SubElement(
        above, "symbol", name=name, type=kind, alpha="1", clip_to_extent="1", force_rhr="0"
    )


def _layer(symbol: ET.Element, kind: str, **options: object) -> ET.Element:
    layer = ET.SubElement(symbol, "layer", {"class": kind}, enabled="1", locked="0")
    layer.set("pass", "0")
    settings = ET.SubElement(layer, "Option", type="Map")
    for name, value in options.items():
        ET.SubElement(settings, "Option", name=name, type="QString", value=str(value))
    return layer


def _qml_fill(symbol: ET.Element, rule: _Rule, number: int) -> None:
    _layer(
        symbol, "SimpleFill", color=_rgba(rule.fill or (0, 0, 0, 0)),
        style="solid" if rule.fill else "no", outline_color=_rgba(rule.line),
        outline_style="solid", outline_width=rule.width, outline_width_unit="MM", joinstyle="round",
    )  # fmt: skip
    if rule.hatched:
        pattern = _layer(
            symbol, "LinePatternFill", angle=45, distance=2, distance_unit="MM", line_width=0.26,
            line_width_unit="MM", color=_rgba(rule.line),
        )  # fmt: skip
        stroke = _symbol(pattern, f"@{number}@1", "line")
        _layer(
            stroke, "SimpleLine", line_color=_rgba(rule.line), line_width=0.26,
            line_width_unit="MM", line_style="solid",
        )  # fmt: skip


def _qml_line(symbol: ET.Element, rule: _Rule, _number: int) -> None:
    _layer(
        symbol, "SimpleLine", line_color=_rgba(rule.line), line_width=rule.width,
        line_width_unit="MM", line_style="dash" if rule.dashed else "solid", capstyle="round",
        joinstyle="round",
    )  # fmt: skip


def _qml_marker(symbol: ET.Element, rule: _Rule, _number: int) -> None:
    _layer(
        symbol, "SimpleMarker", name="circle", color=_rgba(rule.fill or (0, 0, 0, 0)),
        size=rule.width, size_unit="MM", outline_color=_rgba(rule.line), outline_width=0.3,
        outline_width_unit="MM", outline_style="solid",
    )  # fmt: skip


_QML: Final = {"fill": _qml_fill, "line": _qml_line, "marker": _qml_marker}


def _qml_label(root: ET.Element, label: _Label, kind: str) -> None:
    labeling = ET.SubElement(root, "labeling", type="simple")
    settings = ET.SubElement(labeling, "settings", calloutType="simple")
    text = ET.SubElement(
        settings, "text-style", fieldName=label.text, isExpression="1", fontSize=str(label.size),
        fontSizeUnit="Point", textColor=_rgba(label.colour), textOpacity="1",
        fontWeight="75" if label.bold else "50", multilineHeight="0.9",
    )  # fmt: skip
    ET.SubElement(
        text, "text-buffer", bufferDraw="1", bufferSize="0.7", bufferSizeUnits="MM",
        bufferColor=_rgba(_WHITE), bufferOpacity="0.85",
    )  # fmt: skip
    ET.SubElement(settings, "text-format", multilineAlign="1")
    # Over polygons, around points.
    ET.SubElement(
        settings, "placement", placement="0" if kind == "marker" else "1", dist="1.5",
        distUnits="MM", centroidWhole="1", centroidInside="1", priority="5",
    )  # fmt: skip
    ET.SubElement(
        settings, "rendering", drawLabels="1", scaleVisibility="1", scaleMin="0",
        scaleMax=str(label.below), obstacle="0",
    )  # fmt: skip


def sld(style: _Style, layer: str) -> str:
    """Return a style as SLD 1.1."""
    root = ET.Element(
        "StyledLayerDescriptor",
        {"xmlns": _SLD, "xmlns:se": _SE, "xmlns:ogc": _OGC, "version": "1.1.0"},
    )
    named = ET.SubElement(root, "NamedLayer")
    ET.SubElement(named, "se:Name").text = layer
    user = ET.SubElement(named, "UserStyle")
    ET.SubElement(user, "se:Name").text = layer
    features = ET.SubElement(user, "se:FeatureTypeStyle")
    for rule in style.rules:
        entry = _sld_rule(features, rule.title, rule, style.below)
        _SLDS[style.kind](entry, rule)
    if style.label is not None:
        entry = _sld_rule(features, "label", None, style.label.below)
        text = ET.SubElement(entry, "se:TextSymbolizer")
        shown = ET.SubElement(text, "se:Label")
        ET.SubElement(shown, "ogc:PropertyName").text = style.label.column
        font = ET.SubElement(text, "se:Font")
        _parameter(font, "font-size", style.label.size)
        halo = ET.SubElement(text, "se:Halo")
        ET.SubElement(halo, "se:Radius").text = "2"
        _sld_fill(halo, _WHITE)
        _sld_fill(text, style.label.colour)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _sld_rule(above: ET.Element, title: str, rule: _Rule | None, below: int | None) -> ET.Element:
    entry = ET.SubElement(above, "se:Rule")
    ET.SubElement(entry, "se:Name").text = title
    if rule is not None and rule.column is not None:
        chosen = ET.SubElement(entry, "ogc:Filter")
        equal = ET.SubElement(chosen, "ogc:PropertyIsEqualTo")
        ET.SubElement(equal, "ogc:PropertyName").text = rule.column
        ET.SubElement(equal, "ogc:Literal").text = rule.value
    if below is not None:
        ET.SubElement(entry, "se:MaxScaleDenominator").text = str(below)
    return entry


def _sld_polygon(entry: ET.Element, rule: _Rule) -> None:
    solid = ET.SubElement(entry, "se:PolygonSymbolizer")
    if rule.fill is not None:
        _sld_fill(solid, rule.fill)
    _sld_stroke(solid, rule)
    if rule.hatched:
        hatch = ET.SubElement(entry, "se:PolygonSymbolizer")
        fill = ET.SubElement(hatch, "se:Fill")
        graphic = ET.SubElement(ET.SubElement(fill, "se:GraphicFill"), "se:Graphic")
        mark = ET.SubElement(graphic, "se:Mark")
        ET.SubElement(mark, "se:WellKnownName").text = "slash"
        _sld_stroke(mark, rule)
        ET.SubElement(graphic, "se:Size").text = "7"


def _sld_line(entry: ET.Element, rule: _Rule) -> None:
    _sld_stroke(ET.SubElement(entry, "se:LineSymbolizer"), rule)


def _sld_point(entry: ET.Element, rule: _Rule) -> None:
    point = ET.SubElement(entry, "se:PointSymbolizer")
    graphic = ET.SubElement(point, "se:Graphic")
    mark = ET.SubElement(graphic, "se:Mark")
    ET.SubElement(mark, "se:WellKnownName").text = "circle"
    _sld_fill(mark, rule.fill or _WHITE)
    ET.SubElement(graphic, "se:Size").text = str(round(rule.width * _PIXELS))


_SLDS: Final = {"fill": _sld_polygon, "line": _sld_line, "marker": _sld_point}
_PIXELS: Final = 1 / 0.28
"""Pixels of a millimetre, as the standard has them."""


def _sld_fill(above: ET.Element, colour: Colour) -> None:
    fill = ET.SubElement(above, "se:Fill")
    _parameter(fill, "fill", _hex(colour))
    if colour[3] < 255:
        _parameter(fill, "fill-opacity", round(colour[3] / 255, 2))


def _sld_stroke(above: ET.Element, rule: _Rule) -> None:
    stroke = ET.SubElement(above, "se:Stroke")
    _parameter(stroke, "stroke", _hex(rule.line))
    _parameter(stroke, "stroke-width", round(rule.width * _PIXELS, 2))
    if rule.dashed:
        _parameter(stroke, "stroke-dasharray", "6 4")


def _parameter(above: ET.Element, name: str, value: object) -> None:
    ET.SubElement(above, "se:SvgParameter", name=name).text = str(value)


def _rgba(colour: Colour) -> str:
    return ",".join(map(str, colour))


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour[:3])
