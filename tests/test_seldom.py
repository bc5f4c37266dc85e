"""What seldom happens: what a library or a disk refuses, and rows that no sound layer has."""

import errno
import os

import numpy as np
import pytest
import shapely

from gridcell.coverage import faces, open_slivers
from gridcell.coverage.levels import _depth
from gridcell.fabric import margins
from gridcell.files import folder, whole


def test_rows_of_a_circle_of_parents_have_no_depth():
    parent = np.full(40, -1)
    parent[:3] = 1, 0, 3
    assert _depth(parent)[:4].tolist() == [0, 0, 1, 0]


def test_a_union_that_geos_refuses_leaves_its_own_group_as_it_is(monkeypatch):
    groups = np.array([
        shapely.MultiPolygon([shapely.box(x, 0, x + 1, 1), shapely.box(x + 1, 0, x + 2, 1)])
        for x in (0, 10, 20)
    ])  # fmt: skip
    union = shapely.coverage_union_all

    def refusing(parts, axis):
        if any(part is groups[1] for part in parts.ravel()):
            raise shapely.errors.GEOSException("no union")
        return union(parts, axis=axis)

    monkeypatch.setattr(shapely, "coverage_union_all", refusing)
    whole_ones = faces.union_parts(groups)
    assert whole_ones[1] is groups[1]
    assert shapely.get_num_geometries(whole_ones[[0, 2]]).tolist() == [1, 1]


def test_a_difference_that_cannot_be_noded_is_taken_at_a_fixed_precision(monkeypatch):
    difference = shapely.difference

    def refusing(some, other, grid_size=None):
        if grid_size is None:
            raise shapely.errors.GEOSException("TopologyException")
        return difference(some, other, grid_size=grid_size)

    monkeypatch.setattr(shapely, "difference", refusing)
    left = open_slivers._difference(shapely.box(0, 0, 2, 1), shapely.box(0, 0, 1, 1), 0.1)
    assert left.equals(shapely.box(1, 0, 2, 1))


@pytest.mark.parametrize(("number", "passes"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_disk_that_cannot_settle_is_no_error_and_one_that_fails_is(
    monkeypatch, tmp_path, number, passes
):
    def refusing(_file):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refusing)
    if passes:
        whole.settle(tmp_path)
        return
    with pytest.raises(OSError, match=os.strerror(number)):
        whole.settle(tmp_path)


def test_a_folder_that_cannot_be_looked_at_is_not_stale(monkeypatch, tmp_path):
    def refusing():
        raise OSError(errno.EIO, "input")

    monkeypatch.setattr(whole.time, "time", refusing)
    assert not whole.is_stale(tmp_path)


@pytest.mark.parametrize("fails", [False, True])
def test_where_folders_cannot_change_places_the_old_one_stands_aside(monkeypatch, tmp_path, fails):
    part, target = tmp_path / ".new.part", tmp_path / "plan"
    for name, text in ((part, "new"), (target, "old")):
        name.mkdir()
        (name / "file").write_text(text, encoding="utf-8")
    monkeypatch.setattr(folder, "exchange", lambda *_: False)
    rename = folder._rename

    def failing(path, to):
        if fails and path == part:
            raise PermissionError(errno.EACCES, "in use")
        rename(path, to)

    monkeypatch.setattr(folder, "_rename", failing)
    if fails:
        with pytest.raises(PermissionError):
            folder._put(part, target)
    else:
        folder._put(part, target)
    assert (target / "file").read_text("utf-8") == ("old" if fails else "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".new.part"] * fails + ["plan"]


def test_pairs_that_geos_refuses_are_overlaid_at_a_fixed_precision():
    some = np.array([shapely.box(x, 0, x + 2, 1) for x in (0, 10, 20)])
    others = np.array([shapely.box(x + 1, 0, x + 3, 1) for x in (0, 10, 20)])

    def refusing(a, b, grid_size=None):
        if grid_size is None and any(each is some[1] for each in np.atleast_1d(a)):
            raise shapely.errors.GEOSException("side location conflict")
        return shapely.intersection(a, b, grid_size=grid_size)

    found = margins._overlaid(refusing, some, others)
    assert shapely.area(found).tolist() == [1.0, 1.0, 1.0]
