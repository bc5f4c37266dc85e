"""Pictures of real places, whose data are not in the repository.

`docs/make_pictures.py` draws them where the environment variable ``GRIDCELL_PLACES`` names a folder
with the data, and says which it left as they are.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

import gridcell
from gridcell.read.files import open_polygons

ROOT = Path(__file__).resolve().parents[1]
FIRST, TAUT, UNCUT = "11fc5bf", "0429afa", "63da7f5"
"""Versions of gridcell whose borders `docs/benchmarks.md` shows."""
COLOURS = {
    "overlap": "#d62728", "sliver": "#ff7f0e", "open_sliver": "#bcbd22", "hole": "#9ecae1",
    "gap": "#ff7f0e", "outside": "#9467bd", "crumb": "#8c564b",
}  # fmt: skip


class MissingError(Exception):
    """What a picture is drawn from is not there."""


def place(name: str) -> Path:
    """Return a file in the folder of places."""
    folder = os.environ.get("GRIDCELL_PLACES")
    if folder is None:
        raise MissingError("GRIDCELL_PLACES names no folder with data of real places")
    if not (file := Path(folder) / name).exists():
        raise MissingError(f"there is no {file}")
    return file


@contextmanager
def checked_out(*commits: str):
    """Give folders with earlier versions of the repository."""
    with tempfile.TemporaryDirectory() as above, ExitStack() as ends:
        for commit in commits:
            made = _git("worktree", "add", "--detach", f"{above}/{commit}", commit)
            if made.returncode:
                raise MissingError(f"this copy of the repository has no commit {commit}")
            ends.callback(_git, "worktree", "remove", "--force", f"{above}/{commit}")
        yield [Path(above) / commit for commit in commits]


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    git = shutil.which("git") or "git"
    return subprocess.run([git, "-C", ROOT, *words], capture_output=True, check=False)


def draw_borders(name: str, picture: Path) -> None:
    """Draw the small cells of a place by two earlier versions, side by side."""
    file = place(name)
    with checked_out(FIRST, TAUT) as (first, taut), tempfile.TemporaryDirectory() as folder:
        _run(taut, taut / "benchmarks" / "places.py", file, "--before", first, "--pictures", folder)
        (made,) = Path(folder).glob("*.png")
        picture.write_bytes(made.read_bytes())


def draw_strips(name: str, at: tuple[float, float], half: float, picture: Path) -> None:
    """Draw the micro cells at a place before and after long strips were cut across."""
    file = place(name)
    figure, axes = plt.subplots(1, 2, figsize=(11, 7), layout="constrained")
    with checked_out(UNCUT) as (uncut,), tempfile.TemporaryDirectory() as folder:
        for ax, version, title in zip(axes, (uncut, ROOT), ("before", "after"), strict=True):
            out = Path(folder) / title
            out.mkdir()
            _run(version, version / "benchmarks" / "places.py", file, "--divide", out)
            cells = gpd.read_parquet(out / "micro.parquet")
            numbers = np.random.default_rng(1).permutation(len(cells)) % 12
            cells.plot(ax=ax, column=numbers, cmap="Set3", edgecolor="#333333", linewidth=0.9)
            houses = gpd.read_file(file, layer="buildings").to_crs(cells.crs)
            houses.plot(ax=ax, color="#444444")
            _zoom(ax, at, half)
            ax.set_title(title, fontsize=10)
            ax.set_axis_off()
    figure.savefig(picture, dpi=80)
    plt.close(figure)


def draw_sheet(name: str, picture: Path) -> None:
    """Draw the first sheet of cells of a place that were judged by eye."""
    file = place(name)
    with checked_out(TAUT) as (taut,), tempfile.TemporaryDirectory() as folder:
        script = ROOT / "benchmarks" / "judge.py"
        _run(taut, script, file, "--cells", "50", "--sheets", folder)
        picture.write_bytes((Path(folder) / "sheet1.png").read_bytes())


def _run(version: Path, *words: object) -> None:
    """Run a script by the version of gridcell in a folder."""
    subprocess.run(
        [sys.executable, *map(str, words)], cwd=version, check=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(version)},
    )  # fmt: skip


def draw_repaired(
    file: str, layer: str, at: tuple[float, float], half: float, picture: Path
) -> None:
    """Draw a layer of a place before and after repair."""
    cells = open_polygons(f"{place(file)}{layer}", "cells").frame
    draw_repair(gpd.GeoDataFrame(cells), picture, at, half)


def draw_repair(
    cells: gpd.GeoDataFrame, picture: Path, at: tuple[float, float], half: float
) -> None:
    """Draw the layer with what check found, and a place in it before and after repair."""
    report, repair = gridcell.check_cells(cells), gridcell.repair_cells(cells)
    figure, axes = plt.subplots(1, 3, figsize=(15, 5.6), layout="constrained")
    cells.plot(ax=axes[0], facecolor="#f5f5f0", edgecolor="#999999", linewidth=0.3)
    axes[0].set_title(f"{len(cells)} cells: {len(report.pieces)} pieces found", fontsize=10)
    for kind, pieces in report.pieces.groupby("kind"):
        colour = COLOURS.get(str(kind), "black")
        pieces.plot(ax=axes[0], color=colour, edgecolor=colour, linewidth=1.2)
        spots = pieces.representative_point()
        axes[0].scatter(spots.x, spots.y, s=26, facecolors="none", edgecolors=colour, label=kind)
    axes[0].plot([at[0]], [at[1]], "+", color="black", markersize=14)
    axes[0].legend(loc="upper left", fontsize=8)
    numbers = np.arange(len(cells)) % 7
    for ax, frame, pieces, title in (
        (axes[1], cells, report.pieces, "before, with what check found"),
        (axes[2], repair.cells, repair.moves, "after, with what repair moved"),
    ):
        frame.plot(ax=ax, column=numbers, cmap="Pastel2", edgecolor="#333333", linewidth=0.9)
        for kind, some in pieces.groupby("kind"):
            some.plot(
                ax=ax, facecolor=COLOURS.get(str(kind), "black"), alpha=0.45,
                edgecolor=COLOURS.get(str(kind), "black"), linewidth=0.6,
                linestyle="-" if ax is axes[1] else ":",
            )  # fmt: skip
        _zoom(ax, at, half)
        ax.set_title(title, fontsize=10)
    for ax in axes:
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_xlabel("")
        ax.set_ylabel("")
    figure.savefig(picture, dpi=110)
    plt.close(figure)


def _zoom(ax: Axes, at: tuple[float, float], half: float) -> None:
    ax.set_xlim(at[0] - half, at[0] + half)
    ax.set_ylim(at[1] - half, at[1] + half)


PICTURES: dict[str, Callable[[Path], None]] = {
    "denver": partial(
        draw_repaired, "denver_co.gpkg", "#precincts2020_orig", (3171163.874, 1679521.732), 1.6
    ),
    "bad-gap-region": partial(
        draw_repaired, "denver_co.gpkg", "#bad_gap_region", (3028531, 1607360), 1000
    ),
    "providence": partial(
        draw_repaired, "providence_ri.gpkg", "#precincts", (-71.40968677767667, 41.794201534), 5e-5
    ),
    "tokyo": partial(draw_repaired, "tokyomet262.shp", "", (308305, 21885), 1200),
    "dreieich-borders": partial(draw_borders, "dreieich_4k.gpkg"),
    "olemps-borders": partial(draw_borders, "olemps_bdtopo_v3.gpkg"),
    "liechtenstein-borders": partial(draw_borders, "liechtenstein_9k.gpkg"),
    "liechtenstein-strips": partial(draw_strips, "liechtenstein_9k.gpkg", (539650, 5217500), 1000),
    "dreieich-cells": partial(draw_sheet, "dreieich_4k.gpkg"),
}
