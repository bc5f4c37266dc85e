"""A style as QGIS writes it."""

from typing import Final
from xml.etree import ElementTree as ET

from gridcell.formats.styles.names import ColumnNames
from gridcell.formats.styles.symbols import Colour, Label, Rule, Style


def qml(style: Style, names: ColumnNames | None = None) -> str:
    """Return a style as QGIS writes it, with names of columns and values if there are any."""
    named = names is not None and bool(names.columns)
    root = ET.Element(
        "qgis", version="3.22.0",
        styleCategories="Symbology|Labeling|Rendering" + ("|Fields|Forms" if named else ""),
        labelsEnabled="1" if style.labels else "0",
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
        if rule.of is not None:
            entry.set("filter", rule.of.expression)
        symbol = _symbol(symbols, str(number), style.kind)
        _SYMBOLS[style.kind](symbol, rule, number)
    if style.labels:
        labeling = ET.SubElement(root, "labeling", type="rule-based")
        texts = ET.SubElement(labeling, "rules", key="{gridcell-labels}")
        for number, label in enumerate(style.labels):
            _label(texts, label, number, style.kind)
    if names is not None and named:
        _name(root, names)
    ET.SubElement(root, "layerGeometryType").text = {"marker": "0", "line": "1"}.get(
        style.kind, "2"
    )
    doctype = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return doctype + ET.tostring(root, encoding="unicode")


def _name(root: ET.Element, names: ColumnNames) -> None:
    """Add what columns are called, and their values in forms and tables."""
    fields = ET.SubElement(root, "fieldConfiguration")
    for column, values in names.values.items():
        widget = ET.SubElement(
            ET.SubElement(fields, "field", name=column, configurationFlags="None"), "editWidget",
            type="ValueMap",
        )  # fmt: skip
        options = ET.SubElement(ET.SubElement(widget, "config"), "Option", type="Map")
        listed = ET.SubElement(options, "Option", name="map", type="List")
        for value, name in values.items():
            entry = ET.SubElement(listed, "Option", type="Map")
            ET.SubElement(entry, "Option", name=name, type="QString", value=value)
    aliases = ET.SubElement(root, "aliases")
    for number, (column, name) in enumerate(names.columns.items()):
        ET.SubElement(aliases, "alias", index=str(number), field=column, name=name)


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


def _fill(symbol: ET.Element, rule: Rule, number: int) -> None:
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


def _line(symbol: ET.Element, rule: Rule, _number: int) -> None:
    _layer(
        symbol, "SimpleLine", line_color=_rgba(rule.line), line_width=rule.width,
        line_width_unit="MM", line_style="dash" if rule.dashed else "solid", capstyle="round",
        joinstyle="round",
    )  # fmt: skip


def _marker(symbol: ET.Element, rule: Rule, _number: int) -> None:
    _layer(
        symbol, "SimpleMarker", name="circle", color=_rgba(rule.fill or (0, 0, 0, 0)),
        size=rule.width, size_unit="MM", outline_color=_rgba(rule.line), outline_width=0.3,
        outline_width_unit="MM", outline_style="solid",
    )  # fmt: skip


_SYMBOLS: Final = {"fill": _fill, "line": _line, "marker": _marker}


def _label(above: ET.Element, label: Label, number: int, kind: str) -> None:
    rule = ET.SubElement(
        above, "rule", key=f"{{gridcell-label-{number}}}", scalemindenom=str(label.above),
        scalemaxdenom=str(label.below),
    )  # fmt: skip
    if label.of is not None:
        rule.set("filter", label.of.expression)
    settings = ET.SubElement(rule, "settings", calloutType="simple")
    text = ET.SubElement(
        settings, "text-style", fieldName=label.text, isExpression="1", fontSize=str(label.size),
        fontSizeUnit="Point", textColor=_rgba(label.colour), textOpacity="1",
        fontWeight="75" if label.bold else "50", multilineHeight="0.9",
    )  # fmt: skip
    ET.SubElement(
        text, "text-buffer", bufferDraw="1", bufferSize="0.7", bufferSizeUnits="MM",
        bufferColor="255,255,255,255", bufferOpacity="0.85",
    )  # fmt: skip
    ET.SubElement(settings, "text-format", multilineAlign="1")
    # Over polygons, around points.
    ET.SubElement(
        settings, "placement", placement="0" if kind == "marker" else "1", dist="1.5",
        distUnits="MM", centroidWhole="1", centroidInside="1", priority=str(label.priority),
    )  # fmt: skip
    ET.SubElement(settings, "rendering", drawLabels="1", scaleVisibility="0", obstacle="0")


def _rgba(colour: Colour) -> str:
    return ",".join(map(str, colour))
