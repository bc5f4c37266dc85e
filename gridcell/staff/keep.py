"""People stay in the posts that they hold, unless there is a reason."""

import numpy as np
import pandas as pd

from gridcell.errors import AssignmentError
from gridcell.staff.pricing import solve_programme
from gridcell.staff.problem import Ints, Problem
from gridcell.words.messages import Message


def keep_pairs(
    problem: Problem,
    entries: pd.DataFrame,
    posts: pd.DataFrame,
    staff_id: "pd.Series[str]",
    held: pd.DataFrame | None,
) -> tuple[Ints, Ints]:
    """Return entries and posts of the holders who can stay.

    Reasons to leave: not on the roster, no longer eligible, a cell that is gone or too much for
    its holder, a post too many. Of somebody who holds too much as many posts are kept as possible,
    and of these the nearest; of a cell with too many holders likewise.

    Parameters
    ----------
    problem
        The limits.
    entries
        ``person`` and ``role_row`` of the problem's entries.
    posts
        ``role_row``, ``role`` and ``code`` of its posts.
    staff_id
        Of the people.
    held
        ``staff_id``, ``role``, ``code``; ``None`` where nobody holds anything.

    Raises
    ------
    AssignmentError
        A table that lacks a column.
    """
    none = np.empty(0, dtype=np.int64)
    if held is None or held.empty:
        return none, none
    lacking = [name for name in ("staff_id", "role", "code") if name not in held]
    if lacking:
        raise AssignmentError(Message("error.keep_columns", columns=list(lacking)))
    keys = held[["staff_id", "role", "code"]].astype("str").drop_duplicates()
    person = pd.Index(staff_id).get_indexer(pd.Index(keys["staff_id"]))
    post = pd.MultiIndex.from_frame(posts[["role", "code"]].astype("str")).get_indexer(
        pd.MultiIndex.from_frame(keys[["role", "code"]])
    )
    there = (person >= 0) & (post >= 0)
    person, post = person[there], post[there].astype(np.int64)
    entry = pd.MultiIndex.from_frame(entries[["person", "role_row"]]).get_indexer(
        pd.MultiIndex.from_arrays([person, posts["role_row"].to_numpy()[post]])
    )
    # The zone of the entry has to be that of the post: somebody may have moved.
    eligible = np.flatnonzero(entry >= 0)
    eligible = eligible[problem.entry_block[entry[eligible]] == problem.post_block[post[eligible]]]
    entry, post = entry[eligible].astype(np.int64), post[eligible]
    order = np.lexsort((post, entry))
    entry, post = entry[order], post[order]
    return (entry, post) if problem.feasible(entry, post) else _as_many(problem, entry, post)


def _as_many(problem: Problem, entry: Ints, post: Ints) -> tuple[Ints, Ints]:
    """Return the most of these pairs that keep to the limits."""
    now = np.sort(entry * len(problem.post_block) + post)
    blocks = []
    numbers = np.unique(problem.entry_block[entry])
    for number in numbers:
        block = problem.block(int(number))
        key = block.entries[:, None] * len(problem.post_block) + block.posts[None, :]
        block = block.only(block.allowed & np.isin(key, now))
        if block.allowed.any():
            blocks.append(block)
    if not blocks:
        none = np.empty(0, dtype=np.int64)
        return none, none
    filled = solve_programme(problem, blocks)
    order = np.lexsort((filled.post, filled.entry))
    return filled.entry[order], filled.post[order]
