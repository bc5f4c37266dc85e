"""Plans to files and back."""

from gridcell.write.findings import write_findings
from gridcell.write.folder import require_free, write_plan
from gridcell.write.geopackage import is_plan, read_plan

__all__ = ["is_plan", "read_plan", "require_free", "write_findings", "write_plan"]
