"""Orders of visit as tables, layers for a GIS, and tracks for phones."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from gridcell.arguments import checked
from gridcell.errors import WriteError
from gridcell.files.whole import require_writable, whole_file
from gridcell.formats.geopackage import dated
from gridcell.formats.kml import ILLEGAL_XML
from gridcell.tables.write import write_table, write_workbook
from gridcell.visits.order import VisitingOrders
from gridcell.words.catalogue import LANGUAGES, require_language, section
from gridcell.words.messages import Message, say

VISIT_FORMATS: Final = (".csv", ".xlsx", ".parquet", ".gpkg", ".geojson", ".gpx")
_CODES: Final = ("code", "bldg_id")
_TEXTS: Final = {"code": "str", "bldg_id": "str"}


def require_format(path: str | Path, *, overwrite: bool = False) -> None:
    """Make sure that orders of visit can be written to this file, before any work.

    Raises
    ------
    WriteError
        An unknown suffix, or something in the way.
    """
    suffix = Path(path).suffix
    if suffix.lower() not in VISIT_FORMATS:
        raise WriteError(
            Message("error.unknown_format", path=path, suffix=suffix, formats=list(VISIT_FORMATS))
        )
    require_writable(path, overwrite=overwrite)


@checked
def write_visits(
    orders: VisitingOrders, path: str | Path, *, overwrite: bool = False, lang: str = LANGUAGES[0]
) -> list[Path]:
    """Write orders of visit in the format that the file's suffix names; return the file.

    CSV and Parquet hold the visits with longitude and latitude, XLSX a sheet of cells as well. A
    GeoPackage has the layers ``walks``, the line walked in each cell with its measures, and
    ``visits``; GeoJSON has the walks. GPX has a track for each cell and a waypoint for each visit.

    Parameters
    ----------
    orders
        From `visiting_orders`.
    path
        A ``.csv``, ``.xlsx``, ``.parquet``, ``.gpkg``, ``.geojson`` or ``.gpx`` file; appears whole
        or not at all.
    overwrite
        Replace a file that is there already.
    lang
        Language of XLSX and GPX, which people read; other formats keep keys.

    Raises
    ------
    WriteError
        An unknown suffix, a file in the way, or one that cannot be written.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> orders = gridcell.visiting_orders(plan, cells=["450899001001001001"])
    >>> [path.name for path in gridcell.write_visits(orders, folder / "walk.gpx")]
    ['walk.gpx']
    """
    require_format(path, overwrite=overwrite)
    require_language(lang)
    suffix = Path(path).suffix.lower()
    if suffix in (".csv", ".parquet"):
        write_table(_table(orders), path, text=_CODES, overwrite=overwrite)
    elif suffix == ".xlsx":
        _write_workbook(orders, path, lang, overwrite=overwrite)
    elif suffix == ".gpx":
        with (
            whole_file(path, overwrite=overwrite) as part,
            part.open("w", encoding="utf-8", newline="\n") as stream,
        ):
            stream.writelines(_gpx(orders, lang))
    else:
        with whole_file(path, overwrite=overwrite) as part, dated():
            if suffix == ".geojson":
                _write(orders.ways.to_crs(4326), part, "GeoJSON", "walks", RFC7946="YES")
            else:
                _write(orders.ways, part, "GPKG", "walks", FID="gridcell_fid")
                _write(orders.visits, part, "GPKG", "visits", FID="gridcell_fid")
    return [Path(path)]


def _table(orders: VisitingOrders) -> pd.DataFrame:
    table = pd.DataFrame(orders.visits.drop(columns="geometry"))
    place = shapely.get_coordinates(orders.visits.geometry.to_crs(4326).to_numpy()).round(7)
    table["lon"], table["lat"] = place.T
    return table


def _write_workbook(
    orders: VisitingOrders, path: str | Path, lang: str, *, overwrite: bool
) -> None:
    sheets = {"walks": orders.cells, "visits": _table(orders)}
    codes: Sequence[str] = _CODES
    if lang != LANGUAGES[0]:
        titles, headers = section("sheet", lang), dict(section("header", lang))
        sheets["visits"]["way"] = sheets["visits"]["way"].map(section("value", lang))
        codes = [headers[name] for name in _CODES]
        sheets = {titles[name]: table.rename(columns=headers) for name, table in sheets.items()}
    write_workbook(sheets, path, text=codes, overwrite=overwrite)


def _write(frame: gpd.GeoDataFrame, part: Path, driver: str, layer: str, **options: Any) -> None:
    kind = "LineString" if layer == "walks" else "Point"
    frame = frame.astype({name: to for name, to in _TEXTS.items() if name in frame})
    pyogrio.write_dataframe(
        frame, part, layer=layer, driver=driver, append=part.exists(), use_arrow=False,
        geometry_type=kind, layer_options=options,
    )  # fmt: skip


def _gpx(orders: VisitingOrders, lang: str) -> Iterator[str]:
    """Yield GPX 1.1, https://www.topografix.com/GPX/1/1/."""
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gpx version="1.1" creator="gridcell" xmlns="http://www.topografix.com/GPX/1/1">\n'
    )
    visits = _table(orders)
    for row in visits.itertuples():
        yield (
            f'<wpt lat="{row.lat:.7f}" lon="{row.lon:.7f}"><name>{_legal(row.code)} {row.visit}'
            f"</name><desc>{_legal(row.bldg_id)}</desc></wpt>\n"
        )
    ways = orders.ways
    xy, walk = shapely.get_coordinates(ways.geometry.to_crs(4326).to_numpy(), return_index=True)
    points = [f'<trkpt lat="{y:.7f}" lon="{x:.7f}"/>' for x, y in xy.round(7).tolist()]
    first = walk.searchsorted(range(len(ways) + 1)).tolist()
    for number, row in enumerate(ways.itertuples()):
        told = Message(
            "part.walk", metres=float(row.metres), minutes=float(row.minutes), n=int(row.visits)
        )
        yield f"<trk><name>{_legal(row.code)}</name><desc>{escape(say(told, lang))}</desc><trkseg>"
        yield "".join(points[first[number] : first[number + 1]])
        yield "</trkseg></trk>\n"
    yield "</gpx>\n"


def _legal(value: object) -> str:
    return escape(ILLEGAL_XML.sub("\ufffd", str(value)))
