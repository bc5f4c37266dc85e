"""``gridcell edit``: a plan changed by hand, each step proven."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from gridcell_cli import options
from gridcell_cli.language import said
from gridcell_cli.plans import open_plan
from gridcell_cli.progress import ProgressLine

_OPERATIONS: Final = (
    "merge", "split", "move", "swap", "nudge", "rename", "comment", "lock", "unlock", "undo",
)  # fmt: skip
"""The text ``cli.form_NAME`` shows the form of each."""


@click.command("edit", context_settings={"ignore_unknown_options": True})
@click.argument("plan", metavar="PLAN", type=options.FILE)
@click.argument("words", metavar="[OPERATION]...", nargs=-1, type=click.UNPROCESSED)
@options.output("DIR")
@click.option(
    "--script", "scripts", metavar="FILE", type=options.FILE, multiple=True,
    help="JSON list of edits, as saved by the editor page; repeatable, applied in order.",
)  # fmt: skip
@options.timed
@options.valid_from
@options.lang
@options.overwrite
@options.common
def command(
    plan: Path,
    words: tuple[str, ...],
    output: Path,
    scripts: tuple[Path, ...],
    valid_from: str | None,
    now: str | None,
    lang: str,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Edit PLAN by hand and write the result to DIR.

    \b
    merge A B                    merge two neighbouring cells
    split CELL NUMBER            split a cell into NUMBER cells, as the search finds best
    split CELL --line FILE       split a cell along a line
    move BUILDING... CELL        move buildings into the neighbouring cell
    move MICRO... SMALL          move whole micro cells into the neighbouring small cell
    swap BUILDING... with BUILDING...
                                 exchange the buildings of two cells
    nudge A B --line FILE        move the border of two cells; codes stay
    rename CELL "NAME"           rename a cell
    comment CELL "TEXT"          leave a comment in the history
    lock CELL, unlock CELL       protect cells or communities from operations
    undo                         undo the last edit

    A comma that stands alone separates several operations. DIR may be the folder of PLAN itself,
    with --overwrite.
    """  # noqa: D301 - click's own mark
    from gridcell.folder import require_free, write_plan
    from gridcell.revision.changes import list_changes
    from gridcell.revision.edits import edit_plan
    from gridcell.revision.script import edits_of, read_script
    from gridcell_cli.partition import broken_in, require_kept, summary, warnings_of
    from gridcell_cli.update import as_data, change_lines

    begin = time.perf_counter()
    if bool(words) == bool(scripts):
        raise click.UsageError(said("give_operations"))
    entries = parse_operations(words)
    require_free(output, overwrite=overwrite)
    before = open_plan(plan, quiet=quiet)
    edits = edits_of(entries, before.crs, "operations")
    for script in scripts:
        edits += read_script(script, before.crs)
    with ProgressLine(quiet=quiet) as progress:
        after, changes = before, []
        for edit in edits:
            earlier = after
            after = edit_plan(earlier, [edit], progress=progress, time=now, valid_from=valid_from)
            changes.append(list_changes(earlier, after))
        progress("writing", 0, 0)
        write_plan(after, output, overwrite=overwrite, lang=lang, before=before)
    if as_json:
        steps = [
            {"edit": str(edit), **as_data(step)} for edit, step in zip(edits, changes, strict=True)
        ]
        report = {"edits": steps, "report": after.report}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        for edit, step in zip(edits, changes, strict=True):
            click.echo("\n".join([str(edit), *change_lines(step)]) + "\n")
        seconds = time.perf_counter() - begin
        click.echo(summary(after, output, seconds=seconds, broken=broken_in(output)))
        for warning in warnings_of(after.findings):
            click.echo(warning, err=True)
    require_kept(after, output)


def parse_operations(words: Sequence[str]) -> list[dict[str, Any]]:
    """Return operations as a script has them.

    Parameters
    ----------
    words
        What was typed, operations separated by commas.
    """
    groups: list[list[str]] = [[]]
    for word in words:
        if word == ",":
            groups.append([])
        else:
            groups[-1].append(word)
    return [_operation(group) for group in groups] if words else []


def _operation(words: list[str]) -> dict[str, Any]:
    if not words or words[0] not in _OPERATIONS:
        if not words:
            raise click.UsageError(said("no_operation", known=_OPERATIONS))
        raise click.UsageError(said("unknown_operation", known=_OPERATIONS, given=words[0]))
    name, rest = words[0], words[1:]
    line = None
    if "--line" in rest[:-1]:
        at = rest.index("--line")
        line = rest[at + 1]
        rest = rest[:at] + rest[at + 2 :]
    if (strange := [word for word in rest if word.startswith("--")]) or (
        line is not None and name not in {"split", "nudge"}
    ):
        option = strange[0] if strange else "--line"
        raise click.UsageError(said("operation_option", operation=name, option=option))
    entry = _arguments(name, rest, line)
    if entry is None:
        form = said(f"form_{name}")
        raise click.UsageError(said("operation_form", form=form, given=" ".join(words)))
    return {"operation": name, **entry}


def _arguments(name: str, rest: list[str], line: str | None) -> dict[str, Any] | None:
    """Return the arguments of an operation by name; ``None`` where they are not those it takes."""
    match name, rest:
        case "merge", [a, b]:
            return {"a": a, "b": b}
        case "split", [cell, number] if line is None and number.isdecimal():
            return {"cell": cell, "parts": int(number)}
        case "split", [cell] if line is not None:
            return {"cell": cell, "line": line}
        case "move", [*buildings, to] if buildings:
            return {"buildings": buildings, "to": to}
        case "swap", _ if rest.count("with") == 1:
            at = rest.index("with")
            return {"these": rest[:at], "those": rest[at + 1 :]}
        case "nudge", [a, b, *buildings] if bool(buildings) != (line is not None):
            return {"a": a, "b": b, "line": line, "buildings": buildings}
        case "rename", [cell, *names] if len(names) < 2:
            return {"cell": cell, "name": names[0] if names else None}
        case "comment", [cell, text]:
            return {"cell": cell, "text": text}
        case (("lock" | "unlock"), [cell]):
            return {"cell": cell}
        case "undo", []:
            return {}
    return None
