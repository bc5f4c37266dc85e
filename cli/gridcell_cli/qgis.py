"""``gridcell qgis``: the commands in the toolbox of QGIS."""

import json
from pathlib import Path

import click

from gridcell_cli import options
from gridcell_cli.language import said


@click.command("qgis")
@click.argument("action", metavar="install|remove", type=click.Choice(["install", "remove"]))
@click.option(
    "--profile", metavar="NAME",
    help="Profile of QGIS; by default the one that QGIS starts with.",
)  # fmt: skip
@click.option(
    "--profiles", metavar="DIR", type=options.FILE, envvar="GRIDCELL_QGIS_PROFILES",
    help="Folder that holds the profiles of QGIS, where it is not in its usual place.",
)  # fmt: skip
@options.common
def command(
    action: str, profile: str | None, profiles: Path | None, *, as_json: bool, quiet: bool
) -> None:
    """Add the commands to the Processing toolbox of QGIS, or take them out again.

    Writes a plugin into a profile of QGIS and turns it on; QGIS must be restarted. The plugin
    runs this installation of gridcell, so that nothing is installed in QGIS itself. After an
    upgrade of gridcell, install it again.
    """
    from gridcell_cli import qgis_profiles

    folders = qgis_profiles.profile_folders(profile, profiles)
    act = qgis_profiles.install if action == "install" else qgis_profiles.remove
    done = [act(folder) for folder in folders]
    if as_json:
        click.echo(json.dumps({action: [str(folder) for folder in done]}, ensure_ascii=False))
    elif not quiet:
        for folder in done:
            click.echo(said(f"qgis_{action}", folder=folder), err=True)
