"""``gridcell map``: look at a plan."""

import json
from pathlib import Path

import click

from gridcell_cli import options


@click.command("map")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@options.output("FILE.html")
@options.lang
@options.overwrite
@options.common
def command(
    plan: Path, output: Path, lang: str | None, *, overwrite: bool, as_json: bool, quiet: bool
) -> None:
    """Draw PLAN as one HTML page that works without a network.

    PLAN is the folder that partition wrote, or its plan.gpkg.
    """
    from gridcell.errors import WriteError
    from gridcell.render.map import write_map
    from gridcell.write import read_plan

    if output.is_dir():
        raise WriteError(f"{output}: is a folder; name a file, for example {output / 'map.html'}")
    if output.exists() and not overwrite:
        raise WriteError(f"{output}: is there already; name another file or add --overwrite")
    write_map(read_plan(plan), output, lang=lang or "en")
    if as_json:
        click.echo(json.dumps({"output": str(output), "bytes": output.stat().st_size}))
    elif not quiet:
        click.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB", err=True)
