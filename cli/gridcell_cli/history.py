"""``gridcell history``: the operations on a plan, and what became of a code."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridcell_cli import options
from gridcell_cli.plans import open_plan

if TYPE_CHECKING:
    import pandas as pd

    from gridcell import Plan
    from gridcell.revision.history import CodeTrace


@click.command("history")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@click.argument("code", metavar="[CODE]", required=False)
@options.common
def command(plan: Path, code: str | None, *, as_json: bool, quiet: bool) -> None:
    """Tell the operations on PLAN; with CODE, where it came from and what became of it."""
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
    rows = _records(plan.history)
    for row in rows:
        for name in ("inputs", "changes"):
            row[name] = json.loads(row[name]) if row[name] else None
    return rows


def _records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    plain = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def _history(operations: list[dict[str, Any]]) -> str:
    if not operations:
        return "no history: the plan was written before plans had one"
    from gridcell.schema import LINEAGE_EVENTS

    lines = []
    for row in operations:
        counts = [
            f"{number:,} {LINEAGE_EVENTS.get(event, event)}"
            for event, number in (row["changes"] or {}).items()
        ]
        when = f"  {row['time']}" if row["time"] else ""
        lines.append(f"{row['number']:>4}  {row['command']}{when}\n      {', '.join(counts)}")
    return "\n".join(lines)


def _data(trace: "CodeTrace") -> dict[str, Any]:
    return {
        "code": trace.code, "level": trace.level, "grid_type": trace.grid_type,
        "given": trace.given, "retired": trace.retired, "origins": _records(trace.origins),
        "heirs": _records(trace.heirs),
    }  # fmt: skip


def _life(trace: "CodeTrace") -> str:
    end = "in use" if trace.in_use else f"ended by operation {trace.retired}"
    lines = [f"{trace.code}  given by operation {trace.given}, {end}"]
    for title, table in (("came from", trace.origins), ("went on as", trace.heirs)):
        if len(table):
            lines += ["", title, *map(_step, _records(table))]
    return "\n".join(lines)


def _step(row: dict[str, Any]) -> str:
    from gridcell.schema import LINEAGE_EVENTS

    return (
        f"  {row['operation']:>3}  {row['old'] or 'nothing'} -> {row['new'] or 'nothing'}  "
        f"{LINEAGE_EVENTS[row['event']]}, {row['households']:,} households, "
        f"{row['area_m2']:,.0f} m2"
    )
