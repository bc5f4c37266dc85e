"""Options that several commands share: one name, one meaning."""

import datetime as dt
import inspect
import logging
import os
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

from gridcell.words.catalogue import LANGUAGES
from gridcell_cli.language import VARIABLE, Session, said

if TYPE_CHECKING:
    from gridcell.errors import Hint
    from gridcell.model import Plan

_Command = TypeVar("_Command", bound=Callable[..., Any])

FILE: Final = click.Path(path_type=Path)
"""A file that the library opens: what is wrong with it is bad input, not bad usage."""


_SPELT: Final = {"kind": "cards"}
"""Options whose names differ from the argument's in the library."""


def as_options(hints: "Iterable[Hint]", command: click.Command | None) -> list[str]:
    """Return hints as a user of the command writes them; what it has no option for is left out."""
    parameters = {} if command is None else {p.name: p for p in command.params}
    said = []
    for hint in hints:
        if hint.name.startswith("fields."):
            if "fields" in parameters:
                place = hint.name.removeprefix("fields.")
                said.append(f"--field {shlex.quote(f'{place}={hint.value}')}")
            continue
        name = hint.name.rpartition(".")[2]
        parameter = parameters.get(_SPELT.get(name, name))
        if isinstance(parameter, click.Option):
            is_bare = parameter.is_flag or hint.value is None
            value = "" if is_bare else f" {shlex.quote(str(hint.value))}"
            said.append(f"{parameter.opts[-1]}{value}")
    return said


def _be_verbose(ctx: click.Context, _parameter: click.Parameter, value: bool) -> bool:  # noqa: FBT001
    if value:
        ctx.ensure_object(Session).verbose = True
        logging.getLogger().setLevel(logging.INFO)
    return value


overwrite = click.option("--overwrite", is_flag=True, help="Replace what is there already.")
rules = click.option(
    "--rules", metavar="FILE.toml", type=FILE, envvar="GRIDCELL_RULES",
    help="Settings of the division, in TOML.",
)  # fmt: skip
seed = click.option(
    "--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), envvar="GRIDCELL_SEED",
    help="Random seed; the same one gives the same result.",
)  # fmt: skip
workers = click.option(
    "--workers", metavar="N", type=click.IntRange(min=1), envvar="GRIDCELL_WORKERS",
    default=os.cpu_count, help="Threads to use, by default one a core; they change the time alone.",
)  # fmt: skip
quiet = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
verbose = click.option(
    "-v", "--verbose", is_flag=True, callback=_be_verbose, expose_value=False,
    help="Print what libraries say, and tracebacks.",
)  # fmt: skip
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
crs = click.option(
    "--crs", metavar="CRS", envvar="GRIDCELL_CRS",
    help="CRS of files that name none, for example EPSG:4547.",
)  # fmt: skip
encoding = click.option(
    "--encoding", metavar="NAME", envvar="GRIDCELL_ENCODING",
    help="Encoding of the text in shapefiles and CSV, for example GB18030.",
)  # fmt: skip
datum = click.option(
    "--datum", metavar="DATUM", default="wgs84", envvar="GRIDCELL_DATUM",
    help="wgs84 (default), gcj02 or bd09, or by layer: communities=wgs84,buildings=gcj02.",
)  # fmt: skip


def _speak(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    # The default is that of files; of what is said the system may know better.
    if ctx.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT:
        ctx.ensure_object(Session).lang = value
    return value


def _language(**settings: Any) -> Callable[[_Command], _Command]:
    return click.option(
        "--lang", type=click.Choice(LANGUAGES), default=LANGUAGES[0], envvar=VARIABLE,
        is_eager=True, callback=_speak, **settings,
    )  # fmt: skip


lang = _language(
    help="Language of every word of ours; by default en in files, and the system's in messages."
)
_spoken = _language(expose_value=False, help="Language of messages; the system's by default.")


def _as_date(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return dt.date.fromisoformat(value).isoformat()
    except ValueError:
        raise click.BadParameter(said("no_date", given=value)) from None


valid_from = click.option(
    "--valid-from", metavar="DATE", callback=_as_date, envvar="GRIDCELL_VALID_FROM",
    help="From which day new and changed grids are valid, for example 2026-01-31.",
)  # fmt: skip

publish = click.option(
    "--publish", is_flag=True,
    help="Only what may leave the house: no people, no staff, no table of buildings, no small "
    "counts nor what gives them away.",
)  # fmt: skip
threshold = click.option(
    "--threshold", metavar="K", type=click.IntRange(2, 1_000_000),
    envvar="GRIDCELL_THRESHOLD",
    help="With --publish: hide counts of households under K; 5 by default.",
)  # fmt: skip
publish_level = click.option(
    "--publish-level", type=click.Choice(["micro", "small"]),
    help="With --publish: the finest grids that are told, micro by default; many a micro grid is a "
    "single building.",
)  # fmt: skip
earlier = click.option(
    "--older", "earlier", metavar="PUBLISHED", type=FILE,
    help="With --publish: what was published before, of an older division of the same land.",
)  # fmt: skip


def publishing(function: _Command) -> _Command:
    """Add ``--publish``, ``--threshold``, ``--publish-level`` and ``--older``."""
    return publish(threshold(publish_level(earlier(function))))


def require_publishing(
    *, publish: bool, threshold: int | None, earlier: Path | None, publish_level: str | None = None
) -> None:
    """Refuse what belongs to ``--publish`` without it."""
    if publish:
        return
    context = click.get_current_context()
    for flag, name, value in (
        ("--threshold", "threshold", threshold), ("--older", "earlier", earlier),
        ("--publish-level", "publish_level", publish_level),
    ):  # fmt: skip
        # A threshold of the environment is for the publications alone, and no mistake elsewhere.
        asked = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if value is not None and asked:
            raise click.UsageError(said("belongs_to", option=flag, other="--publish"))


def read_shown(
    path: Path,
    *,
    publish: bool,
    threshold: int | None,
    earlier: Path | None,
    publish_level: str | None,
    quiet: bool,
) -> "Plan":
    """Return a plan, or what may be published of it."""
    from gridcell.disclosure.files import make_publication
    from gridcell.disclosure.publication import THRESHOLD
    from gridcell_cli.plans import open_plan

    plan = open_plan(path, atoms=False, quiet=quiet)
    if not publish:
        return plan
    level = publish_level or "micro"
    return make_publication(plan, threshold or THRESHOLD, earlier, level=level).plan


def output(metavar: str, *, required: bool = True) -> Callable[[_Command], _Command]:
    """Return the option ``-o/--output`` for a file or folder."""
    return click.option(
        "-o", "--output", metavar=metavar, type=FILE, required=required,
        help="Where to write; appears whole or not at all.",
    )  # fmt: skip


def common(function: _Command) -> _Command:
    """Add what every command has: ``-q``, ``-v``, ``--json``, and ``--lang`` if it has none."""
    own = "lang" in inspect.signature(function).parameters
    return as_json(quiet(verbose(function if own else _spoken(function))))
