"""``gridcell adopt``: cells that somebody drew become a plan, or come back into one."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridcell_cli import inputs, options
from gridcell_cli.language import language, said
from gridcell_cli.partition import broken_in, require_kept, summary, warnings_of
from gridcell_cli.plans import open_plan
from gridcell_cli.progress import ProgressLine

if TYPE_CHECKING:
    from gridcell import Layers, Plan


@click.command("adopt")
@click.argument("cells", metavar="CELLS")
@click.argument("plan", metavar="[PLAN]", required=False)
@options.output("DIR")
@click.option(
    "--communities", metavar="FILE|PLAN",
    help="Communities of a new plan; or, like PLAN, the plan of which CELLS is an edited "
         "layer.",
)  # fmt: skip
@click.option("--buildings", metavar="FILE", help="Buildings, with their households where known.")
@click.option(
    "--borders", type=click.Choice(["snap", "exact"]), default="snap",
    help="snap (default): each piece of land goes to the cell that contains most of it; "
         "exact: the polygons themselves, repaired, become the cells.",
)  # fmt: skip
@click.option(
    "--level", type=click.Choice(["small", "micro"]),
    help="Level of the cells where they do not state it; by default inferred from their "
         "households.",
)  # fmt: skip
@click.option(
    "--locked", metavar="NAME", multiple=True,
    help="With PLAN: code, level, community or column of cells to leave unchanged; "
         "repeatable.",
)  # fmt: skip
@options.timed
@inputs.division_of("cells", buildings="--buildings")
@options.valid_from
@options.lang
@options.workers
@options.overwrite
@options.common
def command(
    cells: str,
    plan: str | None,
    output: Path,
    communities: str | None,
    buildings: str | None,
    borders: str,
    level: str | None,
    locked: tuple[str, ...],
    valid_from: str | None,
    now: str | None,
    lang: str,
    workers: int,
    *,
    given: inputs.Given,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a plan from CELLS drawn by hand: polygons, or a table of buildings and their cells.

    Given a PLAN in place of communities, CELLS is an edited layer of it: cells that were not
    touched keep their codes and their geometry. Exit code 4: the files were written, but a proof
    failed.
    """
    from gridcell.folder import require_free, write_plan
    from gridcell.formats.geopackage import is_plan
    from gridcell.revision.adopt import adopt_cells

    begin = time.perf_counter()
    if plan is None and communities is not None and is_plan(communities):
        plan, communities = communities, None
    if (plan is None) == (communities is None):
        raise click.UsageError(said("give_communities"))
    if plan is not None:
        _refuse_for_plan(
            buildings=buildings, households=given.households, sites=given.sites,
            barriers=given.barriers or None, parcels=given.parcels, staff=given.staff,
            atoms=given.atoms,
        )  # fmt: skip
    elif locked or now:
        option = "--locked" if locked else "--time"
        raise click.UsageError(said("belongs_to", option=option, other="PLAN"))
    settings = given.read_rules()
    require_free(output, overwrite=overwrite)
    with ProgressLine(quiet=quiet) as progress:
        progress("reading", 0, 0)
        land: Layers | Plan
        earlier: Plan | None = None
        if plan is not None:
            land = earlier = open_plan(Path(plan), quiet=quiet)
        else:
            land = given.read_layers(communities or "", buildings, settings)
            inputs.tell_unread(land, quiet=quiet)
        made = adopt_cells(
            cells, land, borders=borders, level=level, rules=settings, locked=locked, crs=given.crs,
            encoding=given.encoding, workers=workers, progress=progress, time=now,
            valid_from=valid_from,
        )  # fmt: skip
        progress("writing", 0, 0)
        write_plan(made, output, overwrite=overwrite, lang=lang, before=earlier)
    if as_json:
        click.echo(json.dumps(made.report, ensure_ascii=False, indent=2))
    elif not quiet:
        seconds = time.perf_counter() - begin
        for line in told(made):
            click.echo(line)
        click.echo(summary(made, output, seconds=seconds, broken=broken_in(output)))
        loud = made.findings[~made.findings["kind"].str.startswith("drawn_")]
        for warning in warnings_of(loud, told=inputs.UNREAD):
            click.echo(warning, err=True)
    require_kept(made, output)


def told(plan: "Plan", *, most: int = 6) -> list[str]:
    """Return what was found about the drawn cells: how they were taken, then what was changed."""
    from gridcell.words.sentences import say_findings, say_kinds

    drawn = plan.findings[plan.findings["kind"].str.startswith("drawn_")]
    drawn = drawn.assign(message=say_findings(drawn, language()), name=say_kinds(drawn, language()))
    lines = drawn.loc[drawn["kind"] == "drawn_level", "message"].tolist()
    for _, found in drawn[drawn["kind"] != "drawn_level"].groupby("kind", sort=True):
        largest = found.sort_values("measure", ascending=False, kind="stable")["message"]
        lines += largest.head(most).tolist()
        if len(found) > most:
            lines.append(said("more_of_kind", n=len(found) - most, kind=found["name"].iloc[0]))
    return [*lines, ""] if lines else []


def _refuse_for_plan(**given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise click.UsageError(said("plan_has_own", option=f"--{name}"))
