"""``gridcell partition``: the main job, the whole way."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridcell_cli import inputs, options
from gridcell_cli.progress import ProgressLine

if TYPE_CHECKING:
    import geopandas as gpd

    from gridcell import Plan


@click.command("partition")
@click.argument("communities", metavar="COMMUNITIES")
@click.argument("buildings", metavar="[BUILDINGS]", required=False)
@options.output("DIR")
@inputs.division
@options.valid_from
@click.option(
    "--no-atoms",
    is_flag=True,
    envvar="GRIDCELL_NO_ATOMS",
    help="Leave out the land that edits need; plan.gpkg is a quarter to a half smaller.",
)
@options.lang
@options.workers
@options.overwrite
@options.common
def command(
    communities: str,
    buildings: str | None,
    output: Path,
    valid_from: str | None,
    lang: str,
    workers: int,
    *,
    given: inputs.Given,
    no_atoms: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Divide COMMUNITIES into small and micro grids by their BUILDINGS.

    Writes plan.gpkg, geojson/, map.html, certificate.json and report.json into DIR. Exit code 4:
    written, but a proof failed.
    """
    from gridcell.folder import require_free, write_plan
    from gridcell.pipeline import make_plan

    begin = time.perf_counter()
    settings = given.read_rules()
    require_free(output, overwrite=overwrite)
    with ProgressLine(quiet=quiet) as progress:
        progress("reading", 0, 0)
        layers = given.read_layers(communities, buildings, settings)
        inputs.tell_unread(layers, quiet=quiet)
        plan = make_plan(
            layers, rules=settings, workers=workers, progress=progress, valid_from=valid_from
        )
        progress("writing", 0, 0)
        write_plan(plan, output, atoms=not no_atoms, overwrite=overwrite, lang=lang)
    if as_json:
        click.echo(json.dumps(plan.report, ensure_ascii=False, indent=2))
    elif not quiet:
        seconds = time.perf_counter() - begin
        click.echo(summary(plan, output, seconds=seconds, broken=broken_in(output)))
        for warning in warnings_of(plan.findings, told=inputs.UNREAD):
            click.echo(warning, err=True)
    require_kept(plan, output)


def require_kept(plan: "Plan", output: Path | None) -> None:
    """Raise `ProofError` where a plan breaks promises, in itself or in the files of a folder."""
    from gridcell.errors import ProofError

    if not plan.ok:
        where = (
            "" if output is None
            else f" in {output / 'plan.gpkg'} and 'coverage' in {output / 'report.json'}"
        )  # fmt: skip
        begin = "" if output is None else f"{output}: "
        raise ProofError(
            f"{begin}the plan breaks a promise; see the errors among the findings{where}"
        )
    if output is not None:
        require_certified(output)


def broken_in(output: Path) -> dict[str, int]:
    """Return the promises that a plan breaks as it stands in its files, and how often."""
    from gridcell.certificate import NAME, read_certificate

    proof = read_certificate(output / NAME).proof
    return {} if proof["ok"] else proof["broken_promises"] or {"coverage": 1}


def require_certified(output: Path) -> None:
    """Raise `ProofError` where a plan breaks promises as it stands in its files."""
    from gridcell.errors import ProofError

    if broken := broken_in(output):
        told = ", ".join(f"{count:,} {kind}" for kind, count in broken.items())
        raise ProofError(
            f"{output}: read back from its files, the plan breaks promises: {told}; "
            f"'gridcell check {output}' lists them"
        )


def files_in(output: Path) -> str:
    """Return the names of what a plan's folder holds, most wanted first."""
    order = ("plan.gpkg", "geojson", "map.html", "changes.html", "lineage.csv", "certificate.json",
             "report.json")  # fmt: skip
    return ", ".join(name for name in order if (output / name).exists())


def warnings_of(
    findings: "gpd.GeoDataFrame", *, most: int = 8, told: str | None = None
) -> list[str]:
    """Return the first finding of each kind that somebody should look at, worst kinds first.

    Parameters
    ----------
    findings
        Of a plan.
    most
        How many kinds are told.
    told
        A kind that was told before.
    """
    # Whoever gives names of people away is told that they were not kept.
    loud = (findings["severity"] != "note") | (findings["kind"] == "staff_personal")
    loud = findings[loud & (findings["kind"] != told)]
    count = loud.groupby("kind", sort=False)["message"].agg(["first", "size"])
    lines = [
        f"{kind}: {row['first']}" + (f" (and {row['size'] - 1:,} more)" if row["size"] > 1 else "")
        for kind, row in count.iterrows()
    ]
    rest = [f"and {len(lines) - most} more kinds of findings"] if len(lines) > most else []
    return lines[:most] + rest


def summary(plan: "Plan", output: Path | None, *, seconds: float, broken: dict[str, int]) -> str:
    """Return the closing table of a division.

    Parameters
    ----------
    plan
        The plan.
    output
        Folder of the files, if they were written.
    seconds
        How long it all took, reading and writing included.
    broken
        What the certificate denies.
    """
    from gridcell.model import balance

    rows: list[tuple[str, ...]] = [("", "cells", "in band", "mean deviation", "largest")]
    general = int((plan.small["grid_type"] == "general").sum())
    for name, count, level in (
        ("large", len(plan.large), None),
        ("medium", len(plan.medium), None),
        ("small, general", general, "small"),
        ("small, dedicated", len(plan.small) - general, None),
        ("micro", len(plan.micro), "micro"),
    ):
        quality: tuple[str, ...] = ("", "", "")
        reached = None if level is None else balance(plan, level)
        if reached is not None and reached.cells:
            bounds = [bound for (_, own), bound in plan.division.bounds.items() if own == level]
            most = f" of at most {sum(bounds):,}" if bounds and sum(bounds) < reached.cells else ""
            quality = (
                f"{reached.in_band:,}{most} ({reached.in_band / reached.cells:.1%})",
                *(
                    "" if away is None else f"{away:.1%}"
                    for away in (reached.mean_abs_dev, reached.max_abs_dev)
                ),
            )
        rows.append((name, f"{count:,}", *quality))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    ]
    estimated = ""
    if plan.is_estimated:
        all_of_them = plan.division.households in (None, plan.estimated)
        estimated = (
            " (estimated: no figures were given)" if all_of_them
            else f" ({plan.estimated:,} of them estimated)"
        )  # fmt: skip
    staffed = []
    if plan.staffing is not None and plan.staffing.people:
        vacant = int(plan.vacancies["missing"].sum())
        staffed = [f"staff       {len(plan.staff):,} posts held, {vacant:,} vacant"]
    kinds = plan.findings["kind"].value_counts().sort_index()
    found = [f"{count} {kind}" for kind, count in kinds.items()]
    assigned, divided = int(plan.leaves["households"].sum()), sum(plan.division.seconds.values())
    lines += [
        "",
        f"households  {assigned:,} assigned, {plan.unassigned:,} not{estimated}",
        *staffed,
        f"findings    {', '.join(found) or 'none'}",
        f"proofs      {'all hold' if plan.ok and not broken else 'NOT ALL HOLD'}",
        *(() if output is None else (f"files       {output}: {files_in(output)}",)),
        f"seconds     {seconds:.1f}, of these {divided:.1f} for dividing",
    ]
    return "\n".join(lines)
