"""``gridcell walk``: in which order the buildings of each cell are visited on foot."""

import json
from pathlib import Path

import click

from gridcell_cli import options
from gridcell_cli.language import said
from gridcell_cli.plans import open_plan


@click.command("walk")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@options.output("FILE")
@click.option(
    "--cell", "cells", metavar="CODE", multiple=True,
    help="Only this cell, of any level, and those within it; repeatable.",
)  # fmt: skip
@click.option(
    "--all", "everything", is_flag=True,
    help="Visit every building; by default those with households.",
)  # fmt: skip
@click.option(
    "--round", "round_trip", is_flag=True,
    help="Return to the first building; by default the walk ends at the last.",
)  # fmt: skip
@options.lang
@options.overwrite
@options.common
def command(
    plan: Path,
    output: Path,
    cells: tuple[str, ...],
    lang: str,
    *,
    everything: bool,
    round_trip: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Order the buildings of each cell of PLAN for a visit on foot, along the streets.

    PLAN is a folder written by 'gridcell partition' or its plan.gpkg. People walk along the roads
    among its barriers and cross rivers, railways and walls by them alone. FILE is .csv, .xlsx,
    .parquet, .gpkg, .geojson, or .gpx for phones.
    """
    from gridcell.visits import visiting_orders, write_visits
    from gridcell.visits.write import require_format

    require_format(output, overwrite=overwrite)
    read = open_plan(plan, atoms=False, quiet=quiet)
    orders = visiting_orders(
        read, everything=everything, round_trip=round_trip, cells=cells or None
    )
    write_visits(orders, output, overwrite=overwrite, lang=lang)
    walked = orders.cells[orders.cells["visits"] > 1]
    figures = {
        "cells": len(orders.cells), "visits": int(orders.cells["visits"].sum()),
        "metres": round(float(orders.cells["metres"].sum()), 1),
        "minutes": round(float(orders.cells["minutes"].sum()), 1),
        "shortest": int((walked["gap"] <= 0).sum()) + len(orders.cells) - len(walked),
        "mean_gap": round(float(walked["gap"].mean()), 5) if len(walked) else 0.0,
        "max_gap": float(walked["gap"].max()) if len(walked) else 0.0,
    }  # fmt: skip
    told: dict[str, tuple[str, int]] = {}
    for finding in orders.findings:
        first, count = told.get(finding.kind, (said("note", text=finding.text), 0))
        told[finding.kind] = first, count + 1
    for first, count in told.values():
        click.echo(first if count == 1 else said("note_more", note=first, n=count - 1), err=True)
    if as_json:
        click.echo(json.dumps({"output": str(output), **figures}, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(
            said(
                "walked", file=output, cells=figures["cells"], visits=figures["visits"],
                km=figures["metres"] / 1000, hours=figures["minutes"] / 60,
            )
        )  # fmt: skip
        proven = figures["shortest"] == figures["cells"]
        click.echo(
            said("walked_shortest") if proven
            else said(
                "walked_gap", shortest=figures["shortest"], cells=figures["cells"],
                mean=figures["mean_gap"], most=figures["max_gap"],
            )
        )  # fmt: skip
