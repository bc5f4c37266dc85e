"""Hidden counts: what linear programming, told all that is shown, cannot find out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gridcell.disclosure.intervals import UNBOUNDED, blocks, feasibility_intervals, feasible_counts
from gridcell.disclosure.suppression import suppress

VALUES = st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6, 12, 80])


def attack(tail, head, count, hidden):
    """Return the least and greatest value of each hidden count, by linear programming."""
    where = np.flatnonzero(hidden)
    nodes = max(tail.max(), head.max()) + 1
    flow = np.zeros((nodes, len(count)))
    flow[tail, np.arange(len(count))] -= 1
    flow[head, np.arange(len(count))] += 1
    known = flow[:, where] @ count[where]
    found = []
    for k in range(len(where)):
        ends = []
        for sign in (1, -1):
            goal = sign * np.eye(len(where))[k]
            result = linprog(goal, A_eq=flow[:, where], b_eq=known, bounds=(0, None))
            ends.append(
                count[where[k]] + UNBOUNDED if result.status == 3 else round(sign * result.fun)
            )
        found.append(ends)
    return where, np.array(found, dtype=np.int64).reshape(-1, 2)


@st.composite
def tables(draw):
    """Return a two-way table: an arc from the row to the column of each count."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    places = [(i, j) for i in range(rows) for j in range(columns)]
    kept = [p for p in places if draw(st.integers(0, 3))] or places[:1]
    row, column = np.array(kept).T
    return row, rows + column, np.array([draw(VALUES) for _ in kept])


@st.composite
def divisions(draw):
    """Return two divisions of some pieces into cells, parts of larger ones, with all their sums.

    Arcs lead from the whole over the larger cells and cells of the one to the pieces, and from
    there over the cells and larger cells of the other back to the whole.
    """
    pieces = draw(st.integers(1, 8))
    counts = np.array([draw(VALUES) for _ in range(pieces)])
    tail, head, count = [0], [0], [int(counts.sum())]
    nodes = 1
    leaf_node = []
    for side in range(draw(st.sampled_from([1, 2, 2]))):
        cell = np.array([draw(st.integers(0, 3)) for _ in range(pieces)])
        above = np.array([draw(st.integers(0, 1)) for _ in range(4)])
        root = 0 if side == 0 else nodes
        nodes += side
        for number in np.unique(above[cell]):
            ends = (root, nodes + number)
            tail.append(ends[side])
            head.append(ends[1 - side])
            count.append(int(counts[above[cell] == number].sum()))
        for number in np.unique(cell):
            ends = (nodes + above[number], nodes + 2 + number)
            tail.append(ends[side])
            head.append(ends[1 - side])
            count.append(int(counts[cell == number].sum()))
        leaf_node.append(nodes + 2 + cell)
        last_root, nodes = root, nodes + 6
    if len(leaf_node) == 1:
        leaf_node.append(np.full(pieces, nodes))
        last_root = nodes
    tail[0] = last_root
    return (
        np.concatenate([tail, leaf_node[0]]), np.concatenate([head, leaf_node[1]]),
        np.concatenate([count, counts]),
    )  # fmt: skip


@given(st.one_of(tables(), divisions()), st.sampled_from([3, 5, 10]), st.randoms())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_who_knows_all_that_is_shown_cannot_pin_a_hidden_count_down(network, threshold, random):
    tail, head, count = network
    before = np.array([random.random() < 0.1 for _ in count])
    found = suppress(tail, head, count, threshold=threshold, suppressed=before)
    assert found.suppressed[((count > 0) & (count < threshold)) | before].all()
    where, bounds = attack(tail, head, count, found.suppressed)
    width = bounds[:, 1] - bounds[:, 0]
    assert (width[~found.exposed[where]] >= threshold).all()
    low, high = feasibility_intervals(tail, head, count, found.suppressed)
    np.testing.assert_array_equal(np.column_stack([low, high])[where], bounds)
    # Exposed are only those that even a table without any count would give away.
    everything, bounds = attack(tail, head, count, np.ones(len(count), dtype=bool))
    open_to_all = (bounds[:, 1] - bounds[:, 0])[found.exposed[everything]]
    assert (open_to_all < threshold).all()


@given(divisions(), st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_ranges_need_no_hidden_count_to_be_known(network, data):
    tail, head, count = network
    hidden = np.array([data.draw(st.booleans()) for _ in count])
    unknown = np.where(hidden, -1, count)
    found, agrees = feasible_counts(tail, head, unknown, hidden)
    assert agrees.all()
    assert (found >= 0).all()
    np.testing.assert_array_equal(found[~hidden], count[~hidden])
    low, high = feasibility_intervals(tail, head, found, hidden)
    known_low, known_high = feasibility_intervals(tail, head, count, hidden)
    np.testing.assert_array_equal(low, known_low)
    endless = known_high - count >= UNBOUNDED
    np.testing.assert_array_equal(high[~endless], known_high[~endless])
    assert (high[endless] >= UNBOUNDED).all()


def test_sums_that_contradict_agree_with_no_counts():
    tail, head, count = np.array([0, 1, 1, 2]), np.array([1, 2, 2, 0]), np.array([9, 4, 4, 9])
    hidden = np.zeros(4, dtype=bool)
    assert not feasible_counts(tail, head, count, hidden)[1].any()
    assert feasible_counts(tail, head, count, np.array([True, False, False, True]))[1].all()


@given(divisions(), st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_contradiction_is_confined_to_what_hidden_counts_join(network, data):
    tail, head, count = network
    hidden = np.array([data.draw(st.booleans()) for _ in count])
    arc = data.draw(st.integers(0, len(count) - 1))
    wrong = np.where(np.arange(len(count)) == arc, count + 1, count)
    found, agrees = feasible_counts(tail, head, np.where(hidden, -1, wrong), hidden)
    if hidden[arc]:
        assert agrees.all()
    where = np.flatnonzero(~hidden)
    np.testing.assert_array_equal(found[where], wrong[where])
    # Linear programming agrees with what is said of each node that hidden counts reach.
    nodes = max(tail.max(), head.max()) + 1
    flow = np.zeros((nodes, len(count)))
    flow[tail, np.arange(len(count))] -= 1
    flow[head, np.arange(len(count))] += 1
    left = flow @ np.where(agrees | ~hidden, found, 0)
    touched = np.zeros(nodes, dtype=bool)
    touched[tail[agrees]] = touched[head[agrees]] = True
    assert (left[touched] == 0).all()
    bounds = [(0, None)] * int(hidden.sum())
    if hidden.any():
        every = linprog(
            np.zeros(hidden.sum()), A_eq=flow[:, hidden],
            b_eq=-flow[:, ~hidden] @ wrong[~hidden], bounds=bounds,
        )  # fmt: skip
        assert (every.status == 0) == agrees.all()


def test_blocks_are_what_closed_ways_hold_together():
    # A triangle, a bridge, and two arcs side by side.
    tail, head = np.array([0, 1, 2, 2, 3, 4]), np.array([1, 2, 0, 3, 4, 3])
    block = blocks(tail, head)
    assert len({*block[:3]}) == 1
    assert len({block[0], block[3], block[4]}) == 3
    assert block[4] == block[5]


def test_hiding_small_counts_alone_would_give_them_away():
    row, column = np.repeat(np.arange(3), 3), 3 + np.tile(np.arange(3), 3)
    count = np.array([2, 20, 30, 40, 50, 60, 70, 80, 90])
    alone = count < 5
    assert (attack(row, column, count, alone)[1] == [[2, 2]]).all()
    found = suppress(row, column, count, threshold=5)
    assert found.suppressed.sum() == 4
    assert not found.exposed.any()


@pytest.mark.parametrize("small", [0.02, 0.2])
def test_a_large_table_is_hidden_in_little_time(small):
    rng = np.random.default_rng(1)
    row = np.repeat(np.arange(600), 3)
    column = 600 + row // 8 + rng.integers(0, 3, len(row))
    row, column = np.unique(np.column_stack([row, column]), axis=0).T
    few = rng.random(len(row)) < small
    count = np.where(few, rng.integers(1, 5, len(row)), rng.integers(0, 60, len(row)))
    found = suppress(row, column, count, threshold=5)
    low, high = feasibility_intervals(row, column, count, found.suppressed)
    assert ((high - low)[found.suppressed & ~found.exposed] >= 5).all()
    assert found.suppressed.mean() < 0.75


def test_a_threshold_of_0_hides_nothing():
    count = np.array([1, 2, 3])
    assert not suppress(np.arange(3), 3 + np.arange(3), count, threshold=0).suppressed.any()


def test_a_count_whose_only_way_round_is_a_long_one_is_protected_all_the_same():
    # The search for one cheap cycle gives up before it is round.
    tail = np.arange(40)
    count = np.full(40, 20)
    count[0] = 3
    found = suppress(tail, (tail + 1) % 40, count, threshold=5)
    assert found.suppressed.all()
    assert not found.exposed.any()
