"""Layers of QGIS as files that the command reads."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QUrl

READ = ["gpkg", "shp", "geojson", "json", "fgb", "parquet", "csv", "xlsx"]
"""Files that gridcell reads itself; other layers are written to a GeoPackage first."""

_WITH_LAYERS = (".gpkg", ".xlsx")


def text_file(layer: QgsMapLayer | None) -> str:
    """Return the file of a table that QGIS reads as text, which takes codes for numbers."""
    if not isinstance(layer, QgsVectorLayer) or layer.providerType() != "delimitedtext":
        return ""
    if layer.isSpatial() or layer.subsetString():
        return ""
    path = QUrl(layer.source()).toLocalFile()
    return path if Path(path).is_file() else ""


def with_layer(path: str, layer: str) -> str:
    """Return ``FILE#LAYER`` for files that may hold several, else ``FILE``."""
    return f"{path}#{layer}" if layer and path.lower().endswith(_WITH_LAYERS) else path


def file_of(
    layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
) -> str:
    """Return the file that holds a layer as it is shown, written anew where it must be."""
    if own := text_file(layer):
        return own
    found = QgsProcessingUtils.convertToCompatibleFormatAndLayerName(
        layer, False, "input", READ, "gpkg", context, feedback  # noqa: FBT003
    )  # fmt: skip
    return with_layer(*found)
