"""``gridcell atlas``: print a plan."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridcell_cli import options
from gridcell_cli.language import said
from gridcell_cli.plans import open_plan

if TYPE_CHECKING:
    from gridcell.model import Plan


@click.command("atlas")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@options.output("FILE.pdf|.png|.svg")
@click.option(
    "--paper", type=click.Choice(["A4", "A3"], case_sensitive=False), default="A4",
    help="Paper size; A4 by default.",
)  # fmt: skip
@click.option(
    "--orientation", type=click.Choice(["portrait", "landscape"]), default="portrait",
    help="Page orientation; on landscape pages the tables stand beside the maps. Portrait by "
         "default.",
)  # fmt: skip
@click.option(
    "--scale", metavar="N", type=float,
    help="Scale of the maps of cells, for example 2000 for 1 : 2,000; by default the largest "
         "round one that shows a cell. Cells that do not fit keep that.",
)  # fmt: skip
@click.option(
    "--page", metavar="N", type=int, help="In a PNG or SVG: the page to write; 1 by default."
)  # fmt: skip
@click.option("--title", metavar="TEXT", help="Title of the atlas, by default the plan's name.")
@click.option(
    "--department", metavar="TEXT", help="Who prints the atlas: on the title page and every foot."
)
@click.option("--date", metavar="DATE", help="Date of the atlas, for example 2026-01-31.")
@click.option(
    "--sign-off", is_flag=True,
    help="Boxes on the title page for who prepared, reviewed and approved the atlas.",
)  # fmt: skip
@click.option("--logo", metavar="FILE", type=options.FILE, help="PNG or SVG for the title page.")
@click.option(
    "--level",
    type=click.Choice(["small", "micro"]),
    default="small",
    help="Level whose cells get a page each; small by default.",
)
@click.option("--community", metavar="CODE", help="Only this community.")
@click.option(
    "--cards", type=click.Choice(["micro", "household"]), is_flag=False, flag_value="micro",
    help="Contact cards instead of the atlas, eight to a page: one per micro cell (the "
         "default) or one per household.",
)  # fmt: skip
@click.option(
    "--contacts", metavar="FILE", help="Table with staff_id, name and phone, to print in FILE.pdf."
)
@click.option(
    "--changed-since", metavar="OLD", type=options.FILE,
    help="Only cells that changed since OLD, an earlier plan: borders, codes, names or "
         "post holders, in the cell itself or in one of its micro cells.",
)  # fmt: skip
@click.option(
    "--walk", is_flag=True,
    help="Show in which order the buildings of a cell are visited on foot: a numbered line, and "
         "how long it is.",
)  # fmt: skip
@options.publishing
@options.lang
@click.option(
    "--font", metavar="FILE", type=options.FILE, envvar="GRIDCELL_FONT",
    help="TrueType or OpenType font file; by default one of the system's fonts.",
)  # fmt: skip
@options.overwrite
@options.common
def command(
    plan: Path,
    output: Path,
    paper: str,
    orientation: str,
    scale: float | None,
    page: int | None,
    title: str | None,
    department: str | None,
    date: str | None,
    logo: Path | None,
    level: str,
    community: str | None,
    cards: str | None,
    contacts: str | None,
    changed_since: Path | None,
    threshold: int | None,
    publish_level: str | None,
    earlier: tuple[Path, ...],
    lang: str,
    font: Path | None,
    *,
    sign_off: bool,
    publish: bool,
    walk: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Draw PLAN as a PDF for printing: overview, index, and a page for each cell.

    PLAN is a folder written by 'gridcell partition' or its plan.gpkg. Post holders are identified
    by id, with --contacts by name and phone, with --publish not at all. Chinese names need a
    Chinese font on the system.
    """
    import json

    from gridcell.files.whole import require_writable
    from gridcell.render.atlas.imprint import Imprint
    from gridcell.render.atlas.pdf import print_atlas, print_cards

    options.require_publishing(
        publish=publish, threshold=threshold, earlier=earlier, publish_level=publish_level
    )
    _refuse_both(
        publish=publish, walk=walk, cards=cards, changed_since=changed_since, contacts=contacts,
        imprint={
            "--orientation": orientation != "portrait", "--scale": scale is not None,
            "--page": page is not None, "--title": title, "--department": department,
            "--date": date, "--sign-off": sign_off, "--logo": logo,
        },
    )  # fmt: skip
    require_writable(output, overwrite=overwrite)
    read = options.read_shown(
        plan,
        publish=publish,
        threshold=threshold,
        earlier=earlier,
        publish_level=publish_level,
        quiet=quiet,
    )
    shared: dict[str, Any] = {
        "paper": paper.upper(), "community": community, "contacts": contacts, "lang": lang,
        "font": font, "overwrite": overwrite,
    }  # fmt: skip
    cells: list[str] | None = None
    retired: list[str] = []
    smaller: list[str] = []
    if cards is None:
        if changed_since is not None:
            cells, retired = _changed_since(changed_since, read, level, community)
        imprint = Imprint.of(
            title=title, department=department, date=date, sign_off=sign_off, logo=logo,
            orientation=orientation, scale=scale,
        )  # fmt: skip
        printed = print_atlas(
            read, output, level=level, cells=cells, walk=walk, imprint=imprint, page=page, **shared
        )
        key, count, smaller = "pages", printed.pages, printed.smaller
    else:
        key, count = "cards", print_cards(read, output, kind=cards, **shared)
    size = output.stat().st_size
    if as_json:
        told: dict[str, Any] = {"output": str(output), key: count, "bytes": size}
        if smaller:
            told["smaller"] = smaller
        click.echo(json.dumps(told if changed_since is None else {**told, "retired": retired}))
    elif not quiet:
        click.echo(said(f"printed_{key}", file=output, n=count, size=size / 1e6), err=True)
        if smaller:
            click.echo(said("smaller_scale", n=len(smaller), codes=smaller), err=True)
        if retired:
            click.echo(said("take_out", codes=retired), err=True)


def _refuse_both(
    *,
    publish: bool,
    walk: bool,
    cards: str | None,
    changed_since: Path | None,
    contacts: str | None,
    imprint: Mapping[str, object],
) -> None:
    """Refuse options that exclude one another."""
    if walk and (publish or cards is not None):
        other = "--publish" if publish else "--cards"
        raise click.UsageError(said("not_both", a="--walk", b=other))
    if cards is not None and changed_since is not None:
        raise click.UsageError(said("cards_all"))
    if publish and changed_since is not None:
        raise click.UsageError(said("publish_no_counts"))
    for name, value in (("--contacts", contacts), ("--cards", cards)):
        if publish and value is not None:
            raise click.UsageError(said("publish_no_people", option=name))
    for name, given in imprint.items():
        if cards is not None and given:
            raise click.UsageError(said("not_both", a=name, b="--cards"))


def _changed_since(
    earlier: Path, plan: "Plan", level: str, community: str | None
) -> tuple[list[str], list[str]]:
    """Return the codes whose pages changed since an earlier plan, and those whose pages ended."""
    from gridcell.errors import InputError
    from gridcell.revision.compare import compare_plans
    from gridcell.words.messages import Message

    comparison = compare_plans(open_plan(earlier, atoms=False, quiet=True), plan)
    changed = comparison.changed_pages()
    before = comparison.a.small if level == "small" else comparison.a.leaves
    if community is not None:
        medium = comparison.a.medium
        own = medium.loc[(medium[["code", "community"]] == community).any(axis=1), "community"]
        before = before[before["community"].isin(own)]
    retired = [code for code in comparison.retired_pages() if code in set(before["code"])]
    if not changed:
        raise InputError(Message("error.nothing_changed", file=earlier))
    return changed, retired
