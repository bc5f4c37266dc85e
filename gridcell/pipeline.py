"""The whole way from layers to a proven plan, step by step."""

from collections.abc import Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Any

from gridcell.arguments import checked
from gridcell.assembly import (
    Clock,
    assemble_plan,
    assign_roster,
    prepare_input,
    without_communities,
)
from gridcell.cells.columns import require_date
from gridcell.cells.enough import require_numbers
from gridcell.cells.registry import register_first
from gridcell.display.progress import shown_progress
from gridcell.fabric import build_fabric
from gridcell.model import Layers, Plan, Progress
from gridcell.partition import divide
from gridcell.rules import Rules, as_rules
from gridcell.work import workers_of


@checked
def make_plan(
    layers: Layers,
    *,
    rules: Rules | Mapping[str, Any] | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
    valid_from: str | None = None,
) -> Plan:
    """Return a complete division of the communities, with the proof of what it promises.

    Parameters
    ----------
    layers
        Checked inputs, from `read_layers`.
    rules
        Targets, weights, codes, as `Rules` or as a mapping of those that are not at their default,
        ``{"small": "200:250:300", "boundaries": {"heal_width": 2}}``.
    workers
        Threads. They change nothing but the time.
    executor
        Any executor of `concurrent.futures`, instead of threads: its workers cut and divide the
        land of the communities, one task each. Processes are faster than threads where there are
        many buildings.
    progress
        Called with the stage, what is done and the total: communities while land is cut and
        divided; with ``failed`` where some of them failed. By default notebooks show a line.
    valid_from
        From which day the cells are valid, such as ``2026-01-31``: those of communities and sites
        without a date of their own, and all within. By default cells have the date of their
        community.

    Returns
    -------
    Plan
        Its ``ok`` tells whether every proof holds; what broke is among its findings. A community
        whose division failed (GEOS, memory …) stops no other: it is left out, as an error
        ``community_left_out`` says, and its households are among those in no cell.

    Raises
    ------
    InputError
        Neither buildings nor atoms, no household in any community, or a date that is none.
    CodeError
        A community of more cells than its codes have numbers.
    WorkerError
        A process of the executor was lost with what it was doing.
    Exception
        What the first community raised where all failed.

    Examples
    --------
    `layers` are those of the example of `read_layers`: one community, 900 households, a school.

    >>> import gridcell
    >>> plan = gridcell.make_plan(layers)
    >>> plan.ok, int(plan.micro["households"].sum()), plan.unassigned
    (True, 900, 0)
    >>> plan.small[["code", "grid_type", "band"]]
                  code  grid_type band
    0  450899001001001    general   in
    1  450899001001002    general   in
    2  450899001001801  dedicated  NaN
    """
    rules = as_rules(rules)
    valid_from = require_date(valid_from, "valid_from")
    with shown_progress(progress) as told, workers_of(workers, executor) as chosen:
        clock = Clock(told)
        failed: dict[int, Exception] = {}
        weave = partial(build_fabric, executor=chosen, progress=told, left_out=failed)
        given = prepare_input(layers, rules, clock, weave=weave)
        require_numbers(
            layers.communities["code"].tolist(), given.general_load, given.small, given.micro,
            rules.codes,
        )  # fmt: skip
        with clock("partition"):
            division = divide(
                given.fabric, given.small, given.micro, codes=layers.communities["code"].tolist(),
                rules=rules, executor=chosen, progress=told, left_out=failed,
            )  # fmt: skip
        if failed:
            given, division = without_communities(given, division, failed)
        plan = assemble_plan(
            given, division, rules=rules, clock=clock, assign=assign_roster(given.layers, rules),
            valid_from=valid_from, executor=chosen,
        )  # fmt: skip
    return register_first(plan)
