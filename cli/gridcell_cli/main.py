"""The command ``gridcell``: finds its subcommands by name and turns errors into exit codes.

Exit codes: 0 done and all proofs hold; 1 a bug; 2 usage; 3 bad input; 4 a proof or check failed;
5 the rules cannot be met; 130 interrupted.
"""

import importlib
import io
import logging
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Final

import click

from gridcell_cli.options import Session, as_options

COMMANDS: Final = (
    "init", "partition", "update", "adopt", "edit", "history", "compare", "inspect", "check",
    "repair", "staff", "roster", "locate", "crosswalk", "map", "atlas", "export", "sample", "code",
)  # fmt: skip
"""Each is the attribute ``command`` of the module of its name, in the order of the help."""


class _Commands(click.Group):
    """A group that imports a subcommand only when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gridcell_cli.{cmd_name}")
        command: click.Command = module.command
        ctx.ensure_object(Session).command = command
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="gridcell", prog_name="gridcell")
def cli() -> None:
    """Divide communities into uniquely coded, proven service grids.

    Data goes to stdout or files, messages to stderr. A layer inside a file is FILE#LAYER.
    Settings: flag, then GRIDCELL_* environment variable, then rules file, then default.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Parameters
    ----------
    arguments
        What follows the command's name; ``sys.argv`` by default.
    """
    _speak_utf8()
    _be_quiet()
    session = Session()
    try:
        code = cli.main(
            None if arguments is None else list(arguments),
            prog_name="gridcell",
            standalone_mode=False,
            obj=session,
        )
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the last one to know: nothing ends in a traceback
        sys.exit(_explain(error, session))


def _explain(error: Exception, session: Session) -> int:
    """Print one message about the error and return the exit code."""
    from gridcell.errors import GridcellError, with_hints

    if isinstance(error, GridcellError):
        said = with_hints(error.message, as_options(error.hints, session.command))
        click.echo(f"Error: {said}", err=True)
        return error.exit_code
    if session.verbose:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    what = "report this with the traceback above" if session.verbose else (
        "run again with -v for the traceback, and report it"
    )  # fmt: skip
    click.echo(f"Error: {type(error).__name__}: {error}\nThis is a bug: please {what}.", err=True)
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
