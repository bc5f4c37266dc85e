"""``gridcell crosswalk``: how two divisions of the same land relate."""

import json
from pathlib import Path
from typing import Any

import click

from gridcell_cli import fields as field_option
from gridcell_cli import options
from gridcell_cli.language import said
from gridcell_cli.plans import tell_cells


@click.command("crosswalk")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@options.output("FILE")
@click.option("--buildings", metavar="FILE", help="Buildings to count in each pair of cells.")
@click.option(
    "--households", metavar="FILE", help="Household register to count in each pair of cells."
)
@click.option(
    "--threshold", metavar="K", type=click.IntRange(min=0), default=5, show_default=True,
    help="Suppress household counts below K and whatever would reveal them; 0 suppresses "
         "none.",
)  # fmt: skip
@click.option(
    "--sliver", metavar="METRES", type=click.FloatRange(min=0), default=1.0, show_default=True,
    help="Ignore shared land narrower than this.",
)  # fmt: skip
@click.option(
    "--map",
    "map_file",
    metavar="FILE.html",
    type=options.FILE,
    help="Draw the pairs as a map page.",
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
    """Relate the cells of A and B, two divisions of the same land.

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
    for note in crosswalk.notes:
        click.echo(said("note", text=note), err=True)
    write_crosswalk(crosswalk, output, overwrite=overwrite, lang=lang)
    if map_file is not None:
        write_crosswalk_map(crosswalk, map_file, lang=lang, overwrite=overwrite)
    if as_json:
        report = {"output": str(output), **crosswalk.summary}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(_text(crosswalk.summary))


def _text(summary: dict[str, Any]) -> str:
    names = ["cells", "pairs", "one_to_one", "inside", "split", "outside"]
    names += ["households"] if "households" in summary else []
    names += [name for name in ("suppressed", "exposed_by_totals", "slivers") if summary[name]]
    names += [f"lost_{what}" for what, number in summary["lost"].items() if number]
    names.append("crs_moved" if summary["reprojected"] else "crs")
    values = {**summary, **{f"lost_{what}": number for what, number in summary["lost"].items()}}
    # A text takes what it tells; others may be missing.
    known = {name: value for name, value in values.items() if isinstance(value, int | float | str)}
    return "\n".join(said(f"crosswalk_{name}", **known) for name in names)
