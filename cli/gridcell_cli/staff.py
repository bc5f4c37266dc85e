"""``gridcell staff``: who answers for which cell, assigned anew."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridcell_cli import fields as field_option
from gridcell_cli import options
from gridcell_cli.language import in_words, labelled, said
from gridcell_cli.plans import open_plan

if TYPE_CHECKING:
    from gridcell import Plan


@click.command("staff")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@click.argument("roster", metavar="ROSTER")
@options.output("DIR")
@click.option(
    "--keep", is_flag=True, help="Keep people in their posts unless there is a reason to move them."
)
@options.network
@field_option.option("staff")
@options.crs
@options.encoding
@options.datum
@options.lang
@options.rules
@options.overwrite
@options.common
def command(
    plan: Path,
    roster: str,
    output: Path,
    fields: field_option.Fields,
    crs: str | None,
    encoding: str | None,
    datum: str,
    lang: str,
    rules: Path | None,
    *,
    keep: bool,
    network: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Assign the people of ROSTER to the cells of PLAN and write the whole plan to DIR.

    PLAN is a folder written by 'gridcell partition' or its plan.gpkg; its cells stay unchanged.
    From --rules only the roles (staffing), how people walk (walking) and the roster's column names
    are used, the rest comes from the plan.
    """
    from gridcell.folder import require_free, write_plan
    from gridcell.rules import read_rules
    from gridcell.staff import renew_staff
    from gridcell_cli.partition import require_certified, warnings_of

    require_free(output, overwrite=overwrite)
    before = open_plan(plan, quiet=quiet)
    named = field_option.as_settings(fields)
    settings = read_rules(
        rules, base=before.rules if rules is None else None, walking__network=network or None,
        **named,
    )  # fmt: skip
    renewed = renew_staff(
        before, roster, rules=settings, keep=keep, crs=crs, encoding=encoding, datum=datum
    )
    write_plan(renewed, output, overwrite=overwrite, lang=lang)
    if as_json:
        click.echo(json.dumps(renewed.report["staff"], ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(summary(renewed, before, output))
        found = renewed.findings
        for warning in warnings_of(found[found["kind"].str.startswith("staff_")]):
            click.echo(warning, err=True)
    if renewed.ok:
        require_certified(output)


def summary(plan: "Plan", before: "Plan", output: Path) -> str:
    """Return the closing table.

    Parameters
    ----------
    plan, before
        With its staff, and with the one it had.
    output
        Folder of the files.
    """
    from gridcell.words.columns import aligned
    from gridcell.words.messages import role_name
    from gridcell_cli.partition import files_in

    figures = plan.staffing
    assert figures is not None  # noqa: S101
    held = plan.staff["role"].value_counts()
    vacant = plan.vacancies.groupby("role")["missing"].sum()
    names = ("people", "posts", "held", "vacant", "more_people")
    rows = [("", *(said(f"column_{name}") for name in names))]
    for name, role in figures.roles.items():
        numbers = (
            role.people, role.posts, held.get(name, 0), vacant.get(name, 0), role.more_people
        )  # fmt: skip
        rows.append((in_words(role_name(name)), *(f"{number:,}" for number in numbers)))
    proof, away = figures.proof, plan.staff["distance_m"].mean()
    held_by = {"people": figures.people, "held": len(plan.staff), "vacant": vacant.sum()}
    post = ["staff_id", "code", "role"]
    same = len(plan.staff[post].merge(before.staff[post]))
    lines = [
        labelled(
            "staff",
            said("people", **held_by)
            if math.isnan(away)
            else said("people_away", **held_by, distance=away),
        ),
        labelled("unchanged", said("kept", kept=same, without=figures.without_post)),
        labelled("proof", said("filled", filled=proof.filled, most=proof.most, gap=proof.gap)),
        labelled("files", f"{output}: {files_in(output)}"),
    ]
    return "\n".join([*aligned(rows), "", *lines])
