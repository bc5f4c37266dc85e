"""A style as SLD 1.1, for GeoServer and others."""

from typing import Final
from xml.etree import ElementTree as ET

from gridcell.formats.styles.symbols import Choice, Colour, Label, Rule, Style

_SLD: Final = "http://www.opengis.net/sld"
_SE: Final = "http://www.opengis.net/se"
_OGC: Final = "http://www.opengis.net/ogc"
_WHITE: Final = (255, 255, 255, 255)
_PIXELS: Final = 1 / 0.28
"""Pixels of a millimetre, as the standard has them."""


def sld(style: Style, layer: str) -> str:
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
        entry = _rule(features, rule.title, rule.of, below=style.below)
        _SYMBOLS[style.kind](entry, rule)
    for label in style.labels:
        entry = _rule(features, "label", label.of, above=label.above, below=label.below)
        _label(entry, label)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _rule(
    features: ET.Element, title: str, of: Choice | None, *, above: int = 0, below: int | None
) -> ET.Element:
    entry = ET.SubElement(features, "se:Rule")
    ET.SubElement(entry, "se:Name").text = title
    if of is not None:
        chosen = ET.SubElement(entry, "ogc:Filter")
        if of.without:
            chosen = ET.SubElement(chosen, "ogc:And")
            empty = ET.SubElement(chosen, "ogc:PropertyIsNull")
            ET.SubElement(empty, "ogc:PropertyName").text = of.without
        equal = ET.SubElement(chosen, "ogc:PropertyIsEqualTo")
        ET.SubElement(equal, "ogc:PropertyName").text = of.column
        ET.SubElement(equal, "ogc:Literal").text = of.value
    if above:
        ET.SubElement(entry, "se:MinScaleDenominator").text = str(above)
    if below is not None:
        ET.SubElement(entry, "se:MaxScaleDenominator").text = str(below)
    return entry


def _label(entry: ET.Element, label: Label) -> None:
    text = ET.SubElement(entry, "se:TextSymbolizer")
    shown = ET.SubElement(text, "se:Label")
    ET.SubElement(shown, "ogc:PropertyName").text = label.column
    font = ET.SubElement(text, "se:Font")
    _parameter(font, "font-size", label.size)
    halo = ET.SubElement(text, "se:Halo")
    ET.SubElement(halo, "se:Radius").text = "2"
    _fill(halo, _WHITE)
    _fill(text, label.colour)


def _polygon(entry: ET.Element, rule: Rule) -> None:
    solid = ET.SubElement(entry, "se:PolygonSymbolizer")
    if rule.fill is not None:
        _fill(solid, rule.fill)
    _stroke(solid, rule)
    if rule.hatched:
        hatch = ET.SubElement(entry, "se:PolygonSymbolizer")
        fill = ET.SubElement(hatch, "se:Fill")
        graphic = ET.SubElement(ET.SubElement(fill, "se:GraphicFill"), "se:Graphic")
        mark = ET.SubElement(graphic, "se:Mark")
        ET.SubElement(mark, "se:WellKnownName").text = "slash"
        _stroke(mark, rule)
        ET.SubElement(graphic, "se:Size").text = "7"


def _line(entry: ET.Element, rule: Rule) -> None:
    _stroke(ET.SubElement(entry, "se:LineSymbolizer"), rule)


def _point(entry: ET.Element, rule: Rule) -> None:
    point = ET.SubElement(entry, "se:PointSymbolizer")
    graphic = ET.SubElement(point, "se:Graphic")
    mark = ET.SubElement(graphic, "se:Mark")
    ET.SubElement(mark, "se:WellKnownName").text = "circle"
    _fill(mark, rule.fill or _WHITE)
    ET.SubElement(graphic, "se:Size").text = str(round(rule.width * _PIXELS))


_SYMBOLS: Final = {"fill": _polygon, "line": _line, "marker": _point}


def _fill(above: ET.Element, colour: Colour) -> None:
    fill = ET.SubElement(above, "se:Fill")
    _parameter(fill, "fill", _hex(colour))
    if colour[3] < 255:
        _parameter(fill, "fill-opacity", round(colour[3] / 255, 2))


def _stroke(above: ET.Element, rule: Rule) -> None:
    stroke = ET.SubElement(above, "se:Stroke")
    _parameter(stroke, "stroke", _hex(rule.line))
    _parameter(stroke, "stroke-width", round(rule.width * _PIXELS, 2))
    if rule.dashed:
        _parameter(stroke, "stroke-dasharray", "6 4")


def _parameter(above: ET.Element, name: str, value: object) -> None:
    ET.SubElement(above, "se:SvgParameter", name=name).text = str(value)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour[:3])
