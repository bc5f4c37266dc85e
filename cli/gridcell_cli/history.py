"""``gridcell history``: the operations on a plan, and what became of a code."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridcell.words.messages import Message
from gridcell_cli import options
from gridcell_cli.language import said
from gridcell_cli.plans import open_plan
from gridcell_cli.records import records

if TYPE_CHECKING:
    from gridcell import Plan
    from gridcell.revision.history import CodeTrace
    from gridcell.words.messages import Value


@click.command("history")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@click.argument("code", metavar="[CODE]", required=False)
@options.common
def command(plan: Path, code: str | None, *, as_json: bool, quiet: bool) -> None:
    """List the operations on PLAN, or trace CODE: where it came from and what became of it."""
    from gridcell.revision.history import trace_code

    told = open_plan(plan, quiet=quiet)
    if code is None:
        operations = _operations(told)
        if as_json:
            click.echo(json.dumps(operations, ensure_ascii=False, indent=2))
        elif not quiet:
            click.echo(_history(operations))
        return
    trace = trace_code(told, code)
    if as_json:
        click.echo(json.dumps(_data(trace), ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(_life(trace))


def _operations(plan: "Plan") -> list[dict[str, Any]]:
    rows = records(plan.history)
    for row in rows:
        for name in ("inputs", "changes"):
            row[name] = json.loads(row[name]) if row[name] else None
    return rows


def _history(operations: list[dict[str, Any]]) -> str:
    if not operations:
        return said("no_history")

    lines = []
    for row in operations:
        changes = (row["changes"] or {}).items()
        counts = [Message("cli.of_event", n=n, event=_event(name)) for name, n in changes]
        when = f"  {row['time']}" if row["time"] else ""
        lines.append(f"{row['number']:>4}  {row['command']}{when}")
        if counts:
            lines.append(f"      {said('found', kinds=counts)}")
    return "\n".join(lines)


def _data(trace: "CodeTrace") -> dict[str, Any]:
    return {
        "code": trace.code, "level": trace.level, "grid_type": trace.grid_type,
        "given": trace.given, "retired": trace.retired, "origins": records(trace.origins),
        "heirs": records(trace.heirs),
    }  # fmt: skip


def _life(trace: "CodeTrace") -> str:
    if trace.in_use:
        lines = [said("code_in_use", code=trace.code, given=trace.given)]
    else:
        lines = [said("code_ended", code=trace.code, given=trace.given, ended=trace.retired)]
    for title, table in (("came_from", trace.origins), ("went_on_as", trace.heirs)):
        if len(table):
            lines += ["", said(title), *map(_step, records(table))]
    return "\n".join(lines)


def _step(row: dict[str, Any]) -> str:
    nothing = Message("part.nothing")
    return said(
        "step", operation=row["operation"], old=row["old"] or nothing, new=row["new"] or nothing,
        event=_event(row["event"]), households=row["households"], area=row["area_m2"],
    )  # fmt: skip


def _event(name: str) -> "Value":
    from gridcell.schema import LINEAGE_EVENTS

    return Message(f"event.{LINEAGE_EVENTS[name]}") if name in LINEAGE_EVENTS else name
