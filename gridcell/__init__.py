"""gridcell divides communities into uniquely coded service grids and proves that they fit.

The whole way is ``write_plan(make_plan(read_layers(...)), folder)``; its steps are public in the
subpackages: `gridcell.coverage`, `gridcell.fabric`, `gridcell.partition`, `gridcell.cells`,
`gridcell.households`, `gridcell.staff`, `gridcell.check`.
"""

from gridcell.check import CheckReport, check_cells, check_plan
from gridcell.coverage import CoverageProof, prove_coverage
from gridcell.coverage.repair import Repair, repair_cells
from gridcell.crosswalk import Crosswalk, make_crosswalk, write_crosswalk
from gridcell.disclosure.publish import Publication, publish_plan
from gridcell.disclosure.published import check_published
from gridcell.display.map import draw_map
from gridcell.errors import (
    AssignmentError,
    CodeError,
    GridcellError,
    InputError,
    PartitionError,
    ProofError,
    RulesError,
    WriteError,
)
from gridcell.export import Export, export_plan
from gridcell.fabric import build_fabric
from gridcell.folder import write_plan
from gridcell.formats.geopackage import read_plan
from gridcell.locator import Locator, locate, locate_file, open_locator
from gridcell.model import Fabric, Finding, Layers, Plan
from gridcell.partition import divide, set_targets
from gridcell.pipeline import make_plan
from gridcell.read import inspect_files, read_layers
from gridcell.render.atlas import write_atlas, write_cards
from gridcell.render.city import write_city_map
from gridcell.render.map import write_map
from gridcell.rules import Band, Rules, read_rules
from gridcell.sample import make_sample, write_sample
from gridcell.staff import assign_staff, renew_staff
from gridcell.staff.workbook import make_roster, write_roster
from gridcell.version import __version__

__all__ = [
    "AssignmentError",
    "Band",
    "CheckReport",
    "CodeError",
    "CoverageProof",
    "Crosswalk",
    "Export",
    "Fabric",
    "Finding",
    "GridcellError",
    "InputError",
    "Layers",
    "Locator",
    "PartitionError",
    "Plan",
    "ProofError",
    "Publication",
    "Repair",
    "Rules",
    "RulesError",
    "WriteError",
    "__version__",
    "assign_staff",
    "build_fabric",
    "check_cells",
    "check_plan",
    "check_published",
    "divide",
    "draw_map",
    "export_plan",
    "inspect_files",
    "locate",
    "locate_file",
    "make_crosswalk",
    "make_plan",
    "make_roster",
    "make_sample",
    "open_locator",
    "prove_coverage",
    "publish_plan",
    "read_layers",
    "read_plan",
    "read_rules",
    "renew_staff",
    "repair_cells",
    "set_targets",
    "write_atlas",
    "write_cards",
    "write_city_map",
    "write_crosswalk",
    "write_map",
    "write_plan",
    "write_roster",
    "write_sample",
]
