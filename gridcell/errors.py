"""Every error gridcell raises on purpose.

::

    GridcellError
    ├── InputError (ValueError)        a file or frame cannot be used        exit 3
    ├── RulesError (ValueError)        settings that contradict each other   exit 3
    ├── PartitionError                 the rules cannot be met by the land   exit 5
    ├── ProofError                     a promised property does not hold     exit 4
    ├── CodeError (ValueError)         a code cannot be built or read        exit 3
    ├── AssignmentError (ValueError)   points or people cannot be placed     exit 3
    ├── WriteError (OSError)           an output cannot be written           exit 3
    └── WorkerError                    a process that worked was lost        exit 1

What it says is a message of the catalogue, as that of a finding: ``str(error)`` says it in English,
the command line in the language of the reader. It tells which record, what was found, what was
expected and what to try. What a check finds about a division is a finding, not an exception. A
setting that would help is no part of the message but a `Hint`, because it is spelt differently in
Python and on the command line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Saying(Protocol):
    """What an error says, to be put into words: `gridcell.words.messages.Message`."""

    @property
    def msgid(self) -> str:
        """Which text of the catalogue."""

    @property
    def params(self) -> Mapping[str, Any]:
        """The values that go into it."""


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
    text
        What is wrong and what to do about it, naming neither arguments nor options; errors that
        are no part of gridcell may say a plain sentence.
    *hints
        Settings that would help. ``str(error)`` adds them as a Python user writes them.

    Examples
    --------
    >>> from gridcell.words.messages import Message, say
    >>> text = Message("error.points_no_crs")
    >>> error = InputError(text, Hint("crs", "EPSG:4547"))
    >>> print(error)
    points: the CRS is missing; set it, or name it (crs='EPSG:4547')
    >>> error.message
    'points: the CRS is missing; set it, or name it'
    >>> say(error.text, "zh")
    '点：缺少坐标系；请设定或指明'
    """

    exit_code = 3
    hints: tuple[Hint, ...] = ()

    def __init__(self, text: Saying | str = "", *hints: Hint) -> None:
        super().__init__(text)
        self.hints = hints

    @property
    def text(self) -> Saying | str:
        """What is wrong, without the hints, not yet in words."""
        text: Saying | str = self.args[0]
        return text

    @property
    def message(self) -> str:
        """What is wrong, without the hints, in English."""
        return str(self.text)

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


class WorkerError(GridcellError):
    """A process that worked for this one was lost, with what it was doing."""

    exit_code = 1
