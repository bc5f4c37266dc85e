"""Makes the pictures of docs/check-and-repair.md: layers before and after repair.

``python docs/make_repair_pictures.py LAYER=NAME:X,Y,METRES …`` with any polygon layers
(``FILE#LAYER``), the name of the picture, and a place to look at closely; needs the extra
``notebook``.
"""

import sys
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

import gridcell
from gridcell.read.files import open_polygons

IMAGES = Path(__file__).resolve().parent / "images"
COLOURS = {
    "overlap": "#d62728", "sliver": "#ff7f0e", "hole": "#9ecae1", "gap": "#ff7f0e",
    "outside": "#9467bd", "crumb": "#8c564b",
}  # fmt: skip


def main(wanted: list[str]) -> None:
    mpl.use("Agg")
    for text in wanted:
        layer, _, rest = text.rpartition("=")
        name, _, place = rest.partition(":")
        x, y, half = (float(number) for number in place.split(","))
        cells = gpd.GeoDataFrame(open_polygons(layer, "cells").frame)
        print(draw(cells, IMAGES / f"{name}.png", (x, y), half))


def draw(cells: gpd.GeoDataFrame, picture: Path, at: tuple[float, float], half: float) -> Path:
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
    return picture


def _zoom(ax: Axes, at: tuple[float, float], half: float) -> None:
    ax.set_xlim(at[0] - half, at[0] + half)
    ax.set_ylim(at[1] - half, at[1] + half)


if __name__ == "__main__":
    main(sys.argv[1:])
