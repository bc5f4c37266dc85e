"""Plans to files and back."""

from gridcell.write.cells import require_format, write_cells
from gridcell.write.findings import require_findings_file, write_findings
from gridcell.write.folder import require_free, write_plan
from gridcell.write.geopackage import is_plan, read_plan
from gridcell.write.whole import require_writable

__all__ = [
    "is_plan",
    "read_plan",
    "require_findings_file",
    "require_format",
    "require_free",
    "require_writable",
    "write_cells",
    "write_findings",
    "write_plan",
]
