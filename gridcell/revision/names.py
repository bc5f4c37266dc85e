"""Names that somebody gives to cells."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.cells.frames import cell_titles
from gridcell.errors import InputError
from gridcell.model import Plan
from gridcell.words.messages import Message


def rename_cell(plan: Plan, level: str, row: int, name: str | None) -> Plan:
    """Return the plan with another name of a cell, and of those inside that are called after it.

    Nothing else is kept of a given name: it is one that differs from what the number makes, and
    stays with the code (`gridcell.revision.match.keep_codes`).

    Parameters
    ----------
    plan
        The plan.
    level, row
        The cell: row of its small or micro cells.
    name
        The name; ``None`` for what its number makes.

    Raises
    ------
    InputError
        A dedicated cell without a name: it is called after its site.
    """
    cell = plan.cells(level).iloc[row]
    if name is None and cell["grid_type"] == "dedicated":
        raise InputError(Message("error.site_name_kept", code=cell["code"]))
    small, micro = plan.small.copy(), plan.micro.copy()
    own = small if level == "small" else micro
    plainly = _plainly(plan, small, micro)
    if name is None:
        name = _titles(plan, level, own.iloc[[row]], plan.medium if level == "small" else small)[0]
    own["name"] = np.where(own["code"] == cell["code"], name, own["name"])
    titles = _titles(plan, "micro", micro, small)
    if level == "small":
        micro["name"] = np.where(plainly, titles, micro["name"])
    called = pd.concat([small, micro]).set_index("code")["name"]
    leaves = plan.leaves.assign(name=called.reindex(plan.leaves["code"]).to_numpy())
    small, micro, leaves = (frame.astype({"name": "str"}) for frame in (small, micro, leaves))
    return replace(plan, small=small, micro=micro, leaves=leaves)


def _plainly(plan: Plan, small: pd.DataFrame, micro: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which micro cells are called as their number makes it."""
    return np.asarray(micro["name"] == _titles(plan, "micro", micro, small), dtype=bool)


def _titles(
    plan: Plan, level: str, cells: pd.DataFrame, above: pd.DataFrame
) -> NDArray[np.object_]:
    called = cells["parent"].map(above.set_index("code")["name"]).to_numpy(dtype=object)
    rules = plan.rules.codes
    digits = rules.small_digits if level == "small" else rules.micro_digits
    return cell_titles(called, cells["code"], digits, f"name.{level}")
