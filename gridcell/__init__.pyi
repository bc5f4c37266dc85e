from . import cells as cells
from . import check as check
from . import coverage as coverage
from . import fabric as fabric
from . import households as households
from . import partition as partition
from . import siting as siting
from . import staff as staff
from . import streets as streets
from .check import CheckReport, check_cells, check_plan
from .coverage import CoverageProof, prove_coverage
from .coverage.repair import Repair, repair_cells
from .crosswalk import Crosswalk, make_crosswalk, write_crosswalk
from .disclosure.audit_files import check_published
from .disclosure.earlier import EarlierPublication
from .disclosure.publication import Publication, publish_plan
from .display.map import draw_map
from .errors import (
    AssignmentError,
    CodeError,
    GridcellError,
    InputError,
    PartitionError,
    ProofError,
    RulesError,
    WorkerError,
    WriteError,
)
from .export import Export, export_plan
from .fabric import build_fabric
from .folder import write_plan
from .formats.geopackage import read_plan
from .locator import Locator, locate, locate_file, open_locator
from .model import Fabric, Finding, Layers, Plan
from .partition import divide, set_targets
from .pipeline import make_plan
from .read import draft_rules, inspect_files, read_layers
from .render.atlas import write_atlas, write_cards
from .render.city import write_city_map
from .render.map import write_map
from .revision.adopt import adopt_cells
from .revision.compare import Comparison, compare_plans, write_comparison
from .revision.editor import write_editor, write_editors
from .revision.edits import (
    Assign,
    AtomGroup,
    Comment,
    LandState,
    Lock,
    Merge,
    Move,
    Nudge,
    Rename,
    Split,
    Swap,
    Undo,
    Unlock,
    edit_plan,
)
from .revision.history import CodeTrace, trace_code
from .revision.scenarios import Scenarios, compare_scenarios, write_scenarios
from .revision.update import update_plan
from .rules import Band, Rules, read_rules
from .sample import make_sample, write_sample
from .shards import Shard, divide_shard, merged_tasks
from .siting import choose_sites, place_points
from .staff import assign_staff, renew_staff
from .staff.workbook import make_roster, write_roster
from .streets import WalkingNetwork, build_network, walking_network
from .version import __version__ as __version__
from .visits import VisitingOrders, visiting_orders, write_visits
from .work import CheckpointExecutor

__all__ = [
    "Assign",
    "AssignmentError",
    "AtomGroup",
    "Band",
    "CheckReport",
    "CheckpointExecutor",
    "CodeError",
    "CodeTrace",
    "Comment",
    "Comparison",
    "CoverageProof",
    "Crosswalk",
    "EarlierPublication",
    "Export",
    "Fabric",
    "Finding",
    "GridcellError",
    "InputError",
    "LandState",
    "Layers",
    "Locator",
    "Lock",
    "Merge",
    "Move",
    "Nudge",
    "PartitionError",
    "Plan",
    "ProofError",
    "Publication",
    "Rename",
    "Repair",
    "Rules",
    "RulesError",
    "Scenarios",
    "Shard",
    "Split",
    "Swap",
    "Undo",
    "Unlock",
    "VisitingOrders",
    "WalkingNetwork",
    "WorkerError",
    "WriteError",
    "__version__",
    "adopt_cells",
    "assign_staff",
    "build_fabric",
    "build_network",
    "check_cells",
    "check_plan",
    "check_published",
    "choose_sites",
    "compare_plans",
    "compare_scenarios",
    "divide",
    "divide_shard",
    "draft_rules",
    "draw_map",
    "edit_plan",
    "export_plan",
    "inspect_files",
    "locate",
    "locate_file",
    "make_crosswalk",
    "make_plan",
    "make_roster",
    "make_sample",
    "merged_tasks",
    "open_locator",
    "place_points",
    "prove_coverage",
    "publish_plan",
    "read_layers",
    "read_plan",
    "read_rules",
    "renew_staff",
    "repair_cells",
    "set_targets",
    "trace_code",
    "update_plan",
    "visiting_orders",
    "walking_network",
    "write_atlas",
    "write_cards",
    "write_city_map",
    "write_comparison",
    "write_crosswalk",
    "write_editor",
    "write_editors",
    "write_map",
    "write_plan",
    "write_roster",
    "write_sample",
    "write_scenarios",
    "write_visits",
]
