"""Every post filled that can be, keeping to limits, with the least distance, then evenly.

Blocks that share nobody, or only people who can serve in all of them without a choice, are solved
apart. A group in which everybody has one place to give is a pure assignment. Where limits couple
several posts of a person, the assignment without them is a bound, and mostly keeps to them by
itself; where it does not, an integer programme decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.staff.places import assign_places
from gridcell.staff.pricing import solve_programme
from gridcell.staff.problem import Bools, Filled, Ints, Problem, RoleBlock

_MATRIX: Final = 20_000_000
"""Places times seats up to which an assignment is solved as a whole matrix (160 MB a copy)."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Groups:
    """Which blocks have to be solved together, and how."""

    of_block: Ints
    pooled: Bools
    """(people,) who has one place for all entries."""
    coupled: Bools
    """(people,) whose limits a pure assignment does not know."""
    places: Ints
    """(entries,) posts that each could hold, but for these limits."""


def fill_posts(problem: Problem) -> list[Filled]:
    """Return the pairs of each group of blocks, in the order of their first posts.

    Over all groups together, no choice within the limits fills more posts, and none that fills as
    many has a smaller sum of distances, down to the bound of each group.
    """
    if not len(problem.post_block) or not len(problem.entry_block):
        return []
    groups = _group(problem)
    order = [np.flatnonzero(groups.of_block == g) for g in range(int(groups.of_block.max()) + 1)]
    order = [numbers for numbers in order if len(numbers)]
    filled = []
    for numbers in sorted(order, key=lambda numbers: int(numbers[0])):
        blocks = [problem.block(int(number)) for number in numbers]
        blocks = [block for block in blocks if block.allowed.any()]
        if blocks:
            filled.append(_solve(problem, groups, blocks))
    return filled


def _group(problem: Problem) -> _Groups:
    """Join blocks whose entries share the limits of a person."""
    blocks = int(max(problem.post_block.max(), problem.entry_block.max())) + 1
    person, people = problem.entry_person, len(problem.person_cells)
    posts = np.bincount(problem.post_block, minlength=blocks)
    twin = np.zeros(blocks, dtype=bool)
    twin[problem.post_block[problem.post_wanted > 1]] = True
    heaviest = np.zeros(blocks)
    np.maximum.at(heaviest, problem.post_block, problem.post_load)
    places = np.minimum(problem.entry_cells, problem.person_cells[person])
    places = np.clip(places, 0, posts[problem.entry_block])
    of_person = np.bincount(person, places, minlength=people)
    load = places * heaviest[problem.entry_block]

    coupled = of_person > problem.person_cells
    coupled |= (of_person > 1) & (np.bincount(person, load, minlength=people) > problem.person_load)
    own = (places > 1) & ((load > problem.entry_load) | twin[problem.entry_block])
    coupled[person[own]] = True
    rivals = np.array(list(problem.rivals(np.flatnonzero(places > 0))), dtype=np.int64)
    excluded = np.bincount(person[rivals.reshape(-1, 2)[:, 0]], minlength=people)
    coupled |= excluded > 0
    several = np.bincount(person, places > 0, minlength=people)
    single = np.bincount(person, places > 1, minlength=people) == 0
    pooled = (several > 1) & single
    pooled &= (problem.person_cells == 1) | (excluded == several * (several - 1) // 2)
    coupled &= ~pooled

    links = np.flatnonzero((pooled | coupled)[person] & (places > 0))
    graph = coo_array(
        (np.ones(len(links)), (problem.entry_block[links], blocks + person[links])),
        shape=(blocks + people,) * 2,
    )
    label = connected_components(graph, directed=False)[1][:blocks].astype(np.int64)
    return _Groups(
        of_block=label, pooled=pooled, coupled=coupled, places=places.astype(np.int64)
    )  # fmt: skip


def _solve(problem: Problem, groups: _Groups, blocks: Sequence[RoleBlock]) -> Filled:
    entries = np.concatenate([block.entries for block in blocks])
    posts = np.concatenate([block.posts for block in blocks])
    size = int(groups.places[entries].sum()) * int(problem.post_wanted[posts].sum())
    start = None
    if size <= _MATRIX:
        filled = assign_places(problem, blocks, groups.places, groups.pooled)
        free = not groups.coupled[problem.entry_person[entries]].any()
        if free or problem.feasible(filled.entry, filled.post):
            return filled
        start = filled.entry, filled.post
    return solve_programme(problem, blocks, start)
