"""Outputs appear whole or not at all, whatever stops a run, and one error tells why they cannot."""

import contextlib
import dataclasses
import errno
import inspect
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from atlas_fonts import make_font
from click.testing import CliRunner
from plans import LARGE, tiny_plan
from shapely import box

import gridcell
from gridcell.errors import WriteError
from gridcell.files import folder
from gridcell.files.folder import recover_folder, require_place, whole_folder
from gridcell.files.whole import require_writable, whole_file, write_text
from gridcell.folder import write_plan
from gridcell.formats.geopackage import is_plan, read_plan
from gridcell.formats.housekeeping import require_housekeeping
from gridcell_cli.main import cli

HALF = (".p-0123abcd.part", ".p-0123abcd.old.part")
"""What is there when a run was killed between the two renames of a folder."""


class Killed(BaseException):
    """The process is dead: nothing that would still run may reach the disk."""


class Disk:
    """Counts the calls that reach the disk; from `stop` on none does, or that one is refused."""

    def __init__(self) -> None:
        self.stop: int | None = None
        self.refuse = False
        self.count = 0
        sys.addaudithook(self._called)

    def _called(self, event: str, _arguments: object) -> None:
        if self.stop is None or not event.startswith(("os.", "shutil.", "open")):
            return
        if self.refuse and event.startswith("shutil."):
            # No call of the system.
            return
        self.count += 1
        if self.refuse and self.count == self.stop + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if not self.refuse and self.count > self.stop:
            raise Killed

    def killed_at(self, number: int, run) -> bool:
        """Run until that call; tell whether it came so far."""
        self.count, self.stop = 0, number
        try:
            run()
        except Killed:
            return True
        finally:
            self.stop = None
        return False

    def refused_at(self, number: int, run) -> bool:
        """Run and let that call fail, and none after it; tell whether there is such a call."""
        self.count, self.stop, self.refuse = 0, number, True
        try:
            run()
        finally:
            self.stop, self.refuse = None, False
        return self.count > number


DISK = Disk()


def names(path):
    return sorted(entry.name for entry in path.iterdir())


def fill(place, text, *, number=3):
    with whole_folder(place) as part:
        (part / "sub").mkdir()
        for k in range(number):
            (part / "sub" / f"{k}.txt").write_text(text, "utf-8")


def content(place):
    return {file.read_text("utf-8") for file in sorted(place.rglob("*.txt"))}


# Folders


@pytest.mark.parametrize("at_once", [True, False])
def test_a_replacement_killed_at_any_call_leaves_a_complete_folder_at_its_place(
    tmp_path, monkeypatch, at_once
):
    if not at_once:
        monkeypatch.setattr(folder, "exchange", lambda *_: False)
    seen, number, half_done = set(), 0, 0
    while True:
        place = tmp_path / str(number) / "p"
        place.parent.mkdir()
        fill(place, "old")
        if not DISK.killed_at(number, lambda: fill(place, "new")):  # noqa: B023
            break
        half_done += not place.exists()
        for left in place.parent.iterdir():
            os.utime(left, (0, 0))
        recover_folder(place / "sub/1.txt")
        found = content(place)
        assert found in ({"old"}, {"new"})
        assert len(list(place.rglob("*.txt"))) == 3
        seen |= found
        fill(place, "next")
        assert content(place) == {"next"}
        assert names(place.parent) == ["p"], "leftovers of a day ago are swept away"
        number += 1
    assert seen == {"old", "new"}
    assert number > 10
    assert bool(half_done) is not at_once


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_exits_at_any_call_leaves_a_plan_that_is_read(tmp_path):
    for name in ("old", "new"):
        write_plan(tiny_plan(community_name=name), tmp_path / name)
    script = """
import os, shutil, sys
from pathlib import Path
from gridcell.files import folder
base = Path(sys.argv[1])
folder.exchange = lambda *_: False
for number in range(1000):
    place = base / str(number) / "p"
    shutil.copytree(base / "old", place)
    child = os.fork()
    if not child:
        count = 0
        def called(event, _):
            global count
            if event.startswith("os.r"):
                count += 1
                if count > number:
                    os._exit(9)
        sys.addaudithook(called)
        with folder.whole_folder(place) as part:
            shutil.copytree(base / "new", part, dirs_exist_ok=True)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
"""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(tmp_path)], check=True
    )  # fmt: skip
    runs = sorted(int(name) for name in names(tmp_path) if name.isdigit())
    gone = [number for number in runs if not (tmp_path / str(number) / "p").exists()]
    assert len(gone) == 1, "between the two renames nothing is at the place"
    found = [read_plan(tmp_path / str(number) / "p").medium["name"][0] for number in runs]
    assert found[0] == "old"
    assert found[-1] == "new"
    assert found == sorted(found, reverse=True)


def test_the_system_exchanges_folders_in_one_step_where_it_can(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(name, "utf-8")
    if not folder.exchange(tmp_path / "a", tmp_path / "b"):
        assert sys.platform not in {"linux", "darwin"}
        pytest.skip("this system cannot")
    assert content(tmp_path / "a") == {"b"}
    assert content(tmp_path / "b") == {"a"}
    assert not folder.exchange(tmp_path / "a", tmp_path / "none")
    assert content(tmp_path / "a") == {"b"}


@pytest.mark.parametrize("at_once", [True, False])
def test_a_replaced_folder_is_as_closed_to_others_as_it_was(tmp_path, monkeypatch, at_once):
    if not at_once:
        monkeypatch.setattr(folder, "exchange", lambda *_: False)
    fill(tmp_path / "p", "old")
    (tmp_path / "p").chmod(0o700)
    fill(tmp_path / "p", "new")
    assert (tmp_path / "p").stat().st_mode & 0o777 == 0o700
    assert names(tmp_path) == ["p"]


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    """Folders of a new plan and of an old one."""
    folder = tmp_path_factory.mktemp("plans")
    for community in ("新", "旧"):
        write_plan(tiny_plan(community_name=community), folder / community)
    return folder / "新", folder / "旧"


def half_done(tmp_path, plans):
    for name, plan in zip(HALF, plans, strict=True):
        shutil.copytree(plan, tmp_path / name)
        os.utime(tmp_path / name, (0, 0))


def test_every_reader_of_a_plan_finds_it_where_a_killed_run_left_it_half_replaced(tmp_path, plans):
    place = tmp_path / "p"
    readers = {
        "plan": lambda: read_plan(place),
        "file": lambda: read_plan(place / "plan.gpkg"),
        "is": lambda: is_plan(place) or pytest.fail("no plan"),
        "layer": lambda: gridcell.inspect_files([f"{place}/plan.gpkg#small"]),
        "locator": lambda: gridcell.open_locator(place),
        "certificate": lambda: gridcell.certificate.read_certificate(place),
        "writer": lambda: write_plan(tiny_plan(community_name="新"), place, overwrite=True),
    }
    for read in readers.values():
        half_done(tmp_path, plans)
        read()
        assert read_plan(place).medium["name"][0] == "新"
        assert names(tmp_path) == ["p"] if read is readers["writer"] else [HALF[1], "p"]
        for path in tmp_path.iterdir():
            shutil.rmtree(path)


def test_an_export_half_replaced_is_found_by_its_readers(tmp_path):
    for name in HALF:
        gridcell.export_plan(tiny_plan(), tmp_path / name, format="csv", publish=True)
    assert gridcell.check_published(tmp_path / "p").ok


def test_the_old_folder_is_never_swept_while_no_new_one_is_in_place(tmp_path, monkeypatch):
    fill(tmp_path / "p", "old")
    monkeypatch.setattr(folder, "exchange", lambda *_: False)
    rename = Path.rename

    def refuse(self, target):
        if Path(target).name == "p":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        for run in range(3):
            with pytest.raises(WriteError, match="Permission denied"):
                fill(tmp_path / "p", "new")
            for left in tmp_path.iterdir():
                os.utime(left, (0, 0))
            assert len(names(tmp_path)) == 2, f"run {run}"
    recover_folder(tmp_path / "p")
    assert content(tmp_path / "p") == {"new"}


def test_a_folder_that_somebody_removed_does_not_come_back(tmp_path):
    """A run that was killed while it removed the old folder leaves that one alone."""
    fill(tmp_path / ".p-0123abcd.old.part", "old")
    recover_folder(tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_leftovers_of_another_place_stay(tmp_path):
    others = [".p-01234567-89abcdef.part", ".p-01234567-89abcdef.old.part", ".p-x.part", ".pp.part"]
    for name in others:
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, 0))
    fill(tmp_path / "p", "new")
    assert names(tmp_path) == sorted([*others, "p"])


def test_who_comes_between_the_two_renames_completes_them_and_the_writer_is_content(
    tmp_path, monkeypatch
):
    fill(tmp_path / "p", "old")
    monkeypatch.setattr(folder, "exchange", lambda *_: False)
    rename = Path.rename

    def come_between(self, target):
        done = rename(self, target)
        if Path(target).name.endswith(".old.part"):
            recover_folder(tmp_path / "p")
        return done

    monkeypatch.setattr(Path, "rename", come_between)
    fill(tmp_path / "p", "new")
    assert content(tmp_path / "p") == {"new"}
    assert names(tmp_path) == ["p"]


def test_a_folder_may_have_the_longest_name_that_there_is(tmp_path):
    place = tmp_path / ("长" * 85)
    fill(place, "old")
    fill(place, "new")
    assert content(place) == {"new"}
    assert names(tmp_path) == [place.name]


def test_a_new_folder_that_is_held_for_a_moment_takes_its_place_in_the_end(tmp_path, monkeypatch):
    """Scanners of Windows look into what is new."""
    monkeypatch.setattr(folder, "_TRIES", 3)
    monkeypatch.setattr(folder, "_WAIT_S", 0.0)
    rename, held = Path.rename, [True, True]

    def hold(self, target):
        if held:
            held.pop()
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", hold)
    fill(tmp_path / "p", "new")
    assert content(tmp_path / "p") == {"new"}


@pytest.mark.parametrize("name", ["f/p", "f", "n" * 300])
def test_a_place_that_cannot_be_is_named(tmp_path, name):
    (tmp_path / "f").write_text("x", "utf-8")
    with pytest.raises(WriteError, match=name[:20]):
        require_place(tmp_path / name, what="x", foreign=lambda _: None, overwrite=True)


# Files


def stop(file, error):
    with whole_file(file, overwrite=True) as part:
        part.write_text("two", "utf-8")
        raise error


def test_a_file_appears_at_the_end_and_not_if_anything_fails(tmp_path):
    file = tmp_path / "a.txt"
    with whole_file(file) as part:
        part.write_text("one", "utf-8")
        assert not file.exists()
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error):
            stop(file, error)
    assert file.read_text("utf-8") == "one"
    assert names(tmp_path) == ["a.txt"]


def test_a_file_killed_at_any_call_is_the_old_one_or_the_new_one(tmp_path):
    file, number = tmp_path / "a.txt", 0
    write_text(file, "old")
    while DISK.killed_at(number, lambda: write_text(file, "new", overwrite=True)):
        assert file.read_text("utf-8") in {"old", "new"}
        write_text(file, "old", overwrite=True)
        number += 1
    assert file.read_text("utf-8") == "new"
    for left in tmp_path.glob(".*"):
        os.utime(left, (0, 0))
    write_text(file, "next", overwrite=True)
    assert names(tmp_path) == ["a.txt"], "leftovers of a day ago are swept away"


def test_files_that_are_one_take_their_places_together_or_not_at_all(tmp_path, monkeypatch):
    def write(text, *, overwrite=True):
        with whole_file(tmp_path / "a.shp", overwrite=overwrite) as part:
            for suffix in (".shp", ".dbf", ".shx"):
                part.with_suffix(suffix).write_text(text, "utf-8")

    write("old")
    (tmp_path / "a.dbf").unlink()
    replace = Path.replace

    def refuse(self, target):
        if Path(target) == tmp_path / "a.shx" and self.read_text("utf-8") == "new":
            raise PermissionError(13, "Permission denied")
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(WriteError, match=r"a\.shp: cannot be written: Permission denied"):
            write("new")
    assert names(tmp_path) == ["a.shp", "a.shx"]
    assert (tmp_path / "a.shp").read_text("utf-8") == "old"
    write("new")
    assert {file.read_text("utf-8") for file in tmp_path.iterdir()} == {"new"}
    (tmp_path / "a.shp").unlink()
    with pytest.raises(WriteError, match=r"a\.dbf: is there already"):
        write("newer", overwrite=False)
    assert names(tmp_path) == ["a.dbf", "a.shx"]


def write_parts(folder, text):
    with whole_file(folder / "a.shp", overwrite=True) as part:
        for suffix in (".shp", ".dbf", ".shx"):
            part.with_suffix(suffix).write_text(text, "utf-8")


def test_files_that_are_one_are_never_a_mixture_whenever_a_run_is_killed(tmp_path):
    number, seen = 0, set()
    while True:
        place = tmp_path / str(number)
        place.mkdir()
        write_parts(place, "old")
        (place / "a.qix").write_text("of the old one", "utf-8")
        if not DISK.killed_at(number, lambda: write_parts(place, "new")):  # noqa: B023
            break
        if (place / "a.shp").exists():
            # As it is: nobody has to come by first.
            assert len({(place / f"a{s}").read_text("utf-8") for s in (".shp", ".dbf")}) == 1
        for left in place.glob(".*"):
            os.utime(left, (0, 0))
        recover_folder(place / "a.shp")
        found = {(place / f"a{s}").read_text("utf-8") for s in (".shp", ".dbf", ".shx")}
        assert len(found) == 1
        assert (place / "a.qix").exists() is (found == {"old"})
        seen |= found
        write_parts(place, "next")
        assert names(place) == ["a.dbf", "a.shp", "a.shx"]
        number += 1
    assert seen == {"old", "new"}
    assert number > 10


def test_what_a_killed_run_left_half_is_not_swept_away_by_another_file(tmp_path):
    half = tmp_path / ".gridcell-0123abcd.part"
    (half / "old").mkdir(parents=True)
    (half / "old" / "a.shp").write_text("old", "utf-8")
    (half / "a.shp").write_text("new", "utf-8")
    os.utime(half, (0, 0))
    write_text(tmp_path / "b.txt", "another")
    assert (tmp_path / "a.shp").read_text("utf-8") == "new"
    assert names(tmp_path) == ["a.shp", "b.txt"]


@pytest.mark.parametrize("what", ["folder", "file", "files"])
def test_a_write_whose_every_call_fails_in_turn_is_old_or_new_and_leaves_nothing(tmp_path, what):
    """Of what is left only the removal may be refused; the next run does not mind."""

    def write(text):
        if what == "folder":
            fill(place / "p", text)
        elif what == "file":
            write_text(place / "p.txt", text, overwrite=True)
        else:
            write_parts(place, text)

    def run():
        with contextlib.suppress(WriteError):
            write("new")

    number, more, failed = 0, True, 0
    while more:
        place = tmp_path / str(number)
        place.mkdir()
        write("old")
        more = DISK.refused_at(number, run)
        shown = [p for p in place.rglob("*") if p.is_file() and ".part" not in str(p)]
        texts = {path.read_text("utf-8") for path in shown}
        assert texts in ({"old"}, {"new"}), number
        failed += texts == {"old"}
        write("next")
        shown = [p for p in place.rglob("*") if p.is_file() and ".part" not in str(p)]
        assert {path.read_text("utf-8") for path in shown} == {"next"}
        number += 1
    assert failed > 3


@pytest.mark.parametrize("overwrite", [False, True])
def test_of_two_runs_into_one_place_none_overwrites_the_other_without_leave(tmp_path, overwrite):
    def second_folder():
        with whole_folder(tmp_path / "p", overwrite=overwrite) as part:
            (part / "x.txt").write_text("second", "utf-8")
            fill(tmp_path / "p", "first")

    def second_file():
        with whole_file(tmp_path / "a.txt", overwrite=overwrite) as part:
            part.write_text("second", "utf-8")
            write_text(tmp_path / "a.txt", "first")

    for run in (second_folder, second_file):
        if overwrite:
            run()
        else:
            with pytest.raises(WriteError, match=r"not empty|is there already"):
                run()
    winner = "second" if overwrite else "first"
    assert content(tmp_path / "p") == {winner}
    assert (tmp_path / "a.txt").read_text("utf-8") == winner
    assert names(tmp_path) == ["a.txt", "p"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks up what a number of a file is")
def test_the_disk_has_what_is_written_before_the_place_points_to_it(tmp_path, monkeypatch):
    """Power may fail at any time: names must not reach the disk before what they name."""
    told = []
    where = Path("/proc/self/fd")
    monkeypatch.setattr(os, "fsync", lambda file: told.append(str((where / f"{file}").readlink())))
    write_text(tmp_path / "a.txt", "one")
    fill(tmp_path / "p", "one", number=1)
    ours = [path.replace(str(tmp_path), "") for path in told]
    found = [re.sub("[0-9a-f]{8}", "", path) for path in ours]
    assert found == [
        "/.gridcell-.part/a.txt", "/.gridcell-.part", "",
        "/.p-.part/sub", "/.p-.part/sub/0.txt", "/.p-.part", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lost",
    [
        "DROP TRIGGER trigger_insert_feature_count_codes",
        "UPDATE gpkg_contents SET min_x = NULL WHERE table_name = 'buildings'",
        "UPDATE gpkg_ogr_contents SET feature_count = 1 WHERE table_name = 'small'",
        "DROP TRIGGER rtree_small_geom_insert",
    ],
)
def test_what_gdal_loses_without_a_word_when_a_write_fails_is_noticed(tmp_path, lost):
    write_plan(tiny_plan(), tmp_path / "p")
    file = tmp_path / "p" / "plan.gpkg"
    require_housekeeping(file, unindexed=("atoms", "borders"))
    with contextlib.closing(sqlite3.connect(file)) as base, base:
        base.execute(lost)
    with pytest.raises(OSError, match=r"Input/output error"):
        require_housekeeping(file, unindexed=("atoms", "borders"))


def test_a_plan_that_another_program_has_open_is_replaced_with_its_log(tmp_path):
    """QGIS keeps one beside a GeoPackage that it shows."""
    write_plan(tiny_plan(), tmp_path / "p")
    with contextlib.closing(sqlite3.connect(tmp_path / "p" / "plan.gpkg")) as base:
        base.execute("PRAGMA journal_mode = wal")
        base.execute("CREATE TABLE others (x)")
        assert (tmp_path / "p" / "plan.gpkg-wal").exists()
        write_plan(tiny_plan(community_name="新"), tmp_path / "p", overwrite=True)
    assert read_plan(tmp_path / "p").medium["name"][0] == "新"
    assert names(tmp_path) == ["p"]
    assert not [name for name in names(tmp_path / "p") if "gpkg-" in name]


def test_what_other_programs_laid_beside_the_old_file_does_not_spoil_the_new_one(tmp_path):
    beside = ["a.gpkg-wal", "a.gpkg-shm", "a.gpkg-journal", "a.qix", "a.sbn"]
    for name in beside:
        (tmp_path / name).write_text("of the old one", "utf-8")
    for name in ("a.gpkg", "a.shp"):
        write_text(tmp_path / name, "new")
    assert names(tmp_path) == ["a.gpkg", "a.shp"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "a.txt").symlink_to(tmp_path / "there/b.txt")
    write_text(tmp_path / "a.txt", "one")
    write_text(tmp_path / "a.txt", "two", overwrite=True)
    assert (tmp_path / "a.txt").is_symlink()
    assert (tmp_path / "there/b.txt").read_text("utf-8") == "two"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("d", "d: is a folder"),
        ("none/a.txt", "none does not exist"),
        ("f/a.txt", "f does not exist"),
        ("f", "f: is there already"),
        ("n" * 300, "cannot be written: File name too long"),
        ("长" * 90, "cannot be written: File name too long"),
    ],
)
def test_what_is_in_the_way_of_a_file_is_named_before_any_work(tmp_path, name, message):
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_text("mine", "utf-8")
    with pytest.raises(WriteError, match=message):
        require_writable(tmp_path / name)
    assert (tmp_path / "f").read_text("utf-8") == "mine"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_is_no_file(tmp_path):  # noqa: ARG001
    with pytest.raises(WriteError, match="not an ordinary file"):
        write_text("/dev/full", "x", overwrite=True)


# Commands


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Return a folder with a plan, points, cells, and an output of every kind."""
    base = tmp_path_factory.mktemp("inputs")
    vacant = pd.DataFrame({"role": ["worker"], "code": [f"{LARGE}001"], "missing": [1]})
    write_plan(dataclasses.replace(tiny_plan(), vacancies=vacant), base / "plan")
    make_font(base / "font.ttf")
    cells = gpd.GeoDataFrame(
        {"code": ["a", "b"]}, geometry=[box(0, 0, 100, 100), box(100, 0, 200, 100)], crs=4547
    )
    cells.to_file(base / "cells.gpkg")
    (base / "points.csv").write_text("id,lon,lat\n1,109.6,23.1\n", "utf-8")
    return base


COMMANDS = {
    **{f"locate{s}": f"locate plan points.csv -o {{}}/o{s}"
       for s in (".csv", ".xlsx", ".parquet", ".gpkg", ".geojson")},
    **{f"crosswalk{s}": f"crosswalk plan/plan.gpkg#small plan/plan.gpkg#medium -o {{}}/o{s}"
       for s in (".csv", ".xlsx", ".gpkg", ".geojson")},
    "crosswalk --map": "crosswalk plan/plan.gpkg#small plan/plan.gpkg#medium -o x.csv --overwrite "
                       "--map {}/o.html",
    **{f"check{s}": f"check plan/plan.gpkg#small -o {{}}/o{s}" for s in (".gpkg", ".geojson")},
    "check --certify": "check plan/plan.gpkg#small --certify {}/o.json",
    **{f"repair{s}": f"repair cells.gpkg -o {{}}/o{s}"
       for s in (".gpkg", ".shp", ".geojson", ".fgb", ".parquet")},
    "repair --moves": "repair cells.gpkg -o x.gpkg --overwrite --moves {}/o.gpkg",
    "map": "map plan -o {}/o.html",
    "roster.xlsx": "roster plan -o {}/o.xlsx",
    "roster.csv": "roster plan -o {}/o.csv",
    "atlas": "atlas plan --font font.ttf -o {}/o.pdf",
    "cards": "atlas plan --cards --font font.ttf -o {}/o.pdf",
}  # fmt: skip
FOLDERS = {
    "map": "map plan -o {}/o/", "export": "export plan --format kml -o {}/o",
    "sample": "sample {}/o --households 2000",
}  # fmt: skip


def run(inputs, line, where):
    with contextlib.chdir(inputs):
        arguments = [part.format(where) for part in line.split()]
        return CliRunner().invoke(cli, arguments)


@pytest.mark.parametrize("line", [*COMMANDS.values(), *FOLDERS.values()],
                         ids=[*COMMANDS, *(f"{name}/" for name in FOLDERS)])  # fmt: skip
def test_no_command_writes_into_a_read_only_folder_and_each_says_so(
    inputs, tmp_path, monkeypatch, line
):
    access, mkdir = os.access, Path.mkdir
    monkeypatch.setattr(
        os, "access", lambda path, *mode: Path(path) != tmp_path and access(path, *mode)
    )

    def refuse(self, *arguments, **options):
        if self.resolve().is_relative_to(tmp_path):
            raise OSError(30, "Read-only file system")
        return mkdir(self, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    done = run(inputs, line, tmp_path)
    assert isinstance(done.exception, WriteError), done.output
    assert done.exception.exit_code == 3
    assert "o" in Path(str(done.exception).partition(": ")[0]).stem
    assert str(done.exception).endswith("cannot be written: Read-only file system")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", COMMANDS.values(), ids=COMMANDS)
def test_no_command_replaces_a_folder_or_writes_below_a_file(inputs, tmp_path, line):
    (tmp_path / "f").write_text("mine", "utf-8")
    done = run(inputs, line, tmp_path / "f")
    assert isinstance(done.exception, WriteError), done.output
    name = next(part for part in line.split() if part.startswith("{}")).removeprefix("{}/")
    (tmp_path / name).mkdir()
    done = run(inputs, f"{line} --overwrite", tmp_path)
    assert isinstance(done.exception, WriteError), done.output
    assert "is a folder" in str(done.exception)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize(
    "line",
    [
        line for name, line in COMMANDS.items()
        if name.startswith(("locate", "repair.", "roster.xlsx", "check.", "map", "cards"))
    ],
)  # fmt: skip
def test_a_full_disk_is_told_and_leaves_nothing(inputs, tmp_path, line, monkeypatch):
    """As full: no file may grow beyond some bytes."""
    import resource

    # Python keeps what it could write of a compiled module.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        done = run(inputs, line, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    if done.exit_code == 0:
        pytest.fail("the file is smaller than that")
    assert isinstance(done.exception, WriteError), done.output
    assert "cannot be written: File too large" in str(done.exception)
    assert list(tmp_path.iterdir()) == []


# The library


def test_what_writes_returns_the_paths_and_refuses_to_overwrite_unless_told():
    found = [name for name in gridcell.__all__ if name.startswith("write_")]
    assert len(found) >= 8
    for name in found:
        signature = inspect.signature(getattr(gridcell, name))
        assert signature.parameters["overwrite"].default is False, name
        assert signature.parameters["overwrite"].kind is inspect.Parameter.KEYWORD_ONLY, name
        assert signature.return_annotation in (list[Path], "list[Path]"), name
