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
about a division is a finding, not an exception.
"""


class GridcellError(Exception):
    """The root of gridcell's errors."""

    exit_code = 3


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
