"""New data for a plan: cells, codes and borders stay wherever they can."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.assembly import Aims, Clock, DivisionInput, prepare_input
from gridcell.cells.columns import require_date
from gridcell.cells.registry import register_first
from gridcell.crs import crs_name
from gridcell.errors import InputError, RulesError
from gridcell.fabric.again import within_locks
from gridcell.model import Fabric, Layers, Plan, Progress
from gridcell.partition.revise import revise
from gridcell.revision.aims import kept_aims, met_numbers, new_wishes, wanted_findings
from gridcell.revision.held import HeldLand
from gridcell.revision.locks import lock_digests, locked_cells
from gridcell.revision.match import previous_division, trace_descent
from gridcell.revision.operation import go_on
from gridcell.revision.people import keep_staff
from gridcell.revision.spared import SparedLand, can_spare
from gridcell.rules import Rules, as_rules
from gridcell.schema import LEVELS
from gridcell.words.messages import Message


@checked
def update_plan(
    plan: Plan,
    layers: Layers,
    *,
    rules: Rules | Mapping[str, Any] | None = None,
    locked: Iterable[str] = (),
    recoded: Mapping[str, str] | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
    time: str | None = None,
    valid_from: str | None = None,
) -> Plan:
    """Return the plan for new data: what holds stays, what must change changes as little as can be.

    A cell in its band keeps its land and its code. A cell that left its band is divided anew with
    as few neighbours as will do, and as few households as possible change their cell. Cells keep
    their codes while most of their households, or without any of their land, stay together; new
    cells get numbers that were never given.

    Parameters
    ----------
    plan
        The earlier plan, of any origin; it needs no stored land.
    layers
        All data as they are now, from `read_layers`, in the plan's CRS.
    rules
        The plan's own where they are not given. Widths and ranges of codes stay.
    locked
        Codes of cells or communities, levels, or columns of the plan's cell layers: what no step
        may change, beside the cells that are locked in the plan.
    recoded
        New codes of communities, by their earlier ones.
    workers
        Threads. They change nothing but the time.
    executor
        Processes: they cut the land and prove the plan. They change nothing but the time.
    progress
        Called with the stage, what is done and the total.
    time
        What the history says of when this was; nothing where it is not given, so that the same
        data give the same bytes.
    valid_from
        From which day cells are valid whose land changed, such as ``2026-01-31``; the others keep
        the date that they had. Codes that end are valid until then.

    Returns
    -------
    Plan
        With its lineage, its codes and one more operation in its history.

    Raises
    ------
    InputError
        Layers in another CRS, a lock or an earlier code that the plan does not know, a date that
        is none; what
        `make_plan` raises.
    RulesError
        Other widths or ranges of codes than the plan's.

    Examples
    --------
    `plan` and `layers` are those of the examples of `make_plan` and `read_layers`. A community of
    the same data is left as it is:

    >>> import gridcell
    >>> updated = gridcell.update_plan(plan, layers)
    >>> updated.leaves.equals(plan.leaves), updated.history["operation"].tolist()
    (True, ['partition', 'update'])
    """
    rules = as_rules(rules, plan.rules)
    valid_from = require_date(valid_from, "valid_from")
    recoded = dict(recoded or {})
    _require_fit(plan, layers, rules, recoded)
    plan = plan if len(plan.history) else register_first(plan)
    locked = list(locked)
    shut = locked_cells(plan, locked)
    clock = Clock(progress)
    aims = kept_aims(plan, recoded)
    held, spared = HeldLand.of(plan, shut), None
    locks = lock_digests(plan, shut)
    if not recoded and can_spare(plan, layers, rules):
        spared = _spared_input(plan, layers, rules, clock, aims, locks, executor)
    if spared is not None:
        given, land = spared
    else:
        given = prepare_input(
            layers, rules, clock, aims=aims, weave=partial(held.weave, executor=executor)
        )
    with clock("partition"):
        only = None if spared is None else land.stored < 0
        descent = trace_descent(plan, given, recoded, only)
        descent = held.descent(descent) if spared is None else land.descent(descent)
        previous = previous_division(plan, given, descent, shut)
        division = revise(
            given.fabric, given.small, given.micro,
            previous if spared is None else land.previous(previous),
            codes=layers.communities["code"].tolist(), rules=rules, workers=workers,
            progress=progress,
        )  # fmt: skip
    after = go_on(
        plan, given, division, descent, rules=rules, clock=clock,
        assign=keep_staff(plan, given.layers, rules), operation="update", command="update",
        locked=shut, recoded=recoded,
        findings=wanted_findings(given, division),
        wanted=met_numbers(plan, given, division, recoded), time=time, valid_from=valid_from,
        executor=executor,
    )  # fmt: skip
    if spared is not None or not locks:
        return after
    # Outlines of locked cells had a say in how the land was cut.
    gone = _codes(plan) - _codes(after)
    kept = lock_digests(after, locked_cells(after, [name for name in locked if name not in gone]))
    cut_from = {
        code: within_locks(digest, kept[code]) if code in kept else digest
        for code, digest in after.cut_from.items()
    }
    return replace(after, cut_from=cut_from)


def _codes(plan: Plan) -> set[str]:
    """Return the codes of all cells."""
    return {code for level in LEVELS for code in plan.cells(level)["code"]}


def _spared_input(
    plan: Plan,
    layers: Layers,
    rules: Rules,
    clock: Clock,
    aims: Aims,
    locks: Mapping[str, str],
    executor: Executor | None,
) -> tuple[DivisionInput, SparedLand] | None:
    """Return what an update starts from that spares communities; ``None`` where it cannot."""
    found: list[SparedLand] = []
    unlike = new_wishes(plan, layers.communities)

    def weave(
        layers: Layers, households: NDArray[np.int64], micro_band: NDArray[np.float64], *,
        rules: Rules,
    ) -> Fabric:  # fmt: skip
        land = SparedLand.of(
            plan, layers, households, micro_band, rules, locks, executor, but=unlike
        )  # fmt: skip
        if land is None:
            raise _NothingSparedError
        found.append(land)
        return land.fabric

    while True:
        try:
            given = prepare_input(layers, rules, clock, aims=aims, weave=weave)
        except _NothingSparedError:
            return None
        land = found.pop()
        # What a community should hold is known for certain only once its land is cut.
        if not (more := land.unlike(given)):
            return replace(given, settle=land.settle, carried=land.carried(layers)), land
        unlike |= more


class _NothingSparedError(Exception):
    """All land has to be cut."""


def _require_fit(plan: Plan, layers: Layers, rules: Rules, recoded: Mapping[str, str]) -> None:
    if layers.crs != plan.crs:
        raise InputError(
            Message("error.update_other_crs", crs=crs_name(layers.crs), plan=crs_name(plan.crs))
        )
    if rules.codes != plan.rules.codes:
        raise RulesError(Message("error.update_codes"))
    known, now = set(plan.medium["community"]), set(layers.communities["code"])
    for old, new in recoded.items():
        if old not in known:
            raise InputError(Message("error.recoded_unknown_old", old=old))
        if new not in now:
            raise InputError(Message("error.recoded_unknown_new", new=new))
