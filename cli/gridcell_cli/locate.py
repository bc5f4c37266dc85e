"""``gridcell locate``: for each point its cell at each level, and who answers for it."""

import json
from pathlib import Path

import click

from gridcell_cli import fields as field_option
from gridcell_cli import options
from gridcell_cli.plans import tell_cells


@click.command("locate")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@click.argument("points", metavar="POINTS")
@options.output("FILE")
@click.option(
    "--nearest", metavar="METRES", type=click.FloatRange(min=0), default=0.0,
    help="Give points at most so far outside the land the nearest cell.",
)  # fmt: skip
@field_option.option("points")
@options.crs
@options.encoding
@options.overwrite
@options.common
def command(
    plan: Path,
    points: str,
    output: Path,
    nearest: float,
    fields: field_option.Fields,
    crs: str | None,
    encoding: str | None,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the rows of POINTS again with the cells of PLAN that hold them.

    PLAN is a folder that 'gridcell partition' wrote or its plan.gpkg; POINTS a CSV, XLSX or Parquet
    file with lon and lat (or x and y), or any layer of points. FILE is .csv, .xlsx, .parquet, .gpkg
    or .geojson. Rows and columns stay as they are, however many there are.
    """
    from gridcell.locator import locate_file

    tell_cells(plan, quiet=quiet)
    report = locate_file(
        plan, points, output,
        crs=crs, encoding=encoding, nearest_m=nearest, overwrite=overwrite,
        fields=fields.get("points"),
    )  # fmt: skip
    if report.far_m is not None:
        click.echo(
            f"Warning: no point lies in the land, the nearest one is {report.far_m:,.0f} m away; "
            f"check the CRS (taken: {report.crs}) and whether lon and lat are swapped",
            err=True,
        )
    if as_json:
        done = {"output": str(output), **report.as_dict()}
        click.echo(json.dumps(done, ensure_ascii=False, indent=2))
    elif not quiet:
        counts = ", ".join(f"{count:,} {how}" for how, count in report.counts.items() if count)
        click.echo(f"{output}: {report.rows:,} rows: {counts}", err=True)
