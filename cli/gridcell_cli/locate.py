"""``gridcell locate``: for each point its cell at each level, and who answers for it."""

import json
from pathlib import Path

import click

from gridcell_cli import fields as field_option
from gridcell_cli import options
from gridcell_cli.language import said
from gridcell_cli.plans import tell_cells


@click.command("locate")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@click.argument("points", metavar="POINTS")
@options.output("FILE")
@click.option(
    "--nearest", metavar="METRES", type=click.FloatRange(min=0), default=0.0,
    help="Assign points up to this far outside the land to the nearest cell.",
)  # fmt: skip
@click.option(
    "--positions", metavar="FILE",
    help="Table of where people are now, with staff_id and coordinates: adds who of those who "
         "answer for the cell is nearest along the streets.",
)  # fmt: skip
@click.option(
    "--anyone", is_flag=True,
    help="With --positions: the nearest of all people, whatever cells they answer for.",
)  # fmt: skip
@field_option.option("points")
@options.crs
@options.encoding
@options.lang
@options.overwrite
@options.common
def command(
    plan: Path,
    points: str,
    output: Path,
    nearest: float,
    positions: str | None,
    fields: field_option.Fields,
    crs: str | None,
    encoding: str | None,
    lang: str,
    *,
    anyone: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the cells of PLAN that contain POINTS, and write the points with their codes.

    PLAN is a folder written by 'gridcell partition' or its plan.gpkg; POINTS is a CSV, XLSX or
    Parquet file with lon and lat (or x and y), or any layer of points. FILE is .csv, .xlsx,
    .parquet, .gpkg or .geojson. All rows and columns are kept, however many there are.
    """
    from gridcell.locator import locate_file
    from gridcell.words.messages import Message

    if anyone and positions is None:
        raise click.UsageError(said("anyone_where"))
    tell_cells(plan, quiet=quiet)
    report = locate_file(
        plan, points, output,
        crs=crs, encoding=encoding, nearest_m=nearest, overwrite=overwrite,
        fields=fields.get("points"), lang=lang, positions=positions, anyone=anyone,
    )  # fmt: skip
    for note in report.notes:
        click.echo(said("note", text=note), err=True)
    if report.far_m is not None:
        click.echo(said("points_far", distance=report.far_m, crs=report.crs), err=True)
    if as_json:
        done = {"output": str(output), **report.as_dict()}
        click.echo(json.dumps(done, ensure_ascii=False, indent=2))
    elif not quiet:
        found = report.counts.items()
        counts = [Message(f"cli.located_{how}", n=count) for how, count in found if count]
        click.echo(said("located", file=output, rows=report.rows, counts=counts), err=True)
