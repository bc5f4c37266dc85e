"""Tables as plain data for ``--json``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows of a table as JSON knows them: nothing for what is missing."""
    plain = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]
