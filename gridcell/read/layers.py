"""Files or frames -> `Layers`: every input opened, checked once and brought into one metric CRS."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridcell.arguments import checked
from gridcell.arrays import Geometries
from gridcell.crs import crs_name, parse_crs
from gridcell.errors import InputError
from gridcell.model import Finding, InputRecord, Layers
from gridcell.read.atoms import check_atoms, hexagon_resolution, hexagons
from gridcell.read.buildings import check_buildings, unread_figures
from gridcell.read.communities import check_communities
from gridcell.read.crs import (
    check_meeting,
    check_moved,
    choose_work_crs,
    crs_doubts,
    move,
    settle_crs,
)  # fmt: skip
from gridcell.read.datum import parse_datums, to_wgs84
from gridcell.read.features import check_barriers, check_sites, join_barriers
from gridcell.read.fields import check_mapping
from gridcell.read.files import Input, Source, open_input
from gridcell.read.geometry import geometries_of
from gridcell.read.ids import rounded_ids
from gridcell.read.offset import find_offset
from gridcell.read.parcels import parcel_lines
from gridcell.read.people import check_households, check_staff, unread_counts
from gridcell.read.rosters import open_roster, personal_findings
from gridcell.rules import Rules, as_rules
from gridcell.words.messages import Message

_ORDER = (
    "communities", "buildings", "barriers", "parcels", "sites", "households", "staff", "atoms",
)  # fmt: skip
"""Inputs as the report lists them."""
_LARGE_BUILDING_M2 = 20_000.0
"""Communities whose median is smaller may be buildings."""
_TIMES_LARGER = 10.0
"""Buildings so many times larger than the communities, and around them, are the communities."""
_LEAST_MEETING = 0.01
"""Share of the buildings that has to meet a community."""


@checked
def read_layers(
    communities: Input,
    buildings: Input | None = None,
    *,
    households: Input | None = None,
    sites: Input | None = None,
    barriers: Input | Iterable[Input] = (),
    parcels: Input | None = None,
    staff: Input | None = None,
    atoms: Input | None = None,
    rules: Rules | Mapping[str, Any] | None = None,
    crs: Any = None,
    encoding: str | None = None,
    datum: str = "wgs84",
) -> Layers:
    """Return the checked inputs in one metric CRS, with our column names, in canonical order.

    Parameters
    ----------
    communities
        Polygons with a unique ``code``: a path, ``FILE#LAYER`` or a frame, like all inputs.
    buildings
        Footprints, with ``households`` where known.
    households
        Register: ``household_id``, and ``bldg_id`` or a point.
    sites
        Premises that become dedicated cells.
    barriers
        One or several layers of lines or polygons.
    parcels
        Polygons of parcels, or lines between them. Borders in the open run along those between two
        parcels that are built on.
    staff
        Staff roster: ``staff_id``, roles, place.
    atoms
        Polygons that are never divided, instead of buildings; ``h3:RES`` makes H3 hexagons.
    rules
        ``fields`` maps column names, ``boundaries.heal_width`` says what is healed.
    crs
        CRS of the inputs that name none, as ``EPSG:4547``; lon/lat columns are always degrees.
    encoding
        Encoding of shapefiles and CSV files.
    datum
        ``wgs84``, ``gcj02`` or ``bd09``, or by layer: ``communities=wgs84,buildings=gcj02``.

    Raises
    ------
    InputError
        An input that cannot be used as it is: which file, layer and row, what was expected.
    RulesError
        ``fields`` of the rules name unknown inputs or columns.

    Notes
    -----
    Frames are never changed. Rows are sorted by content, so their order in a file never matters.

    Examples
    --------
    Frames serve as well as files:

    >>> import gridcell
    >>> town = gridcell.make_sample(households=900, seed=1, communities=1)
    >>> layers = gridcell.read_layers(
    ...     town.communities, town.buildings, households=town.households, sites=town.sites,
    ...     barriers=[town.roads, town.rivers], staff=town.staff,
    ... )
    >>> layers.crs.to_string(), len(layers.buildings), int(layers.households["count"].sum())
    ('EPSG:4546', 26, 900)
    """
    rules = as_rules(rules)
    check_mapping(rules)
    reader = _Reader(
        rules=rules, encoding=encoding, fallback=parse_crs(crs), datums=parse_datums(datum)
    )
    areas = reader.communities(communities, buildings)
    # First, because no id that is made up for a building may be one by which they name buildings.
    register = None if households is None else reader.people(households, "households")
    roster = None if staff is None else reader.people(staff, "staff")
    named = [people["bldg_id"] for people in (register, roster) if people is not None]
    built = (
        None if buildings is None
        else reader.buildings(buildings, named, registered=register is not None)
    )  # fmt: skip
    lines = reader.barriers(
        _several(barriers), parcels, None if built is None else built.geometry.to_numpy()
    )
    premises = None if sites is None else reader.sites(sites)
    pieces = None if atoms is None else reader.atoms(atoms, areas, register, named)
    if built is not None and reader.datum_of("communities") == reader.datum_of("buildings"):
        reader.findings += find_offset(built, areas, lines, reader.crs)
    return Layers(
        crs=reader.crs, communities=areas, buildings=built, households=register, sites=premises,
        barriers=lines, staff=roster, atoms=pieces, inputs=reader.origins(),
        findings=tuple(reader.findings),
    )  # fmt: skip


def _several(given: Input | Iterable[Input]) -> Sequence[Input]:
    if isinstance(given, str | Path | pd.DataFrame):
        return [given]
    return list(given)


@dataclass(eq=False, slots=True, kw_only=True)
class _Reader:
    """What the inputs of one run have in common, and what was noted while reading them."""

    rules: Rules
    encoding: str | None
    fallback: pyproj.CRS | None
    datums: dict[str, str]
    crs: pyproj.CRS = field(init=False)
    outlines: Geometries = field(init=False)
    inputs: list[InputRecord] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def datum_of(self, role: str) -> str:
        return self.datums.get(role, "wgs84")

    def open(self, given: Input, role: str) -> Source:
        return open_input(given, role, encoding=self.encoding)

    def open_optional(self, given: Input, role: str) -> Source | None:
        """Return the rows of a layer that a town may have none of; ``None`` if there is no row."""
        source = open_input(given, role, encoding=self.encoding, may_be_empty=True)
        if len(source.frame):
            return source
        self.note(source, source.crs)
        text = Message("finding.layer_empty", label=source.label)
        self.findings.append(Finding(kind="layer_empty", severity="note", text=text))
        return None

    def note(self, source: Source, crs: pyproj.CRS | None) -> None:
        self.inputs.append(replace(source.record(), crs=crs_name(crs)))
        self.findings += [
            Finding(kind="read_otherwise", severity="note", text=text)
            for text in source.column_remarks
        ]
        if crs is self.fallback:
            self.findings += [
                Finding(kind="crs_overruled", severity="warning", text=text)
                for text in crs_doubts(source, crs)
            ]

    def origins(self) -> tuple[InputRecord, ...]:
        return tuple(sorted(self.inputs, key=lambda record: _ORDER.index(record.role)))

    def moved(self, source: Source) -> Geometries:
        """Return the geometries in the work CRS and WGS 84."""
        values = geometries_of(source)
        crs = settle_crs(source, self.fallback)
        self.note(source, crs)
        values, crs = to_wgs84(values, crs, self.datum_of(source.role))
        return self.placed(source, move(values, crs, self.crs))

    def placed(self, source: Source, values: Geometries) -> Geometries:
        """Return the geometries, which the work CRS can show."""
        check_moved(source, *shapely.get_coordinates(values, return_index=True))
        return values

    def communities(self, given: Input, buildings: Input | None) -> gpd.GeoDataFrame:
        source = self.open(given, "communities")
        values = geometries_of(source)
        if shapely.is_missing(values).all():
            raise InputError(Message("error.no_geometry_at_all", label=source.label))
        crs = settle_crs(source, self.fallback)
        self.note(source, crs)
        values, shifted = to_wgs84(values, crs, self.datum_of("communities"))
        self.crs = choose_work_crs(crs, gpd.GeoSeries(geometries_of(source), crs=crs))
        values = self.placed(source, move(values, shifted, self.crs))
        if buildings is not None:
            self.refuse_swapped(source, values, buildings)
        frame, findings = check_communities(source, values, self.crs, self.rules)
        self.outlines = np.asarray(frame.geometry.array, dtype=object)
        self.findings += findings
        return frame

    def refuse_swapped(self, source: Source, values: Geometries, buildings: Input) -> None:
        """Raise `InputError` where the communities are small and lie in the buildings."""
        small = float(np.nanmedian(shapely.area(values)))
        if small > _LARGE_BUILDING_M2:
            return
        other = self.open(buildings, "buildings")
        if other.geometries is None:
            return
        crs = settle_crs(other, self.fallback)
        shapes, crs = to_wgs84(geometries_of(other), crs, self.datum_of("buildings"))
        shapes = move(shapes, crs, self.crs)
        there = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
        large = float(np.median(shapely.area(there))) if len(there) else 0.0
        inside = shapely.STRtree(there).query(shapely.centroid(values), predicate="intersects")[0]
        if large > _TIMES_LARGER * small and 2 * len(np.unique(inside)) > len(values):
            raise InputError(
                Message(
                    "error.swapped", communities=source.label, buildings=other.label,
                    small=small, large=large,
                )
            )  # fmt: skip

    def buildings(
        self, given: Input, named: "list[pd.Series[str]]", *, registered: bool
    ) -> gpd.GeoDataFrame:
        source = self.open(given, "buildings")
        values = self.moved(source)
        frame, findings = check_buildings(source, values, self.crs, self.rules, named=named)
        if frame.empty:
            raise InputError(Message("error.no_geometry_at_all", label=source.label))
        check_meeting(source, frame.geometry.to_numpy(), self.outlines, share=_LEAST_MEETING)
        self.findings += findings
        if not registered:
            self.findings += unread_figures(source, self.rules)
        return frame

    def sites(self, given: Input) -> gpd.GeoDataFrame | None:
        source = self.open_optional(given, "sites")
        if source is None:
            return None
        values = self.moved(source)
        check_meeting(source, values, self.outlines)
        frame, findings = check_sites(source, values, self.crs, self.rules)
        self.findings += findings
        return frame

    def barriers(
        self, given: Sequence[Input], parcels: Input | None, buildings: Geometries | None
    ) -> gpd.GeoDataFrame | None:
        frames = []
        for item in given:
            source = self.open_optional(item, "barriers")
            if source is None:
                continue
            values = self.moved(source)
            check_meeting(source, values, self.outlines)
            frames.append(check_barriers(source, values, self.crs, self.rules))
        source = None if parcels is None else self.open_optional(parcels, "parcels")
        if source is not None:
            values = self.moved(source)
            check_meeting(source, values, self.outlines)
            shapes = np.empty(0, dtype=object) if buildings is None else buildings
            rims = shapely.boundary(self.outlines)
            streets = np.concatenate([*(f.geometry.to_numpy() for f in frames), rims])
            frames.append(parcel_lines(source, values, shapes, streets, self.crs))
        return join_barriers(frames, self.crs) if frames else None

    def people(self, given: Input, role: str) -> pd.DataFrame:
        source = (
            open_roster(given, encoding=self.encoding)
            if role == "staff"
            else self.open(given, role)
        )
        check = check_households if role == "households" else check_staff
        frame, crs = check(
            source, self.crs, self.rules, fallback=self.fallback, datum=self.datum_of(role)
        )
        self.note(source, crs)
        self.findings += rounded_ids(frame["bldg_id"], source, "bldg_id")
        if role == "staff":
            self.findings += personal_findings(source)
        check_moved(source, frame[["x", "y"]].to_numpy(), np.arange(len(frame)))
        if role == "households":
            self.findings += unread_counts(source, self.rules)
            placed = frame[frame["x"].notna()]
            points = np.asarray(shapely.points(placed[["x", "y"]].to_numpy()), dtype=object)
            check_meeting(source, points, self.outlines)
        return frame

    def atoms(
        self,
        given: Input,
        communities: gpd.GeoDataFrame,
        register: pd.DataFrame | None,
        named: "list[pd.Series[str]]",
    ) -> gpd.GeoDataFrame:
        resolution = hexagon_resolution(given)
        if resolution is not None:
            frame, findings = hexagons(resolution, communities, register)
        else:
            source = self.open(given, "atoms")
            values = self.moved(source)
            check_meeting(source, values, self.outlines, share=_LEAST_MEETING)
            frame, findings = check_atoms(source, values, self.crs, self.rules, named=named)
        self.findings += findings
        return frame
