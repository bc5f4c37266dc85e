"""The look-up table of communities that changed their code."""

from collections.abc import Mapping

import pandas as pd

from gridcell.errors import InputError
from gridcell.read.files import Input, open_input
from gridcell.read.ids import refuse_scientific
from gridcell.tables.values import as_text


def read_recoded(table: Input, *, encoding: str | None = None) -> dict[str, str]:
    """Return the new codes of communities by their earlier ones.

    Parameters
    ----------
    table
        A file or frame with the columns ``old`` and ``new``; rows with the same code in both say
        nothing.
    encoding
        Encoding of a CSV file.

    Raises
    ------
    InputError
        Columns or codes that are missing, a code with two others.

    Examples
    --------
    >>> import pandas as pd
    >>> read_recoded(pd.DataFrame({"old": ["450802001013"], "new": ["450802001113"]}))
    {'450802001013': '450802001113'}
    """
    source = open_input(table, "recoded", encoding=encoding)
    columns = {str(name).strip().lower(): name for name in source.frame.columns}
    if missing := [name for name in ("old", "new") if name not in columns]:
        there = ", ".join(map(str, source.frame.columns))
        raise InputError(
            f"{source.label}: no column {' and no column '.join(missing)}; expected old and new, "
            f"codes of communities; the columns are {there}"
        )
    codes = {name: as_text(pd.Series(source.frame[columns[name]])) for name in ("old", "new")}
    for name, column in codes.items():
        refuse_scientific(column, source, name)
        if (empty := column.isna()).any():
            raise InputError(
                f"{source.label}: row {int(empty.argmax()) + 1} has no code in {name}; expected "
                f"codes of communities"
            )
    recoded: dict[str, str] = {}
    for row, (old, new) in enumerate(zip(codes["old"], codes["new"], strict=True), start=1):
        put_recoded(recoded, old, new, f"{source.label}: row {row}")
    return recoded


def put_recoded(recoded: dict[str, str], old: str, new: str, label: str) -> None:
    """Add a pair of codes.

    Raises
    ------
    InputError
        One of them has another partner already.
    """
    if old == new:
        return
    partners: Mapping[str, str] = {there: then for then, there in recoded.items()}
    if recoded.get(old, new) != new or partners.get(new, old) != old:
        pair = (old, recoded[old]) if old in recoded else (partners[new], new)
        raise InputError(
            f"{label}: {old!r} is {new!r} now, and {pair[0]!r} is {pair[1]!r} before that; "
            f"expected one new code for each earlier one"
        )
    recoded[old] = new
