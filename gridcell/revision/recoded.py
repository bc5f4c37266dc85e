"""The look-up table of communities that changed their code."""

from collections.abc import Mapping

import pandas as pd

from gridcell.errors import InputError
from gridcell.read.files import Input, open_input
from gridcell.read.ids import exact_ids
from gridcell.tables.values import as_text
from gridcell.words.messages import Message, Value, either, joined


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
        there = [str(name) for name in source.frame.columns]
        raise InputError(
            Message(
                "error.recoded_columns",
                label=source.label,
                columns=joined("nor_column", missing),
                found=either(there),
            )
        )
    codes = {name: as_text(pd.Series(source.frame[columns[name]])) for name in ("old", "new")}
    for name, column in codes.items():
        codes[name] = exact_ids(column, source, name, columns[name])
        if (empty := column.isna()).any():
            raise InputError(
                Message(
                    "error.recoded_empty",
                    label=source.label,
                    row=int(empty.argmax()) + 1,
                    column=name,
                )
            )
    recoded: dict[str, str] = {}
    for row, (old, new) in enumerate(zip(codes["old"], codes["new"], strict=True), start=1):
        put_recoded(recoded, old, new, f"{source.label}: row {row}")
    return recoded


def put_recoded(recoded: dict[str, str], old: str, new: str, label: Value) -> None:
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
            Message(
                "error.recoded_twice",
                label=label,
                old=old,
                new=new,
                other_old=pair[0],
                other_new=pair[1],
            )
        )
    recoded[old] = new
