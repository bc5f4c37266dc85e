"""A whole synthetic town: ground, streets, parcels, buildings, people."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.errors import InputError
from gridcell.sample import names
from gridcell.sample.buildings import raise_buildings, raise_houses
from gridcell.sample.cuts import Floats, Geometries, Ints, join, middles
from gridcell.sample.ground import BuildableLand
from gridcell.sample.landuse import choose_sites, infill, zone_parcels
from gridcell.sample.people import hire, register, settle
from gridcell.sample.spec import CommunitySpec, Sample, command_of
from gridcell.sample.streets import RANKS, StreetPlan, lay_out
from gridcell.sample.terrain import Terrain, make_terrain
from gridcell.words.messages import Message

CRS = "EPSG:4546"
"""CGCS2000, 3-degree Gauss-Krueger, central meridian 111 E."""
ORIGIN = np.array([356_500.0, 2_556_300.0])
"""Centre of the town in that CRS: 109.6 E, 23.1 N."""

STEP_M = 25.0
"""Longest straight piece of a street."""
MM = 3
"""Decimals of coordinates."""
LEAST = 400
"""Households of the smallest community: a few blocks beside its streets."""
STRICT_ATTEMPTS, ATTEMPTS = 40, 50
"""Towns drawn until one is as wanted; the first, over the number of communities, must be whole."""
MANY = 200
"""Of more communities no town has ever been whole."""
AMPLE, SCARCE = 1.3, 1.15
"""Dwellings per household that leave a choice of compounds, and that leave some flats empty."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Draft:
    """A town before people move in."""

    terrain: Terrain
    plan: StreetPlan
    roads: gpd.GeoDataFrame
    land: Geometries
    """(communities,)"""
    net: Geometries
    """(parcels,) land to build on."""
    chosen: Ints
    """Parcels that are sites."""
    categories: list[str]
    """Of each site."""
    raised: pd.DataFrame
    """Buildings, as `raise_buildings` makes them."""


@checked
def make_sample(*, households: int, seed: int, communities: int = 4) -> Sample:
    """Return a synthetic town.

    Parameters
    ----------
    households
        Exact number of households. With fewer than 400 for each community, their homes stand in a
        town for so many.
    seed
        Random seed, 0 to 2**32 - 1: the same gives the same town.
    communities
        Number of communities, of different size.

    Returns
    -------
    Sample
        Frames in EPSG:4546, metres.

    Raises
    ------
    InputError
        If there is no household or no community.

    Examples
    --------
    >>> import gridcell
    >>> town = gridcell.make_sample(households=900, seed=1, communities=1)
    >>> town.communities["code"].tolist(), len(town.buildings), len(town.households)
    (['450899001001'], 26, 900)
    """
    if communities < 1 or households < 1:
        raise InputError(
            Message(
                "error.sample_too_small",
                households=households,
                communities=communities,
            )
        )
    rng = np.random.default_rng([seed, 0])
    weight = rng.lognormal(0.0, 0.35, communities)
    if households >= LEAST * communities:
        rest = households - LEAST * communities
        extra = np.floor(weight / weight.sum() * rest).astype(np.int64)
        extra[0] += rest - extra.sum()
        sizes = (extra + LEAST).tolist()
    else:
        # Too few for blocks of their own: they live in a town for more.
        ends = np.rint(np.cumsum(weight) / weight.sum() * households).astype(np.int64)
        sizes = np.diff(ends, prepend=0).tolist()
    south = _southern(sizes)
    quarters = names.community_names(communities)
    specs = [
        CommunitySpec(
            code=f"450899{1 + k // 20:03d}{1 + k % 20:03d}",
            quarter=quarters[k],
            households=size,
            sites=max(1, round(size / 950)) if size > 300 else 0,
            missing_micro=1 if size > 2_000 else 0,
            south=k >= communities - south,
        )
        for k, size in enumerate(sizes)
    ]
    return build_town(
        specs,
        seed=seed,
        south_urbanity=0.75,
        title=f"A synthetic town of {households:,} households",
        command=command_of(households=households, seed=seed, communities=communities),
    )


def build_town(
    specs: Sequence[CommunitySpec], *, seed: int, south_urbanity: float, title: str, command: str,
    notes: tuple[str, ...] = (),
) -> Sample:  # fmt: skip
    """Return the town of these communities, those of the south bank last.

    Parameters
    ----------
    specs
        The communities.
    seed
        Random seed: the same gives the same town.
    south_urbanity
        How much less urban the south bank is: 1 as the north, 0 for villages only.
    title, command, notes
        For the README.
    """
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng([seed, 1, attempt])
        # In a town of very many communities there is always one that is not as it should be.
        strict = attempt < max(3, STRICT_ATTEMPTS // len(specs)) and len(specs) <= MANY
        draft = _draft(specs, south_urbanity, rng, strict=strict)
        if draft is not None:
            break
    else:
        raise InputError(
            Message(
                "error.sample_no_room",
                households=sum(s.households for s in specs),
                communities=len(specs),
            )
        )
    plan, net, chosen, raised = draft.plan, draft.net, draft.chosen, draft.raised
    community = plan.parcels.community
    on_site = np.isin(np.arange(len(net)), chosen)[raised["parcel"]]
    buildings = settle(
        raised,
        community[raised["parcel"]],
        on_site,
        [s.households for s in specs],
        [s.micro_target for s in specs],
        rng,
    )
    buildings = _numbered(buildings)
    order = np.argsort([s.code for s in specs], kind="stable")
    frame = gpd.GeoDataFrame(
        {
            "code": [specs[k].code for k in order],
            "name": [specs[k].name for k in order],
            "n_small": pd.array([specs[k].n_small for k in order], dtype="Int64"),
            "n_micro": pd.array([specs[k].n_micro for k in order], dtype="Int64"),
        },
        geometry=draft.land[order],
        crs=CRS,
    )
    site_counts = np.bincount(community[chosen], minlength=len(specs)).tolist()
    return Sample(
        communities=frame,
        buildings=gpd.GeoDataFrame(
            buildings[["bldg_id", "households", "floors", "units"]],
            geometry=buildings["geometry"].to_numpy(),
            crs=CRS,
        ),
        households=register(buildings),
        sites=_site_frame(net, community, chosen, draft.categories, specs),
        roads=_named(draft.roads, plan, rng),
        rivers=_river(draft.terrain),
        staff=hire(buildings, specs, site_counts, rng),
        title=title,
        notes=notes,
        command=command,
    )


def _draft(
    specs: Sequence[CommunitySpec], south_urbanity: float, rng: np.random.Generator, *, strict: bool
) -> _Draft | None:
    """Draw a town; ``None`` where a community has no homes.

    If `strict`, also where one falls apart or has too few homes.
    """
    n = len(specs)
    north = [_room(s) for s in specs if not s.south]
    south = [_room(s) for s in specs if s.south]
    total = sum(map(_room, specs))
    terrain = make_terrain(
        households=round(total),
        north_share=sum(north) / total if south else 0.66,
        south_urbanity=south_urbanity,
        rng=rng,
    )
    plan = lay_out(terrain, north, south, rng)
    roads, faces, owner = _ground(terrain, plan)
    land = np.array([shapely.coverage_union_all(faces[owner == k]) for k in range(n)])
    net = _bend(plan.parcels.net, terrain)
    community = plan.parcels.community
    pieces = [BuildableLand.of(land[k], net[community == k]).pieces() for k in range(n)]
    if strict and max(pieces) > 1:
        return None
    centre = middles(plan.parcels.gross)
    urbanity = terrain.urbanity(centre)
    use = zone_parcels(net, urbanity, terrain.patch(centre), terrain.patch(3.0 * centre), rng)
    chosen, categories = choose_sites(net, community, land, urbanity, [s.sites for s in specs], rng)
    use[chosen] = categories

    raised = raise_buildings(net, use, rng)
    bare = np.setdiff1d(chosen, raised["parcel"])
    raised = _add(raised, net, bare, np.full(len(bare), "shops", dtype=object), rng)
    wanted = np.array([_room(s) for s in specs])
    styles = infill(net, urbanity), np.full(len(net), "village", dtype=object)
    for style, ample in zip(styles, (AMPLE, 1.0), strict=True):
        short = _homes(raised, community, n) < ample * wanted
        rows = np.setdiff1d(np.flatnonzero(short[community]), raised["parcel"])
        raised = _add(raised, net, rows, style[rows], rng)
    if not strict:
        raised = _house(
            raised, net, community, chosen, np.array([s.households for s in specs], dtype=np.int64)
        )
    if (_homes(raised, community, n) < (SCARCE * wanted if strict else 1)).any():
        return None
    return _Draft(
        terrain=terrain, plan=plan, roads=roads, land=land, net=net, chosen=chosen,
        categories=categories, raised=raised,
    )  # fmt: skip


def _room(spec: CommunitySpec) -> float:
    """Return for how many households the land of a community is laid out."""
    return float(max(spec.households, LEAST))


def _add(
    raised: pd.DataFrame, net: Geometries, rows: Ints, use: NDArray[np.object_],
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Raise buildings on further parcels."""
    if not len(rows):
        return raised
    more = raise_buildings(net[rows], use, rng)
    return pd.concat([raised, more.assign(parcel=rows[more["parcel"]])], ignore_index=True)


def _house(
    raised: pd.DataFrame, net: Geometries, community: Ints, chosen: Ints, households: Ints
) -> pd.DataFrame:  # fmt: skip
    """Put a house into every community without homes, where its land is widest.

    Land that a layout finds too narrow for its rows still has room for one house.
    """
    homeless = _homes(raised, community, len(households)) < 1
    there = homeless[community] & ~shapely.is_empty(net)
    free = np.setdiff1d(np.flatnonzero(there), chosen)
    if not len(free):
        return raised
    radius = shapely.length(shapely.maximum_inscribed_circle(net[free]))
    order = np.lexsort((free, -radius, community[free]))
    parcel = free[order[np.unique(community[free][order], return_index=True)[1]]]
    houses = raise_houses(net[parcel], households[community[parcel]])
    houses["parcel"] = parcel[houses["parcel"]]
    others = raised[~raised["parcel"].isin(houses["parcel"])]
    return pd.concat([others, houses[list(raised.columns)]], ignore_index=True)


def _homes(raised: pd.DataFrame, community: Ints, n: int) -> Floats:
    """Dwellings in each community."""
    weights = raised["dwellings"].to_numpy(dtype=np.float64)
    return np.asarray(np.bincount(community[raised["parcel"]], weights, n), dtype=np.float64)


def _southern(sizes: Sequence[int]) -> int:
    """How many of the last communities lie south of the river: about a third of the town."""
    if len(sizes) == 1 or not sum(sizes):
        return 0
    share = np.cumsum(sizes[::-1])[:-1] / sum(sizes)
    return 1 + int(np.argmin(np.abs(share - 0.34)))


def _bend(geometries: Geometries, terrain: Terrain) -> Geometries:
    """Bend flat geometries and put them where the town is."""
    bent: Geometries = shapely.transform(
        shapely.segmentize(geometries, STEP_M),
        lambda xy: np.round(terrain.bend(xy) + ORIGIN, MM),
    )
    return bent


def _ground(terrain: Terrain, plan: StreetPlan) -> tuple[gpd.GeoDataFrame, Geometries, Ints]:
    """Streets from junction to junction, the faces between all lines and the community of each.

    Lines are noded and divided into short steps before they are bent, so that faces share every
    vertex whatever bends them.
    """
    drawn = np.concatenate([plan.lines, plan.borders, [terrain.outline.boundary, terrain.river]])
    inside = shapely.intersection(drawn, terrain.outline)
    edges = shapely.get_parts(shapely.union_all(inside, grid_size=0.001))
    edges = shapely.segmentize(edges[shapely.length(edges) > 0], STEP_M)
    faces = shapely.get_parts(shapely.polygonize(edges))
    land = join([plan.blocks, plan.water])
    tree = shapely.STRtree(land.gross)
    owner = land.community[
        tree.query_nearest(shapely.point_on_surface(faces), all_matches=False)[1]
    ]
    middle = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    edge, line = shapely.STRtree(plan.lines).query_nearest(
        middle, max_distance=0.05, all_matches=False
    )
    order = np.lexsort((edge, line))
    edge, line = edge[order], line[order]
    roads = gpd.GeoDataFrame(
        {"kind": "road", "rank": np.array(RANKS)[plan.rank[line]], "number": line},
        geometry=_bend(edges[edge], terrain),
        crs=CRS,
    )
    return roads, _bend(faces, terrain), owner


def _numbered(buildings: pd.DataFrame) -> pd.DataFrame:
    """Give every building its number."""
    width = max(5, len(str(len(buildings))))
    return buildings.assign(bldg_id=[f"B{i:0{width}d}" for i in range(1, len(buildings) + 1)])


def _site_frame(
    net: Geometries, community: Ints, chosen: Ints, categories: Sequence[str],
    specs: Sequence[CommunitySpec],
) -> gpd.GeoDataFrame:  # fmt: skip
    """Sites with a name made of what they are and where."""
    table = pd.DataFrame({"category": categories, "community": community[chosen]})
    nth = table.groupby(["community", "category"]).cumcount()
    town_nth = table.groupby("category").cumcount()
    title = [
        names.site_name(category, here, specs[k].quarter, there)
        for category, here, k, there in zip(
            table["category"], nth, table["community"], town_nth, strict=True
        )
    ]
    return gpd.GeoDataFrame(
        {
            "site_id": [f"P{i:04d}" for i in range(1, len(table) + 1)],
            "name": pd.array(title, dtype="str"),
            "category": pd.array(categories, dtype="str"),
        },
        geometry=net[chosen],
        crs=CRS,
    )


def _river(terrain: Terrain) -> gpd.GeoDataFrame:
    """Return the water, from rim to rim."""
    water = terrain.river.buffer(terrain.river_width_m / 2, cap_style="flat")
    clipped = shapely.intersection(water, terrain.outline)
    return gpd.GeoDataFrame(
        {"kind": ["river"], "name": [names.RIVER]},
        geometry=_bend(np.array([clipped], dtype=object), terrain),
        crs=CRS,
    )


def _named(roads: gpd.GeoDataFrame, plan: StreetPlan, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Give every street its name, the same from end to end."""
    name = names.street_names(plan.rank, rng)[roads["number"]]
    return roads[["kind", "rank", "geometry"]].assign(name=pd.array(name, dtype="str"))[
        ["kind", "rank", "name", "geometry"]
    ]
