"""What QGIS loads and unloads."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication

from .provider import Provider


class Plugin:
    """Gives QGIS the provider, with a window and without one."""

    def __init__(self, iface: Any = None) -> None:
        self._iface = iface
        self._provider: Provider | None = None

    def initProcessing(self) -> None:
        """Add the provider; all that ``qgis_process`` calls."""
        self._provider = Provider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """Begin in QGIS with its windows."""
        self.initProcessing()

    def unload(self) -> None:
        """Take the provider away."""
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
