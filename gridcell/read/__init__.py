"""Files or frames -> checked `Layers` in one metric CRS; and what files hold, before that."""

from gridcell.read.inspect import FieldInfo, LayerInfo, inspect_files
from gridcell.read.layers import read_layers

__all__ = ["FieldInfo", "LayerInfo", "inspect_files", "read_layers"]
