"""``gridcell roster``: who answers for what, for those who work with it."""

from pathlib import Path

import click

from gridcell_cli import options
from gridcell_cli.language import labelled, said
from gridcell_cli.plans import open_plan


@click.command("roster")
@click.argument("plan", metavar="PLAN")
@options.output("FILE.xlsx|FILE.csv")
@click.option(
    "--contacts", metavar="FILE", help="Table with staff_id, name and phone, to include in FILE."
)
@options.lang
@options.overwrite
@options.common
def command(
    plan: str,
    output: Path,
    contacts: str | None,
    lang: str,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the posts, people, cells and vacancies of PLAN with their figures as tables.

    Names and phone numbers are included only with --contacts, and are in no other file.
    """
    import json

    from gridcell.staff.workbook import write_roster

    read = open_plan(Path(plan), atoms=False, quiet=quiet)
    files = write_roster(read, output, contacts=contacts, lang=lang, overwrite=overwrite)
    held, vacant = len(read.staff), int(read.vacancies["missing"].sum())
    if as_json:
        report = {"files": [str(file) for file in files], "posts_held": held, "vacancies": vacant}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        names = ", ".join(str(file) for file in files)
        click.echo(labelled("staff", said("posts", held=held, vacant=vacant)))
        click.echo(labelled("files", names))
