"""The fabric: lines noded, faces labelled, open land divided, atoms and their borders numbered."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.fabric.barriers import barrier_classes, bridges, edge_classes, open_arcs
from gridcell.fabric.footprints import Footprints, boundary_findings, make_footprints
from gridcell.fabric.kernels import chain_edges
from gridcell.fabric.land import divide_land
from gridcell.fabric.linework import faces_of, node, outside, relief_lines, street_lines
from gridcell.fabric.merge import Atoms, merge_patches
from gridcell.fabric.sites import SiteLand, fit_sites
from gridcell.model import Fabric, Finding, Layers
from gridcell.rules import Rules

Ints = NDArray[np.int64]


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
    """
    rules = rules or Rules()
    communities = layers.communities
    land = communities.geometry.to_numpy()
    given = layers.atoms is not None
    sources = layers.atoms if layers.atoms is not None else layers.buildings
    if sources is None:
        sources = gpd.GeoDataFrame(geometry=[], crs=layers.crs)
    geometry = sources.geometry.to_numpy()
    units = None
    if not given and "units" in sources:
        units = sources["units"].fillna(0).to_numpy(dtype=np.int64)
    whole = given or rules.fabric.oversize == "whole" or rules.micro is None
    slab_band = np.full((len(land), 2), np.inf) if whole else micro_band
    prints = make_footprints(
        geometry,
        households,
        communities,
        slab_band,
        units=units,
    )
    sites = fit_sites(layers.sites, prints, communities, rules.sites.min_share)
    barriers = (
        np.empty(0, dtype=object)
        if layers.barriers is None
        else layers.barriers.geometry.to_numpy()
    )
    faces = _faces(land, sites, barriers, prints, given=given, frontage=rules.fabric.frontage_m)

    point = shapely.point_on_surface(faces)
    community = _container(point, land)
    inside = community >= 0
    faces, point, community = faces[inside], point[inside], community[inside]
    piece_hits = _hits(point, prints)
    piece = piece_hits.first
    site = sites.holding(point, community, piece)
    # Labels: sites, then footprints by community, so that a part abroad is an atom of its own.
    n_sites = len(sites.geometry)
    label = np.where(site >= 0, site, n_sites + piece * len(land) + community)
    is_open = (site < 0) & (piece < 0)
    label = np.where(is_open, -1, label)
    is_print = (site < 0) & (piece >= 0)
    patches = divide_land(faces, community, label, is_open=is_open, is_print=is_print)
    atoms = merge_patches(
        patches,
        community_of_face=community,
        n_sites=n_sites,
        footprint_face=piece >= 0,
        lived_in_face=np.append(prints.households, 0)[piece] > 0,
        same_print=(piece_hits.face, piece_hits.piece),
        absorb_m2=rules.sites.absorb_m2,
    )
    found = []
    if not given and len(sources):
        names = sources["bldg_id"].to_numpy(dtype=object)
        found += boundary_findings(geometry, names, communities)
    found += sites.findings + sites.missing(atoms.site)
    return _fabric(layers, prints, sites, atoms, faces, piece_hits, barriers, found, given=given)


def _faces(
    land: Geometries,
    sites: SiteLand,
    barriers: Geometries,
    prints: Footprints,
    *,
    given: bool,
    frontage: float,
) -> Geometries:
    if given:
        outlines = shapely.boundary(np.concatenate([land, prints.geometry]))
        across = outside(shapely.boundary(sites.geometry), prints.geometry)
        return faces_of(node(np.concatenate([outlines, across])))
    streets = street_lines(land, sites.geometry, barriers, prints.geometry, frontage)
    relief = relief_lines(streets, prints.geometry, frontage)
    return faces_of(node(np.concatenate([streets, relief, shapely.boundary(prints.geometry)])))


def _container(point: Geometries, land: Geometries) -> Ints:
    """Return the row of the smallest polygon of `land` at each point, -1 for none."""
    face, row = shapely.STRtree(land).query(point, predicate="intersects")
    order = np.lexsort((row, shapely.area(land)[row], face))[::-1]
    out = np.full(len(point), -1, dtype=np.int64)
    out[face[order]] = row[order]
    return out


@dataclass(frozen=True, eq=False, slots=True)
class _Hits:
    """Which footprints lie over which faces."""

    face: Ints
    piece: Ints
    """One entry for each footprint over a face, the one that has the land first."""
    first: Ints
    """(faces,) the footprint that has the land, -1 for none."""


def _hits(point: Geometries, prints: Footprints) -> _Hits:
    face, piece = shapely.STRtree(prints.geometry).query(point, predicate="intersects")
    order = np.lexsort((piece, prints.rank[piece], face))
    face, piece = face[order], piece[order]
    first = np.full(len(point), -1, dtype=np.int64)
    first[face[::-1]] = piece[::-1]
    return _Hits(face, piece, first)


def _fabric(
    layers: Layers,
    prints: Footprints,
    sites: SiteLand,
    atoms: Atoms,
    faces: Geometries,
    hits: _Hits,
    barriers: Geometries,
    found: list[Finding],
    *,
    given: bool,
) -> Fabric:
    atom_of_piece = _atoms_of_pieces(prints, atoms, faces, hits)
    placed = atom_of_piece >= 0
    n = len(atoms.area)
    slab_atoms = np.zeros(n, dtype=bool)
    slab_atoms[atom_of_piece[placed & prints.slabs]] = True
    print_atoms = np.zeros(n, dtype=bool)
    print_atoms[atom_of_piece[placed]] = True
    kind = np.select(
        [atoms.site >= 0, slab_atoms, print_atoms],
        ["site", "slab", "given" if given else "building"],
        "open",
    )
    counted = np.bincount(
        atom_of_piece[placed], weights=prints.households[placed], minlength=n
    ).astype(np.int64)
    flag = np.zeros(len(atoms.low), dtype=np.int64)
    bridge = np.empty((0, 2))
    if layers.barriers is not None:
        kinds = barrier_classes(layers.barriers)
        flag = edge_classes(atoms.xy[atoms.low], atoms.xy[atoms.high], barriers, kinds)
        bridge = bridges(barriers, kinds)
    start, vertex, left, right, flag = chain_edges(
        atoms.low, atoms.high, atoms.left, atoms.right, flag, len(atoms.xy)
    )
    step = np.hypot(*np.diff(atoms.xy[vertex], axis=0).T) if len(vertex) else np.empty(0)
    step = np.append(step, 0.0)
    step[start[1:] - 1] = 0.0
    return Fabric(
        crs=layers.crs,
        atoms=pd.DataFrame(
            {
                "community": atoms.community,
                "kind": kind,
                "households": counted,
                "area_m2": atoms.area,
                "x": atoms.centroid[:, 0],
                "y": atoms.centroid[:, 1],
                "site": np.append(sites.row, -1)[atoms.site],
            }
        ),
        xy=atoms.xy,
        arc_start=start,
        arc_vertices=vertex,
        arc_left=left,
        arc_right=right,
        arc_length=np.add.reduceat(step, start[:-1]) if len(left) else np.empty(0),
        arc_barrier=flag,
        arc_open=open_arcs(atoms.xy, start, vertex, flag, bridge),
        pieces=pd.DataFrame(
            {
                "building": prints.source,
                "atom": atom_of_piece,
                "slab": prints.slab,
                "households": prints.households,
            }
        ),
        outlines=gpd.GeoDataFrame(geometry=prints.geometry, crs=layers.crs),
        findings=tuple(found),
    )


def _atoms_of_pieces(prints: Footprints, atoms: Atoms, faces: Geometries, hits: _Hits) -> Ints:
    """Return the atom of each footprint: of its largest face at home, else of the land below it."""
    out = np.full(len(prints.geometry), -1, dtype=np.int64)
    atom = atoms.atom_of_face[hits.face]
    own = hits.first[hits.face] == hits.piece
    at_home = atoms.community[atom] == prints.home[hits.piece]
    order = np.lexsort((shapely.area(faces[hits.face]), own & at_home, at_home))
    out[hits.piece[order]] = atom[order]
    out[prints.home < 0] = -1
    return out
