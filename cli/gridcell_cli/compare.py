"""``gridcell compare``: two plans of the same land side by side."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gridcell_cli import options
from gridcell_cli.plans import open_plan
from gridcell_cli.records import records

if TYPE_CHECKING:
    import pandas as pd

    from gridcell import Comparison

_COMMUNITIES: Final = 20
"""Communities that the terminal lists; --json has all of them."""


@click.command("compare")
@click.argument("a", metavar="A", type=options.FILE)
@click.argument("b", metavar="B", type=options.FILE)
@click.option(
    "-o", "--output", metavar="FILE.html", type=options.FILE,
    help="Page with the figures, the cells that differ and a map of both plans.",
)  # fmt: skip
@options.lang
@options.overwrite
@options.common
def command(
    a: Path,
    b: Path,
    output: Path | None,
    lang: str,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare two plans of the same land: figures, communities, and cells that differ.

    A and B are folders written by partition or update, or their plan.gpkg: a plan and its
    successor, or two alternative divisions.
    """
    from gridcell.files.whole import require_writable
    from gridcell.revision.compare import compare_plans, write_comparison
    from gridcell_cli.update import as_data

    if output is not None:
        require_writable(output, overwrite=overwrite)
    comparison = compare_plans(
        open_plan(a, atoms=False, quiet=quiet), open_plan(b, atoms=False, quiet=quiet)
    )
    if output is not None:
        write_comparison(comparison, output, lang=lang, overwrite=overwrite)
    if as_json:
        report = {
            "goes_on": comparison.goes_on,
            "figures": records(comparison.figures.reset_index()),
            "communities": records(comparison.communities),
            "changes": as_data(comparison.changes),
        }
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(_text(comparison, lang))


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
