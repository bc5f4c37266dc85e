"""``gridcell update``: a plan goes on with new data."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gridcell_cli import inputs, options
from gridcell_cli.language import in_words, labelled, said
from gridcell_cli.plans import open_plan
from gridcell_cli.progress import ProgressLine
from gridcell_cli.workers import pool_of

if TYPE_CHECKING:
    from gridcell.revision.changes import ChangeList

_LINES: Final = 30
"""Cells that the terminal lists; changes.html has all of them."""


@click.command("update")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@click.argument("communities", metavar="COMMUNITIES")
@click.argument("buildings", metavar="[BUILDINGS]", required=False)
@options.output("DIR", required=False)
@click.option(
    "--locked", metavar="NAME", multiple=True,
    help="Cells to leave unchanged: codes of cells or communities, levels, or a column of "
         "the plan's cells; comma-separated, repeatable.",
)  # fmt: skip
@click.option(
    "--recoded", metavar="OLD=NEW|FILE", multiple=True,
    help="Communities whose code changed: one of them, or a table with the columns old and "
         "new; repeatable.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print what would change without writing anything.")
@options.timed
@inputs.division
@options.valid_from
@options.lang
@options.workers
@options.overwrite
@options.common
def command(
    plan: Path,
    communities: str,
    buildings: str | None,
    output: Path | None,
    locked: tuple[str, ...],
    recoded: tuple[str, ...],
    valid_from: str | None,
    now: str | None,
    lang: str,
    workers: int,
    *,
    dry_run: bool,
    given: inputs.Given,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Update PLAN with new COMMUNITIES and BUILDINGS with as little change as possible.

    Cells within their bands stay identical to the byte, codes are kept, and every change is
    reported. DIR may be the folder of PLAN itself, with --overwrite. Rules come from the plan
    unless given here.
    """
    from gridcell.folder import require_free, write_plan
    from gridcell.revision.changes import list_changes
    from gridcell.revision.update import update_plan
    from gridcell_cli.partition import broken_in, require_kept, summary, warnings_of

    begin = time.perf_counter()
    if output is None and not dry_run:
        raise click.UsageError(said("give_output"))
    if output is not None and not dry_run:
        require_free(output, overwrite=overwrite)
    before = open_plan(plan, quiet=quiet)
    settings = given.read_rules(before.rules)
    codes = _recoded(recoded, given.encoding)
    names = [name.strip() for names in locked for name in names.split(",") if name.strip()]
    with ProgressLine(quiet=quiet) as progress:
        progress("reading", 0, 0)
        layers = given.read_layers(communities, buildings, settings)
        inputs.tell_unread(layers, quiet=quiet)
        with pool_of(workers, layers) as pool:
            after = update_plan(
                before, layers, rules=settings, locked=names, recoded=codes, workers=workers,
                executor=pool, progress=progress, time=now, valid_from=valid_from,
            )  # fmt: skip
            changes = list_changes(before, after)
            if output is not None and not dry_run:
                progress("writing", 0, 0)
                write_plan(
                    after, output, overwrite=overwrite, lang=lang, before=before, executor=pool
                )
    written = None if dry_run else output
    if as_json:
        report = {"changes": as_data(changes), "report": after.report}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo("\n".join(change_lines(changes)) + "\n")
        seconds = time.perf_counter() - begin
        broken = {} if written is None else broken_in(written)
        click.echo(summary(after, written, seconds=seconds, broken=broken))
        for warning in warnings_of(after.findings, told=inputs.UNREAD):
            click.echo(warning, err=True)
    require_kept(after, written)


def _recoded(given: Iterable[str], encoding: str | None) -> dict[str, str]:
    """Return the new codes by the earlier ones, of pairs and of tables."""
    from gridcell.revision.recoded import put_recoded, read_recoded

    codes: dict[str, str] = {}
    for text in given:
        old, equals, new = text.partition("=")
        is_pair = bool(equals and old.strip() and new.strip()) and not Path(text).exists()
        pairs = {old.strip(): new.strip()} if is_pair else read_recoded(text, encoding=encoding)
        for one, other in pairs.items():
            put_recoded(codes, one, other, "recoded")
    return codes


def change_lines(changes: "ChangeList") -> list[str]:
    """Return what changed as lines: a cell a line, those that changed together side by side."""
    from gridcell.words.columns import aligned

    if not len(changes):
        return [labelled("changes", said("no_changes"))]
    lines = []
    group = None
    for row, why in zip(as_data(changes)["cells"][:_LINES], changes.table["why"], strict=False):
        mark = "-" if row["group"] != group else ""
        group = row["group"]
        held = ["" if row[name] is None else f"{row[name]:,}" for name in ("before", "after")]
        what = said(f"cell_{row['change']}")
        lines.append((mark, row["code"], what, *held, f"{row['moved']:,}", in_words(why)))
    names = ("cell", "before", "after", "moved", "why")
    cell, *others = (said(f"column_{name}") for name in names)
    table = aligned([("", cell, "", *others), *lines], "<<<>>><")
    rest = len(changes) - _LINES
    more = [said("more_cells", n=rest)] if rest > 0 else []
    count = changes.table["change"].value_counts()
    counts = {kind: count.get(kind, 0) for kind in ("changed", "new", "retired")}
    share = changes.moved / max(changes.households, 1)
    return [
        *table, *more, "",
        labelled("changes", said("changes", **counts, kept=changes.kept)),
        labelled("move", said("moved", moved=changes.moved, share=share)),
    ]  # fmt: skip


def as_data(changes: "ChangeList") -> dict[str, Any]:
    """Return what changed as plain data."""
    table = changes.table.astype(object).where(changes.table.notna(), None)
    table["why"] = [str(why) for why in table["why"]]
    cells = [{**row, "others": row["others"].split(";")} for row in table.to_dict("records")]
    return {
        "moved": changes.moved,
        "households": changes.households,
        "kept": changes.kept,
        "cells": cells,
    }
