"""``gridcell export``: a plan in the formats of other systems."""

import json
from pathlib import Path

import click

from gridcell.schema import EXPORT_FORMATS
from gridcell_cli import options
from gridcell_cli.language import language
from gridcell_cli.plans import open_plan


@click.command("export")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@click.option(
    "--format", "format_", metavar="FORMAT", required=True, type=click.Choice(EXPORT_FORMATS),
    help=", ".join(EXPORT_FORMATS) + ".",
)  # fmt: skip
@options.output("DIR")
@click.option(
    "--resolution", metavar="N", type=click.IntRange(0, 15),
    help="Resolution of h3, 0 to 15; 9 by default, hexagons of about 0.1 km².",
)  # fmt: skip
@click.option(
    "--households",
    is_flag=True,
    help="Add the household table, in csv and xlsx; by default no export contains it.",
)
@options.publishing
@options.lang
@options.overwrite
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    plan: Path,
    format_: str,
    output: Path,
    resolution: int | None,
    threshold: int | None,
    publish_level: str | None,
    earlier: tuple[Path, ...],
    lang: str,
    *,
    households: bool,
    publish: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the cells of PLAN in another format, read back and proven like the plan.

    PLAN is a folder written by 'gridcell partition' or its plan.gpkg. DIR gets the files and
    export.json, which lists them with their digests and how they were proven. Exit code 4: the plan
    itself is not an exact coverage, so neither is its export. 'gridcell check DIR --publish' proves
    that nothing suppressed in a published export can be worked out.
    """
    from gridcell.disclosure.publication import THRESHOLD
    from gridcell.export import export_plan, require_export

    options.require_publishing(
        publish=publish, threshold=threshold, earlier=earlier, publish_level=publish_level
    )
    require_export(
        output, format=format_, resolution=resolution, households=households, publish=publish,
        earlier=earlier, overwrite=overwrite,
    )  # fmt: skip
    export = export_plan(
        open_plan(plan, atoms=False, quiet=quiet), output, format=format_, resolution=resolution,
        households=households, publish=publish, threshold=threshold or THRESHOLD,
        publish_level=publish_level or "micro", earlier=earlier, lang=lang,
        overwrite=overwrite,
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(export.manifest, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(export.to_text(lang=language()), err=True)
    ctx.exit(0 if export.ok else 4)
