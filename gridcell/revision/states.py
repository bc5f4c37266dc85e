"""What land and cells of a community were when edits were made, so that others are refused."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from gridcell.errors import InputError
from gridcell.files.digest import digest_json
from gridcell.model import Fabric, Plan
from gridcell.words.messages import Message, some


@dataclass(frozen=True, slots=True)
class LandState:
    """The land of a community, and its cells, at a moment of a plan's history.

    Examples
    --------
    >>> import gridcell
    >>> gridcell.LandState(operation=1, land="9f2c", cells="41d0").operation
    1
    """

    operation: int
    """The last one of the history."""
    land: str
    """Digest of its atoms: number, kind and households of each."""
    cells: str
    """Digest of the leaf of each atom, and of the small cell of each leaf."""

    def data(self) -> dict[str, int | str]:
        """Return it as plain data."""
        return asdict(self)


def land_states(plan: Plan, fabric: Fabric, codes: Sequence[str]) -> dict[str, LandState]:
    """Return the state of each community of a plan, by its code, in the order of the land."""
    atoms = fabric.atoms
    over = plan.leaves.set_index("code")["parent"].reindex(atoms["code"]).fillna("").to_numpy()
    operation = int(plan.history["number"].max()) if len(plan.history) else 1
    states = {}
    for row, code in enumerate(codes):
        own = np.flatnonzero((atoms["community"] == row).to_numpy())
        mine = atoms.iloc[own]
        land = [own.tolist(), mine["kind"].tolist(), mine["households"].tolist()]
        cells = [mine["code"].fillna("").tolist(), over[own].tolist()]
        states[code] = LandState(operation, digest_json(land)[:16], digest_json(cells)[:16])
    return states


def require_state(plan: Plan, now: Mapping[str, LandState], made: Mapping[str, LandState]) -> None:
    """Raise `InputError` where a plan is not what edits were made on: what differs, since when."""
    for code, then in made.items():
        if code not in now:
            raise InputError(
                Message("error.edits_community", community=code, communities=some(sorted(now)))
            )
        for key in ("land", "cells"):
            if getattr(then, key) == getattr(now[code], key):
                continue
            later = plan.history[plan.history["number"] > then.operation]
            since = [f"{row.number} {row.operation}" for row in later.itertuples()]
            raise InputError(
                Message(f"error.edits_{key}", community=code, then=then.operation,
                        now=now[code].operation, since=some(since) if since else "–")
            )  # fmt: skip
