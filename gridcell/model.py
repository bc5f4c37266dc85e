"""The nouns everybody uses: layers in, fabric between, plan out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point

from gridcell.crs import crs_name
from gridcell.display.cards import fabric_html, layers_html, plan_html
from gridcell.display.lines import layers_lines, plan_lines
from gridcell.display.plot import plot_plan
from gridcell.extras import needs
from gridcell.facts import (
    CoverageFigures,
    DivisionFigures,
    InputRecord,
    PublicationRecord,
    SitingFigures,
    StaffFigures,
)
from gridcell.report import Balance, balance, make_report
from gridcell.rules import Band, Rules
from gridcell.schema import (
    BARRIER_CLASSES,
    CODE_COLUMNS,
    FINDING_COLUMNS,
    HISTORY_COLUMNS,
    LINEAGE_COLUMNS,
    MESSAGE_COLUMNS,
    POINT_COLUMNS,
    SERVED_COLUMNS,
    SEVERITIES,
)
from gridcell.words.messages import Message, dump_params

if TYPE_CHECKING:
    import folium
    from anywidget import AnyWidget
    from matplotlib.axes import Axes

__all__ = [
    "Balance",
    "CoverageFigures",
    "DivisionFigures",
    "Fabric",
    "Finding",
    "InputRecord",
    "Layers",
    "Plan",
    "Progress",
    "PublicationRecord",
    "Severity",
    "SitingFigures",
    "StaffFigures",
    "balance",
    "empty_table",
    "findings_frame",
    "make_report",
    "no_points",
    "place_of",
    "sort_findings",
]

Severity = Literal["error", "warning", "note"]

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, what is done and the total."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Finding:
    """One thing that a reader, a step or a check found.

    Examples
    --------
    >>> import gridcell
    >>> from gridcell.words.messages import Message
    >>> text = Message("finding.site_outside", site="the old mill")
    >>> finding = gridcell.Finding(kind="site_outside", severity="warning", text=text)
    >>> finding.message
    'site the old mill lies in no community: no cell is made of it'
    """

    kind: str
    """What it is, one word or two with an underscore: ``overlap``, ``cut_building``."""
    severity: Severity
    """``error`` breaks a rule; ``warning`` should be looked at; ``note`` is worth knowing."""
    text: Message
    """Which record, what was found, what was done or should be done: ``finding.…``."""
    cell: str | None = None
    """Code of the cell, where there is one."""
    others: tuple[str, ...] = ()
    """Codes of the other cells concerned."""
    community: str | None = None
    """Code of the community, where there is one."""
    measure: float | None = None
    """Size of the fault in the unit that the message names: m2, m or households."""
    place: Point | None = None
    """Where, in the plan's CRS."""

    @property
    def message(self) -> str:
        """The text in English."""
        return str(self.text)

    @property
    def msgid(self) -> str:
        """Which text of the catalogue it is."""
        return self.text.msgid

    @property
    def params(self) -> str:
        """The values of its text, as JSON."""
        return dump_params(self.text)

    @property
    def cells(self) -> str | None:
        """All cells concerned, separated by ``;``."""
        return ";".join([*([self.cell] if self.cell is not None else []), *self.others]) or None


def findings_frame(findings: Iterable[Finding], crs: pyproj.CRS | None) -> gpd.GeoDataFrame:
    """Return the findings as a frame, worst first, then by kind, community, cell and message.

    Parameters
    ----------
    findings
        Any number of findings, in any order.
    crs
        CRS of their places.
    """
    rows = sorted(
        findings,
        key=lambda f: (
            SEVERITIES.index(f.severity), f.kind, f.community or "", f.cell or "", f.message,
        ),
    )  # fmt: skip
    frame = pd.DataFrame(
        {
            name: pd.Series([getattr(f, name) for f in rows], dtype=object)
            for name in (*FINDING_COLUMNS, *MESSAGE_COLUMNS)
        }
    )
    frame["measure"] = pd.to_numeric(frame["measure"]).astype("float64")
    for name in ("kind", "severity", "cell", "cells", "community", "message", *MESSAGE_COLUMNS):
        frame[name] = frame[name].astype("str")
    return gpd.GeoDataFrame(
        frame, geometry=np.array([f.place for f in rows], dtype=object), crs=crs
    )


_INPUTS: Final = (
    "communities", "buildings", "households", "sites", "barriers", "staff", "atoms",
)  # fmt: skip
"""The frames of `Layers`, as they are shown."""


def sort_findings(findings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the findings in the order of `findings_frame`."""
    keys = pd.DataFrame(
        {
            "severity": findings["severity"].map(SEVERITIES.index).to_numpy(),
            **{
                name: findings[name].astype(object).fillna("").to_numpy()
                for name in ("kind", "community", "cell", "message")
            },
        }
    )
    order = keys.sort_values(list(keys.columns), kind="stable").index
    return findings.iloc[order].reset_index(drop=True)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Layers:
    """Checked inputs in one metric CRS, with our column names, each in its canonical order.

    Rows are sorted by content, so that the order in a file never matters, and numbered from 0.
    Missing values are ``None``/``NA``. Text columns are ``str``.

    Examples
    --------
    `layers` are those of the example of `read_layers`.

    >>> layers.communities[["code", "name"]].to_dict("list")
    {'code': ['450899001001'], 'name': ['荷城社区']}
    >>> layers.atoms is None, [record.role for record in layers.inputs]
    (True, ['communities', 'buildings', 'barriers', 'barriers', 'sites', 'households', 'staff'])
    """

    crs: pyproj.CRS
    communities: gpd.GeoDataFrame
    """``code``, ``name``, ``large`` (text or NA), ``n_small``, ``n_micro`` (Int64 or NA),
    ``small``, ``micro`` (``MIN:TARGET:MAX`` or NA), ``class`` (text or NA), ``households`` (Int64
    or NA), ``responsible``, ``management``, ``valid_from`` (text or NA, ISO 8601),
    (Multi)Polygon, fitting together exactly. Sorted by code."""
    buildings: gpd.GeoDataFrame | None = None
    """``bldg_id`` (unique), ``households`` (Int64 or NA), ``floors``, ``height`` (float or NA),
    ``units`` (Int64 or NA), ``use`` (text or NA), valid (Multi)Polygon."""
    households: pd.DataFrame | None = None
    """``household_id`` (unique), ``bldg_id``, ``unit`` (text or NA), ``count`` (int64), and ``x``,
    ``y`` in the plan's CRS (NaN where there is no point)."""
    sites: gpd.GeoDataFrame | None = None
    """``site_id`` (unique), ``name``, ``category``, ``responsible``, ``management``, ``valid_from``
    (text or NA, ISO 8601), valid (Multi)Polygon."""
    barriers: gpd.GeoDataFrame | None = None
    """``kind`` (road, river, rail, wall), ``rank`` (text or NA), ``name`` (text or NA),
    LineString; outlines where polygons were given."""
    staff: pd.DataFrame | None = None
    """``staff_id``, ``roles`` (text, separated by ``;``), ``bldg_id``, ``community`` (text or NA),
    ``max_cells``, ``max_households`` (Int64 or NA), ``x``, ``y``."""
    atoms: gpd.GeoDataFrame | None = None
    """``atom_id`` (unique), ``households`` (int64), valid (Multi)Polygon: instead of buildings."""
    inputs: tuple[InputRecord, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        frames = {role: getattr(self, role) for role in _INPUTS}
        severities = pd.Series([finding.severity for finding in self.findings], dtype="str")
        given = {role: frame for role, frame in frames.items() if frame is not None}
        return layers_lines(given, severities, crs_name(self.crs))

    def _repr_html_(self) -> str:
        frames = {role: getattr(self, role) for role in _INPUTS}
        sources: dict[str, list[tuple[str, str | None, str | None]]] = {}
        for r in self.inputs:
            path = r.path if r.layer is None else f"{r.path}#{r.layer}"
            sources.setdefault(r.role, []).append((path, r.crs, r.encoding))
        return layers_html(
            {role: frame for role, frame in frames.items() if frame is not None},
            sources,
            [finding.severity for finding in self.findings],
            self.crs,
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Gates:
    """Where vertices of borders in the open may be moved, without meeting anything else."""

    ends: NDArray[np.int64]
    """(vertices, 3) of a vertex on the edge of two triangles, the ends of that edge and -1; of one
    where three borders meet, the corners of its triangle; -1 for vertices that stay."""
    slant: NDArray[np.float64]
    """(vertices, 2) how many metres one has to go from either end of the edge to be a metre from
    the walls there."""

    @classmethod
    def none(cls, vertices: int) -> "Gates":
        """Return what says of so many vertices that they stay."""
        return cls(ends=np.full((vertices, 3), -1), slant=np.ones((vertices, 2)))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Fabric:
    """The atoms of all communities: an exact coverage, as borders between numbered atoms.

    The geometry is kept once: an arc is a chain of vertices between two junctions, with one atom
    on its left and one on its right (-1 outside all communities). Cells are unions of atoms, so
    their borders are the arcs whose two sides belong to different cells.

    Examples
    --------
    `layers` are those of the example of `read_layers`. Borders of the community are those arcs that
    have no atom on one side:

    >>> import gridcell, numpy as np
    >>> households = gridcell.households.count_households(layers).households
    >>> fabric = gridcell.build_fabric(layers, households, np.array([[30.0, 50.0]]))
    >>> rim = (fabric.arc_left < 0) | (fabric.arc_right < 0)
    >>> bool(np.isclose(fabric.arc_length[rim].sum(), layers.communities.length.sum()))
    True
    """

    crs: pyproj.CRS
    atoms: pd.DataFrame
    """One row an atom: ``community`` (row of the communities), ``kind`` (building, slab, open,
    site, given), ``households`` (int64), ``area_m2``, ``x``, ``y`` (centroid), ``site`` (row of the
    sites or -1)."""
    xy: NDArray[np.float64]
    """(vertices, 2) coordinates, metres."""
    arc_start: NDArray[np.int64]
    """(arcs + 1,) where each arc begins in `arc_vertices`."""
    arc_vertices: NDArray[np.int64]
    """Vertex numbers of the arcs, one after another."""
    arc_left: NDArray[np.int64]
    """(arcs,) atom on the left."""
    arc_right: NDArray[np.int64]
    """(arcs,) atom on the right."""
    arc_length: NDArray[np.float64]
    """(arcs,) metres."""
    arc_barrier: NDArray[np.int64]
    """(arcs,) 0 off barriers, else 1 + index of the class in `schema.BARRIER_CLASSES`: the
    strongest where several run together."""
    arc_open: NDArray[np.bool_]
    """(arcs,) whether people get from one side to the other: not over a river without a bridge."""
    pieces: pd.DataFrame
    """Which atoms stand for which building: ``building`` (row of the buildings), ``atom``,
    ``slab`` (0 for the first), ``households``."""
    outlines: gpd.GeoDataFrame
    """Building geometries as they are in the plan, one row a piece, in the order of `pieces`."""
    gates: Gates | None = None
    """Where borders in the open may run; ``None`` where that is not known any more, as of the land
    that a plan keeps."""
    findings: tuple[Finding, ...] = ()
    cut_from: tuple[str, ...] = ()
    """(communities,) digest of all that the land of each was cut by; ``""`` where land beside it
    had a say as well, nothing where that is not known."""

    def _repr_html_(self) -> str:
        inner = (self.arc_left >= 0) & (self.arc_right >= 0)
        metres: NDArray[np.float64] = np.bincount(
            self.arc_barrier[inner], weights=self.arc_length[inner],
            minlength=1 + len(BARRIER_CLASSES),
        ).astype(np.float64)  # fmt: skip
        return fabric_html(self.atoms, metres, self.crs)


_TABLES: Final = {
    "codes": {
        **dict.fromkeys(CODE_COLUMNS, "str"),
        "level": "int64", "given": "int64", "retired": "Int64", "locked": "bool",
    },
    "history": {**dict.fromkeys(HISTORY_COLUMNS, "str"), "number": "int64"},
    "lineage": {
        **dict.fromkeys(LINEAGE_COLUMNS, "str"),
        "households": "int64", "area_m2": "float64", "operation": "int64",
    },
    "undo": {"number": "int64", "state": "str"},
    "served": {
        **dict.fromkeys(SERVED_COLUMNS, "str"), "households": "int64", "distance_m": "float64",
    },
}  # fmt: skip


def empty_table(
    name: Literal["codes", "history", "lineage", "undo", "served"],
) -> pd.DataFrame:
    """Return a table that a plan does not have, with its columns."""
    return pd.DataFrame({column: pd.Series(dtype=kind) for column, kind in _TABLES[name].items()})


def no_points() -> gpd.GeoDataFrame:
    """Return the service points of a plan that has none."""
    kinds = {
        **dict.fromkeys(POINT_COLUMNS, "str"), "existing": "bool", "locked": "bool",
        **dict.fromkeys(("capacity", "mean_m", "max_m"), "float64"),
        **dict.fromkeys(("households", "buildings", "beyond"), "int64"),
    }  # fmt: skip
    table = pd.DataFrame({name: pd.Series(dtype=kinds[name]) for name in POINT_COLUMNS})
    return gpd.GeoDataFrame(table, geometry=np.empty(0, dtype=object))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Plan:
    """Everything a division produced.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> plan.ok, plan.crs.to_string(), plan.bands["450899001001", "small"].target
    (True, 'EPSG:4546', 400.0)
    >>> plan.cells("small")[["code", "grid_type", "name"]].iloc[-1].tolist()
    ['450899001001801', 'dedicated', '荷城小学']
    """

    crs: pyproj.CRS
    large: gpd.GeoDataFrame
    """Level 1. Every cell layer has the columns `schema.CELL_COLUMNS` and a geometry."""
    medium: gpd.GeoDataFrame
    """Level 2: the communities."""
    small: gpd.GeoDataFrame
    """Level 3, general and dedicated."""
    micro: gpd.GeoDataFrame
    """Level 4; no rows where the division stops at level 3."""
    leaves: gpd.GeoDataFrame
    """Cells without children; they cover everything."""
    buildings: gpd.GeoDataFrame
    """``bldg_id``, ``households``, ``code`` of the leaf; one row a slab."""
    barriers: gpd.GeoDataFrame
    """``kind``, ``rank``, ``name``: what the map draws under the cells."""
    households: pd.DataFrame
    """`schema.HOUSEHOLD_COLUMNS`; no rows where there was no register. Where the plan keeps its
    land, ``atoms`` tells the atoms of each line: ``12``, or ``12:3;13:2`` for 5 households."""
    staff: pd.DataFrame
    """`schema.STAFF_COLUMNS`."""
    vacancies: pd.DataFrame
    """`schema.VACANCY_COLUMNS`."""
    lineage: pd.DataFrame
    """`schema.LINEAGE_COLUMNS`; no rows for a first division."""
    findings: gpd.GeoDataFrame
    """`schema.FINDING_COLUMNS`, worst first; the geometry is the place or ``None``."""
    rules: Rules
    inputs: tuple[InputRecord, ...] = ()
    """Where its layers came from."""
    bands: Mapping[tuple[str, str], Band] = field(default_factory=dict)
    """By community and level (``small``, ``micro``), the band that its cells were made for."""
    estimated: int = 0
    """Households that are estimates; those of a plan to publish are not told."""
    coverage: Mapping[str, CoverageFigures] = field(default_factory=dict)
    """By level, what the proof came to; nothing where there was none."""
    staffing: StaffFigures | None = None
    """What is known of the assignment; ``None`` without a staff roster."""
    points: gpd.GeoDataFrame = field(default_factory=no_points)
    """`schema.POINT_COLUMNS` and where each is; no rows where no points were sited."""
    served: pd.DataFrame = field(default_factory=lambda: empty_table("served"))
    """`schema.SERVED_COLUMNS`, by tier and building."""
    siting: SitingFigures | None = None
    """What is known of the service points; ``None`` where none were sited."""
    division: DivisionFigures = field(default_factory=DivisionFigures)
    """What only the division knew."""
    publication: PublicationRecord | None = None
    """What was hidden, where this is a plan to publish."""
    codes: pd.DataFrame = field(default_factory=lambda: empty_table("codes"))
    """`schema.CODE_COLUMNS`, sorted by code."""
    history: pd.DataFrame = field(default_factory=lambda: empty_table("history"))
    """`schema.HISTORY_COLUMNS`, the first operation first."""
    undo: pd.DataFrame = field(default_factory=lambda: empty_table("undo"))
    """What `gridcell.Undo` needs: the ``number`` of each edit that can be taken back and the
    ``state`` of before, packed; no rows after any other operation."""
    cut_from: Mapping[str, str] = field(default_factory=dict)
    """By community, the digest of all that its land was cut by, where that is known: where it is
    the same, an update spares the land (`Fabric.cut_from`)."""
    fabric: Fabric | None = None
    """The land, from which cells can be formed anew; ``None`` where the plan does not keep it. Its
    atoms have one more column, ``code`` of the leaf, its pieces ``bldg_id``."""

    @property
    def report(self) -> dict[str, Any]:
        """What ``report.json`` holds, made anew from the plan: `gridcell.report`."""
        return make_report(self)

    @property
    def ok(self) -> bool:
        """Whether the plan keeps its promises: no finding is an error."""
        if self.publication is not None:
            return self.publication.ok
        return not bool((self.findings["severity"] == "error").any())

    @property
    def unassigned(self) -> int:
        """Households in no cell: those that are listed with a reason."""
        if self.households.empty:
            return 0
        nowhere = self.households["code"].isna()
        return int(pd.to_numeric(self.households.loc[nowhere, "count"]).fillna(0).sum())

    @property
    def is_estimated(self) -> bool:
        """Whether households are estimates."""
        return self.estimated > 0 if self.publication is None else self.publication.estimated

    @property
    def counts_persons(self) -> bool:
        """Whether persons stand where households would: census blocks that carry a population."""
        if self.publication is not None:
            return self.publication.persons
        return bool((self.findings["kind"] == "persons_as_households").any())

    def note(self, lang: str | None = None) -> str | None:
        """Return what a publication says of itself, in a language or in all; else ``None``."""
        if self.publication is None:
            return None
        notes = self.publication.notes
        return " ".join(notes.values()) if lang is None else notes[lang]

    def cells(self, level: str) -> gpd.GeoDataFrame:
        """Return the cells of a level: large, medium, small, micro or leaves."""
        frames = {
            "large": self.large, "medium": self.medium, "small": self.small,
            "micro": self.micro, "leaves": self.leaves,
        }  # fmt: skip
        return frames[level]

    def plot(
        self,
        *,
        level: str = "small",
        column: str | None = None,
        ax: "Axes | None" = None,
        labels: bool = False,
        buildings: bool = False,
        barriers: bool = False,
        legend: bool = True,
        lang: str = "en",
    ) -> "Axes":
        """Return matplotlib axes with the cells of a level: `gridcell.display.plot.plot_plan`."""
        return plot_plan(
            self, level=level, column=column, ax=ax, labels=labels, buildings=buildings,
            barriers=barriers, legend=legend, lang=lang,
        )  # fmt: skip

    def explore(self, *, lang: str = "en", height: int = 600) -> "folium.Map":
        """Return the interactive map for a notebook: `gridcell.display.map.show_plan`."""
        # folium takes .3 s to import, and few programs draw.
        from gridcell.display.map import show_plan

        return show_plan(self, lang=lang, height=height)

    def edit(
        self, *, community: str | None = None, lang: str = "en", height: int = 640
    ) -> "AnyWidget":
        """Return an editor for a notebook: `gridcell.revision.widget.PlanEditor`.

        Its ``edits`` are those made so far, its ``apply()`` is the plan after them.

        Parameters
        ----------
        community
            Code of the only community to edit.
        lang
            Output language, ``en`` or ``zh``.
        height
            Of the frame, in pixels.

        Raises
        ------
        InputError
            As `gridcell.write_editor`; no ``gridcell[notebook]``.
        """
        # By name, since it stands far above: users look for verbs of a plan on the plan.
        with needs("editor", extra="notebook"):
            widget = import_module("gridcell.revision.widget")
        editor: AnyWidget = widget.PlanEditor(self, community=community, lang=lang, height=height)
        return editor

    def __repr__(self) -> str:
        return plan_lines(self, crs_name(self.crs), ok=self.ok)

    def _repr_html_(self) -> str:
        return plan_html(self)


def place_of(geometry: shapely.Geometry) -> Point:
    """Return a point of the geometry at which a finding about it can be marked."""
    point = shapely.point_on_surface(geometry)
    assert isinstance(point, Point)  # noqa: S101
    return point
