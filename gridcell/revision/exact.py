"""Drawn polygons as they are: repaired, and the land cut along them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, spread
from gridcell.check.buildings import find_cut_buildings
from gridcell.coverage.holders import find_holders
from gridcell.coverage.mend import mend
from gridcell.coverage.repair import repair_cells
from gridcell.errors import InputError
from gridcell.fabric import build_fabric
from gridcell.fabric.footprints import boundary_findings
from gridcell.model import Fabric, Finding, Layers, Plan, place_of
from gridcell.revision.drawn import DrawnLayer
from gridcell.rules import Rules, Sites
from gridcell.words.messages import Message

Ints = NDArray[np.int64]

_CUT_M2 = 0.01
"""A building of which less stands beyond a border only touches it."""
_FREE = 0.5
"""Share of a site that no drawn cell holds, from which it is a dedicated cell."""
_OF_PARTS = ("building_on_boundary", "detached_land")
"""Findings about the boundaries of communities, which parts of them are not."""


def repair_drawn(layer: DrawnLayer, layers: Layers) -> tuple[DrawnLayer, list[Finding]]:
    """Return the layer with its polygons repaired, and what that took.

    Raises
    ------
    ProofError
        Polygons that could not be made an exact coverage.
    InputError
        Cells of two levels over each other.
    """
    assert layer.shapes is not None  # noqa: S101
    if len(np.unique(layer.level[(layer.level > 0) & ~layer.dedicated])) > 1:
        raise InputError(Message("error.drawn_two_levels"))
    drawn = _within_community(layer.shapes, layers.communities.geometry.to_numpy())
    frame = gpd.GeoDataFrame(geometry=drawn, crs=layers.crs)
    land = gpd.GeoDataFrame(geometry=layers.communities.geometry.to_numpy(), crs=layers.crs)
    repair = repair_cells(frame, land)
    shapes = repair.cells.geometry.to_numpy()
    told = []
    beyond = shapely.area(layer.shapes) - np.nan_to_num(shapely.area(drawn))
    if beyond.sum() >= 1:
        text = Message(
            "finding.drawn_repaired_outside", n=int((beyond >= 1).sum()), area=float(beyond.sum())
        )
        told.append(
            Finding(kind="drawn_repaired", severity="note", measure=float(beyond.sum()), text=text)
        )
    for kind, moves in repair.moves.groupby("kind", sort=True):
        area = float(moves["area_m2"].sum())
        if area >= 1:
            text = Message(f"finding.drawn_repaired_{kind}", n=len(moves), area=area)
            largest = moves.geometry.iloc[0]
            told.append(
                Finding(
                    kind="drawn_repaired", severity="note", measure=area, text=text,
                    place=place_of(largest),
                )
            )  # fmt: skip
    kept = ~shapely.is_missing(shapes)
    for row in np.flatnonzero(~kept).tolist():
        text = Message("finding.drawn_without_land", cell=layer.called(row))
        told.append(Finding(kind="drawn_without_land", severity="warning", text=text))
    left = layer.left_out
    return replace(replace(layer, shapes=shapes).taking(kept), left_out=left), told


def _within_community(shapes: Geometries, land: Geometries) -> Geometries:
    """Return what of each cell lies in the community that holds most of it."""
    home = find_holders(shapes, land)
    inside = shapes.copy()
    met = np.flatnonzero(home >= 0)
    inside[met] = mend(shapely.intersection(shapes[met], land[home[met]])).shapes
    inside[home < 0] = None
    return inside


@dataclass(frozen=True, eq=False, slots=True)
class ExactLand:
    """Drawn cells and what is left of each community, as parts that the land is cut into."""

    shapes: Geometries
    home: Ints
    """(parts,) row of the community."""
    site: Ints
    """(parts,) row of the site that a part is, -1 for general land."""
    names: list[str]

    @classmethod
    def of(
        cls, layer: DrawnLayer, layers: Layers, site: Ints, margin_m: float = Sites().margin_m
    ) -> "ExactLand":
        """Return the parts of all communities.

        Parameters
        ----------
        layer
            Repaired cells, general and dedicated.
        layers
            The communities.
        site
            (rows of the layer,) row of the site that each is, -1 for general cells.
        margin_m
            Width of the strip around a site that nobody drew and that is the site's.
        """
        assert layer.shapes is not None  # noqa: S101
        land = layers.communities.geometry.to_numpy()
        home = find_holders(layer.shapes, land)
        inside = np.flatnonzero(home >= 0)
        shapes: list[shapely.Geometry] = []
        homes: list[int] = []
        sites: list[int] = []
        names: list[str] = []
        for drawn in inside.tolist():
            # Each piece apart: an atom of land in two places would be a cell in two pieces.
            shape, at = layer.shapes[drawn], int(site[drawn])
            pieces = [shape] if at >= 0 else shapely.get_parts(shape).tolist()
            shapes += pieces
            homes += [int(home[drawn])] * len(pieces)
            sites += [at] * len(pieces)
            names += [layer.called(drawn)] * len(pieces)
        free = []
        if layers.sites is not None:
            given = layers.sites
            free = [
                (int(at), str(given["name"].iloc[at]), given.geometry.iloc[at])
                for at in np.setdiff1d(np.arange(len(given)), site)
            ]
        for row, whole in enumerate(land):
            mine = layer.shapes[home == row]
            rest = whole if not len(mine) else shapely.difference(whole, shapely.union_all(mine))
            # Sites that nobody drew stay sites, where their land is free.
            for other, name, area in free:
                inner = shapely.union_all(_solid(shapely.intersection(area, rest)))
                if inner.area >= _FREE * area.area:
                    reach = shapely.buffer(area, margin_m, join_style="mitre")
                    beside = [
                        piece for piece in _solid(shapely.difference(rest, inner))
                        if shapely.covers(reach, piece) and shapely.distance(piece, inner) == 0
                    ]  # fmt: skip
                    inner = shapely.union_all([inner, *beside])
                    rest = shapely.difference(rest, inner)
                    shapes.append(inner)
                    homes.append(row)
                    sites.append(other)
                    names.append(name)
            solid = _solid(rest)
            shapes += solid
            homes += [row] * len(solid)
            sites += [-1] * len(solid)
            names += [""] * len(solid)
        geometry = np.empty(len(shapes), dtype=object)
        geometry[:] = shapes
        return cls(
            geometry, np.array(homes, dtype=np.int64), np.array(sites, dtype=np.int64), names
        )

    def weave(self) -> Callable[..., Fabric]:
        """Return how the fabric is built: its atoms end at the borders of the parts."""

        def build(
            layers: Layers, households: Ints, micro_band: NDArray[np.float64], *, rules: Rules
        ) -> Fabric:
            codes = [f"part {number}" for number in range(len(self.shapes))]
            parts = gpd.GeoDataFrame(
                {"code": codes, "name": codes}, geometry=self.shapes, crs=layers.crs
            )
            fabric = build_fabric(
                replace(layers, communities=parts, sites=None), households,
                micro_band[self.home], rules=rules,
            )  # fmt: skip
            found = [f for f in fabric.findings if f.kind not in _OF_PARTS]
            fabric = replace(fabric, findings=(*found, *self._cut(layers)))
            return self._regrouped(fabric)

        return build

    def _cut(self, layers: Layers) -> list[Finding]:
        """Return a finding for each building that drawn borders or boundaries cut."""
        given = layers.atoms is not None
        sources = layers.atoms if layers.atoms is not None else layers.buildings
        assert sources is not None  # noqa: S101
        outline = sources.geometry.to_numpy()
        names = sources["atom_id" if given else "bldg_id"].to_numpy(dtype=object)
        codes = layers.communities["code"].to_numpy(dtype=object)
        found = [] if given else boundary_findings(outline, names, layers.communities)
        building, part = shapely.STRtree(self.shapes).query(outline, predicate="intersects")
        several = np.bincount(building, minlength=len(outline))[building] > 1
        building, part = building[several], part[several]
        area = shapely.area(shapely.intersection(outline[building], self.shapes[part]))
        solid = area > _CUT_M2
        building, part, area = building[solid], part[solid], area[solid]
        for row in np.unique(building).tolist():
            mine = np.flatnonzero(building == row)
            # It counts in the community with most of it, which may not be that of its largest part.
            home = self.home[part[mine]]
            mine = mine[home == np.argmax(np.bincount(home, weights=area[mine]))]
            most = mine[np.argmax(area[mine])]
            beside = mine[mine != most]
            if len(beside):
                lost = float(area[beside].sum())
                cells = tuple(self.names[at] or "–" for at in part[[most, *beside]].tolist())
                found.append(
                    Finding(
                        kind="cut_building", severity="warning", measure=lost,
                        community=str(codes[self.home[part[most]]]), place=place_of(outline[row]),
                        text=Message(
                            "finding.drawn_cut_building", building=names[row], cells=cells,
                            part=lost, area=float(outline[row].area),
                        ),
                    )
                )  # fmt: skip
        return found

    def _regrouped(self, fabric: Fabric) -> Fabric:
        """Return the fabric by communities, each dedicated part being one atom."""
        atoms = fabric.atoms
        part = atoms["community"].to_numpy()
        home, site = self.home[part], self.site[part]
        first = np.arange(len(atoms))
        own = np.flatnonzero(site >= 0)
        if len(own):
            at = np.unique(part[own], return_index=True)[1]
            first[own] = own[at][np.searchsorted(part[own][at], part[own])]
        heads = np.flatnonzero(first == np.arange(len(atoms)))
        order = heads[np.lexsort((heads, home[heads]))]
        number = np.full(len(atoms) + 1, -1, dtype=np.int64)
        number[order] = np.arange(len(order))
        number[:-1] = number[first]
        of = number[:-1]
        area = np.bincount(of, weights=atoms["area_m2"])
        table = pd.DataFrame(
            {
                "community": home[order],
                "kind": np.where(site[order] >= 0, "site", atoms["kind"].to_numpy()[order]),
                "households": np.bincount(of, weights=atoms["households"]).astype(np.int64),
                "area_m2": area,
                "x": np.bincount(of, weights=atoms["area_m2"] * atoms["x"]) / area,
                "y": np.bincount(of, weights=atoms["area_m2"] * atoms["y"]) / area,
                "site": site[order],
            }
        )
        left, right = number[fabric.arc_left], number[fabric.arc_right]
        kept = np.flatnonzero(left != right)
        owner, step = spread(np.diff(fabric.arc_start)[kept])
        return replace(
            fabric, atoms=table,
            arc_start=np.concatenate([[0], np.cumsum(np.diff(fabric.arc_start)[kept])]),
            arc_vertices=fabric.arc_vertices[fabric.arc_start[kept][owner] + step],
            arc_left=left[kept], arc_right=right[kept], arc_length=fabric.arc_length[kept],
            arc_barrier=fabric.arc_barrier[kept], arc_open=fabric.arc_open[kept],
            pieces=fabric.pieces.assign(atom=number[fabric.pieces["atom"].to_numpy()]),
        )  # fmt: skip


def without_healed(plan: Plan) -> Plan:
    """Return the plan without findings on buildings whose parts came into one cell again."""
    cut = {
        str(one.text.params["building"]) for one in find_cut_buildings(plan.buildings, plan.leaves)
    }
    listed = plan.findings
    told = (listed["kind"] == "cut_building") & (listed["severity"] == "warning")
    keep = [
        not said or str(json.loads(params)["building"]) in cut
        for said, params in zip(told, listed["params"], strict=True)
    ]
    return replace(plan, findings=listed[keep].reset_index(drop=True))


def _solid(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """Return the parts of a shape that are land."""
    return [part for part in shapely.get_parts(shape) if part.area > _CUT_M2]
