"""Layers that an algorithm has written, added to the project with the styles of their file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingLayerPostProcessorInterface,
    QgsVectorLayer,
)

from .texts import text

_PLACE = "gridcell/place"
"""Of a layer's node in the tree: where it stands among the others of its group."""


class _Styled(QgsProcessingLayerPostProcessorInterface):
    """Gives a layer the style that its file holds, and its place in a group."""

    made: list[_Styled] = []  # noqa: RUF012 - QGIS keeps no reference of its own

    def __init__(self, name: str, group: str, place: int) -> None:
        super().__init__()
        self._name, self._group, self._place = name, group, place
        self.made.append(self)

    def postProcessLayer(
        self,
        layer: Any,
        context: Any,
        feedback: Any,  # noqa: ARG002
    ) -> None:
        """Style a layer after Processing has added it."""
        own = Path(__file__).with_name(f"{self._name}.qml")
        if self._has_style(layer):
            layer.loadDefaultStyle()
        elif own.exists():
            layer.loadNamedStyle(str(own))
        layer.triggerRepaint()
        root = context.project().layerTreeRoot()
        node = root.findLayer(layer.id())
        if node is None:
            return
        group = root.findGroup(self._group) or root.insertGroup(0, self._group)
        others = [each.customProperty(_PLACE, 0) for each in group.children()]
        moved = node.clone()
        moved.setCustomProperty(_PLACE, self._place)
        moved.setExpanded(False)
        group.insertChildNode(sum(int(place) <= self._place for place in others), moved)
        node.parent().removeChildNode(node)

    @staticmethod
    def _has_style(layer: Any) -> bool:
        return bool(layer.listStylesInDatabase()[0] > 0)


def load_layers(
    file: str, names: tuple[str, ...], group: str, context: QgsProcessingContext
) -> None:
    """Have layers of a GeoPackage added to the project, those that hold anything.

    Parameters
    ----------
    file
        The GeoPackage.
    names
        Its layers, the uppermost first.
    group
        What the layers are called together.
    context
        The run's.
    """
    if context.project() is None or not Path(file).exists():
        return
    for place, name in enumerate(names):
        source = f"{file}|layername={name}"
        layer = QgsVectorLayer(source, name, "ogr")
        if not layer.isValid() or not layer.featureCount():
            continue
        details = QgsProcessingContext.LayerDetails(text(f"layer_{name}"), context.project(), name)
        details.setPostProcessor(_Styled(name, group, place))
        context.addLayerToLoadOnCompletion(source, details)
