"""``gridcell code``: parse and verify codes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridcell_cli import options

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
    label, since nothing else tells where a level ends. Exit code 3: not a code; 4: a wrong check
    character.
    """
    from gridcell.cells.codes import check_character, parse_code
    from gridcell.errors import CodeError
    from gridcell.rules import read_rules

    widths = read_rules(rules).codes
    entries: list[dict[str, object]] = []
    exit_code = 0
    for text in codes:
        try:
            parsed = parse_code(text, rules=widths)
        except CodeError as error:
            click.echo(f"Error: {error}", err=True)
            entries.append({"input": text, "error": str(error)})
            exit_code = 3
            continue
        bare = parsed[parsed.level - 1]
        right = check_character(str(bare))
        entries.append({"input": text, "code": bare, **parsed._asdict(), "check_character": right})
        if not (as_json or quiet):
            click.echo(_describe(text, parsed))
        if parsed.check_ok is False:
            click.echo(
                f"Error: code {text!r}: wrong check character, expected {right!r}; "
                f"compare the code with its source",
                err=True,
            )
            exit_code = exit_code or 4
    if as_json:
        click.echo(json.dumps(entries, ensure_ascii=False, indent=2))
    ctx.exit(exit_code)


def _describe(text: str, parsed: "ParsedCode") -> str:
    check = {True: "right", False: "wrong", None: "none"}[parsed.check_ok]
    rows = [("level", str(parsed.level)), ("type", parsed.grid_type)]
    rows += [(name, getattr(parsed, name) or "-") for name in ("large", "medium", "small", "micro")]
    rows.append(("check", check))
    return "\n".join([text, *(f"  {name:<7}{value}" for name, value in rows)])
