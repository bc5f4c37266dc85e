"""``gridcell crosswalk``: how two divisions of the same land relate."""

import json
from pathlib import Path
from typing import Any

import click

from gridcell_cli import fields as field_option
from gridcell_cli import options
from gridcell_cli.plans import tell_cells


@click.command("crosswalk")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@options.output("FILE")
@click.option("--buildings", metavar="FILE", help="Buildings to count in each pair of cells.")
@click.option("--households", metavar="FILE", help="Register of households to count.")
@click.option(
    "--threshold", metavar="K", type=click.IntRange(min=0), default=5, show_default=True,
    help="Hide counts of households under K, and what gives them away; 0 hides none.",
)  # fmt: skip
@click.option(
    "--sliver", metavar="METRES", type=click.FloatRange(min=0), default=1.0, show_default=True,
    help="Land in common narrower than this is no relation.",
)  # fmt: skip
@click.option(
    "--map", "map_file", metavar="FILE.html", type=options.FILE, help="Draw the pairs as a page."
)
@options.lang
@field_option.option("a", "b", "buildings", "households")
@options.crs
@options.encoding
@options.overwrite
@options.common
def command(
    a: str,
    b: str,
    output: Path,
    buildings: str | None,
    households: str | None,
    threshold: int,
    sliver: float,
    map_file: Path | None,
    lang: str,
    fields: field_option.Fields,
    crs: str | None,
    encoding: str | None,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Tell how the cells of A and B relate, two divisions of the same land.

    A and B are plans (their leaves, or PLAN#small) or polygon layers with codes. FILE is .csv,
    .xlsx, .gpkg or .geojson.
    """
    from gridcell.crosswalk import make_crosswalk, write_crosswalk
    from gridcell.crosswalk.write import require_format
    from gridcell.files.whole import require_writable
    from gridcell.formats.geopackage import is_plan
    from gridcell.read.files import split_layer
    from gridcell.render.crosswalk import write_crosswalk_map
    from gridcell.rules import Rules

    require_format(output, overwrite=overwrite)
    if map_file is not None:
        require_writable(map_file, overwrite=overwrite)
    for side in (a, b):
        file = split_layer(side)[0]
        if is_plan(file):
            tell_cells(file, quiet=quiet)
    crosswalk = make_crosswalk(
        a, b, buildings=buildings, households=households, threshold=threshold, sliver_m=sliver,
        crs=crs, encoding=encoding, rules=Rules(fields=fields),
    )  # fmt: skip
    write_crosswalk(crosswalk, output, overwrite=overwrite)
    if map_file is not None:
        write_crosswalk_map(crosswalk, map_file, lang=lang, overwrite=overwrite)
    if as_json:
        report = {"output": str(output), **crosswalk.summary}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(_text(crosswalk.summary))


def _text(summary: dict[str, Any]) -> str:
    lines = [
        f"cells: {summary['cells_a']:,} of A, {summary['cells_b']:,} of B",
        f"pairs that share land: {summary['pairs']:,}",
        f"one to one: {summary['one_to_one']:,}",
        f"inside one of the other: {summary['a_inside_b']:,} of A, {summary['b_inside_a']:,} of B",
        f"split between several: {summary['a_split']:,} of A, {summary['b_split']:,} of B",
        f"sharing nothing: {summary['a_outside']:,} of A, {summary['b_outside']:,} of B",
    ]
    if "households" in summary:
        lines.append(
            f"households: {summary['households']:,} in A, "
            f"{summary['households_one_to_one_share']:.1%} where cells are one to one, "
            f"{summary['households_inside_share']:.1%} where A lies inside one cell of B"
        )
    if summary["suppressed"]:
        lines.append(
            f"hidden: {summary['suppressed']:,} counts of households, under "
            f"{summary['threshold']} or telling of such"
        )
    if summary["exposed_by_totals"]:
        lines.append(
            f"of these {summary['exposed_by_totals']:,} follow from the totals of A and B alone"
        )
    if summary["slivers"]:
        lines.append(f"slivers: {summary['slivers']:,}, {summary['sliver_m2']:,.1f} m2")
    for what, number in summary["lost"].items():
        if number:
            lines.append(f"outside A and B: {number:,} {what}")
    moved = "; B was moved into it" if summary["reprojected"] else ""
    lines.append(f"areas in {summary['crs']}{moved}")
    return "\n".join(lines)
