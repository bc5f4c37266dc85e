"""Files or frames -> checked `Layers` in one metric CRS; and what files hold, before that."""

from gridcell.read.draft import draft_rules
from gridcell.read.inspect import FieldInfo, LayerInfo, inspect_files
from gridcell.read.layers import read_layers

__all__ = ["FieldInfo", "LayerInfo", "draft_rules", "inspect_files", "read_layers"]
