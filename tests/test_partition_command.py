"""``gridcell partition`` from outside: what goes in, what comes out, what is said and left."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from gridcell.formats.geopackage import read_plan
from gridcell.sample import make_sample, write_sample
from gridcell_cli import main as frame

ROOT = Path(__file__).parents[1]
BANDS = ("--small", "60:80:100", "--micro", "10:20:30")
CORNER = (500_000.0, 2_560_000.0)


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("command") / "town"
    write_sample(make_sample(households=600, seed=2, communities=1), folder)
    return folder


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch):
    """Keep the frame's changes to logging out of the other tests."""
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)
    for name in [name for name in os.environ if name.startswith("GRIDCELL_")]:
        monkeypatch.delenv(name)


def partition(capsys, *arguments):
    """Run the command here; return its exit code, stdout and stderr."""
    with pytest.raises(SystemExit) as exit_:
        frame.main(["partition", *map(str, arguments)])
    out, err = capsys.readouterr()
    return exit_.value.code, out, err


def command(*arguments, **environment):
    """Return what a process of its own is started with."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "cli")])
    words = [sys.executable, "-m", "gridcell_cli", "partition", *map(str, arguments)]
    return words, {**os.environ, "PYTHONPATH": path, **environment}


def layer(path, shapes, crs="EPSG:4547", **columns):
    """Write a layer and return its path."""
    gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs).to_file(path)
    return path


def square(x, y, size):
    return shapely.box(CORNER[0] + x, CORNER[1] + y, CORNER[0] + x + size, CORNER[1] + y + size)


def houses(count=16, held=10):
    """Return squares of 10 m in a square of 200 m, and the households of each."""
    side = int(np.ceil(np.sqrt(count)))
    step = 200 / side
    shapes = [square(10 + step * (i % side), 10 + step * (i // side), 10) for i in range(count)]
    return shapes, [held] * count


def small_town(folder, **columns):
    """Write a community of 200 m and 16 buildings; return both files."""
    shapes, held = houses()
    columns = {"households": held, **columns}
    return (
        layer(folder / "land.gpkg", [square(0, 0, 200)], code=["450802001013"]),
        layer(folder / "homes.gpkg", shapes, **columns),
    )


# Bad input


def _missing_file(folder):
    return [folder / "nowhere.gpkg", small_town(folder)[1]]


def _missing_layer(folder):
    land, homes = small_town(folder)
    return [f"{land}#nothing", homes]


def _no_crs(folder):
    homes = small_town(folder)[1]
    file = layer(folder / "bare.shp", [square(0, 0, 200)], code=["450802001013"])
    file.with_suffix(".prj").unlink()
    return [file, homes]


def _no_code(folder):
    homes = small_town(folder)[1]
    return [layer(folder / "plain.gpkg", [square(0, 0, 200)], what=["x"]), homes]


def _repeated_codes(folder):
    homes = small_town(folder)[1]
    shapes = [square(0, 0, 200), square(200, 0, 200)]
    return [layer(folder / "twice.gpkg", shapes, code=["450802001013"] * 2), homes]


def _bow_tie(folder):
    homes = small_town(folder)[1]
    ring = [(0, 0), (200, 200), (200, 0), (0, 200)]
    shape = shapely.Polygon([(CORNER[0] + x, CORNER[1] + y) for x, y in ring])
    return [layer(folder / "tie.gpkg", [shape], code=["450802001013"]), homes]


def _far_away(folder):
    land = small_town(folder)[0]
    shapes = shapely.transform(houses()[0], lambda xy: xy + 50_000)
    return [land, layer(folder / "far.gpkg", shapes, households=houses()[1])]


def _no_communities(folder):
    homes = small_town(folder)[1]
    return [layer(folder / "none.gpkg", [], code=np.empty(0, dtype=str)), homes]


def _no_buildings(folder):
    land = small_town(folder)[0]
    return [land, layer(folder / "none.gpkg", [], households=np.empty(0, dtype=int))]


def _nobody(folder):
    return small_town(folder, households=[0] * 16)


def _negative(folder):
    return small_town(folder, households=[-5, *[10] * 15])


def _fractions(folder):
    return small_town(folder, households=[10.5, *[10.0] * 15])


def _points_for_buildings(folder):
    land = small_town(folder)[0]
    points = shapely.centroid(houses()[0])
    return [land, layer(folder / "points.gpkg", points, households=houses()[1])]


def _nothing_to_divide_by(folder):
    return [small_town(folder)[0]]


def _overlap_too_wide(folder):
    homes = small_town(folder)[1]
    shapes = [square(0, 0, 200), square(150, 0, 200)]
    return [layer(folder / "over.gpkg", shapes, code=["450802001013", "450802001014"]), homes]


def _personal(folder):
    (folder / "people.csv").write_text("household_id,bldg_id,姓名\n1,b1,X\n", encoding="utf-8")
    return [*small_town(folder), "--households", folder / "people.csv"]


def _unknown_buildings(folder):
    (folder / "people.csv").write_text("household_id,bldg_id\n1,nowhere\n", encoding="utf-8")
    return [*small_town(folder), "--households", folder / "people.csv"]


def _unknown_field(folder):
    (folder / "rules.toml").write_text('[fields.communities]\ncode = "XZQDM"\n', encoding="utf-8")
    return [*small_town(folder), "--rules", folder / "rules.toml"]


def _unknown_rule(folder):
    (folder / "rules.toml").write_text("[smal]\nmin = 1\n", encoding="utf-8")
    return [*small_town(folder), "--rules", folder / "rules.toml"]


def _no_toml(folder):
    (folder / "rules.toml").write_text("small = [", encoding="utf-8")
    return [*small_town(folder), "--rules", folder / "rules.toml"]


@pytest.mark.parametrize(
    ("arrange", "said"),
    [
        (_missing_file, "nowhere.gpkg"),
        (_missing_layer, "nothing"),
        (_no_crs, "--crs"),
        (_no_code, "--field communities.code"),
        (_repeated_codes, "450802001013"),
        (_bow_tie, "self-intersection"),
        (_far_away, "far.gpkg"),
        (_no_communities, "none.gpkg"),
        (_no_buildings, "none.gpkg"),
        (_nobody, "no households"),
        (_negative, "households"),
        (_fractions, "10.5"),
        (_points_for_buildings, "polygons"),
        (_nothing_to_divide_by, "buildings"),
        (_overlap_too_wide, "450802001014"),
        (_personal, "姓名"),
        (_unknown_buildings, "no households"),
        (_unknown_field, "XZQDM"),
        (_unknown_rule, "smal"),
        (_no_toml, "rules.toml"),
    ],
)
def test_bad_input_is_one_message_and_nothing_written(capsys, tmp_path, arrange, said):
    files = arrange(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    code, out, err = partition(capsys, *files, "-o", tmp_path / "out", *BANDS)
    assert (code, out) == (3, "")
    assert err.startswith("Error: ")
    assert err.count("Error: ") == 1
    assert said in err
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("spoiled", [".dbf", ".shp"])
def test_a_shapefile_cut_short_is_bad_input(capsys, tmp_path, town, spoiled):
    for file in town.glob("communities.*"):
        shutil.copy(file, tmp_path)
    file = tmp_path / f"communities{spoiled}"
    file.write_bytes(file.read_bytes()[:50])
    code, out, err = partition(
        capsys, tmp_path / "communities.shp", town / "buildings.shp", "-o", tmp_path / "out", *BANDS
    )
    assert (code, out) == (3, "")
    assert "communities" in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments", [("--smal", "1:2:3"), ("--seed", "x"), ("--heal-width", "-1"), ("-o",)]
)
def test_wrong_usage_is_2(capsys, tmp_path, arguments):
    land, homes = small_town(tmp_path)
    code, out, err = partition(capsys, land, homes, "-o", tmp_path / "out", *arguments)
    assert (code, out) == (2, "")
    assert "Error: " in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"small": ["60:80"]}, "community '450802001013': small is '60:80'; expected MIN:TARGET"),
        ({"micro": ["ten"]}, "community '450802001013': micro is 'ten'; expected MIN:TARGET:MAX"),
        ({"class": ["hamlet"]}, "class 'hamlet'; expected one of rural, urban"),
    ],
)
def test_bad_bands_and_unknown_classes_are_bad_input(capsys, tmp_path, columns, said):
    homes = small_town(tmp_path)[1]
    file = layer(tmp_path / "own.gpkg", [square(0, 0, 200)], code=["450802001013"], **columns)
    code, out, err = partition(
        capsys, file, homes, "-o", tmp_path / "out", "--rules", class_rules(tmp_path)
    )
    assert (code, out) == (3, "")
    assert said in err
    assert not (tmp_path / "out").exists()


# Rules that the land cannot meet


def class_rules(folder):
    """Write rules with two classes and return the file."""
    file = folder / "rules.toml"
    file.write_text(
        '[classes.rural]\nsmall = "30:40:50"\nmicro = "10:10:20"\n[classes.urban]\n', "utf-8"
    )
    return file


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"n_small": [99]}, "16 atoms cannot form 99 small cells; lower n_small to 16 or divide"),
        ({"n_micro": [17]}, "16 atoms cannot form 17 micro cells; lower n_micro to 16 or divide"),
        ({"n_small": [4], "n_micro": [3]}, "raise n_micro to at least 4, or set n_small to at"),
        ({"sites": True, "n_small": [1]}, "lies in 2 separate pieces, each of which needs a cell"),
    ],
)
def test_rules_that_cannot_be_met_are_5_and_nothing_is_written(capsys, tmp_path, columns, said):
    homes = small_town(tmp_path)[1]
    options = []
    if columns.pop("sites", False):
        across = shapely.box(CORNER[0] + 95, CORNER[1], CORNER[0] + 105, CORNER[1] + 200)
        options = ["--sites", layer(tmp_path / "sites.gpkg", [across], name=["wall"])]
    file = layer(tmp_path / "own.gpkg", [square(0, 0, 200)], code=["450802001013"], **columns)
    code, out, err = partition(
        capsys, file, homes, "-o", tmp_path / "out", *BANDS, *map(str, options)
    )
    assert (code, out) == (5, "")
    assert err.startswith("Error: community '450802001013': ")
    assert said in err
    assert not (tmp_path / "out").exists()


# Good input


def test_communities_get_the_bands_of_their_columns_and_classes(capsys, tmp_path):
    shapes, held = houses()
    homes = layer(
        tmp_path / "homes.gpkg",
        [*shapes, *shapely.transform(shapes, lambda xy: xy + np.array([200, 0]))],
        households=held * 2,
    )
    land = layer(
        tmp_path / "land.gpkg", [square(0, 0, 200), square(200, 0, 200)], code=["A1", "A2"],
        small=["70:80:90", None], 类别=[None, "rural"],
    )  # fmt: skip
    code, out, _ = partition(
        capsys, land, homes, "-o", tmp_path / "out", "--rules", class_rules(tmp_path), "--json"
    )
    communities = json.loads(out)["communities"]
    assert code == 0
    assert {c: levels["small"]["cells"] for c, levels in communities.items()} == {"A1": 2, "A2": 4}
    assert {c: levels["micro"]["cells"] for c, levels in communities.items()} == {"A1": 4, "A2": 16}


def test_the_closing_table_tells_how_many_could_be_in_the_band(capsys, tmp_path):
    shapes, _ = houses()
    land, _ = small_town(tmp_path)
    homes = layer(tmp_path / "heavy.gpkg", shapes, households=[200, *[10] * 15])
    rules = tmp_path / "whole.toml"
    rules.write_text('[fabric]\noversize = "whole"\n', "utf-8")
    code, out, _ = partition(
        capsys, land, homes, "-o", tmp_path / "out", "--small", "45:50:60", "--micro", "none",
        "--rules", rules,
    )  # fmt: skip
    assert code == 0
    (line,) = [line for line in out.splitlines() if line.startswith("small, general")]
    assert " of at most 3 (" in line


def test_classes_that_the_rules_do_not_have_are_noted(capsys, tmp_path):
    homes = small_town(tmp_path)[1]
    land = layer(tmp_path / "own.gpkg", [square(0, 0, 200)], code=["A1"], 类型=["城市社区"])
    code, out, _ = partition(capsys, land, homes, "-o", tmp_path / "out", *BANDS, "--json")
    assert (code, json.loads(out)["findings"]["classes_unused"]) == (0, 1)


def test_the_report_is_printed_and_written_with_every_promised_key(capsys, tmp_path, town):
    code, out, err = partition(
        capsys, town / "communities.shp", town / "buildings.shp", "-o", tmp_path / "out",
        "--households", town / "households.csv", "--sites", town / "sites.shp", "--staff",
        town / "staff.csv", *BANDS, "--json",
    )  # fmt: skip
    assert (code, err) == (0, "")

    def refuse(constant):
        raise AssertionError(constant)

    report = json.loads(out, parse_constant=refuse)
    assert report == json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert {
        "ok", "version", "inputs", "rules", "counts", "households", "coverage", "balance",
        "borders", "compactness", "barrier_share", "cut_buildings", "multipart_cells", "staff",
        "findings", "seconds",
    } <= report.keys()  # fmt: skip
    assert report["counts"].keys() >= {"cells", "communities", "buildings", "households"}
    assert set(report["inputs"][0]) == {
        "role", "path", "layer", "rows", "encoding", "crs", "sha256",
    }  # fmt: skip
    for level in ("large", "medium", "small", "leaves"):
        assert set(report["coverage"][level]) == {
            "gaps", "gap_m2", "overlaps", "overlap_m2", "edge_matched",
        }  # fmt: skip
    for level in ("small", "micro"):
        assert set(report["balance"][level]) == {
            "cells", "in_band", "mean_abs_dev", "max_abs_dev",
        }  # fmt: skip
        assert 0 < report["compactness"][level] <= 1
        figures = {"vertices", "below_02", "concave", "necks", "holes", "tails"}
        assert set(report["borders"][level]) == figures
        assert 0 <= report["barrier_share"][level] <= 1
    assert report["households"] == {
        "input": 600, "assigned": 600, "unassigned": 0, "estimated": 0,
    }  # fmt: skip
    (reached,) = report["communities"].values()
    for level in ("small", "micro"):
        assert set(reached[level]) == {"cells", "in_band", "bound", "band"}
        assert reached[level]["in_band"] <= reached[level]["bound"] <= reached[level]["cells"]
        for figure in ("cells", "in_band"):
            assert reached[level][figure] == report["balance"][level][figure]


def test_without_micro_cells_the_report_keeps_its_keys(capsys, tmp_path):
    code, out, _ = partition(
        capsys, *small_town(tmp_path), "-o", tmp_path / "out", "--small", "60:80:100", "--micro",
        "none", "--json",
    )  # fmt: skip
    report = json.loads(out)
    assert (code, report["ok"]) == (0, True)
    assert report["counts"]["cells"]["micro"] == report["balance"]["micro"]["cells"] == 0
    plan = read_plan(tmp_path / "out")
    assert plan.leaves["code"].tolist() == plan.small["code"].tolist()


def test_estimated_households_are_called_so_everywhere(capsys, tmp_path):
    shapes, _ = houses()
    land, _ = small_town(tmp_path)
    homes = layer(tmp_path / "bare.gpkg", shapes, floors=[10] * 16)
    code, out, _ = partition(capsys, land, homes, "-o", tmp_path / "out", *BANDS)
    assert code == 0
    assert "(estimated" in out
    plan = tmp_path / "out"
    report = json.loads((plan / "report.json").read_text("utf-8"))
    assert report["households"]["estimated"] == report["households"]["input"] > 0
    assert report["findings"]["estimated"] == 1
    small = json.loads((plan / "geojson" / "small.geojson").read_text("utf-8"))
    assert small["households"] == "estimated"
    metadata = pyogrio.read_dataframe(plan / "plan.gpkg", layer="metadata")
    assert metadata.set_index("key")["value"]["households"] == "estimated"
    assert "(estimated)" in (plan / "map.html").read_text("utf-8")


def test_what_stands_outside_is_listed_without_a_cell_and_breaks_nothing(capsys, tmp_path):
    land, _ = small_town(tmp_path)
    shapes, held = houses()
    away = [square(500, 0, 10), square(520, 0, 10)]
    homes = layer(tmp_path / "more.gpkg", [*shapes, *away], households=[*held, 7, 5])
    code, out, _ = partition(capsys, land, homes, "-o", tmp_path / "out", *BANDS, "--json")
    assert code == 0
    assert json.loads(out)["households"] == {
        "input": 172, "assigned": 160, "unassigned": 12, "estimated": 0,
    }  # fmt: skip
    plan = read_plan(tmp_path / "out")
    assert plan.buildings["code"].isna().sum() == 2
    assert plan.households["code"].isna().all()
    assert sorted(plan.households["count"]) == [5, 7]
    assert plan.households["reason"].str.contains("outside every community").all()


def test_another_plan_is_kept_unless_overwriting_is_allowed(capsys, tmp_path):
    files = small_town(tmp_path)
    assert partition(capsys, *files, "-o", tmp_path / "out", *BANDS)[0] == 0
    file = tmp_path / "out" / "report.json"
    before = file.read_bytes()
    code, _, err = partition(capsys, *files, "-o", tmp_path / "out", *BANDS)
    assert (code, "not empty" in err, file.read_bytes() == before) == (3, True, True)
    code, _, _ = partition(capsys, tmp_path / "gone", "-o", tmp_path / "out", "--overwrite")
    assert (code, file.read_bytes() == before) == (3, True)
    code, _, _ = partition(
        capsys, *files, "-o", tmp_path / "out", *BANDS, "--overwrite", "--seed", "9"
    )
    assert (code, json.loads(file.read_text("utf-8"))["rules"]["seed"]) == (0, 9)


# The same input


def _shuffle(town: Path, folder: Path, seed: int) -> None:
    folder.mkdir()
    for name in ("communities", "buildings", "sites", "roads"):
        rows = pyogrio.read_dataframe(town / f"{name}.shp").sample(frac=1, random_state=seed)
        pyogrio.write_dataframe(rows, folder / f"{name}.shp", encoding="UTF-8")
    lines = (town / "households.csv").read_text("utf-8").splitlines(keepends=True)
    body = lines[1:]
    np.random.default_rng(seed).shuffle(body)
    (folder / "households.csv").write_text(lines[0] + "".join(body), encoding="utf-8")


def test_row_order_hash_seed_and_workers_change_no_byte(tmp_path, town):
    def files(folder):
        return [
            folder / "communities.shp", folder / "buildings.shp", "--households",
            folder / "households.csv", "--sites", folder / "sites.shp", "--barriers",
            folder / "roads.shp", *BANDS, "-q",
        ]  # fmt: skip

    _shuffle(town, tmp_path / "shuffled", 5)
    for folder, name, workers, seed in ((town, "a", 1, "0"), (tmp_path / "shuffled", "b", 2, "77")):
        words, environment = command(
            *files(folder), "-o", tmp_path / name, "--workers", workers, PYTHONHASHSEED=seed
        )
        assert subprocess.run(words, env=environment, check=False).returncode == 0
    reports = []
    for name in ("a", "b"):
        report = json.loads((tmp_path / name / "report.json").read_text("utf-8"))
        reports.append({k: v for k, v in report.items() if k not in ("seconds", "inputs")})
    assert reports[0] == reports[1]
    for file in sorted((tmp_path / "a" / "geojson").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / "geojson" / file.name).read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_run_leaves_nothing_that_looks_whole(tmp_path, town):
    files = (town / "communities.shp", town / "buildings.shp", *BANDS)
    words, environment = command(*files, "-o", tmp_path / "whole")
    start = time.monotonic()
    assert subprocess.run(words, env=environment, check=False, capture_output=True).returncode == 0
    whole = time.monotonic() - start
    chance = np.random.default_rng(8)
    for number in range(3):
        out = tmp_path / f"killed-{number}"
        # Late: files are written at the end.
        words, environment = command(*files, "-o", out)
        run = subprocess.Popen(
            words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            run.wait(whole * chance.uniform(0.6, 1.0))
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
        if out.exists():
            assert json.loads((out / "report.json").read_text("utf-8"))["ok"]
            assert len(read_plan(out).leaves)
    left = [path.name for path in tmp_path.iterdir()]
    assert all(name.startswith((".", "whole", "killed")) for name in left)
