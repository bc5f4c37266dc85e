"""How the layers of a plan look in QGIS and other systems: styles in the GeoPackage itself.

A GeoPackage may hold a table ``layer_styles``; QGIS draws each layer by the one that is the default
there. Each style is written as QML, for QGIS, and as SLD (1.1), for others.
"""

from gridcell.formats.styles.table import STYLES, write_styles

__all__ = ["STYLES", "write_styles"]
