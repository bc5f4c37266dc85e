"""Optional dependencies: what to install where one is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from gridcell.errors import InputError
from gridcell.words.messages import Message


@contextmanager
def needs(what: str, *, extra: str) -> Iterator[None]:
    """Turn a failed import into an `InputError` that tells how to install what is missing.

    Parameters
    ----------
    what
        The work that needs it: the text ``work.WHAT``.
    extra
        The optional dependencies of gridcell that have it.

    Raises
    ------
    InputError
        An import in the block failed.

    Examples
    --------
    >>> from gridcell.errors import InputError
    >>> try:
    ...     with needs("atlas", extra="print"):
    ...         import no_such_module
    ... except InputError as error:
    ...     print(error)
    an atlas needs no_such_module, which is not installed: pip install 'gridcell[print]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            Message(
                "error.needs", work=Message(f"work.{what}"), module=error.name or "", extra=extra
            )
        ) from None
