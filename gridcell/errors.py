"""Every error gridcell raises on purpose.

::

    GridcellError
    ├── InputError (ValueError)        a file or frame cannot be used        exit 3
    ├── RulesError (ValueError)        settings that contradict each other   exit 3
    ├── PartitionError                 the rules cannot be met by the land   exit 5
    ├── ProofError                     a promised property does not hold     exit 4
    ├── CodeError (ValueError)         a code cannot be built or read        exit 3
    ├── AssignmentError (ValueError)   points or people cannot be placed     exit 3
    └── WriteError (OSError)           an output cannot be written           exit 3

A message says which record, what was found, what was expected and what to try. What a check finds
about a division is a finding, not an exception. A setting that would help is no part of the message
but a `Hint`, because it is spelt differently in Python and on the command line.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hint:
    """A setting that would help, and perhaps its value.

    Examples
    --------
    >>> str(Hint("crs", "EPSG:4547")), str(Hint("boundaries.heal_width"))
    ("crs='EPSG:4547'", 'boundaries.heal_width')
    """

    name: str
    """The argument of a function, or the rule by its place: ``boundaries.heal_width``; the column
    ``fields.communities.code``."""
    value: str | float | bool | None = None
    """A value that serves; ``None`` where the user alone knows it."""

    def __str__(self) -> str:
        """Return the setting as a Python user writes it."""
        if self.name.startswith("fields."):
            _, role, column = self.name.split(".")
            mapping = {role: {column: self.value}}
            return f"rules=Rules(fields={mapping})"
        return self.name if self.value is None else f"{self.name}={self.value!r}"


class GridcellError(Exception):
    """The root of gridcell's errors.

    Parameters
    ----------
    message
        What is wrong and what to do about it, naming neither arguments nor options.
    *hints
        Settings that would help. ``str(error)`` adds them as a Python user writes them.

    Examples
    --------
    >>> error = InputError("town.shp: the CRS is missing; name it", Hint("crs", "EPSG:4547"))
    >>> print(error)
    town.shp: the CRS is missing; name it (crs='EPSG:4547')
    >>> error.message
    'town.shp: the CRS is missing; name it'
    """

    exit_code = 3
    hints: tuple[Hint, ...] = ()

    def __init__(self, message: str = "", *hints: Hint) -> None:
        super().__init__(message)
        self.hints = hints

    @property
    def message(self) -> str:
        """What is wrong, without the hints."""
        return str(self.args[0])

    def __str__(self) -> str:
        """Return the message and the hints."""
        return with_hints(self.message, map(str, self.hints))


def with_hints(message: str, hints: Iterable[str]) -> str:
    """Return a message with hints that somebody has put into words, in brackets at its end."""
    said = ", ".join(hints)
    return f"{message} ({said})" if said else message


class InputError(GridcellError, ValueError):
    """An input file, layer or frame that cannot be used as it is."""


class RulesError(GridcellError, ValueError):
    """Settings that are unknown, ill-typed or contradict each other."""


class PartitionError(GridcellError):
    """Rules that the land cannot meet."""

    exit_code = 5


class ProofError(GridcellError):
    """A property that every plan promises does not hold for this one."""

    exit_code = 4


class CodeError(GridcellError, ValueError):
    """A code that cannot be built or read."""


class AssignmentError(GridcellError, ValueError):
    """Points or people that cannot be assigned to cells."""


class WriteError(GridcellError, OSError):
    """An output that cannot be written."""


@contextmanager
def needs(what: str, *, extra: str) -> Iterator[None]:
    """Turn a failed import into an `InputError` that tells how to install what is missing.

    Parameters
    ----------
    what
        The work that needs it, to begin a sentence with.
    extra
        The optional dependencies of gridcell that have it.

    Raises
    ------
    InputError
        An import in the block failed.

    Examples
    --------
    >>> try:
    ...     with needs("printing", extra="print"):
    ...         import no_such_module
    ... except InputError as error:
    ...     print(error)
    printing needs no_such_module, which is not installed: pip install 'gridcell[print]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"{what} needs {error.name}, which is not installed: pip install 'gridcell[{extra}]'"
        ) from None
