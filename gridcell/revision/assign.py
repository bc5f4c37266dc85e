"""Atoms given out to cells anew: what a planner drew on a map of atoms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridcell.errors import InputError
from gridcell.revision.holding import CellHolding, GivenNames
from gridcell.words.messages import Message, some

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AtomGroup:
    """The land of one leaf.

    Examples
    --------
    >>> import gridcell
    >>> gridcell.AtomGroup([3, 4, 7], "450899001001001").small
    '450899001001001'
    """

    atoms: Sequence[int]
    """Their ``atom_id``."""
    small: str
    """Code of the small cell around it; any other word names a new one."""
    name: str | None = None
    """What the leaf is called from now on, ``None`` where that does not change."""


def assign_atoms(holding: CellHolding, groups: Sequence[AtomGroup]) -> None:
    """Make leaves of groups of atoms, in place of the leaves whose land they are.

    Parameters
    ----------
    holding
        The cells of a plan.
    groups
        Together exactly the land of some general leaves.

    Raises
    ------
    InputError
        Atoms that are not there, belong to a site, come twice or are in another community than the
        rest of their group; a leaf of which only a part is given out; a cell in pieces.
    """
    fabric = holding.given.fabric
    atoms = np.concatenate([np.asarray(group.atoms, dtype=np.int64) for group in groups])
    group_of = np.repeat(np.arange(len(groups)), [len(group.atoms) for group in groups])
    _require_general(atoms, fabric.atoms["site"].to_numpy())
    _require_whole_leaves(holding, atoms)
    community = fabric.atoms["community"].to_numpy()[atoms]
    for number in range(len(groups)):
        own = np.unique(community[group_of == number])
        if len(own) > 1:
            raise InputError(
                Message("error.assign_communities", group=number + 1,
                        communities=[holding.codes[row] for row in own])
            )  # fmt: skip
    smalls = _small_rows(holding, groups, atoms, group_of)
    leaves = smalls if not holding.has_micro else _leaf_rows(holding, atoms, group_of, len(groups))
    holding.small[atoms] = smalls[group_of]
    if holding.has_micro:
        holding.leaf[atoms] = leaves[group_of]
    for row in np.unique(community).tolist():
        mine = atoms[community == row]
        if not holding.has_micro:
            holding.settle_leaves(mine, row)
        _require_pieces(holding, mine, row)


def _require_general(atoms: Ints, site: Ints) -> None:
    strange = atoms[(atoms < 0) | (atoms >= len(site))]
    if len(strange):
        raise InputError(Message("error.assign_no_atom", atom=int(strange[0]), last=len(site) - 1))
    fixed = atoms[site[atoms] >= 0]
    if len(fixed):
        raise InputError(Message("error.assign_site", atom=int(fixed[0])))
    ordered = np.sort(atoms)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        raise InputError(Message("error.assign_twice", atom=int(twice[0])))


def _require_whole_leaves(holding: CellHolding, atoms: Ints) -> None:
    given = np.zeros(len(holding.leaf), dtype=bool)
    given[atoms] = True
    touched = np.unique(holding.leaf[atoms])
    left = np.flatnonzero(np.isin(holding.leaf, touched) & ~given)
    if len(left):
        leaf = holding.plan.leaves["code"].iloc[int(holding.leaf[left[0]])]
        raise InputError(
            Message("error.assign_part", code=leaf, atoms=some([str(atom) for atom in left], 3))
        )


def _small_rows(
    holding: CellHolding, groups: Sequence[AtomGroup], atoms: Ints, group_of: Ints
) -> Ints:
    """Return the small cell of each group: one of the plan, or a new one for each new name."""
    known = {str(code): row for row, code in enumerate(holding.plan.small["code"])}
    community = holding.given.fabric.atoms["community"].to_numpy()
    rows = np.empty(len(groups), dtype=np.int64)
    fresh: dict[tuple[str, int], int] = {}
    first = int(holding.new_rows("small", 1)[0])
    for number, group in enumerate(groups):
        home = int(community[atoms[group_of == number][0]])
        row = known.get(group.small)
        if row is None:
            row = fresh.setdefault((group.small, home), first + len(fresh))
        else:
            cell = holding.general_cell(group.small)
            if cell.community != home:
                raise InputError(
                    Message("error.assign_small", group=number + 1, code=cell.code,
                            community=holding.codes[home])
                )  # fmt: skip
        rows[number] = row
    return rows


def _leaf_rows(holding: CellHolding, atoms: Ints, group_of: Ints, groups: int) -> Ints:
    """Return the leaf that each group goes on as: that with most of its households, or a new one.

    Which code it has is settled by what it keeps: `gridcell.revision.match.keep_codes`.
    """
    held = holding.given.fabric.atoms["households"].to_numpy()[atoms]
    area = holding.given.fabric.atoms["area_m2"].to_numpy()[atoms]
    width = int(holding.leaf.max()) + 1
    key, pair = np.unique(group_of * width + holding.leaf[atoms], return_inverse=True)
    group, leaf = np.divmod(key, width)
    households, land = np.bincount(pair, weights=held), np.bincount(pair, weights=area)
    rows = np.full(groups, -1, dtype=np.int64)
    taken: set[int] = set()
    for k in np.lexsort((leaf, group, -land, -households)).tolist():
        if rows[group[k]] < 0 and int(leaf[k]) not in taken:
            rows[group[k]] = leaf[k]
            taken.add(int(leaf[k]))
    new = np.flatnonzero(rows < 0)
    rows[new] = holding.new_rows("micro", len(new))
    return rows


def names_of_groups(groups: Sequence[AtomGroup], small_names: Mapping[str, str]) -> GivenNames:
    """Return the names that cells get with their land, each by one atom of its cell.

    Raises
    ------
    InputError
        An empty name, or one of a small cell that no group is in.
    """
    inside = {group.small: int(group.atoms[0]) for group in groups}
    strange = sorted(set(small_names) - set(inside))
    if strange:
        raise InputError(
            Message("error.assign_small_name", small=strange[0], smalls=some(sorted(inside)))
        )
    leaf = {int(group.atoms[0]): group.name for group in groups if group.name is not None}
    small = {inside[word]: name for word, name in small_names.items()}
    if not all(name.strip() for name in (*leaf.values(), *small.values())):
        raise InputError(Message("error.empty_name"))
    return GivenNames(small=small, leaf=leaf)


def _require_pieces(holding: CellHolding, atoms: Ints, community: int) -> None:
    """Raise `InputError` where a leaf, or a small cell that changed, is in pieces."""
    level = "micro" if holding.has_micro else "small"
    for row in np.unique(holding.cell_of(level)[atoms]).tolist():
        own = np.flatnonzero(holding.cell_of(level) == row)
        said = Message("error.assign_pieces", atoms=some([str(atom) for atom in own], 3))
        holding.require_connected(row, level, community, said)
    codes = holding.plan.small["code"]
    for row in np.unique([*holding.before.small[atoms], *holding.small[atoms]]).tolist():
        own = np.flatnonzero(holding.small == row)
        if not len(own):
            continue
        said = Message("error.assign_pieces", atoms=some([str(atom) for atom in own], 3))
        if row < len(codes):
            said = Message("error.small_falls_apart", code=codes.iloc[row])
        holding.require_connected(row, "small", community, said)
