"""A small town as planning offices send it: GBK, Chinese names, coordinates with a zone number."""

from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import shapely

from gridcell.sample.files import SYNTHETIC, write_folder, write_shapefile
from gridcell.sample.spec import Sample

CRS: Final = "EPSG:4525"
"""CGCS2000, 3-degree Gauss-Krueger zone 37: the same meridian, eastings that begin with 37."""
EASTING_OFFSET_M: Final = 37_000_000.0

KINDS: Final = {"arterial": "主干路", "street": "次干路", "lane": "支路"}
LANGUAGE_BYTE: Final = 29
"""Where a DBF says its code page; planners' files mostly do not."""

README: Final = """# {title}, as planning offices send it

{synthetic}

Made with

    {command}

What makes these files hard to read, on purpose:

- Text and field names are GBK (编码, 名称, 户数, 层数 …), there is no `.cpg`, and the language byte
  of the DBF is 0: nothing says which encoding it is.
- CRS: {crs}, eastings that begin with the number of the
  zone (37 …), `.prj` in the ESRI style.
- Households are counts on buildings (户数); there is no register.

| file | rows | fields |
|---|---:|---|
"""


def write_planners_sample(
    sample: Sample, folder: str | Path, *, overwrite: bool = False
) -> list[Path]:
    """Write communities, buildings and roads as GBK shapefiles without any hint; return the files.

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
        If the folder holds files already and may not be overwritten, or cannot be written.
    """
    layers = {
        "communities": sample.communities[["code", "name", "geometry"]].rename(
            columns={"code": "编码", "name": "名称"}
        ),
        "buildings": sample.buildings.rename(
            columns={
                "bldg_id": "楼栋编号", "households": "户数", "floors": "层数", "units": "单元数",
            }
        ),
        "roads": sample.roads.assign(kind="道路", rank=sample.roads["rank"].map(KINDS)).rename(
            columns={"kind": "类型", "rank": "等级", "name": "名称"}
        ),
    }  # fmt: skip

    def write(target: Path) -> None:
        rows = []
        for name, frame in layers.items():
            path = target / f"{name}.shp"
            write_shapefile(_in_zone(frame), path, encoding="GBK")
            path.with_suffix(".cpg").unlink()
            with path.with_suffix(".dbf").open("r+b") as table:
                table.seek(LANGUAGE_BYTE)
                table.write(b"\0")
            fields = ", ".join(c for c in frame.columns if c != "geometry")
            rows.append(f"| `{name}.shp` | {len(frame):,} | {fields} |\n")
        text = README.format(
            title=sample.title, synthetic=SYNTHETIC, command=sample.command,
            crs=f"CGCS2000, 3-degree zone 37 ({CRS})",
        )  # fmt: skip
        (target / "README.md").write_text(text + "".join(rows), encoding="utf-8", newline="\n")

    return write_folder(folder, write, overwrite=overwrite)


def _in_zone(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put the number of the zone before the eastings; nothing else moves."""
    offset = np.array([EASTING_OFFSET_M, 0.0])
    moved = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy + offset)
    return frame.set_geometry(gpd.GeoSeries(moved, index=frame.index, crs=CRS))
