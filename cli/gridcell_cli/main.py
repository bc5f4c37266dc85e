"""The command ``gridcell``: finds its subcommands by name and turns errors into exit codes.

Exit codes: 0 done and all proofs hold; 1 a bug, or no memory; 2 usage; 3 bad input; 4 a
proof or check failed; 5 the rules cannot be met; 130 interrupted.
"""

import importlib
import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Final

import click

from gridcell_cli import options
from gridcell_cli.help import GROUPS, translated, write_commands
from gridcell_cli.language import Session, error_line, reader_language, said_in, speaking
from gridcell_cli.memory import lacks_memory

COMMANDS: Final = tuple(name for names in GROUPS.values() for name in names)
"""Each is the attribute ``command`` of the module of its name, in the order of the help."""

_WITHOUT_MEMORY: Final = {
    "en": "Error: not enough memory; use a machine with more, fewer workers, or fewer communities "
          "at a time",
    "zh": "错误：内存不足；请换用内存更大的机器，减少工作进程，或分批处理社区",
}  # fmt: skip
"""``cli.no_memory``, for where there is no memory to read the catalogue either."""


class _Commands(click.Group):
    """A group that imports a subcommand only when it is wanted, and helps in the reader's words."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gridcell_cli.{cmd_name}")
        session = ctx.ensure_object(Session)
        session.command = translated(module.command, session.lang)
        return session.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_commands(self, ctx, formatter)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@options.lang_of_all
@click.version_option(package_name="gridcell", prog_name="gridcell")
def cli() -> None:
    """Divide communities into uniquely coded, proven service cells.

    Data goes to stdout or to files, messages to stderr. FILE#LAYER names a layer inside a file.
    Settings: the option, else the environment variable GRIDCELL_*, else the rules file, else the
    default.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Parameters
    ----------
    arguments
        What follows the command's name; ``sys.argv`` by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    session = Session(lang=reader_language(given, os.environ))
    try:
        _speak_utf8()
        _be_quiet()
        with speaking(session.lang):
            code = _run(given, session)
    except KeyboardInterrupt:
        # Once more, or while an error was told.
        code = 130
    sys.exit(code)


def _run(arguments: list[str], session: Session) -> int:
    """Run a command; return its exit code, and the one of its error when it was told."""
    try:
        command = translated(cli, session.lang)
        code = command.main(arguments, prog_name="gridcell", standalone_mode=False, obj=session)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(said_in(session.lang, "interrupted"), err=True)
        return 130
    except Exception as error:  # noqa: BLE001 - the last one to know: nothing ends in a traceback
        return _explain(error, session)
    return code if isinstance(code, int) else 0


def _explain(error: Exception, session: Session) -> int:
    """Print one message about the error and return the exit code."""
    if not session.verbose:
        # Its frames hold what there is no memory left beside.
        error.__traceback__ = None
    try:
        return _tell(error, session)
    except Exception as other:
        if not (lacks_memory(other) or lacks_memory(error)):
            raise
    os.write(2, f"{_WITHOUT_MEMORY[session.lang]}\n".encode())
    return 1


def _tell(error: Exception, session: Session) -> int:
    from gridcell.errors import GridcellError

    if isinstance(error, GridcellError):
        hints = options.as_options(error.hints, session.command)
        click.echo(error_line(error.text, hints, session.lang), err=True)
        return error.exit_code
    if session.verbose:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if lacks_memory(error):
        click.echo(said_in(session.lang, "no_memory"), err=True)
        return 1
    key = "bug_told" if session.verbose else "bug"
    what = said_in(session.lang, key, kind=type(error).__name__, error=error)
    click.echo(what, err=True)
    return 1


def _speak_utf8() -> None:
    """Write names in any script to consoles and pipes that default to a code page."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


class _Echo(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"{record.name}: {record.getMessage()}", err=True)


def _be_quiet() -> None:
    """Keep the messages of libraries off stderr, unless ``-v`` asks for them."""
    logging.basicConfig(level=logging.CRITICAL, handlers=[_Echo()])
    logging.captureWarnings(capture=True)
    if not sys.warnoptions:
        warnings.simplefilter("default")
