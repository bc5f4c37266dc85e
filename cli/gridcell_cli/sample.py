"""``gridcell sample``: a synthetic town in the input formats."""

import json
from pathlib import Path

import click

from gridcell_cli import options
from gridcell_cli.language import said


@click.command("sample")
@click.argument("folder", metavar="DIR", type=options.FILE)
@click.option(
    "--households", metavar="N", type=click.IntRange(min=1), help="Exact number of households."
)
@options.seed
@click.option(
    "--communities", metavar="K", type=click.IntRange(min=1), default=4, show_default=True,
    help="Number of communities, of varying size.",
)  # fmt: skip
@click.option(
    "--preset", type=click.Choice(["hecheng", "gbk_cgcs2000"]),
    help="A bundled town instead: hecheng (荷城社区 and its neighbours), or gbk_cgcs2000, a "
         "small one in the formats that planners use.",
)  # fmt: skip
@options.overwrite
@options.common
def command(
    folder: Path, households: int | None, seed: int | None, communities: int, preset: str | None,
    *, overwrite: bool, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Write a synthetic town to DIR, for trying and benchmarking.

    Communities, buildings, sites, roads and rivers as shapefiles, households and staff as CSV.
    """
    from gridcell.sample import hecheng, make_sample, planners, write_planners_sample, write_sample

    if (preset is None) == (households is None):
        raise click.UsageError(said("sample_choice"))
    if preset == "gbk_cgcs2000":
        sample = planners()
        write_planners_sample(sample, folder, overwrite=overwrite)
    else:
        if households is not None:
            sample = make_sample(households=households, seed=seed or 0, communities=communities)
        else:
            sample = hecheng() if seed is None else hecheng(seed=seed)
        write_sample(sample, folder, overwrite=overwrite)
    counts = {
        "communities": len(sample.communities),
        "buildings": len(sample.buildings),
        "households": len(sample.households),
        "sites": len(sample.sites),
    }
    if as_json:
        click.echo(json.dumps({"folder": str(folder), **counts}, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(said("sample", folder=folder, **counts), err=True)
