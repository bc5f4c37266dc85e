"""The division on graphs: connected, counted, within the band, the same every time."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gridcell.partition.coarsen import join_blocks
from gridcell.partition.dissolve import dissolve
from gridcell.partition.divide import cells_within, share_out
from gridcell.partition.graph import Graph, contract
from gridcell.partition.kernels import anneal
from gridcell.partition.search import divide_pieces, goal_of
from gridcell.partition.start import start
from gridcell.partition.targets import Targets
from gridcell.rules import Rules


def lattice(rows: int, columns: int, weight: np.ndarray, street_every: int = 0) -> Graph:
    """A field of unit squares; every `street_every`-th row and column border is a street."""
    n = rows * columns
    number = np.arange(n).reshape(rows, columns)
    across = np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    down = np.column_stack([number[:-1].ravel(), number[1:].ravel()])
    pairs = np.concatenate([across, down])
    on = np.zeros(len(pairs))
    if street_every:
        on[: len(across)] = (across[:, 1] % columns) % street_every == 0
        on[len(across) :] = (down[:, 1] // columns) % street_every == 0
    both = np.concatenate([pairs, pairs[:, ::-1]])
    order = np.lexsort((both[:, 1], both[:, 0]))
    on = np.concatenate([on, on])[order]
    first = np.concatenate([[0], np.cumsum(np.bincount(both[:, 0], minlength=n))])
    y, x = np.divmod(np.arange(n), columns)
    return Graph(
        first=first,
        neighbour=both[order, 1],
        length=np.ones(len(both)),
        on_barrier=on,
        rim=4.0 - np.bincount(both[:, 0], minlength=n),
        rim_on_barrier=np.zeros(n),
        weight=np.asarray(weight, dtype=np.float64),
        area=np.ones(n),
        xy=np.column_stack([x + 0.5, -y - 0.5]).astype(np.float64),
        reach=reach_of_squares(np.column_stack([x, -y - 1])),
    )


def reach_of_squares(corner: np.ndarray) -> np.ndarray:
    """How far unit squares with this lower left corner reach in 16 directions."""
    angle = np.arange(16) * np.pi / 8
    corners = corner[:, None] + np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    return (corners @ np.array([np.cos(angle), np.sin(angle)])).max(axis=1)


def targets(low: float, target: float, high: float) -> Targets:
    return Targets(
        low=np.array([low]), target=np.array([target]), high=np.array([high]),
        wanted=np.array([0]),
    )  # fmt: skip


def pieces_of(graph: Graph, cell: np.ndarray) -> np.ndarray:
    """How many connected pieces each cell has."""
    n = len(graph)
    owner = np.repeat(np.arange(n), np.diff(graph.first))
    same = cell[owner] == cell[graph.neighbour]
    links = csr_array((np.ones(same.sum()), (owner[same], graph.neighbour[same])), shape=(n, n))
    label = connected_components(links, directed=False)[1]
    return np.array([len(np.unique(label[cell == c])) for c in np.unique(cell)])


fields = st.integers(2, 9).flatmap(
    lambda rows: st.integers(2, 9).flatmap(
        lambda columns: st.tuples(
            st.just(rows),
            st.just(columns),
            st.lists(st.integers(0, 30), min_size=rows * columns, max_size=rows * columns),
            st.integers(1, rows * columns),
            st.integers(0, 2**32 - 1),
        )
    )
)


@given(fields)
@settings(deadline=None, max_examples=150)
def test_a_start_makes_as_many_connected_cells_as_wanted(field) -> None:
    rows, columns, weight, count, _ = field
    graph = lattice(rows, columns, weight)
    cell = start(graph, np.zeros(len(graph), dtype=np.int64), np.array([count]))
    assert sorted(set(cell)) == list(range(count))
    assert (pieces_of(graph, cell) == 1).all()


@given(fields)
@settings(deadline=None, max_examples=150)
def test_the_search_keeps_every_cell_connected_and_their_number(field) -> None:
    rows, columns, weight, count, seed = field
    graph = lattice(rows, columns, weight, street_every=3)
    goal = max(1.0, sum(weight) / count)
    cell = divide_pieces(
        graph, np.zeros(len(graph), dtype=np.int64), np.array([count]),
        targets(0.75 * goal, goal, 1.25 * goal), 0, rules=Rules(search=60), seed=seed,
    ).cell  # fmt: skip
    assert sorted(set(cell)) == list(range(count))
    assert (pieces_of(graph, cell) == 1).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), columns=st.integers(2, 9))
def test_a_search_for_convex_cells_knows_how_far_each_reaches(seed, columns) -> None:
    graph = lattice(7, columns, np.random.default_rng(seed).integers(0, 9, 7 * columns))
    land = graph.land(0.5, convex=True)
    goal = goal_of(targets(20, 25, 40), 0, Rules().weights)
    cell = start(graph, np.zeros(len(graph), dtype=np.int64), np.array([columns]))
    left = anneal(land, cell, columns, goal, 20, 0.5, 0.05, 0.0, seed)
    assert left == pytest.approx(anneal(land, cell.copy(), columns, goal, 0, 1.0, 1.0, 0.0, seed))
    assert (pieces_of(graph, cell) == 1).all()


def test_a_convex_cell_costs_nothing_and_a_hook_something() -> None:
    graph = lattice(3, 3, np.ones(9))
    goal = goal_of(targets(1, 4, 9), 0, Rules().weights)

    def cost(cell: list[int], *, convex: bool) -> float:
        land = graph.land(0.5, convex=convex)
        return anneal(land, np.array(cell), 2, goal, 0, 1.0, 1.0, 0.0, 1)

    halves, hook = [0, 0, 0, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 0, 0, 0]
    assert cost(halves, convex=True) == cost(halves, convex=False)
    assert cost(hook, convex=True) > cost(hook, convex=False) + 0.4


def test_micro_cells_are_more_convex_than_the_perimeter_alone_would_have_them() -> None:
    weight = np.random.default_rng(4).integers(0, 40, 900)
    even = weight.sum() / 100
    graph = lattice(30, 30, weight, street_every=4)
    piece = np.zeros(900, dtype=np.int64)
    aim = targets(0.9 * even, even, 1.1 * even)
    concave = [
        lacking_of_hulls(graph, divide_pieces(
            graph, piece, np.array([100]), aim, 0, rules=Rules(), seed=1, convex=convex
        ).cell)
        for convex in (False, True)
    ]  # fmt: skip
    assert concave[1] < 0.8 * concave[0]


def lacking_of_hulls(graph: Graph, cell: np.ndarray) -> float:
    """What cells lack of .9 of their hulls, all in all."""
    squares = shapely.box(
        graph.xy[:, 0] - 0.5, graph.xy[:, 1] - 0.5, graph.xy[:, 0] + 0.5, graph.xy[:, 1] + 0.5
    )
    order = np.argsort(cell, kind="stable")
    whole = shapely.convex_hull(shapely.geometrycollections(squares[order], indices=cell[order]))
    return float(np.maximum(0.0, 0.9 - np.bincount(cell) / shapely.area(whole)).sum())


@given(fields, st.floats(5, 200))
@settings(deadline=None, max_examples=100)
def test_blocks_are_connected_and_contraction_keeps_every_total(field, heaviest) -> None:
    rows, columns, weight, _, _ = field
    graph = lattice(rows, columns, weight, street_every=3)
    block = join_blocks(graph, heaviest)
    count = int(block.max()) + 1
    assert (pieces_of(graph, block) == 1).all()
    coarse = contract(graph, block, count)
    load = np.bincount(block, weights=graph.weight)
    assert np.array_equal(coarse.weight, load)
    several = np.bincount(block) > 1
    assert (load[several] <= heaviest).all()
    assert coarse.area.sum() == pytest.approx(graph.area.sum())
    assert coarse.rim.sum() == pytest.approx(graph.rim.sum())


def test_blocks_end_at_streets() -> None:
    graph = lattice(9, 9, np.ones(81), street_every=3)
    block = join_blocks(graph, 9)
    y, x = np.divmod(np.arange(81), 9)
    assert len(np.unique(block)) == 9
    assert len(np.unique(np.column_stack([block, y // 3 * 3 + x // 3]), axis=0)) == 9


def test_an_even_field_is_divided_into_squares_along_its_streets() -> None:
    graph = lattice(12, 12, np.ones(144), street_every=4)
    cell = divide_pieces(
        graph, np.zeros(144, dtype=np.int64), np.array([9]), targets(12, 16, 20), 0,
        rules=Rules(), seed=1,
    ).cell  # fmt: skip
    y, x = np.divmod(np.arange(144), 12)
    assert len(np.unique(np.column_stack([cell, y // 4 * 3 + x // 4]), axis=0)) == 9


def test_a_cell_can_vanish_where_nobody_lives_and_come_up_where_many_do() -> None:
    weight = np.zeros((6, 12))
    weight[:, 6:] = 10
    graph = lattice(6, 12, weight.ravel())
    bad = np.zeros(72, dtype=np.int64)
    bad[: 6 * 12] = (np.arange(72) % 12 >= 6).astype(int) * (1 + np.arange(72) // 36)
    cell = divide_pieces(
        graph, np.zeros(72, dtype=np.int64), np.array([9]), targets(30, 40, 50), 0,
        rules=Rules(), seed=3,
    ).cell  # fmt: skip
    load = np.bincount(cell, weights=graph.weight)
    assert ((load >= 30) & (load <= 50)).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (8, 8)])
def test_a_band_of_half_a_percent_is_met_with_few_heavy_atoms(rows, columns, seed) -> None:
    rng = np.random.default_rng(seed)
    weight = np.round(np.exp(rng.normal(8, 1, rows * columns)))
    # Quarters of the same weight: there is a division without any deviation.
    across, down = np.arange(columns) * 2 // columns, np.arange(rows) * 2 // rows
    quarter = (down[:, None] * 2 + across).ravel()
    held = np.bincount(quarter, weights=weight)
    weight = np.round(weight * (held.mean() / held)[quarter])
    graph = lattice(rows, columns, weight)
    even = weight.sum() / 4
    low, high = 0.9975 * even, 1.0025 * even
    one_piece = np.zeros(rows * columns, dtype=np.int64)
    found = divide_pieces(
        graph, one_piece, np.array([4]), targets(low, even, high), 0, rules=Rules(), seed=seed
    )
    load = np.bincount(found.cell, weights=weight)
    assert len(load) == 4
    assert ((load >= low) & (load <= high)).all()


def test_no_cell_of_nobody_stays_beside_two_towers() -> None:
    graph = lattice(1, 4, np.array([60, 0, 0, 60]))
    band = targets(30, 40, 50)
    land = np.zeros(4, dtype=np.int64)
    found = cells_within(graph, land, 0, band, "micro", "1", Rules())
    assert sorted(np.bincount(found.cell, weights=graph.weight)) == [60, 60]


@given(
    st.integers(1, 4), st.integers(2, 5), st.integers(0, 2**32 - 1),
    st.sampled_from([(0, 15), (0, 60), (20, 60)]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_no_cell_under_its_band_has_a_neighbour_with_room(rows, columns, seed, weights) -> None:
    rng = np.random.default_rng(seed)
    graph = lattice(rows, columns, rng.integers(*weights, rows * columns, endpoint=True))
    before = rng.integers(0, 4, rows * columns)
    before = graph.within(before).components()
    load = np.bincount(before, weights=graph.weight)
    cell, tried = dissolve(graph, before, np.ones(len(load), dtype=np.int64), 30.0, 50.0)
    after = np.bincount(cell, weights=graph.weight)
    assert len(after) == len(tried)
    assert (pieces_of(graph, cell) == 1).all()
    assert ((after >= 30) & (after <= 50)).sum() >= ((load >= 30) & (load <= 50)).sum()
    a, b = cell[graph.owner], cell[graph.neighbour]
    beside = (a != b) & (after[a] < 30)
    assert not (beside & ((after[a] + after[b] <= 50) | (after[a] == 0))).any()


def test_the_same_seed_gives_the_same_cells_and_another_one_others() -> None:
    weight = np.random.default_rng(5).integers(1, 20, 400)
    graph = lattice(20, 20, weight)
    piece = np.zeros(400, dtype=np.int64)
    one, again, other = (
        divide_pieces(
            graph, piece, np.array([40]), targets(70, 100, 130), 0, rules=Rules(search=50), seed=s
        ).cell
        for s in (1, 1, 2)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_pieces_of_land_never_share_a_cell() -> None:
    graph = lattice(8, 8, np.ones(64))
    piece = (np.arange(64) % 8 >= 5).astype(np.int64)
    inside = graph.within(piece)
    cell = divide_pieces(
        inside, piece, np.array([3, 2]), targets(10, 13, 16), 0, rules=Rules(search=100), seed=1
    ).cell
    assert len({(p, c) for p, c in zip(piece, cell, strict=True)}) == 5


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 40)), min_size=1, max_size=12),
    st.integers(1, 200),
)
@settings(deadline=None)
def test_wanted_cells_are_shared_out_to_the_unit(pieces, wanted) -> None:
    households = np.array([h for h, _ in pieces], dtype=np.float64)
    atoms = np.array([a for _, a in pieces])
    count = share_out(wanted, households, atoms)
    assert (count >= 1).all()
    assert (count <= atoms).all()
    assert count.sum() == min(max(wanted, len(pieces)), atoms.sum())


@pytest.mark.parametrize(
    ("households", "cells"), [(651, 2), (650, 1), (399, 1), (0, 1), (1000, 2), (1100, 3), (260, 1)]
)
def test_a_community_gets_the_number_of_cells_that_its_band_allows(households, cells) -> None:
    band = targets(300, 600, 650) if households in {650, 651} else targets(300, 400, 500)
    assert band.cells_for(np.array([float(households)]), np.array([0]))[0] == cells
