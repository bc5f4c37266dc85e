"""The fabric: lines noded, faces labelled, open land divided, atoms and their borders numbered."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import Point

from gridcell.arguments import checked
from gridcell.arrays import Geometries
from gridcell.fabric.barriers import barrier_classes, bridges, edge_classes, open_arcs
from gridcell.fabric.footprints import Footprints, boundary_findings, make_footprints
from gridcell.fabric.joins import STANDING_M2, Crumbs
from gridcell.fabric.kernels import chain_edges
from gridcell.fabric.land import divide_land
from gridcell.fabric.linework import faces_of, node, outside, relief_lines, street_lines
from gridcell.fabric.merge import Atoms, merge_patches
from gridcell.fabric.sites import SiteLand, fit_sites
from gridcell.model import Fabric, Finding, Layers
from gridcell.rules import Rules
from gridcell.words.messages import Message

Ints = NDArray[np.int64]


@checked
def build_fabric(
    layers: Layers, households: Ints, micro_band: NDArray[np.float64], *, rules: Rules | None = None
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
    prints = _footprints(layers, households, micro_band, rules)
    sites = fit_sites(layers.sites, prints, layers.communities, rules.sites.min_share)
    barriers = (
        np.empty(0, dtype=object)
        if layers.barriers is None
        else layers.barriers.geometry.to_numpy()
    )
    faces = _faces(layers, prints, sites, barriers, rules.fabric.frontage_m)
    atoms = _atoms(faces, prints, sites, len(layers.communities), rules.sites.absorb_m2)
    atom_of_piece = _atoms_of_pieces(prints, atoms, faces)
    crossing = (
        []
        if layers.atoms is not None or layers.buildings is None
        else boundary_findings(
            layers.buildings.geometry.to_numpy(),
            layers.buildings["bldg_id"].to_numpy(dtype=object),
            layers.communities,
        )
    )
    return Fabric(
        crs=layers.crs,
        atoms=_atom_table(prints, sites, atoms, atom_of_piece, given=layers.atoms is not None),
        xy=atoms.xy,
        **_arcs(atoms, layers.barriers, barriers),
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
            *crossing, *sites.findings, *sites.missing(atoms.site),
            *_crumb_findings(atoms.crumbs, layers.communities["code"].to_numpy(dtype=object)),
        ),
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
        sources.geometry.to_numpy(), households, layers.communities, slab_band, units=units
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Hits:
    """Which footprints lie over which faces."""

    face: Ints
    piece: Ints
    """One entry for each footprint over a face, the one that has the land first."""
    first: Ints
    """(faces,) the footprint that has the land, -1 for none."""


@dataclass(frozen=True, eq=False, slots=True)
class _LandFaces:
    """Faces of all linework inside the communities, and what lies over them."""

    geometry: Geometries
    community: Ints
    site: Ints
    """Part of a site that has the land, -1 for none."""
    hits: _Hits


def _faces(
    layers: Layers, prints: Footprints, sites: SiteLand, barriers: Geometries, frontage: float
) -> _LandFaces:
    land = layers.communities.geometry.to_numpy()
    if layers.atoms is not None:
        outlines = shapely.boundary(np.concatenate([land, prints.geometry]))
        across = outside(shapely.boundary(sites.geometry), prints.geometry)
        lines = np.concatenate([outlines, across])
    else:
        streets = street_lines(land, sites.geometry, barriers, prints.geometry, frontage)
        relief = relief_lines(streets, prints.geometry, frontage)
        lines = np.concatenate([streets, relief, shapely.boundary(prints.geometry)])
    faces = faces_of(node(lines))
    point = shapely.point_on_surface(faces)
    community = _container(point, land)
    inside = community >= 0
    faces, point, community = faces[inside], point[inside], community[inside]
    hits = _hits(point, prints)
    return _LandFaces(faces, community, sites.holding(point, community, hits.first), hits)


def _atoms(
    faces: _LandFaces, prints: Footprints, sites: SiteLand, communities: int, absorb_m2: float
) -> Atoms:
    """Return the faces divided among their owners and merged into atoms."""
    piece, n_sites = faces.hits.first, len(sites.geometry)
    general = faces.site < 0
    # Labels: sites, then footprints by community, so that a part abroad is an atom of its own.
    label = np.where(general, n_sites + piece * communities + faces.community, faces.site)
    is_open = general & (piece < 0)
    patches = divide_land(
        faces.geometry,
        faces.community,
        np.where(is_open, -1, label),
        is_open=is_open,
        is_print=general & (piece >= 0),
    )
    return merge_patches(
        patches,
        community_of_face=faces.community,
        n_sites=n_sites,
        footprint_face=piece >= 0,
        lived_in_face=np.append(prints.households, 0)[piece] > 0,
        same_print=(faces.hits.face, faces.hits.piece),
        absorb_m2=absorb_m2,
    )


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


def _container(point: Geometries, land: Geometries) -> Ints:
    """Return the row of the smallest polygon of `land` at each point, -1 for none."""
    face, row = shapely.STRtree(land).query(point, predicate="intersects")
    order = np.lexsort((row, shapely.area(land)[row], face))[::-1]
    out = np.full(len(point), -1, dtype=np.int64)
    out[face[order]] = row[order]
    return out


def _hits(point: Geometries, prints: Footprints) -> _Hits:
    face, piece = shapely.STRtree(prints.geometry).query(point, predicate="intersects")
    order = np.lexsort((piece, prints.rank[piece], face))
    face, piece = face[order], piece[order]
    first = np.full(len(point), -1, dtype=np.int64)
    first[face[::-1]] = piece[::-1]
    return _Hits(face, piece, first)


def _atom_table(
    prints: Footprints, sites: SiteLand, atoms: Atoms, atom_of_piece: Ints, *, given: bool
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


def _arcs(
    atoms: Atoms, barriers: gpd.GeoDataFrame | None, lines: Geometries
) -> dict[str, NDArray[Any]]:
    """Return the fields of `Fabric` that begin with ``arc_``: borders of atoms, chained."""
    flag = np.zeros(len(atoms.low), dtype=np.int64)
    bridge = np.empty((0, 2))
    if barriers is not None:
        kinds = barrier_classes(barriers)
        flag = edge_classes(atoms.xy[atoms.low], atoms.xy[atoms.high], lines, kinds)
        bridge = bridges(lines, kinds)
    start, vertex, left, right, flag = chain_edges(
        atoms.low, atoms.high, atoms.left, atoms.right, flag, len(atoms.xy)
    )
    step = np.hypot(*np.diff(atoms.xy[vertex], axis=0).T) if len(vertex) else np.empty(0)
    step = np.append(step, 0.0)
    step[start[1:] - 1] = 0.0
    return {
        "arc_start": start,
        "arc_vertices": vertex,
        "arc_left": left,
        "arc_right": right,
        "arc_length": np.add.reduceat(step, start[:-1]) if len(left) else np.empty(0),
        "arc_barrier": flag,
        "arc_open": open_arcs(atoms.xy, start, vertex, flag, bridge),
    }


def _atoms_of_pieces(prints: Footprints, atoms: Atoms, faces: _LandFaces) -> Ints:
    """Return the atom of each footprint: of its largest face at home, else of the land below it."""
    hits = faces.hits
    out = np.full(len(prints.geometry), -1, dtype=np.int64)
    atom = atoms.atom_of_face[hits.face]
    own = hits.first[hits.face] == hits.piece
    at_home = atoms.community[atom] == prints.home[hits.piece]
    order = np.lexsort((shapely.area(faces.geometry[hits.face]), own & at_home, at_home))
    out[hits.piece[order]] = atom[order]
    out[prints.home < 0] = -1
    return out
