"""Even workloads among equally good choices: nobody holds two posts while others hold none."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import run_starts
from gridcell.staff.problem import MM, Bools, Filled, Ints, Problem, RoleBlock
from gridcell.staff.program import Programme

_MOST: Final = 3_000
"""Pairs of a set of ties that are still weighed against each other."""
_HALF: Final = 0.5 / MM


def even_out(problem: Problem, filled: Sequence[Filled], held: Ints) -> tuple[Ints, Ints]:
    """Return all pairs, shared out as evenly as the same number and distance allow.

    Parameters
    ----------
    problem
        The limits.
    filled
        What `fill_posts` returned.
    held
        (people,) posts that each holds besides.
    """
    none = [np.empty(0, dtype=np.int64)]
    entry = np.concatenate([*none, *(group.entry for group in filled)])
    post = np.concatenate([*none, *(group.post for group in filled)])
    ties = [block for group in filled for block in group.ties if block.allowed.any()]
    label = _tied(problem, ties)
    person = problem.entry_person[entry]
    load = held + np.bincount(person, minlength=len(held))
    movable = np.zeros(len(held), dtype=bool)
    movable[problem.entry_person[_all(ties)]] = True
    names = [np.unique(label[problem.entry_person[block.entries]]) for block in ties]
    for name in _uneven(label, load, movable):
        inside = label == name
        blocks = [
            block.only(block.allowed & inside[problem.entry_person[block.entries]][:, None])
            for block, within in zip(ties, names, strict=True)
            if within[np.searchsorted(within, name) % len(within)] == name
        ]
        here = inside[person]
        if sum(int(block.allowed.sum()) for block in blocks) > _MOST:
            continue
        better = _share_out(problem, blocks, entry[here], post[here], held)
        if better is not None:
            entry = np.concatenate([entry[~here], better[0]])
            post = np.concatenate([post[~here], better[1]])
            person = problem.entry_person[entry]
    order = np.lexsort((post, entry))
    return entry[order], post[order]


def _all(ties: Sequence[RoleBlock]) -> Ints:
    return np.concatenate([np.empty(0, dtype=np.int64), *(block.entries for block in ties)])


def _tied(problem: Problem, ties: Sequence[RoleBlock]) -> Ints:
    """Return for each person the number of the set of people among whom posts can change hands."""
    people, posts = len(problem.person_cells), len(problem.post_block)
    pairs = [np.nonzero(block.allowed) for block in ties]
    none = [np.empty(0, dtype=np.int64)]
    who = [problem.entry_person[b.entries[at[0]]] for b, at in zip(ties, pairs, strict=True)]
    what = [people + b.posts[at[1]] for b, at in zip(ties, pairs, strict=True)]
    one, other = np.concatenate([*none, *who]), np.concatenate([*none, *what])
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(people + posts,) * 2)
    return connected_components(graph, directed=False)[1][:people].astype(np.int64)


def _uneven(label: Ints, load: Ints, movable: Bools) -> Ints:
    """Return the sets in which somebody holds two posts more than somebody else."""
    rows = np.flatnonzero(movable)
    rows = rows[np.argsort(label[rows], kind="stable")]
    if not len(rows):
        return rows
    first = run_starts(label[rows])
    apart = np.maximum.reduceat(load[rows], first) - np.minimum.reduceat(load[rows], first)
    return label[rows[first[apart > 1]]]


def _share_out(
    problem: Problem, blocks: Sequence[RoleBlock], entry: Ints, post: Ints, held: Ints
) -> tuple[Ints, Ints] | None:
    programme = Programme(problem, blocks)
    pairs = programme.pairs([block.allowed for block in blocks])
    key = problem.entry_person[programme.entries]
    order = np.sort(key)
    now = entry * len(problem.post_block) + post
    listed = programme.entries[pairs.entry] * len(problem.post_block) + programme.posts[pairs.post]
    taken = np.isin(listed, now)
    if taken.sum() < len(now):
        return None
    found = programme.search(
        pairs,
        np.zeros(len(pairs.metres)),
        [
            (-np.ones(len(taken)), -float(len(now))),
            (pairs.metres, pairs.metres[taken].sum() + _HALF),
        ],
        even=held[order[run_starts(order)]],
    )
    if found is None:
        return None
    chosen = programme.entries[pairs.entry[found.taken]], programme.posts[pairs.post[found.taken]]
    cost = np.rint(pairs.metres * MM)
    same = cost[found.taken].sum() <= cost[taken].sum() and len(found.taken) >= len(now)
    return chosen if same and not problem.overloaded(*chosen).any() else None
