"""Samples as files in the input formats."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import geopandas as gpd
import pyogrio

from gridcell.arguments import checked
from gridcell.errors import Hint, WriteError
from gridcell.files.whole import whole_file, write_errors
from gridcell.sample.spec import Sample
from gridcell.words.messages import Message

SYNTHETIC: Final = (
    "Synthetic data: made by a program, not by a survey. No person, household or building in it "
    "is real."
)
FIXED_DATE: Final = "2025-01-01"
"""In every DBF, so that the same sample has the same bytes on any day."""
README: Final = "README.md"


@checked
def write_sample(sample: Sample, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
    """Write a sample as shapefiles (UTF-8), CSV tables and a README; return the files.

    Parameters
    ----------
    sample
        What `make_sample` returned.
    folder
        Made if missing. All files appear, or none.
    overwrite
        Replace files of the same names.

    Raises
    ------
    WriteError
        If the folder holds such files already and may not be overwritten, or cannot be written.

    Examples
    --------
    `folder` is an empty folder.

    >>> import gridcell
    >>> town = gridcell.make_sample(households=900, seed=1, communities=1)
    >>> files = gridcell.write_sample(town, folder / "town")
    >>> [file.name for file in files if file.suffix in {".shp", ".csv"}]
    ['buildings.shp', 'communities.shp', 'households.csv', 'rivers.shp', 'roads.shp', 'sites.shp',
     'staff.csv']
    """

    def write(target: Path) -> None:
        for name in ("communities", "buildings", "sites", "roads", "rivers"):
            write_shapefile(getattr(sample, name), target / f"{name}.shp", encoding="UTF-8")
        for name in ("households", "staff"):
            frame = getattr(sample, name)
            frame.to_csv(target / f"{name}.csv", index=False, encoding="utf-8", lineterminator="\n")
        readme(sample, target / README)

    return write_folder(folder, write, overwrite=overwrite)


def write_folder(
    folder: str | Path, write: Callable[[Path], None], *, overwrite: bool
) -> list[Path]:
    """Let `write` fill a hidden folder, then move its files to where they belong; return them.

    Raises
    ------
    WriteError
        As `write_sample`.
    """
    target = Path(folder)
    with write_errors(folder):
        if target.is_dir() and not overwrite and any(target.iterdir()):
            raise WriteError(
                Message("error.sample_folder", folder=folder),
                Hint("overwrite", value=True),
            )
        target.mkdir(parents=True, exist_ok=True)
    with whole_file(target / README, overwrite=overwrite) as part:
        write(part.parent)
        names = sorted(file.name for file in part.parent.iterdir())
    return [target / name for name in names]


def write_shapefile(frame: gpd.GeoDataFrame, path: Path, *, encoding: str) -> None:
    """Write one layer with the given encoding, always with the same date in its table."""
    pyogrio.write_dataframe(
        frame, path, driver="ESRI Shapefile", encoding=encoding,
        layer_options={"DBF_DATE_LAST_UPDATE": FIXED_DATE},
    )  # fmt: skip


def readme(sample: Sample, path: Path) -> None:
    """Write what the sample is."""
    crs = sample.communities.crs
    lines = [
        f"# {sample.title}",
        "",
        SYNTHETIC,
        "",
        "Made with",
        "",
        f"    {sample.command}",
        "",
        f"CRS: {crs.name} (EPSG:{crs.to_epsg()}), metres. Text: UTF-8.",
        "",
        "| file | rows | columns |",
        "|---|---:|---|",
    ]
    for name in ("communities", "buildings", "sites", "roads", "rivers"):
        frame = getattr(sample, name)
        columns = ", ".join(c for c in frame.columns if c != "geometry")
        lines.append(f"| `{name}.shp` | {len(frame):,} | {columns} |")
    for name in ("households", "staff"):
        frame = getattr(sample, name)
        lines.append(f"| `{name}.csv` | {len(frame):,} | {', '.join(frame.columns)} |")
    lines += ["", *(line for note in sample.notes for line in (note, ""))]
    path.write_text("\n".join(lines).rstrip("\n") + "\n", encoding="utf-8", newline="\n")
