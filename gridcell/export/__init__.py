"""Plans in the formats of other systems, each read back and proved like the plan."""

from gridcell.export.make import EXPORT_FORMATS, Export, export_plan, require_export

__all__ = ["EXPORT_FORMATS", "Export", "export_plan", "require_export"]
