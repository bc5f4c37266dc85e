"""The pages of the public names of ``gridcell``, by what they are for."""

from pathlib import Path
from types import ModuleType

from pages import Entry

import gridcell

TOPICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Read": ("Files or frames become layers, settings become rules.", (
        "read_layers", "inspect_files", "draft_rules", "read_rules", "Layers", "Rules", "Band",
    )),
    "Divide": ("Layers become a plan, in one call or step by step.", (
        "make_plan", "build_fabric", "set_targets", "divide", "Fabric", "Plan", "Finding",
    )),
    "Write and read plans": ("A plan in its folder.", ("write_plan", "read_plan")),
    "Check and repair": ("Any polygon layer, whoever drew it.", (
        "check_cells", "check_plan", "prove_coverage", "repair_cells", "CheckReport",
        "CoverageProof", "Repair",
    )),
    "Living with a plan": ("New data, edits, drawn cells, history, comparison.", (
        "update_plan", "adopt_cells", "edit_plan", "compare_plans", "write_comparison",
        "trace_code", "compare_scenarios", "write_scenarios", "Comparison", "CodeTrace",
        "Scenarios",
    )),
    "Edits": ("What `edit_plan` takes.", (
        "Merge", "Split", "Move", "Swap", "Nudge", "Assign", "AtomGroup", "LandState", "Rename",
        "Comment", "Lock", "Unlock", "Undo",
    )),
    "People": ("Staff, rosters, ways on foot, service points.", (
        "assign_staff", "renew_staff", "make_roster", "write_roster", "build_network",
        "walking_network", "visiting_orders", "write_visits", "place_points", "choose_sites",
        "VisitingOrders", "WalkingNetwork",
    )),
    "Find and relate": ("Points in cells, divisions beside each other.", (
        "locate", "locate_file", "open_locator", "make_crosswalk", "write_crosswalk", "Locator",
        "Crosswalk",
    )),
    "Show": ("Maps, the editor, print.", (
        "draw_map", "write_map", "write_city_map", "write_editor", "write_editors", "write_atlas",
        "write_cards",
    )),
    "Export and publish": ("Other formats, and what may leave the house.", (
        "export_plan", "publish_plan", "check_published", "Export", "Publication",
        "EarlierPublication",
    )),
    "Scale": ("Shards, checkpoints.", (
        "divide_shard", "merged_tasks", "Shard", "CheckpointExecutor",
    )),
    "Samples": ("Synthetic towns.", ("make_sample", "write_sample")),
    "Errors": ("Everything that is raised on purpose.", (
        "GridcellError", "InputError", "RulesError", "PartitionError", "ProofError", "CodeError",
        "AssignmentError", "WriteError", "WorkerError",
    )),
}  # fmt: skip


_INTRODUCTION = (
    "Data positional, options keyword-only; results on the caller's index; inputs are never "
    "changed. Examples run as tests: `layers` and `plan` in them are those of the examples of "
    "`read_layers` and `make_plan`, a synthetic town of 900 households."
)


def write_api(source: Path) -> Entry:
    """Write a page for each topic, and one that lists them."""
    listed = [name for _, names in TOPICS.values() for name in names]
    public = public_names()
    if set(listed) != public or len(listed) != len(public):
        raise SystemExit(f"docs/site/api.py: {sorted(set(listed) ^ public)} not in one topic each")
    folder = source / "reference" / "python"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Python", "",
        _INTRODUCTION, "",
    ]  # fmt: skip
    places = []
    for topic, (says, names) in TOPICS.items():
        place = topic.lower().replace(" ", "-")
        places.append(f"python/{place}")
        links = ", ".join(f"{{py:obj}}`~gridcell.{name}`" for name in names)
        lines += [f"- [{topic}](python/{place}.md): {links}"]
        page = [f"# {topic}", "", says, "", "```{eval-rst}"]
        page += [".. currentmodule:: gridcell", ""]
        for name in names:
            kind = getattr(gridcell, name)
            page += _directive(name, kind)
        page += ["```", ""]
        (folder / f"{place}.md").write_text("\n".join(page), "utf-8")
    names_of_pages = "\n".join(places)
    lines += ["", f"```{{toctree}}\n:hidden:\n\n{names_of_pages}\n```", ""]
    (source / "reference" / "python.md").write_text("\n".join(lines), "utf-8")
    return Entry("Python", "reference/python.md", ": every public function and class")


def public_names() -> set[str]:
    """Return what the package offers, its modules and its version left out."""
    names = set(gridcell.__all__) - {"__version__"}
    return {name for name in names if not isinstance(getattr(gridcell, name), ModuleType)}


def _directive(name: str, kind: object) -> list[str]:
    if not isinstance(kind, type):
        return [f".. autofunction:: gridcell.{name}", ""]
    if issubclass(kind, Exception):
        return [f".. autoexception:: gridcell.{name}", "   :show-inheritance:", ""]
    return [f".. autoclass:: gridcell.{name}", "   :members:", ""]
