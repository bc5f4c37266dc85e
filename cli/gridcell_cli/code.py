"""``gridcell code``: parse and verify codes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridcell_cli import options
from gridcell_cli.language import error_line, language, said

if TYPE_CHECKING:
    from gridcell.cells.codes import ParsedCode


@click.command("code")
@click.argument("codes", metavar="CODE...", nargs=-1, required=True)
@options.rules
@options.common
@click.pass_context
def command(
    ctx: click.Context, codes: tuple[str, ...], rules: Path | None, *, as_json: bool, quiet: bool
) -> None:
    """Parse codes and verify their check characters.

    CODE is a label, or a code of 9, 12, 15 or 18 digits; other codes need the separators of their
    label, since nothing else marks where a level ends. Exit code 3: not a code; 4: a wrong check
    character.
    """
    from gridcell.cells.codes import parse_code
    from gridcell.cells.iso7064 import check_character
    from gridcell.errors import CodeError
    from gridcell.rules import read_rules
    from gridcell.words.messages import Message

    widths = read_rules(rules).codes
    entries: list[dict[str, object]] = []
    exit_code = 0
    for text in codes:
        try:
            parsed = parse_code(text, rules=widths)
        except CodeError as error:
            click.echo(error_line(error.text, list(map(str, error.hints)), language()), err=True)
            entries.append({"input": text, "error": str(error)})
            exit_code = 3
            continue
        bare = parsed[parsed.level - 1]
        right = check_character(str(bare))
        entries.append({"input": text, "code": bare, **parsed._asdict(), "check_character": right})
        if not (as_json or quiet):
            click.echo(_describe(text, parsed))
        if parsed.check_ok is False:
            wrong = Message("error.code_check", code=text, expected=right)
            click.echo(error_line(wrong, [], language()), err=True)
            exit_code = exit_code or 4
    if as_json:
        click.echo(json.dumps(entries, ensure_ascii=False, indent=2))
    ctx.exit(exit_code)


def _describe(text: str, parsed: "ParsedCode") -> str:
    from gridcell.words.columns import padded
    from gridcell.words.terms import term

    check = {True: "right", False: "wrong", None: "none"}[parsed.check_ok]
    rows = [("level", str(parsed.level)), ("type", term(parsed.grid_type, language()))]
    rows += [(name, getattr(parsed, name) or "-") for name in ("large", "medium", "small", "micro")]
    rows.append(("check", said(f"check_{check}")))
    named = [(said(f"code_{name}"), value) for name, value in rows]
    return "\n".join([text, *(f"  {padded(name, 7)}{value}" for name, value in named)])
