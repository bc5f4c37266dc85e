"""``gridcell partition``: the main job, the whole way."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridcell_cli import inputs, options
from gridcell_cli.language import labelled, language, said
from gridcell_cli.progress import ProgressLine
from gridcell_cli.workers import on_this_machine, pool_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import geopandas as gpd

    from gridcell import Layers, Plan, Rules, Shard
    from gridcell.words.messages import Message


def _as_share(
    _ctx: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    if value is None:
        return None
    match = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", value)
    if match is None or int(match[1]) > int(match[2]):
        raise click.BadParameter(said("no_share", given=value))
    return int(match[1]), int(match[2])


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
    help="Leave out the pieces of land that later edits need; plan.gpkg becomes a quarter "
    "to a half smaller.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Keep finished communities in DIR.tasks until all are in DIR, and continue from there if "
    "an earlier run was stopped or communities failed.",
)
@click.option(
    "--shard",
    metavar="I/N",
    callback=_as_share,
    help='Divide only share I of N of the communities and keep it in DIR, for "gridcell merge".',
)
@options.lang
@options.workers
@options.scheduler
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
    resume: bool,
    shard: tuple[int, int] | None,
    scheduler: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Divide COMMUNITIES into small and micro cells based on their BUILDINGS.

    Writes plan.gpkg, geojson/, map.html, certificate.json and report.json into DIR. Exit code 4:
    the files were written, but a proof failed or a community could not be divided.
    """
    from gridcell.folder import require_free
    from gridcell.shards import divide_shard

    begin = time.perf_counter()
    settings = given.read_rules()
    if shard is not None:
        told = {
            "given": given.anywhere(), "communities": inputs.anywhere(communities),
            "buildings": inputs.anywhere(buildings), "valid_from": valid_from,
            "atoms": not no_atoms,
        }  # fmt: skip
        with ProgressLine(quiet=quiet) as progress:
            progress("reading", 0, 0)
            layers = given.read_layers(communities, buildings, settings)
            inputs.tell_unread(layers, quiet=quiet)
            with pool_of(workers, layers, scheduler=scheduler) as pool:
                done = divide_shard(
                    layers, output, number=shard[0], of=shard[1], rules=settings, executor=pool,
                    progress=progress, settings=told, overwrite=overwrite,
                )  # fmt: skip
        _tell_shard(done, output, as_json=as_json, quiet=quiet)
        return
    tasks = output.with_name(f"{output.name}.tasks") if resume else None
    # Beside unfinished tasks is a plan that lacks communities, if any.
    overwrite = overwrite or (tasks is not None and tasks.is_dir())
    require_free(output, overwrite=overwrite)
    with ProgressLine(quiet=quiet) as progress:
        progress("reading", 0, 0)
        layers = given.read_layers(communities, buildings, settings)
        inputs.tell_unread(layers, quiet=quiet)
        with pool_of(workers, layers, tasks, scheduler=scheduler) as pool:
            plan = told_division(
                layers, settings, output, valid_from=valid_from, atoms=not no_atoms,
                overwrite=overwrite, lang=lang, pool=pool, progress=progress,
            )  # fmt: skip
    finish_division(plan, output, begin, as_json=as_json, quiet=quiet)


def told_division(
    layers: "Layers",
    rules: "Rules",
    output: Path,
    *,
    valid_from: str | None,
    atoms: bool,
    overwrite: bool,
    lang: str,
    pool: "Executor | None",
    progress: ProgressLine,
) -> "Plan":
    """Return the plan of some layers, which is written into a folder."""
    from gridcell.folder import write_plan
    from gridcell.pipeline import make_plan

    plan = make_plan(layers, rules=rules, executor=pool, progress=progress, valid_from=valid_from)
    progress("writing", 0, 0)
    write_plan(
        plan, output, atoms=atoms, overwrite=overwrite, lang=lang, executor=on_this_machine(pool)
    )
    return plan


def finish_division(
    plan: "Plan", output: Path, begin: float, *, as_json: bool, quiet: bool
) -> None:
    """Say what a division came to, and raise `ProofError` where it breaks promises."""
    if as_json:
        click.echo(json.dumps(plan.report, ensure_ascii=False, indent=2))
    elif not quiet:
        seconds = time.perf_counter() - begin
        click.echo(summary(plan, output, seconds=seconds, broken=broken_in(output)))
        for warning in warnings_of(plan.findings, told=inputs.UNREAD):
            click.echo(warning, err=True)
    require_kept(plan, output)


def _tell_shard(shard: "Shard", output: Path, *, as_json: bool, quiet: bool) -> None:
    from gridcell.errors import ProofError
    from gridcell.words.messages import Message, some

    if as_json:
        figures = {"number": shard.number, "of": shard.of, "communities": shard.communities}
        click.echo(json.dumps(figures | {"failed": shard.failed}, ensure_ascii=False, indent=2))
    elif not quiet:
        n = len(shard.communities) - len(shard.failed)
        click.echo(said("shard_done", number=shard.number, of=shard.of, n=n, folder=output))
    if shard.failed:
        raise ProofError(
            Message("error.shard_failed", n=len(shard.failed), communities=some(shard.failed))
        )


def require_kept(plan: "Plan", output: Path | None) -> None:
    """Raise `ProofError` where a plan breaks promises, in itself or in the files of a folder."""
    from gridcell.errors import Hint, ProofError
    from gridcell.words.messages import Message, some

    errors = plan.findings[plan.findings["severity"] == "error"]
    left_out = errors[errors["kind"] == "community_left_out"]
    if len(left_out) and len(left_out) == len(errors) and output is not None:
        raise ProofError(
            Message(
                "error.communities_left_out", n=len(left_out), folder=output,
                communities=some(left_out["community"].tolist()),
            ),
            Hint("resume", value=True),
        )  # fmt: skip
    if not plan.ok:
        if output is None:
            raise ProofError(Message("error.broken_promise"))
        raise ProofError(
            Message(
                "error.broken_promise_in", folder=output, plan=output / "plan.gpkg",
                report=output / "report.json",
            )
        )  # fmt: skip
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
    from gridcell.words.messages import Message

    if broken := broken_in(output):
        raise ProofError(
            Message("error.broken_in_files", folder=output, promises=counted_kinds(broken))
        )


def files_in(output: Path) -> str:
    """Return the names of what a plan's folder holds, most wanted first."""
    order = ("plan.gpkg", "geojson", "map.html", "changes.html", "lineage.csv", "points.csv",
             "served.csv", "beyond.csv", "certificate.json",
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
    import pandas as pd

    from gridcell.words.sentences import say_findings, say_kinds

    # Whoever gives names of people away is told that they were not kept.
    loud = (findings["severity"] != "note") | (findings["kind"] == "staff_personal")
    loud = findings[loud & (findings["kind"] != told)]
    messages = pd.Series(say_findings(loud, language()), dtype="str")
    count = messages.groupby(say_kinds(loud, language()), sort=False).agg(["first", "size"])
    lines = [
        said("warning_more", kind=kind, message=row["first"], n=row["size"] - 1)
        if row["size"] > 1
        else said("warning", kind=kind, message=row["first"])
        for kind, row in count.iterrows()
    ]
    rest = [said("more_kinds", n=len(lines) - most)] if len(lines) > most else []
    return lines[:most] + rest


def counted_kinds(counts: Mapping[str, int]) -> "tuple[Message, ...]":
    """Return how many findings there are of each kind, to be said as a list."""
    from gridcell.words.messages import Message, kind_name

    return tuple(Message("cli.of_kind", n=n, kind=kind_name(kind)) for kind, n in counts.items())


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
    from gridcell.words.columns import aligned

    rows = [("", *(said(f"column_{name}") for name in ("cells", "in_band", "mean", "largest")))]
    general = int((plan.small["grid_type"] == "general").sum())
    for name, count, level in (
        ("large", len(plan.large), None),
        ("medium", len(plan.medium), None),
        ("small_general", general, "small"),
        ("small_dedicated", len(plan.small) - general, None),
        ("micro", len(plan.micro), "micro"),
    ):
        quality: tuple[str, ...] = ("", "", "")
        reached = None if level is None else balance(plan, level)
        if reached is not None and reached.cells:
            bounds = [bound for (_, own), bound in plan.division.bounds.items() if own == level]
            share = reached.in_band / reached.cells
            quality = (
                said("in_band_of", number=reached.in_band, most=sum(bounds), share=share)
                if bounds and sum(bounds) < reached.cells
                else said("in_band", number=reached.in_band, share=share),
                *(
                    "" if away is None else f"{away:.1%}"
                    for away in (reached.mean_abs_dev, reached.max_abs_dev)
                ),
            )
        rows.append((said(f"row_{name}"), f"{count:,}", *quality))
    staffed = []
    if plan.staffing is not None and plan.staffing.people:
        vacant = int(plan.vacancies["missing"].sum())
        staffed = [labelled("staff", said("posts", held=len(plan.staff), vacant=vacant))]
    kinds = plan.findings["kind"].value_counts().sort_index().to_dict()
    found = said("found", kinds=counted_kinds(kinds)) if kinds else said("none")
    assigned, divided = int(plan.leaves["households"].sum()), sum(plan.division.seconds.values())
    told = {"assigned": assigned, "unassigned": plan.unassigned}
    households = said("assigned", **told)
    if plan.is_estimated:
        all_of_them = plan.division.households in (None, plan.estimated)
        households = (
            said("assigned_estimated", **told) if all_of_them
            else said("assigned_partly", **told, estimated=plan.estimated)
        )  # fmt: skip
    proofs = "proofs_hold" if plan.ok and not broken else "proofs_broken"
    lines = [
        *aligned(rows),
        "",
        labelled("households", households),
        *staffed,
        labelled("findings", found),
        labelled("proofs", said(proofs)),
        *(() if output is None else (labelled("files", f"{output}: {files_in(output)}"),)),
        labelled("seconds", said("seconds", all=seconds, divided=divided)),
    ]
    return "\n".join(lines)
