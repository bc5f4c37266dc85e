"""Blocks as a pure assignment: places that people have to give, and seats that posts have."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gridcell.arrays import run_starts, spread
from gridcell.staff.matching import match
from gridcell.staff.problem import Bools, Filled, Ints, Problem, RoleBlock


class Places(NamedTuple):
    """What somebody gives to one post: in one role, or in whichever of several."""

    place: Ints
    """One a place and entry that it may serve, numbered from 0."""
    entry: Ints
    several: Bools
    """(places,) whether its person has others."""


def assign_places(
    problem: Problem, blocks: Sequence[RoleBlock], count: Ints, pooled: Bools
) -> Filled:
    """Return the best pairs, keeping to no limits but those of single places.

    Parameters
    ----------
    problem
        The limits.
    blocks
        Pairs that are possible by themselves.
    count
        (entries,) places that each entry has.
    pooled
        (people,) who has one place for all entries together.
    """
    places = _places(problem, blocks, count, pooled)
    number = len(places.several)
    seats = [spread(problem.post_wanted[block.posts])[0] for block in blocks]
    starts = np.cumsum([0, *map(len, seats)])
    cost = np.zeros((number, starts[-1]), dtype=np.int64)
    allowed = np.zeros(cost.shape, dtype=bool)
    entry_of = np.full((len(blocks), number), -1, dtype=np.int64)
    for b, block in enumerate(blocks):
        row = np.searchsorted(block.entries, places.entry)
        row[row == len(block.entries)] = 0
        own = block.entries[row] == places.entry
        place, row = places.place[own], row[own]
        entry_of[b, place] = row
        columns = slice(starts[b], starts[b + 1])
        cost[place, columns] = block.cost[row][:, seats[b]]
        allowed[place, columns] = block.allowed[row][:, seats[b]]

    # Among equals first those who have but one place to give.
    scale = min(cost.shape) + 1 if places.several.any() else 1
    found = match(cost * scale + (places.several[:, None] & (scale > 1)), allowed)
    near = allowed & (found.slack < scale)
    entry, post, ties = [], [], []
    for b, block in enumerate(blocks):
        here = (found.column >= starts[b]) & (found.column < starts[b + 1])
        entry.append(block.entries[entry_of[b, found.row[here]]])
        post.append(block.posts[seats[b][found.column[here] - starts[b]]])
        place, seat = np.nonzero(near[:, starts[b] : starts[b + 1]])
        mask = np.zeros(block.cost.shape, dtype=bool)
        mask[entry_of[b, place], seats[b][seat]] = True
        ties.append(block.only(mask))
    return Filled(
        entry=np.concatenate(entry), post=np.concatenate(post), most=found.most,
        cost=int(cost[found.row, found.column].sum()), bound=found.bound // scale,
        ties=tuple(ties),
    )  # fmt: skip


def _places(problem: Problem, blocks: Sequence[RoleBlock], count: Ints, pooled: Bools) -> Places:
    entries = np.sort(np.concatenate([block.entries for block in blocks]))
    shared = pooled[problem.entry_person[entries]]
    single, joint = entries[~shared], entries[shared]
    owner, _ = spread(count[single])
    whose = problem.entry_person[joint]
    order = np.argsort(whose, kind="stable")
    joint, whose = joint[order], whose[order]
    first = run_starts(whose)
    nth = len(owner) + np.cumsum(np.isin(np.arange(len(joint)), first)) - 1
    person = np.concatenate([problem.entry_person[single[owner]], whose[first]])
    return Places(
        place=np.concatenate([np.arange(len(owner)), nth]),
        entry=np.concatenate([single[owner], joint]),
        several=np.bincount(person)[person] > 1 if len(person) else np.zeros(0, dtype=bool),
    )
