"""New data for a plan: cells, codes and borders stay wherever they can."""

import dataclasses
from collections.abc import Iterable, Mapping

import pandas as pd

from gridcell.arguments import checked
from gridcell.assembly import Clock, assemble_plan, prepare_input
from gridcell.cells.registry import carry_codes, record, register_first
from gridcell.crs import crs_name
from gridcell.errors import InputError, RulesError
from gridcell.model import Finding, Layers, Plan, Progress, findings_frame, sort_findings
from gridcell.partition.revise import revise
from gridcell.revision.aims import kept_aims, wanted_findings
from gridcell.revision.lineage import changes_of, make_lineage
from gridcell.revision.locks import lock_findings, locked_cells
from gridcell.revision.match import keep_codes, previous_division, trace_descent
from gridcell.revision.people import keep_staff
from gridcell.rules import Rules


@checked
def update_plan(
    plan: Plan,
    layers: Layers,
    *,
    rules: Rules | None = None,
    locked: Iterable[str] = (),
    recoded: Mapping[str, str] | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    time: str | None = None,
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
    progress
        Called with the stage, what is done and the total.
    time
        What the history says of when this was; nothing where it is not given, so that the same
        data give the same bytes.

    Returns
    -------
    Plan
        With its lineage, its codes and one more operation in its history.

    Raises
    ------
    InputError
        Layers in another CRS, a lock or an earlier code that the plan does not know; what
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
    rules = rules or plan.rules
    recoded = dict(recoded or {})
    _require_fit(plan, layers, rules, recoded)
    plan = plan if len(plan.history) else register_first(plan)
    shut = locked_cells(plan, locked)
    clock = Clock(progress)
    given = prepare_input(layers, rules, clock, aims=kept_aims(plan, recoded))
    with clock("partition"):
        descent = trace_descent(plan, given, recoded)
        division = revise(
            given.fabric, given.small, given.micro, previous_division(plan, given, descent, shut),
            codes=layers.communities["code"].tolist(), rules=rules, workers=workers,
            progress=progress,
        )  # fmt: skip
        kept = keep_codes(plan, given, descent, division, rules.codes, recoded)
    new = assemble_plan(
        given, division, rules=rules, clock=clock, kept=kept,
        assign=keep_staff(plan, given.layers, rules),
    )  # fmt: skip
    with clock("lineage"):
        number = int(plan.history["number"].max()) + 1
        lineage = make_lineage(plan, new, descent, number)
        told = [
            *lock_findings(plan, new, shut, lineage), *wanted_findings(new, layers.communities),
        ]  # fmt: skip
        new = with_findings(new, told)
        new = with_lineage(plan, new, lineage, operation="update", command="update", time=time)
    return dataclasses.replace(
        new, division=dataclasses.replace(new.division, seconds=clock.seconds)
    )


def with_lineage(
    before: Plan,
    after: Plan,
    lineage: pd.DataFrame,
    *,
    operation: str,
    command: str,
    time: str | None = None,
) -> Plan:
    """Return a plan that goes on from another: with its codes, lineage and history.

    An operation that changes no code leaves the lineage as it was.

    Parameters
    ----------
    before, after
        The plans.
    lineage
        From `make_lineage`.
    operation, command, time
        For the history.
    """
    changes = changes_of(lineage)
    number = int(before.history["number"].max()) + 1
    codes = carry_codes(before.codes, after, lineage, number)
    history = record(before.history, operation, command, after.inputs, changes, time)
    if set(changes) <= {"U"}:
        table = before.lineage
    else:
        earlier = before.lineage[before.lineage["event"] != "U"]
        table = pd.concat([earlier, lineage], ignore_index=True) if len(earlier) else lineage
    return dataclasses.replace(after, lineage=table, codes=codes, history=history)


def with_findings(plan: Plan, findings: list[Finding]) -> Plan:
    """Return the plan with further findings, all in their order."""
    if not findings:
        return plan
    frame = findings_frame(findings, plan.crs)
    return dataclasses.replace(plan, findings=sort_findings(pd.concat([plan.findings, frame])))


def _require_fit(plan: Plan, layers: Layers, rules: Rules, recoded: Mapping[str, str]) -> None:
    if layers.crs != plan.crs:
        raise InputError(
            f"communities: their data are in {crs_name(layers.crs)}, the plan is in "
            f"{crs_name(plan.crs)}; expected the plan's CRS: convert the communities to it"
        )
    if rules.codes != plan.rules.codes:
        raise RulesError(
            "codes: an update keeps the widths and ranges of the plan's codes; leave [codes] out "
            "of the rules, or divide anew"
        )
    known, now = set(plan.medium["community"]), set(layers.communities["code"])
    for old, new in recoded.items():
        if old not in known:
            raise InputError(f"recoded: the plan has no community {old!r}")
        if new not in now:
            raise InputError(f"recoded: no community has the code {new!r}")
