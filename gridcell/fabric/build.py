"""The fabric: the linework of all land, cut tract by tract, atoms and their borders numbered."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import Point

from gridcell.arguments import checked
from gridcell.arrays import Geometries
from gridcell.fabric.barriers import barrier_classes, bridges, open_arcs
from gridcell.fabric.footprints import Footprints, boundary_findings, make_footprints
from gridcell.fabric.joins import STANDING_M2, Crumbs
from gridcell.fabric.kernels import chain_edges
from gridcell.fabric.linework import faces_of, outside, relief_lines, street_lines
from gridcell.fabric.margins import add_margins
from gridcell.fabric.seams import JoinedAtoms, join_tracts, together_with, unfit_communities
from gridcell.fabric.sites import SiteLand, fit_sites
from gridcell.fabric.strips import cut_strips
from gridcell.fabric.tracts import (
    REACH_M,
    Linework,
    Tract,
    TractAtoms,
    cut_tract,
    cut_tracts,
    group_communities,
    near,
    tract_digest,
)
from gridcell.model import Fabric, Finding, Layers, Progress
from gridcell.rules import Rules
from gridcell.schema import LOAD
from gridcell.words.messages import Message
from gridcell.work import Tally, try_each

Ints = NDArray[np.int64]


@checked
def build_fabric(
    layers: Layers,
    households: Ints,
    micro_band: NDArray[np.float64],
    *,
    rules: Rules | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    left_out: dict[int, Exception] | None = None,
    rows: Ints | None = None,
) -> Fabric:
    """Return the atoms of all communities, an exact coverage, and the borders between them.

    Parameters
    ----------
    layers
        Checked inputs; `Layers.atoms` takes the place of buildings where it is given.
    households
        (buildings,) or (given atoms,) households of each, to the unit.
    micro_band
        (communities, 2) fewest and most households of a micro cell: buildings that hold more are
        cut into slabs, unless the rules leave them whole.
    rules
        `Rules.fabric` and `Rules.sites` are read.
    executor
        Whose workers cut the land, community by community. They change nothing but the time.
    progress
        Called with the communities that are cut, and those that failed.
    left_out
        Where it is given, a community whose land cannot be cut stops no other: it has no atoms, and
        what was raised is put into this, by its row.
    rows
        Rows of the communities whose land is needed, all by default. Others have no atoms, but for
        those beside: where their borders meet that of a community is a vertex of its own.

    Raises
    ------
    Exception
        What was raised where the land of a community cannot be cut, and `left_out` is not given.

    Notes
    -----
    Footprints are never cut but between slabs, except by the boundary of a community. What stands
    outside every community has no atom; its pieces have ``atom`` -1.

    Examples
    --------
    `layers` are those of the example of `read_layers`.

    >>> import gridcell, numpy as np
    >>> households = gridcell.households.count_households(layers).households
    >>> fabric = gridcell.build_fabric(layers, households, np.array([[30.0, 50.0]]))
    >>> int(fabric.atoms["households"].sum()), sorted(fabric.atoms["kind"].unique())
    (900, ['building', 'open', 'site', 'slab'])
    >>> bool(np.isclose(fabric.atoms["area_m2"].sum(), layers.communities.area.sum()))
    True
    """
    rules = rules or Rules()
    linework, sites = draw_linework(layers, households, micro_band, rules, executor)
    first = group_communities(linework)
    wanted = np.isin(first, first[_beside(linework.land, rows)])
    failed: dict[int, Exception] = {}
    absorb_m2 = rules.sites.absorb_m2
    tracts = cut_tracts(linework, first, absorb_m2)
    digests = digests_of(tracts, layers) if wanted.all() and layers.atoms is None else None
    atoms, together = _weave(
        linework, first.copy(), tracts, wanted, absorb_m2, executor, progress, failed
    )  # fmt: skip
    if failed and left_out is None:
        raise failed[min(failed)]
    if left_out is not None:
        left_out.update(failed)
    there = wanted.copy()
    there[list(failed)] = False
    cut_from: list[str] = []
    if there.all() and digests is not None:
        joined = np.bincount(np.unique(np.column_stack([together, first]), axis=0)[:, 0])
        alone = np.bincount(np.unique(np.column_stack([first, together]), axis=0)[:, 0])
        changed = (joined[together] > 1) | (alone[first] > 1)
        cut_from = np.where(changed, "", digests).tolist()
    fabric = fabric_of(layers, linework, sites, atoms, cut_from, there=there)
    return replace(fabric, findings=(*fabric.findings, *sites.missing(atoms.site)))


def draw_linework(
    layers: Layers,
    households: Ints,
    micro_band: NDArray[np.float64],
    rules: Rules,
    executor: Executor | None = None,
) -> tuple[Linework, SiteLand]:
    """Return all that land is cut by, and the sites alone; parameters are as in `build_fabric`."""
    prints = _footprints(layers, households, micro_band, rules)
    sites = fit_sites(layers.sites, prints, layers.communities, rules.sites.min_share)
    return _linework(layers, prints, sites, rules, executor), sites


def fabric_of(
    layers: Layers,
    linework: Linework,
    sites: SiteLand,
    atoms: JoinedAtoms,
    cut_from: Sequence[str],
    *,
    there: NDArray[np.bool_],
) -> Fabric:
    """Return the land of atoms, without findings about sites that have none.

    Parameters
    ----------
    layers
        As for `build_fabric`.
    linework, sites
        From `draw_linework`.
    atoms
        Of all communities or of some.
    cut_from
        For `Fabric.cut_from`.
    there
        (communities,) whose land was cut.
    """
    prints = linework.prints
    homeless = ~np.append(there, False)[prints.home]
    atom_of_piece = np.where(homeless, -1, atoms.atom_of_piece)
    crossing = (
        []
        if layers.atoms is not None or layers.buildings is None
        else boundary_findings(
            layers.buildings.geometry.to_numpy(),
            layers.buildings["bldg_id"].to_numpy(dtype=object),
            layers.communities,
        )
    )
    bridge = bridges(linework.barriers, linework.barrier_class)
    return Fabric(
        crs=layers.crs,
        atoms=_atom_table(prints, sites, atoms, atom_of_piece, given=layers.atoms is not None),
        **border_arcs(
            atoms.xy, atoms.low, atoms.high, atoms.left, atoms.right, atoms.flag, bridge
        ),
        gates=atoms.gates,
        pieces=pd.DataFrame(
            {
                "building": prints.source,
                "atom": atom_of_piece,
                "slab": prints.slab,
                "households": prints.households,
            }
        ),
        outlines=gpd.GeoDataFrame(geometry=prints.geometry, crs=layers.crs),
        findings=(
            *crossing, *sites.findings,
            *_crumb_findings(atoms.crumbs, layers.communities["code"].to_numpy(dtype=object)),
        ),
        cut_from=tuple(cut_from),
    )  # fmt: skip


def _footprints(
    layers: Layers, households: Ints, micro_band: NDArray[np.float64], rules: Rules
) -> Footprints:
    """Return what stands on the land: given atoms, else buildings or their slabs, else nothing."""
    given = layers.atoms is not None
    sources = layers.atoms if layers.atoms is not None else layers.buildings
    if sources is None:
        sources = gpd.GeoDataFrame(geometry=[], crs=layers.crs)
    units = None
    if not given and "units" in sources:
        units = sources["units"].fillna(0).to_numpy(dtype=np.int64)
    whole = given or rules.fabric.oversize == "whole" or rules.micro is None
    slab_band = np.full((len(layers.communities), 2), np.inf) if whole else micro_band
    return make_footprints(
        sources.geometry.to_numpy(), households, layers.communities, slab_band, units=units,
        load=sources[LOAD].to_numpy() if LOAD in sources else None,
    )  # fmt: skip


def _linework(
    layers: Layers, prints: Footprints, sites: SiteLand, rules: Rules, executor: Executor | None
) -> Linework:
    """Return what the land is cut by."""
    land = layers.communities.geometry.to_numpy()
    barriers, classes = np.empty(0, dtype=object), np.empty(0, dtype=np.int64)
    if layers.barriers is not None:
        barriers = layers.barriers.geometry.to_numpy()
        classes = barrier_classes(layers.barriers)
    if layers.atoms is not None:
        outlines = shapely.boundary(np.concatenate([land, prints.geometry]))
        across = outside(shapely.boundary(sites.geometry), prints.geometry)
        lines = np.concatenate([outlines, across])
        relief = blocks = np.empty(0, dtype=object)
    else:
        margins = add_margins(
            sites, prints, land, barriers, rules.sites.margin_m, executor=executor
        )
        outlines = np.concatenate([shapely.boundary(sites.geometry), margins.cuts])
        sites = margins.sites
        streets = street_lines(land, outlines, barriers, prints.geometry, rules.fabric.frontage_m)
        blocks = faces_of(streets)
        across = cut_strips(streets, blocks, prints.geometry, sites.geometry)
        relief, crowded = relief_lines(blocks, prints.geometry)
        blocks = blocks[crowded]
        relief = np.concatenate([relief, across])
        lines = np.concatenate([streets, relief, shapely.boundary(prints.geometry)])
    return Linework(
        land=land, lines=lines, relief=relief, blocks=blocks, prints=prints, sites=sites,
        barriers=barriers, barrier_class=classes,
    )  # fmt: skip


def digests_of(tracts: Sequence[Tract], layers: Layers) -> NDArray[np.object_]:
    """Return for each community the digest of what its tract is cut by.

    Parameters
    ----------
    tracts
        All of them.
    layers
        As for `build_fabric`.
    """
    sources = layers.atoms if layers.atoms is not None else layers.buildings
    names = np.empty(0, dtype=object)
    if sources is not None:
        names = sources["bldg_id" if layers.atoms is None else "atom_id"].to_numpy(dtype=object)
    codes = layers.communities["code"].to_numpy(dtype=object)
    out = np.full(len(codes), "", dtype=object)
    for tract in tracts:
        out[tract.rows] = tract_digest(tract, codes, names)
    return out


def _beside(land: Geometries, rows: Ints | None) -> Ints:
    """Return rows of communities and of those beside them, all for ``None``."""
    if rows is None:
        return np.arange(len(land))
    return near(shapely.STRtree(land), land[rows], REACH_M)


def _weave(
    linework: Linework,
    together: Ints,
    first: list[Tract],
    wanted: NDArray[np.bool_],
    absorb_m2: float,
    executor: Executor | None,
    progress: Progress | None,
    failed: dict[int, Exception],
) -> tuple[JoinedAtoms, Ints]:
    """Return the atoms of all communities that are wanted, cut tract by tract, and their tracts.

    Whole tracts are wanted. What communities without atoms raised is put into `failed`, by their
    rows. Tracts are those of `together`, and taken out of the list.
    """
    known: dict[tuple[int, ...], TractAtoms] = {}
    alone: set[int] = set()
    while True:
        all_tracts = first or cut_tracts(linework, together, absorb_m2)
        tracts = [
            tract
            for tract in all_tracts
            if wanted[tract.rows[0]]
            and tuple(tract.rows.tolist()) not in known
            and not failed.keys() >= set(tract.rows.tolist())
        ]
        sizes = [float(len(tract.lines)) for tract in tracts]
        tell = Tally("fabric", [len(tract.rows) for tract in tracts], progress)
        del all_tracts, first[:]
        cut, raised = try_each(cut_tract, tracts, executor=executor, sizes=sizes, told=tell)
        known.update({tuple(tracts[at].rows.tolist()): atoms for at, atoms in cut.items()})
        unsure = False
        for at, error in raised.items():
            rows = tracts[at].rows
            if len(rows) == 1 or alone.issuperset(rows):
                failed.update(dict.fromkeys(rows.tolist(), error))
                continue
            # Each alone: then it shows which of them it is.
            together[rows] = together.max() + 1 + np.arange(len(rows))
            alone.update(rows)
            unsure = True
        if len(failed) == wanted.sum():
            raise failed[min(failed)]
        if unsure:
            continue
        now = [
            tuple(np.flatnonzero(together == number).tolist())
            for number in np.unique(together).tolist()
        ]
        atoms = join_tracts(
            [known[rows] for rows in now if rows in known], len(linework.prints.geometry)
        )
        a, b = unfit_communities(atoms, linework.land)
        there = wanted.copy()
        there[list(failed)] = False
        both = there[a] & there[b]
        joined = together_with(together, (a[both], b[both]))
        if joined.max() == together.max():
            return atoms, together
        together = joined


def _crumb_findings(crumbs: Crumbs, codes: NDArray[np.object_]) -> list[Finding]:
    """Return a note for each community with land too small to stand on, at the largest of it."""
    findings = []
    for row in np.unique(crumbs.community).tolist():
        mine = np.flatnonzero(crumbs.community == row)
        largest = mine[np.argmax(crumbs.area_m2[mine])]
        total = float(crumbs.area_m2[mine].sum())
        findings.append(
            Finding(
                kind="detached_land", severity="note", community=codes[row],
                measure=round(total, 6), place=Point(crumbs.xy[largest]),
                text=Message(
                    "finding.detached_land", n=len(mine), community=codes[row], area=total,
                    least=STANDING_M2,
                ),
            )
        )  # fmt: skip
    return findings


def _atom_table(
    prints: Footprints, sites: SiteLand, atoms: JoinedAtoms, atom_of_piece: Ints, *, given: bool
) -> pd.DataFrame:
    """Return `Fabric.atoms`."""
    n, placed = len(atoms.area), atom_of_piece >= 0
    has_slab, has_print = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    has_slab[atom_of_piece[placed & prints.slabs]] = True
    has_print[atom_of_piece[placed]] = True
    kind = np.select(
        [atoms.site >= 0, has_slab, has_print],
        ["site", "slab", "given" if given else "building"],
        "open",
    )
    held = np.bincount(atom_of_piece[placed], weights=prints.households[placed], minlength=n)
    return pd.DataFrame(
        {
            "community": atoms.community,
            "kind": kind,
            "households": held.astype(np.int64),
            "area_m2": atoms.area,
            "x": atoms.centroid[:, 0],
            "y": atoms.centroid[:, 1],
            "site": np.append(sites.row, -1)[atoms.site],
        }
    )


def border_arcs(
    xy: NDArray[np.float64],
    low: Ints,
    high: Ints,
    left: Ints,
    right: Ints,
    flag: Ints,
    bridge: NDArray[np.float64],
) -> dict[str, NDArray[Any]]:
    """Return the fields of `Fabric` that hold borders: edges of atoms, chained into arcs.

    Parameters
    ----------
    xy
        (vertices, 2) coordinates.
    low, high, left, right, flag
        (edges,) ends of each edge between different atoms, the atoms beside it (-1 outside), and
        the class of barrier on which it runs, from `edge_classes`.
    bridge
        From `bridges`.
    """
    start, vertex, left, right, flag = chain_edges(low, high, left, right, flag, len(xy))
    step = np.hypot(*np.diff(xy[vertex], axis=0).T) if len(vertex) else np.empty(0)
    step = np.append(step, 0.0)
    step[start[1:] - 1] = 0.0
    return {
        "xy": xy,
        "arc_start": start,
        "arc_vertices": vertex,
        "arc_left": left,
        "arc_right": right,
        "arc_length": np.add.reduceat(step, start[:-1]) if len(left) else np.empty(0),
        "arc_barrier": flag,
        "arc_open": open_arcs(xy, start, vertex, flag, bridge),
    }
