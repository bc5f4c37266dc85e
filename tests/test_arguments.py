"""Arguments of other types than the annotated ones are named, with what was meant and given."""

import contextlib
import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from plans import tiny_plan
from shapely import Point, box

import gridcell
from gridcell.arguments import checked
from gridcell.errors import GridcellError, InputError

PLAN = tiny_plan()
FUNCTIONS = {
    name: function
    for name in gridcell.__all__
    if callable(function := getattr(gridcell, name)) and not inspect.isclass(function)
}
WRONG = [
    None, 3, 1.5, "no/such/place.gpkg", box(0, 0, 1, 1), {"a": 1}, [1, 2], ["a", "b"], b"x",
    object(), PLAN, PLAN.small, np.arange(3.0), pd.DataFrame({"a": [1]}),
]  # fmt: skip


def parameters(function):
    """Return the parameters that have to be given."""
    return [
        p
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    ]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_arguments_of_any_type_end_in_an_error_of_ours_or_serve(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function = FUNCTIONS[name]
    for wrong in WRONG:
        given = {p.name: wrong for p in parameters(function)}
        with contextlib.suppress(GridcellError):
            function(**given)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_settings_of_another_type_are_named(name):
    function = FUNCTIONS[name]
    for p in inspect.signature(function).parameters.values():
        # `parse_crs` and the reader of files say what they take.
        if p.annotation is Any or p.kind is p.VAR_KEYWORD or name == "prove_coverage":
            continue
        given = {q.name: None for q in parameters(function)} | {p.name: object()}
        with pytest.raises(InputError, match=r"^\w+: expected .*, got "):
            function(**given)
        if not parameters(function) or p in parameters(function)[:1]:
            with pytest.raises(InputError, match=rf"^{p.name}: expected .*, got object$"):
                function(**given)


def test_an_argument_is_held_against_its_annotation():
    @checked
    def take(
        path: str | Path = "", width: float = 1, names: Sequence[str] = (),
        more: Iterable[int] = (), frame: pd.DataFrame | None = None, flag: bool = True,
        rows: "np.ndarray[Any, Any] | None" = None, **rest: object,
    ) -> object:  # fmt: skip
        return (path, width, names, more, frame, flag, rows, rest)

    for fine in (
        {"path": Path()}, {"width": np.float32(2)}, {"width": 3}, {"names": ["a"]},
        {"more": iter([1])}, {"frame": PLAN.small}, {"flag": np.bool_(0)}, {"rows": np.arange(2)},
        {"rows": pd.Series([1])}, {"other": object()},
    ):  # fmt: skip
        take(**fine)
    for wrong, said in (
        ({"path": 3}, "path: expected str or Path, got int 3"),
        ({"width": "wide"}, "width: expected float, got str 'wide'"),
        ({"names": "abc"}, "names: expected a sequence of str, got str 'abc'"),
        ({"names": ["a", 1]}, "names: expected a sequence of str, got list"),
        ({"more": {"a": 1}}, "more: expected a sequence of int, got dict"),
        ({"frame": []}, "frame: expected DataFrame or None, got list"),
        ({"flag": "no"}, "flag: expected bool, got str 'no'"),
        ({"rows": [1]}, "rows: expected an array or None, got list"),
    ):
        with pytest.raises(InputError) as caught:
            take(**wrong)
        assert str(caught.value) == said
    with pytest.raises(TypeError, match="unexpected keyword"):
        checked(lambda: None)(stranger=1)


@pytest.mark.parametrize("within", [box(0, 0, 1, 1), "land.gpkg", "POLYGON EMPTY", {"type": "a"}])
def test_the_land_of_a_check_is_a_frame(within):
    with pytest.raises(InputError, match="within: expected GeoDataFrame or None, got "):
        gridcell.check_cells(PLAN.small, within=within)


def test_a_plan_stands_for_its_leaves_in_a_crosswalk(tmp_path):
    gridcell.write_plan(PLAN, tmp_path / "plan")
    of_plan = gridcell.make_crosswalk(PLAN, PLAN.small)
    of_file = gridcell.make_crosswalk(tmp_path / "plan", PLAN.small)
    pd.testing.assert_frame_equal(of_plan.pairs, of_file.pairs)
    assert gridcell.make_crosswalk(PLAN, PLAN).pairs["households"].sum() > 0


def test_points_alone_and_in_sequences_are_located():
    points = list(PLAN.leaves.representative_point())
    expected = gridcell.locate(PLAN, gpd.GeoSeries(points, crs=PLAN.crs))
    for given in (points, tuple(points), np.array(points, dtype=object)):
        pd.testing.assert_frame_equal(gridcell.locate(PLAN, given), expected)
    for two in (points[:2], tuple(points[:2])):
        pd.testing.assert_frame_equal(gridcell.locate(PLAN, two), expected[:2])
    pd.testing.assert_frame_equal(gridcell.locate(PLAN, points[0]), expected[:1])
    pd.testing.assert_frame_equal(
        gridcell.locate(PLAN, ([p.x for p in points], [p.y for p in points])), expected
    )
    for wrong in ([], [points[0], 3], "points.gpkg", {"x": 1, "y": 2}, [1, 2, 3], 5):
        with pytest.raises(GridcellError, match=r"^points: expected "):
            gridcell.locate(PLAN, wrong)
    assert gridcell.locate(PLAN, Point(0, 0))["how"].tolist() == ["outside"]
