"""Communities fit together after reading: healed, listed, or refused."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, affinity, box

from gridcell.coverage.proof import prove_coverage
from gridcell.coverage.repair import repair_cells
from gridcell.errors import InputError
from gridcell.read import read_layers
from gridcell.rules import Rules

CRS = "EPSG:4545"
ORIGIN = np.array([500_000.0, 2_550_000.0])


def placed(*shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    moved = [shapely.transform(shape, lambda xy: xy + ORIGIN) for shape in shapes]
    return gpd.GeoDataFrame(
        {"code": list("ABCDEFGHIJKLMNOP")[: len(moved)]}, geometry=moved, crs=CRS
    )


def fit(frame: gpd.GeoDataFrame, width: float = 1.0) -> tuple[np.ndarray, list[str]]:
    layers = read_layers(frame, rules=Rules.build({"boundaries": {"heal_width": width}}))
    return layers.communities.geometry.to_numpy(), [f.kind for f in layers.findings]


def assert_exact(shapes: np.ndarray) -> None:
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    assert shapely.area(shapely.union_all(shapes)) == pytest.approx(
        shapely.area(shapes).sum(), rel=1e-12
    )


def test_communities_without_a_fault_stay_bit_identical() -> None:
    frame = placed(box(0, 0, 100, 100), box(100, 0, 200, 100))
    shapes, kinds = fit(frame)
    assert shapely.equals_exact(shapes, frame.geometry.to_numpy()).all()
    assert kinds == []


def test_a_vertex_that_only_the_neighbours_have_is_put_in() -> None:
    frame = placed(box(0, 0, 100, 200), box(100, 0, 200, 100), box(100, 100, 200, 200))
    shapes, kinds = fit(frame)
    assert_exact(shapes)
    assert kinds == ["borders_matched"]
    assert shapely.equals_exact(shapes[1:], frame.geometry.to_numpy()[1:]).all()
    assert shapely.get_num_coordinates(shapes[0]) == 6


@pytest.mark.parametrize("offset", [0.4, -0.4], ids=["gap", "overlap"])
def test_a_narrow_fault_is_healed_and_listed(offset: float) -> None:
    frame = placed(box(0, 0, 100, 100), box(100 + offset, 0, 200, 100), box(300, 0, 400, 100))
    layers = read_layers(frame)
    shapes = layers.communities.geometry.to_numpy()
    assert_exact(shapes)
    assert shapely.area(shapely.union_all(shapes)) == pytest.approx(30_000)
    healed = [f for f in layers.findings if f.kind == "healed"]
    assert [f.measure for f in healed] == [pytest.approx(40.0)]
    assert "between A and B given to A" in healed[0].message
    assert healed[0].place is not None
    assert shapely.equals_exact(shapes[2], frame.geometry[2])


def test_a_gap_among_four_is_divided_without_moving_a_border_far() -> None:
    frame = placed(
        box(0, 0, 99.8, 99.8), box(100.2, 0, 200, 99.8),
        box(0, 100.2, 99.8, 200), box(100.2, 100.2, 200, 200),
    )  # fmt: skip
    shapes, _ = fit(frame)
    assert_exact(shapes)
    assert shapely.area(shapes).sum() == pytest.approx(40_000)
    assert shapely.hausdorff_distance(shapes, frame.geometry.to_numpy()).max() <= 1.0
    assert (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all()


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (box(97, 0, 200, 100), "overlap of 300 m2, 3 m wide between A and B at x 500098"),
        (box(20, 20, 50, 50), "overlap of 900 m2, 30 m wide"),
        (box(0, 0, 100, 100), "overlap of 10,000 m2, 100 m wide"),
    ],
    ids=["wide", "inside", "same"],
)
def test_a_wide_overlap_stops_the_run_with_a_list(second: Polygon, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        fit(placed(box(0, 0, 100, 100), second))
    assert "boundaries.heal_width" in str(caught.value)
    assert "gridcell repair" in str(caught.value)


def test_a_wider_heal_width_settles_it() -> None:
    shapes, kinds = fit(placed(box(0, 0, 100, 100), box(97, 0, 200, 100)), 4.0)
    assert_exact(shapes)
    assert kinds.count("healed") == 1


def test_a_thin_long_gap_stops_the_run_and_a_lake_does_not() -> None:
    ring = box(0, 0, 300, 300)
    thin = box(50, 50, 250, 53)
    with pytest.raises(InputError, match="gap of 600 m2, 3 m wide between A and B"):
        fit(placed(ring.difference(thin).intersection(box(0, 0, 150, 300)),
                   ring.difference(thin).intersection(box(150, 0, 300, 300))))  # fmt: skip
    lake = ring.difference(box(100, 100, 200, 200))
    frame = placed(lake.intersection(box(0, 0, 150, 300)), lake.intersection(box(150, 0, 300, 300)))
    shapes, kinds = fit(frame)
    assert kinds == ["hole"]
    assert shapely.equals_exact(shapes, frame.geometry.to_numpy()).all()


def test_areas_of_several_levels_in_one_layer_are_told_as_such() -> None:
    lower = [box(100 * i, 0, 100 * i + 100, 100) for i in range(4)]
    with pytest.raises(InputError) as refused:
        fit(placed(*lower, box(0, 0, 201, 100), box(0, 0, 400, 100)))
    assert "F covers other communities whole: A, B, C, D and E" in str(refused.value)
    assert "several levels, 2 of a higher one" in str(refused.value)
    # Enclaves in land that was drawn without holes are overlaps like any other.
    with pytest.raises(InputError, match="overlap of 100 m2"):
        fit(placed(box(0, 0, 400, 100), box(10, 10, 20, 20), box(50, 10, 60, 20)))


def test_an_enclave_stays_an_enclave() -> None:
    frame = placed(box(0, 0, 300, 300).difference(box(100, 100, 110, 110)), box(100, 100, 110, 110))
    shapes, kinds = fit(frame)
    assert kinds == []
    assert shapely.area(shapes[1]) == pytest.approx(100)


def test_communities_in_several_pieces_keep_them() -> None:
    frame = placed(
        MultiPolygon([box(0, 0, 100, 100), box(200, 0, 300, 100)]), box(100.3, 0, 199.7, 100)
    )
    shapes, _ = fit(frame)
    assert_exact(shapes)
    assert shapely.area(shapely.union_all(shapes)) == pytest.approx(30_000)


def test_nothing_is_healed_at_width_zero() -> None:
    with pytest.raises(InputError, match=r"overlap of 40 m2, 0\.4 m wide"):
        fit(placed(box(0, 0, 100, 100), box(99.6, 0, 200, 100)), 0.0)


@pytest.mark.parametrize("offset", [1, -1], ids=["gap", "overlap"])
def test_what_is_just_narrower_than_the_width_is_healed_and_just_wider_is_not(offset: int) -> None:
    pair = [box(0, 0, 300, 300).difference(box(150, 50, 300, 250)), box(150, 50, 250, 250)]
    wall = box(250, 0, 300, 300)
    for width, healed in ((0.49, False), (0.51, True)):
        shape = affinity.translate(pair[1], 0.5 * offset)
        frame = placed(pair[0].difference(wall), shape, wall)
        fault = "overlap" if offset > 0 else "gap"
        if healed:
            shapes, kinds = fit(frame, width)
            assert "healed" in kinds
            assert_exact(shapes)
            assert shapely.area(shapes).sum() == pytest.approx(90_000)
        else:
            with pytest.raises(InputError, match=rf"{fault} of 100 m2, 0\.5 m wide"):
                fit(frame, width)


@pytest.mark.parametrize(("count", "more"), [(20, 0), (21, 1)])
def test_twenty_wide_faults_are_listed_and_the_others_counted(count: int, more: int) -> None:
    boxes = [box(0, 1000 * i, 100, 1000 * i + 100) for i in range(count)]
    others = [box(90, 1000 * i, 200, 1000 * i + 100) for i in range(count)]
    frame = gpd.GeoDataFrame(
        {"code": [f"{i:03}" for i in range(2 * count)]},
        geometry=[shapely.transform(shape, lambda xy: xy + ORIGIN) for shape in [*boxes, *others]],
        crs=CRS,
    )
    with pytest.raises(InputError) as caught:
        fit(frame)
    said = str(caught.value)
    assert said.count("overlap of") == 20
    assert (f"and {more} more" in said) == bool(more)


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_with_equal_claims_the_earlier_code_has_the_land(turned: bool) -> None:
    shapes = [box(0, 0, 100, 100), box(100.4, 0, 200, 100), box(0, 200, 100, 300),
              box(99.6, 200, 200, 300)]  # fmt: skip
    frame = placed(*shapes)
    frame["code"] = list("BADC") if turned else list("ABCD")
    layers = read_layers(frame.iloc[::-1] if turned else frame)
    healed = {f.community: f.measure for f in layers.findings if f.kind == "healed"}
    assert healed == {"A": pytest.approx(40.0), "C": pytest.approx(40.0)}


SLITS = {
    "gap": [box(0, 0, 100, 100), box(100.4, 0, 200, 100)],
    "wedge": [box(0, 0, 100, 100), Polygon([(100, 0), (200, 0), (200, 100), (100.6, 100)])],
    "cross": [box(0, 0, 99.8, 99.8), box(100.2, 0, 200, 99.8), box(0, 100.2, 99.8, 200),
              box(100.2, 100.2, 200, 200)],
}  # fmt: skip


@pytest.mark.parametrize("name", SLITS)
def test_slits_that_are_open_at_the_rim_are_closed_alike_on_reading_and_in_repair(
    name: str,
) -> None:
    frame = placed(*SLITS[name])
    shapes, kinds = fit(frame)
    assert "healed" in kinds
    assert_exact(shapes)
    assert shapely.area(shapes).sum() == pytest.approx(shapely.area(shapely.box(
        *frame.total_bounds)), rel=1e-9)  # fmt: skip
    repair = repair_cells(frame, gap_width=1.0)
    assert set(repair.moves["kind"]) == {"gap"}
    assert shapely.area(repair.cells.geometry).sum() == pytest.approx(shapely.area(shapes).sum())
    again = repair_cells(repair.cells, gap_width=1.0)
    assert not len(again.changed)


@pytest.mark.parametrize("name", SLITS)
def test_overlays_that_fail_in_floating_point_are_computed_at_a_fixed_precision(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GEOS raises so for some outlines: edges of a buffer run all but on those of the outline."""
    frame, difference = placed(*SLITS[name]), shapely.difference
    expected = fit(frame)[0]

    def failing(*args: object, grid_size: float | None = None) -> object:
        if grid_size is None:
            raise shapely.errors.GEOSException("TopologyException: found non-noded intersection")
        return difference(*args, grid_size=grid_size)

    monkeypatch.setattr(shapely, "difference", failing)
    shapes, kinds = fit(frame)
    assert "healed" in kinds
    assert_exact(shapes)
    monkeypatch.undo()
    assert shapely.hausdorff_distance(shapes, expected).max() < 0.001


def test_a_short_or_wide_inlet_at_the_rim_is_the_shape_of_the_rim() -> None:
    short = [box(0, 0, 100, 100).difference(box(99.6, 99, 100, 100)), box(100, 0, 200, 100)]
    wide = [box(0, 0, 100, 100), box(105, 0, 200, 100).union(box(100, 0, 200, 10))]
    for shapes in (short, wide):
        frame = placed(*shapes)
        assert "healed" not in fit(frame)[1]
        assert not len(repair_cells(frame).moves)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_sound_communities_are_read_as_they_are_whatever_holes_touch_what_shells(
    seed: int,
) -> None:
    """Triangles merged at random: holes touch shells and each other at vertices."""
    rng = np.random.default_rng(seed)
    points = shapely.multipoints(rng.uniform(0, 1000, (rng.integers(8, 25), 2)).round(2))
    triangles = np.array(shapely.get_parts(shapely.delaunay_triangles(points)))
    groups = rng.integers(2, 6)
    label = rng.integers(0, groups, len(triangles))
    merged = [triangles[label == group] for group in range(groups) if (label == group).any()]
    frame = placed(*(shapely.coverage_union_all(parts) for parts in merged))
    if not frame.is_valid.all() or not prove_coverage(frame.geometry).holds:
        return
    shapes, kinds = fit(frame)
    assert shapely.equals_exact(shapes, frame.geometry.to_numpy()).all()
    assert kinds == []


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.7))
def test_every_enclosed_gap_narrower_than_the_width_is_healed(seed: int, width: float) -> None:
    rng = np.random.default_rng(seed)
    y = np.concatenate([[0, 5], np.sort(rng.uniform(10, 990, rng.integers(2, 9))), [995, 1000]])
    x = 500 + np.where((y > 5) & (y < 995), rng.uniform(-3, 3, len(y)), 0)
    right = x + np.where((y > 5) & (y < 995), width, 0)
    frame = placed(
        Polygon([*zip(x, y, strict=True), (0, 1000), (0, 0)]),
        Polygon([*zip(right, y, strict=True), (1000, 1000), (1000, 0)]),
    )
    shapes, kinds = fit(frame)
    assert "healed" in kinds
    assert_exact(shapes)
    assert shapely.area(shapes).sum() == pytest.approx(1_000_000)


@settings(derandomize=True, max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-6, 0.0005, 0.05, 0.3]))
def test_carelessly_drawn_borders_end_as_an_exact_coverage(seed: int, jitter: float) -> None:
    """Squares whose every vertex is drawn anew, up to `jitter` m off, some borders with more."""
    rng = np.random.default_rng(seed)
    shapes = []
    for i in range(3):
        for j in range(3):
            corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=float)
            ring = []
            for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
                parts = np.sort(rng.choice([0.25, 0.5, 0.75], rng.integers(0, 3), replace=False))
                ring += [start + (end - start) * t for t in (0.0, *parts)]
            points = (np.array(ring) + np.array([i, j])) * 100 + rng.uniform(
                -jitter, jitter, (len(ring), 2)
            )
            shapes.append(Polygon(points))
    frame = placed(*shapes)
    fitted, _ = fit(frame)
    assert_exact(fitted)
    union = shapely.union_all(fitted)
    assert union.geom_type == "Polygon"
    assert not union.interiors
    moved = shapely.hausdorff_distance(fitted, frame.geometry.to_numpy())
    assert moved.max() <= 1.0
