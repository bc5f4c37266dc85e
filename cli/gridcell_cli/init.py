"""``gridcell init``: a rules file to begin with."""

import json
from pathlib import Path

import click

from gridcell_cli import fields as field_option
from gridcell_cli import options
from gridcell_cli.language import in_words, said


@click.command("init")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@options.output("RULES.toml")
@field_option.option(
    "communities", "buildings", "households", "sites", "barriers", "staff", "atoms"
)
@options.crs
@options.encoding
@options.lang
@options.overwrite
@options.common
def command(
    files: tuple[str, ...],
    output: Path,
    fields: field_option.Fields,
    crs: str | None,
    encoding: str | None,
    lang: str,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write a commented rules file that maps the columns of FILEs and lists every setting.

    As written it changes nothing. Edit it, then pass it to other commands as --rules RULES.toml.
    """
    from gridcell.files.whole import require_writable, write_text
    from gridcell.read.draft import draft_rules
    from gridcell.rules import read_rules
    from gridcell.words.columns import padded
    from gridcell.words.messages import Message

    require_writable(output, overwrite=overwrite)
    text = draft_rules(files, encoding=encoding, crs=crs, fields=fields, lang=lang)
    write_text(output, text, overwrite=overwrite)
    mapped = read_rules(output).fields
    if as_json:
        report = {"output": str(output), "fields": mapped}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        for role, names in mapped.items():
            pairs = ", ".join(f"{name} = {column}" for name, column in names.items())
            title = padded(in_words(Message(f"input.{role}")), 13)
            click.echo(f"{title}{pairs or said('no_column')}", err=True)
        click.echo(said("use_rules", file=output), err=True)
