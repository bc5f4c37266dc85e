"""``gridcell check``: proofs over a plan, or over any polygon layer."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridcell_cli import options

if TYPE_CHECKING:
    import geopandas as gpd

_SHOWN = 20


@click.command("check")
@click.argument("cells", metavar="PLAN|CELLS")
@click.option("--within", metavar="FILE", help="Land that the cells have to cover.")
@options.output("FILE", required=False)
@options.encoding
@options.overwrite
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    cells: str,
    within: str | None,
    output: Path | None,
    encoding: str | None,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Prove that cells cover their land exactly, and that a plan keeps every rule.

    PLAN is a folder that 'gridcell partition' wrote or its plan.gpkg; CELLS any polygon layer.
    -o writes what was found as a layer. Exit code 4: an error was found.
    """
    from gridcell.check import check_cells, check_plan
    from gridcell.model import findings_frame
    from gridcell.write import is_plan, read_plan, write_findings

    if is_plan(cells):
        if within is not None:
            raise click.UsageError("--within: a plan names its own land; check one of its layers")
        plan = read_plan(cells)
        frame = findings_frame(check_plan(plan), plan.crs)
    else:
        layer = _open(cells, "cells", encoding)
        land = None if within is None else _open(within, "within", encoding)
        frame = findings_frame(check_cells(layer, land), layer.crs)
    frame = _worst_first(frame)
    if output is not None:
        write_findings(frame, output, overwrite=overwrite)
    failed = bool((frame["severity"] == "error").any())
    if as_json:
        counts = frame["kind"].value_counts().sort_index()
        rows = json.loads(frame.drop(columns="geometry").to_json(orient="records"))
        report = {"ok": not failed, "findings": counts.to_dict(), "list": rows}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(_table(frame))
    ctx.exit(4 if failed else 0)


def _open(given: str, role: str, encoding: str | None) -> "gpd.GeoDataFrame":
    from gridcell.errors import InputError
    from gridcell.read.files import open_input

    source = open_input(given, role, encoding=encoding)
    if source.geometries is None:
        raise InputError(f"{source.label}: expected polygons, found a table")
    return source.frame


def _worst_first(frame: "gpd.GeoDataFrame") -> "gpd.GeoDataFrame":
    from gridcell.schema import SEVERITIES

    rank = frame["severity"].map(SEVERITIES.index)
    keys = frame.assign(rank=rank, size=-frame["measure"].fillna(0))
    order = keys.sort_values(["rank", "kind", "size", "message"], kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _table(frame: "gpd.GeoDataFrame") -> str:
    lines = [
        f"{row.severity:<8} {row.kind:<17} {row.message}" for row in frame.head(_SHOWN).itertuples()
    ]
    if len(frame) > _SHOWN:
        lines.append(f"… and {len(frame) - _SHOWN:,} more; -o writes all of them")
    counts = frame["severity"].value_counts()
    found = [f"{counts[name]:,} {name}s" for name in ("error", "warning", "note") if name in counts]
    lines.append(", ".join(found) or "every proof holds")
    return "\n".join(lines)
