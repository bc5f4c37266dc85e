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
from gridcell_cli.language import VARIABLE, Session, language, said

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


overwrite = click.option("--overwrite", is_flag=True, help="Replace existing output.")
rules = click.option(
    "--rules", metavar="FILE.toml", type=FILE, envvar="GRIDCELL_RULES",
    help="Rules file (TOML) with the settings.",
)  # fmt: skip
seed = click.option(
    "--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), envvar="GRIDCELL_SEED",
    help="Random seed; the same seed gives the same result.",
)  # fmt: skip
scheduler = click.option(
    "--scheduler", metavar="tcp://HOST:PORT", envvar="GRIDCELL_SCHEDULER",
    help="Scheduler of a Dask cluster whose workers divide the communities, in place of --workers.",
)  # fmt: skip
workers = click.option(
    "--workers", metavar="N", type=click.IntRange(min=1), envvar="GRIDCELL_WORKERS",
    default=os.cpu_count, help="Number of workers, by default one per core; affects "
                               "nothing but the time.",
)  # fmt: skip
quiet = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
verbose = click.option(
    "-v", "--verbose", is_flag=True, callback=_be_verbose, expose_value=False,
    help="Print messages of libraries, and tracebacks.",
)  # fmt: skip
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
network = click.option(
    "--network", is_flag=True,
    help="Assign people by their way along the streets, not by the distance as the crow flies.",
)  # fmt: skip
crs = click.option(
    "--crs", metavar="CRS", envvar="GRIDCELL_CRS",
    help="CRS of files that do not state one, for example EPSG:4547.",
)  # fmt: skip
encoding = click.option(
    "--encoding", metavar="NAME", envvar="GRIDCELL_ENCODING",
    help="Encoding of the text in shapefiles and CSV, for example GB18030.",
)  # fmt: skip
datum = click.option(
    "--datum", metavar="DATUM", default="wgs84", envvar="GRIDCELL_DATUM",
    help="Datum of coordinates: wgs84 (default), gcj02 or bd09; or per layer, for example "
         "communities=wgs84,buildings=gcj02.",
)  # fmt: skip


_SAID_BEFORE: Final = "gridcell.lang"
"""The language that ``gridcell --lang`` names for whatever command follows."""


def _speak(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    source = ctx.get_parameter_source(parameter.name or "")
    if source is not ParameterSource.COMMANDLINE:
        value = ctx.meta.get(_SAID_BEFORE, value)
        # The default is that of files; of what is said the system may know better.
        if source is ParameterSource.DEFAULT and _SAID_BEFORE not in ctx.meta:
            return value
    if value is not None:
        ctx.ensure_object(Session).lang = value
    return value


def _speak_from_here(
    ctx: click.Context, _parameter: click.Parameter, value: str | None
) -> str | None:
    if value is not None:
        ctx.meta[_SAID_BEFORE] = ctx.ensure_object(Session).lang = value
    return value


def _language(**settings: Any) -> Callable[[_Command], _Command]:
    return click.option(
        "--lang", type=click.Choice(LANGUAGES), is_eager=True,
        **{"default": LANGUAGES[0], "envvar": VARIABLE, "callback": _speak, **settings},
    )  # fmt: skip


_MEANING: Final = (
    "Language of messages and of text in files. By default messages follow the system and files "
    "are in English."
)
lang = _language(help=_MEANING)
lang_of_all = _language(
    help=_MEANING, default=None, envvar=None, callback=_speak_from_here, expose_value=False
)
_spoken = _language(expose_value=False, help="Language of messages; by default the system's.")


def _as_date(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return dt.date.fromisoformat(value).isoformat()
    except ValueError:
        raise click.BadParameter(said("no_date", given=value)) from None


valid_from = click.option(
    "--valid-from", metavar="DATE", callback=_as_date, envvar="GRIDCELL_VALID_FROM",
    help="Date from which new and changed cells are valid, for example 2026-01-31.",
)  # fmt: skip


def _now(_ctx: click.Context, _parameter: click.Parameter, value: bool) -> str | None:  # noqa: FBT001
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds") if value else None


timed = click.option(
    "--time", "now", is_flag=True, callback=_now, help="Record the time in the plan's history."
)

publish = click.option(
    "--publish", is_flag=True,
    help="Only what may be published: no people, no staff, no table of buildings, no small "
         "counts and nothing that would reveal them.",
)  # fmt: skip
threshold = click.option(
    "--threshold", metavar="K", type=click.IntRange(2, 1_000_000),
    envvar="GRIDCELL_THRESHOLD",
    help="With --publish: suppress household counts below K; 5 by default.",
)  # fmt: skip
publish_level = click.option(
    "--publish-level", type=click.Choice(["micro", "small"]),
    help="With --publish: the finest level to publish, micro by default; many micro cells "
         "are a single building.",
)  # fmt: skip
earlier = click.option(
    "--older", "earlier", metavar="PUBLISHED", type=FILE, multiple=True,
    help="With --publish: what was published earlier from an older division of the same land; "
         "repeatable, the latest first.",
)  # fmt: skip


def publishing(function: _Command) -> _Command:
    """Add ``--publish``, ``--threshold``, ``--publish-level`` and ``--older``."""
    return publish(threshold(publish_level(earlier(function))))


def require_publishing(
    *,
    publish: bool,
    threshold: int | None,
    earlier: tuple[Path, ...],
    publish_level: str | None = None,
) -> None:
    """Refuse what belongs to ``--publish`` without it."""
    if publish:
        return
    context = click.get_current_context()
    for flag, name, value in (
        ("--threshold", "threshold", threshold), ("--older", "earlier", earlier or None),
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
    earlier: tuple[Path, ...],
    publish_level: str | None,
    quiet: bool,
) -> "Plan":
    """Return a plan, or what may be published of it."""
    from gridcell.disclosure.files import make_publication
    from gridcell.disclosure.publication import THRESHOLD
    from gridcell.words.messages import Message, say
    from gridcell_cli.plans import open_plan

    plan = open_plan(path, atoms=False, quiet=quiet)
    if not publish:
        return plan
    level = publish_level or "micro"
    publication = make_publication(plan, threshold or THRESHOLD, earlier, level=level)
    if not quiet:
        for name in publication.exposed:
            click.echo(say(Message("export.given_away", name=name), language()), err=True)
    return publication.plan


def output(metavar: str, *, required: bool = True) -> Callable[[_Command], _Command]:
    """Return the option ``-o/--output`` for a file or folder."""
    return click.option(
        "-o", "--output", metavar=metavar, type=FILE, required=required,
        help="Where to write. Output appears complete or not at all.",
    )  # fmt: skip


def common(function: _Command) -> _Command:
    """Add what every command has: ``-q``, ``-v``, ``--json``, and ``--lang`` if it has none."""
    own = "lang" in inspect.signature(function).parameters
    return as_json(quiet(verbose(function if own else _spoken(function))))
