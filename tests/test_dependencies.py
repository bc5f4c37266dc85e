"""What is installed with gridcell is known, asks no network, and is built the same each time."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import hostile
import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
ROW = re.compile(r"^\| ([\w-]+) \| (\w+) \| ([\w.-]+) \| ([\d.]+) \| (.+) \|$", re.MULTILINE)
ASKED = """
import sys
def called(event, arguments):
    # urllib3, which folium brings, tries when it is imported whether there is IPv6.
    tried = event == "socket.bind" and arguments[1] == ("::1", 0)
    if event.startswith("socket.") and event != "socket.__new__" and not tried:
        raise SystemExit(f"SOCKET {event} {arguments}")
sys.addaudithook(called)
import gridcell
for name in gridcell.__all__:
    getattr(gridcell, name)
from gridcell_cli.main import main
main(sys.argv[1:])
"""


def test_the_page_names_every_dependency_with_what_it_is_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = {"all": project["dependencies"], **project["optional-dependencies"]}
    asked = {
        (re.match(r"[\w-]+", each)[0], group)
        for group, needed in groups.items() if group != "test" for each in needed
    }  # fmt: skip
    rows = ROW.findall(PAGE)
    assert {(name, group) for name, group, *_ in rows} == asked
    assert len(rows) == len(asked)


@pytest.mark.parametrize(
    ("name", "licence"), [(name, licence) for name, _, licence, *_ in ROW.findall(PAGE)]
)
def test_a_licence_is_the_one_that_the_package_states(name, licence):
    try:
        told = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("not installed")
    texts = [told.get("License-Expression"), told.get("License"), *told.get_all("Classifier", [])]
    said = " ".join(text for text in texts if text)
    family = {"Apache-2.0": "Apache", "Matplotlib": "Python Software Foundation"}
    assert family.get(licence, licence.partition("-")[0]) in said


def test_the_whole_way_asks_nobody(tmp_path):
    """Neither what is imported nor what is done connects, listens, or looks up a name."""
    words = hostile.partition(hostile.communities(tmp_path), hostile.buildings(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", ASKED, *words, "-o", str(tmp_path / "plan"), "-q"],
        capture_output=True, encoding="utf-8", check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cli")])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "plan" / "map.html").exists()


def test_a_wheel_is_the_same_whenever_it_is_built(tmp_path, monkeypatch):
    wheel = pytest.importorskip("hatchling.builders.wheel")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    built = []
    for place in ("one", "two"):
        (file,) = wheel.WheelBuilder(str(ROOT)).build(
            directory=str(tmp_path / place), versions=["standard"]
        )
        built.append(Path(file).read_bytes())
        os.utime(ROOT / "gridcell" / "version.py")
    assert built[0] == built[1]
