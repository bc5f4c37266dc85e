"""Plans in the formats of other systems, each read back and proved like the plan."""

from gridcell.export.make import EXPORT_FORMATS, Export, export_plan, require_export
from gridcell.export.publication import make_publication
from gridcell.export.published import check_published
from gridcell.export.read import Exported, read_export

__all__ = [
    "EXPORT_FORMATS", "Export", "Exported", "check_published", "export_plan", "make_publication",
    "read_export", "require_export",
]  # fmt: skip
