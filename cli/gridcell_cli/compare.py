"""``gridcell compare``: plans of the same land side by side."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gridcell_cli import options
from gridcell_cli.plans import open_plan
from gridcell_cli.records import records

if TYPE_CHECKING:
    import pandas as pd

    from gridcell import Comparison, Plan

_COMMUNITIES: Final = 20
"""Communities that the terminal lists; --json has all of them."""


@click.command("compare")
@click.argument("a", metavar="A", type=options.FILE)
@click.argument("b", metavar="B", type=options.FILE)
@click.argument("others", metavar="[C]...", nargs=-1, type=options.FILE)
@click.option(
    "-o", "--output", metavar="FILE.html", type=options.FILE,
    help="Page with the figures, the cells that differ and a map of both plans; of more than two, "
    "as with --side-by-side.",
)  # fmt: skip
@click.option(
    "--side-by-side", is_flag=True,
    help="Page with the map of each plan beside the others, all of the same place, and the "
    "buildings of households that differ.",
)  # fmt: skip
@options.lang
@options.overwrite
@options.common
def command(
    a: Path,
    b: Path,
    others: tuple[Path, ...],
    output: Path | None,
    lang: str,
    *,
    side_by_side: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare plans of the same land: figures, communities, and cells or households that differ.

    A, B and any further ones are folders written by partition or update, or their plan.gpkg: a
    plan and its successor, or alternative divisions, which are all compared with A.
    """
    from gridcell.files.whole import require_writable
    from gridcell.revision.compare import compare_plans, write_comparison

    if output is not None:
        require_writable(output, overwrite=overwrite)
    plans = [open_plan(path, atoms=False, quiet=quiet) for path in (a, b, *others)]
    if side_by_side or others:
        _compare_many(
            dict(zip(_names((a, b, *others)), plans, strict=True)), output, lang,
            overwrite=overwrite, as_json=as_json, quiet=quiet,
        )  # fmt: skip
        return
    comparison = compare_plans(*plans)
    if output is not None:
        write_comparison(comparison, output, lang=lang, overwrite=overwrite)
    if as_json:
        from gridcell_cli.update import as_data

        report = {
            "goes_on": comparison.goes_on,
            "figures": records(comparison.figures.reset_index()),
            "communities": records(comparison.communities),
            "changes": as_data(comparison.changes),
        }
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(_text(comparison, lang))


def _names(paths: tuple[Path, ...]) -> list[str]:
    """Return what plans are called: their folders, by their paths where two are called alike."""
    folders = [path.parent if path.suffix.lower() == ".gpkg" else path for path in paths]
    short = [folder.resolve().name for folder in folders]
    names = [
        name if short.count(name) == 1 else str(folder)
        for name, folder in zip(short, folders, strict=True)
    ]
    return [
        name if names.count(name) == 1 else f"{name} ({number})"
        for number, name in enumerate(names, start=1)
    ]


def _compare_many(
    plans: "dict[str, Plan]",
    output: Path | None,
    lang: str,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    from gridcell.display.comparison import scenario_rows
    from gridcell.revision.scenarios import compare_scenarios, write_scenarios
    from gridcell.words.columns import aligned

    scenarios = compare_scenarios(plans)
    if output is not None:
        write_scenarios(scenarios, output, lang=lang, overwrite=overwrite)
    if as_json:
        differing = scenarios.differing.drop(columns="geometry")
        report = {
            "plans": list(scenarios.names),
            "figures": records(scenarios.figures.reset_index()),
            "communities": {
                name: records(each.communities)
                for name, each in zip(scenarios.names[1:], scenarios.comparisons, strict=True)
            },
            "differing": records(differing),
        }
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        rows = [("", *scenarios.names), *scenario_rows(scenarios.figures, lang)]
        click.echo("\n".join(aligned(rows)))


def _text(comparison: "Comparison", lang: str) -> str:
    from gridcell.display.comparison import comparison_rows
    from gridcell.words.catalogue import section
    from gridcell.words.columns import aligned

    words = section("compare", lang)
    head = ("", words["a"], words["b"], words["difference"])
    lines = aligned([head, *comparison_rows(comparison.figures, lang)])
    changes = comparison.changes
    if not comparison.goes_on:
        lines += ["", words["other_plan"]]
    if not len(changes):
        return "\n".join([*lines, "", words["alike"]])
    count = changes.table["change"].value_counts()
    counts = [(words[kind], f"{count.get(kind, 0):,}") for kind in ("changed", "new", "retired")]
    share = changes.moved / max(changes.households, 1)
    moved = (words["households_moved"], f"{changes.moved:,} ({share:.1%})")
    lines += ["", *aligned([*counts, (words["kept"], f"{changes.kept:,}"), moved])]
    return "\n".join([*lines, "", *_communities(comparison.communities, words)])


def _communities(table: "pd.DataFrame", words: Any) -> list[str]:
    """Return the communities that differ, most households first."""
    from gridcell.words.columns import aligned

    sides = ("households", "small", "micro", "in_band")
    differs = table["moved"] > 0
    for name in sides:
        differs |= (table[f"{name}_a"] != table[f"{name}_b"]).fillna(value=True)
    table = table[differs].sort_values(["moved", "community"], ascending=[False, True])
    if table.empty:
        return []
    rows = [(words["by_community"], *(words[f"column_{name}"] for name in sides), words["moved"])]
    for row in records(table.head(_COMMUNITIES)):
        pairs = [(row[f"{name}_a"], row[f"{name}_b"]) for name in sides]
        said = [f"{_count(one)} / {_count(two)}" for one, two in pairs]
        name = f"{row['community']} {row['name'] or ''}".rstrip()
        rows.append((name, *said, _count(row["moved"])))
    lines = aligned(rows)
    rest = len(table) - _COMMUNITIES
    return [*lines, words["more_communities"].format(n=rest)] if rest > 0 else lines


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"
