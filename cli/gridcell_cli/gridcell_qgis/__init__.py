"""A plugin of QGIS: the commands of gridcell in the toolbox of Processing.

It lives in a profile of QGIS, where ``gridcell qgis install`` puts it, and in QGIS's own Python
(3.9 or later), which need not have gridcell: it runs the command that was installed.
"""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:
    """Return the plugin."""
    from .plugin import Plugin

    return Plugin(iface)
