"""``gridcell place``: where service points stand, and who walks how far to them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridcell_cli import fields as field_option
from gridcell_cli import options
from gridcell_cli.language import labelled, said
from gridcell_cli.plans import open_plan

if TYPE_CHECKING:
    from gridcell import Plan


@click.command("place")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@options.output("DIR")
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Number of points.")
@click.option(
    "--within", metavar="METRES", type=click.FloatRange(min=0, min_open=True),
    help="How far households should walk at most. With --count as many of them as possible; alone "
         "as few points as possible.",
)  # fmt: skip
@click.option(
    "--goal", type=click.Choice(["median", "cover", "fewest", "centre"]),
    help="What is best: the least walk of all (median), most households within reach (cover), "
         "fewest points (fewest), the least walk of the farthest (centre). By default what --count "
         "and --within ask for.",
)  # fmt: skip
@click.option(
    "--tier", "tiers", metavar="NAME:LEVEL[:METRES]", multiple=True,
    help="A tier of points, one or more for each cell of LEVEL (micro, small, medium, large), "
         "within METRES of all households; repeatable. Coarser tiers stand where finer ones do.",
)  # fmt: skip
@click.option(
    "--candidates", metavar="buildings|sites|cells|FILE", default="buildings",
    help="Where points may stand: buildings (default), sites, middles of cells, or the points of a "
         "file.",
)  # fmt: skip
@click.option(
    "--existing", metavar="FILE",
    help="Points that exist; they stay, or, where the file has a column locked, those locked.",
)  # fmt: skip
@click.option(
    "--demand", metavar="FILE",
    help="Table with bldg_id and demand, to serve instead of the plan's households.",
)  # fmt: skip
@click.option(
    "--capacity", metavar="N", type=click.IntRange(min=1),
    help="Most households that a point serves.",
)  # fmt: skip
@field_option.option("service_points", "demand")
@options.crs
@options.encoding
@options.datum
@options.lang
@options.rules
@options.overwrite
@options.common
def command(
    plan: Path,
    output: Path,
    count: int | None,
    within: float | None,
    goal: str | None,
    tiers: tuple[str, ...],
    candidates: str,
    existing: str | None,
    demand: str | None,
    capacity: int | None,
    fields: field_option.Fields,
    crs: str | None,
    encoding: str | None,
    datum: str,
    lang: str,
    rules: Path | None,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Place service points for the households of PLAN and write the whole plan to DIR.

    PLAN is a folder written by 'gridcell partition' or its plan.gpkg; its cells stay unchanged.
    Distances are on foot along the roads among the plan's barriers.
    """
    from gridcell.folder import require_free, write_plan
    from gridcell.rules import read_rules
    from gridcell.siting import place_points
    from gridcell.siting.figures import KINDS
    from gridcell_cli.partition import require_certified, warnings_of

    require_free(output, overwrite=overwrite)
    before = open_plan(plan, quiet=quiet)
    named = field_option.as_settings(fields)
    settings = read_rules(rules, base=before.rules if rules is None else None, **named)
    sited = place_points(
        before, count=count, within=within, goal=goal, tiers=tiers, candidates=candidates,
        existing=existing, demand=demand, capacity=capacity, rules=settings, crs=crs,
        encoding=encoding, datum=datum,
    )  # fmt: skip
    write_plan(sited, output, overwrite=overwrite, lang=lang)
    if as_json:
        click.echo(json.dumps(sited.report["siting"], ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(summary(sited, output))
        found = sited.findings
        for warning in warnings_of(found[found["kind"].isin(KINDS)]):
            click.echo(warning, err=True)
    if sited.ok:
        require_certified(output)


def summary(plan: "Plan", output: Path) -> str:
    """Return the closing table.

    Parameters
    ----------
    plan
        With its service points.
    output
        Folder of the files.
    """
    from gridcell.words.columns import aligned
    from gridcell_cli.partition import files_in

    report = plan.report["siting"]
    names = ("points", "households", "beyond", "mean_m", "max_m", "gap")
    rows = [("", *(said(f"column_{name}") for name in names))]
    for name, tier in report["tiers"].items():
        figures = (
            f"{tier['points']:,}", f"{tier['households']:,}", f"{tier['beyond']:,}",
            *("-" if tier[key] is None else f"{tier[key]:,.0f}" for key in ("mean_m", "max_m")),
            "-" if tier["gap"] is None else f"{tier['gap']:.2%}",
        )  # fmt: skip
        rows.append((name, *figures))
    lines = [
        labelled("distances", said("as_the_crow_flies" if report["straight"] else "along_streets")),
        labelled("files", f"{output}: {files_in(output)}"),
    ]
    return "\n".join([*aligned(rows), "", *lines])
