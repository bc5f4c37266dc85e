"""Communities for which nothing changed: an update takes their land and cells from the plan.

What the land of a community is cut by has a digest, which the plan keeps. Where it is the same,
cutting the land anew, dividing it and pulling its borders taut would give what the plan has: only
the others are cut, and those beside them, whose vertices they share.
"""

import json
from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import number_points
from gridcell.assembly import DivisionInput, settle_taut
from gridcell.cells.stored import fields_of
from gridcell.fabric.again import RecutLand, recut_land
from gridcell.fabric.arcs import arcs_in_order, edges_of, take_arcs
from gridcell.model import Fabric, Layers, Plan
from gridcell.partition import Targets
from gridcell.partition.revise import Previous
from gridcell.revision.aims import unmet_numbers
from gridcell.revision.match import Descent
from gridcell.rules import Rules
from gridcell.schema import LEVELS
from gridcell.version import __version__
from gridcell.workload import STREET, load_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FOUND_IN_LAND: Final = ("cut_building", "detached_land")
"""Kinds of findings that cutting the land of a community, or cutting it along locked outlines,
comes to."""
_NOT_DIVIDING: Final = {"fields", "staffing", "walking"}
"""Settings of reading, staff and walks."""
_MEASURED: Final = ("area_m2", "x", "y")


def can_spare(plan: Plan, layers: Layers, rules: Rules) -> bool:
    """Return whether a plan knows enough for an update to spare communities.

    Parameters
    ----------
    plan
        The earlier plan.
    layers, rules
        What it is updated with.
    """
    return (
        plan.fabric is not None
        and bool(plan.cut_from)
        and _last_division(plan) > 0
        and plan.division.version == __version__
        and _dividing(rules) == _dividing(plan.rules)
        and layers.atoms is None
        and layers.communities["code"].isin(set(plan.cut_from)).any()
    )


def _dividing(rules: Rules) -> dict[str, Any]:
    """Return the settings that cells depend on."""
    return rules.model_dump(exclude=_NOT_DIVIDING)


def _last_division(plan: Plan) -> int:
    """Return the number of the last operation that divided land, 0 for none."""
    divided = plan.history["operation"].isin(["partition", "update"])
    return int(plan.history["number"][divided].max()) if divided.any() else 0


def _known(plan: Plan) -> dict[str, str]:
    """Return what the land was cut by of communities whose cells nobody changed since."""
    later = plan.lineage[
        (plan.lineage["operation"] > _last_division(plan)) & (plan.lineage["event"] != "U")
    ]
    digits = plan.rules.codes.small_digits, plan.rules.codes.micro_digits
    codes = pd.concat([later["old"], later["new"]]).dropna()
    level = plan.codes.set_index("code")["level"].reindex(codes).to_numpy()
    cut = np.where(level == LEVELS["small"], digits[0], sum(digits))
    changed = {code[:-n] for code, n in zip(codes, cut.tolist(), strict=True)}
    return {code: digest for code, digest in plan.cut_from.items() if code not in changed}


@dataclass(eq=False, slots=True)
class SparedLand:
    """The land of an update: that of spared communities from the plan, the other cut anew."""

    plan: Plan
    recut: RecutLand
    fabric: Fabric
    """The land, settled in spared communities and as it was cut in the others."""
    spared: Mask
    """(communities,)"""
    stored: Ints
    """(atoms,) row of the atom in the plan, -1 for land that was cut anew."""
    number: Ints
    """(atoms that were cut,) row in `fabric`."""

    @classmethod
    def of(
        cls,
        plan: Plan,
        layers: Layers,
        households: Ints,
        micro_band: Floats,
        rules: Rules,
        locks: Mapping[str, str],
        executor: Executor | None = None,
        but: Collection[str] = (),
    ) -> "SparedLand | None":
        """Return the land; ``None`` where all of it has to be cut.

        Parameters
        ----------
        plan
            The earlier plan, which `can_spare`.
        layers, households, micro_band, rules, executor
            As for `gridcell.fabric.build_fabric`.
        locks
            From `gridcell.revision.locks.lock_digests`, of the cells that must stay.
        but
            Codes of communities that are not to be spared.
        """
        known = {code: digest for code, digest in _known(plan).items() if code not in but}
        recut = recut_land(
            layers, households, micro_band, known=known, locks=locks, rules=rules,
            executor=executor,
        )  # fmt: skip
        return None if recut is None else _joined(plan, layers, recut)

    def unlike(self, given: DivisionInput) -> set[str]:
        """Return the spared communities that hold other than before, or should.

        Parameters
        ----------
        given
            What the division starts from.
        """
        codes = given.layers.communities["code"].to_numpy(dtype=object)
        old, atoms = self._old_atoms, given.fabric.atoms
        rows = np.flatnonzero(self.stored >= 0)
        stored = self.stored[rows]
        other = (atoms["households"].to_numpy()[rows] != old["households"].to_numpy()[stored]) | (
            load_of(atoms)[rows] != load_of(old)[stored]
        )
        if ("estimated" in atoms) != ("estimated" in old):
            other[:] = True
        found = set(codes[np.unique(atoms["community"].to_numpy()[rows[other]])])
        pending = unmet_numbers(self.plan)
        levels: dict[str, Targets | None] = {"small": given.small, "micro": given.micro}
        for level, targets in levels.items():
            for row in np.flatnonzero(self.spared).tolist():
                key = codes[row], level
                had = self.plan.bands.get(key)
                if targets is None or had is None:
                    same = targets is None and had is None
                else:
                    now = targets.low[row], targets.target[row], targets.high[row]
                    wanted = int(targets.wanted[row])
                    same = now == (had.min, had.target, had.max)
                    same &= not wanted or pending.get(key) == wanted
                if not same:
                    found.add(codes[row])
        return found

    def settle(self, fabric: Fabric, leaf: Ints) -> Fabric:
        """Return the land with its final borders: those of spared land as they are.

        Parameters
        ----------
        fabric
            `SparedLand.fabric`, with households as they are.
        leaf
            (atoms,) number of the leaf of each.
        """
        cut = settle_taut(self.recut.fabric, leaf[self.number])
        fresh = self.recut.fresh[self.recut.fabric.atoms["community"].to_numpy()]
        measured = fabric.atoms[list(_MEASURED)].copy()
        rows = self.number[fresh]
        for name in _MEASURED:
            column = measured[name].to_numpy(copy=True)
            column[rows] = cut.atoms[name].to_numpy()[fresh]
            measured[name] = column
        both = _joined_arcs(self.plan, self.stored, cut, self.number, fresh)
        tail, head, arc = edges_of(both["arc_start"], both["arc_vertices"])
        flag = 2 * both["arc_barrier"] + both["arc_open"]
        arcs = arcs_in_order(
            both["xy"], tail, head, both["arc_left"][arc], both["arc_right"][arc], flag[arc]
        )
        return replace(fabric, atoms=fabric.atoms.assign(**measured), **fields_of(arcs))

    def descent(self, traced: Descent) -> Descent:
        """Return where atoms come from: those of spared land from their own leaves."""
        leaf, settled = traced.leaf.copy(), traced.settled.copy()
        rows = np.flatnonzero(self.stored >= 0)
        old = self._old_atoms.iloc[self.stored[rows]]
        leaf[rows] = pd.Index(self.plan.leaves["code"]).get_indexer(pd.Index(old["code"]))
        settled[rows] = load_of(old)
        return replace(traced, leaf=leaf, settled=settled)

    def previous(self, previous: Previous) -> Previous:
        """Return the earlier division with what was spared."""
        tried = _tried(self.plan.findings)
        small, leaf = (
            np.array([tried.get(code, 0) for code in cells["code"]], dtype=np.int64)
            for cells in (self.plan.small, self.plan.leaves)
        )
        return replace(previous, spared=self.spared, small_tried=small, leaf_tried=leaf)

    def carried(self, layers: Layers) -> gpd.GeoDataFrame:
        """Return the findings about spared land, which hold still."""
        found = self.plan.findings
        codes = set(layers.communities["code"][self.spared])
        kept = (
            found["kind"].isin(_FOUND_IN_LAND)
            & found["community"].isin(codes)
            & (found["severity"] != "error")
        )
        return found[kept].reset_index(drop=True)

    @property
    def _old_atoms(self) -> pd.DataFrame:
        assert self.plan.fabric is not None  # noqa: S101
        return self.plan.fabric.atoms


def _joined(plan: Plan, layers: Layers, recut: RecutLand) -> SparedLand | None:
    """Return the land of a plan with what was cut anew in it; ``None`` where they do not fit."""
    assert plan.fabric is not None  # noqa: S101
    codes = layers.communities["code"]
    n, fresh = len(codes), recut.fresh
    row = pd.Index(codes).get_indexer(pd.Index(plan.medium["community"])).astype(np.int64)
    old_home = row[plan.fabric.atoms["community"].to_numpy()]
    old_home[(old_home >= 0) & fresh[old_home]] = -1
    new_home = recut.fabric.atoms["community"].to_numpy()
    old_count = np.bincount(old_home[old_home >= 0], minlength=n)
    new_count = np.bincount(new_home, minlength=n)
    beside = recut.cut & ~fresh
    if (old_count[beside] != new_count[beside]).any() or (old_count[~fresh] == 0).any():
        return None
    first = np.cumsum([0, *np.where(fresh, new_count, old_count)])
    old_number = _within(old_home, first)
    number = _within(new_home, first)
    stored = np.full(first[-1], -1, dtype=np.int64)
    stored[old_number[old_number >= 0]] = np.flatnonzero(old_number >= 0)
    cut = np.full(first[-1], -1, dtype=np.int64)
    cut[number] = np.arange(len(number))

    anew = stored < 0
    part = np.full(len(stored), -1)
    part[anew] = recut.part[cut[anew]]
    _place_sites(part, plan, stored, np.repeat(np.arange(n), np.diff(first)), recut)
    pieces = _pieces(plan, layers, recut, old_number, number)
    if pieces is None:
        return None
    held = pieces["atom"].to_numpy() >= 0
    households = np.bincount(
        pieces["atom"][held], weights=pieces["households"][held], minlength=first[-1]
    )
    old, new = plan.fabric.atoms, recut.fabric.atoms
    own = {}
    for name in ("kind", *_MEASURED):
        own[name] = old[name].to_numpy()[stored]
        own[name][anew] = new[name].to_numpy()[cut[anew]]
    atoms = pd.DataFrame(own).assign(
        community=np.repeat(np.arange(n), np.diff(first)), households=households.astype(np.int64),
        site=np.append(recut.sites.row, -1)[part],
    )[list(new)]  # fmt: skip
    if STREET in old:
        # As it was counted on land that was not settled yet.
        metres = old[STREET].to_numpy()[stored]
        atoms[STREET] = np.where(stored >= 0, metres, np.nan)
    missing = recut.sites.missing(part[part >= 0])
    fabric = replace(
        recut.fabric, atoms=atoms, pieces=pieces, gates=None,
        findings=(*recut.fabric.findings, *missing),
        **_joined_arcs(plan, stored, recut.fabric, number, fresh[new_home]),
    )  # fmt: skip
    return SparedLand(plan, recut, fabric, ~fresh, stored, number)


def _within(home: Ints, first: Ints) -> Ints:
    """Return the number of each atom, in its order within its community; -1 for none."""
    out = np.full(len(home), -1, dtype=np.int64)
    order = np.argsort(home, kind="stable")
    order = order[home[order] >= 0]
    mine = home[order]
    start = np.searchsorted(mine, mine)
    out[order] = first[mine] + np.arange(len(order)) - start
    return out


def _place_sites(part: Ints, plan: Plan, stored: Ints, home: Ints, recut: RecutLand) -> None:
    """Put the parts of sites that spared atoms are into `part`: those that lie over them most."""
    assert plan.fabric is not None  # noqa: S101
    rows = np.flatnonzero(stored >= 0)
    old = plan.fabric.atoms.iloc[stored[rows]]
    dedicated = old["site"].to_numpy() >= 0
    rows = rows[dedicated]
    if not len(rows):
        return
    cell = pd.Index(plan.small["code"]).get_indexer(pd.Index(old["code"][dedicated]))
    shapes = np.asarray(plan.small.geometry, dtype=object)[cell]
    at, of = shapely.STRtree(recut.sites.geometry).query(shapes, predicate="intersects")
    same = home[rows[at]] == recut.sites.community[of]
    at, of = at[same], of[same]
    area = shapely.area(shapely.intersection(shapes[at], recut.sites.geometry[of]))
    order = np.argsort(area, kind="stable")
    part[rows[at[order]]] = of[order]


def _pieces(
    plan: Plan, layers: Layers, recut: RecutLand, old_number: Ints, number: Ints
) -> pd.DataFrame | None:
    """Return all pieces with their atoms; ``None`` where the plan does not know one."""
    assert plan.fabric is not None  # noqa: S101
    assert layers.buildings is not None  # noqa: S101
    pieces, old = recut.fabric.pieces, plan.fabric.pieces
    names = layers.buildings["bldg_id"].to_numpy(dtype=object)[pieces["building"].to_numpy()]
    known = pd.MultiIndex.from_arrays([old["bldg_id"].to_numpy(dtype=object), old["slab"]])
    here = (recut.home >= 0) & recut.cut[recut.home]
    atom = np.where(here, np.append(number, -1)[pieces["atom"].to_numpy()], -1)
    rows = np.flatnonzero((recut.home >= 0) & ~here)
    found = known.get_indexer(
        pd.MultiIndex.from_arrays([names[rows], pieces["slab"].to_numpy()[rows]])
    )
    place = np.append(old["atom"].to_numpy(), -1)[found]
    atom[rows] = np.append(old_number, -1)[place]
    if (atom[rows] < 0).any():
        return None
    return pieces.assign(atom=atom)


def _kept_arcs(plan: Plan, stored: Ints) -> dict[str, NDArray[Any]]:
    """Return the arcs of a plan between spared atoms, which have their new numbers."""
    old = plan.fabric
    assert old is not None  # noqa: S101
    number = np.full(len(old.atoms) + 1, -2, dtype=np.int64)
    number[-1] = -1
    rows = np.flatnonzero(stored >= 0)
    number[stored[rows]] = rows
    left, right = number[old.arc_left], number[old.arc_right]
    return _chosen(old, np.flatnonzero((left > -2) & (right > -2)), left, right)


def _fresh_arcs(cut: Fabric, number: Ints, fresh: Mask) -> dict[str, NDArray[Any]]:
    """Return the arcs of land that was cut beside atoms of which something changed."""
    mine = np.append(fresh, False)
    rows = np.flatnonzero(mine[cut.arc_left] | mine[cut.arc_right])
    new = np.append(number, -1)
    return _chosen(cut, rows, new[cut.arc_left], new[cut.arc_right])


def _chosen(fabric: Fabric, rows: Ints, left: Ints, right: Ints) -> dict[str, NDArray[Any]]:
    start, vertex = take_arcs(fabric.arc_start, fabric.arc_vertices, rows)
    return {
        "xy": fabric.xy, "arc_start": start, "arc_vertices": vertex,
        "arc_left": left[rows], "arc_right": right[rows],
        **{name: getattr(fabric, name)[rows] for name in ("arc_length", "arc_barrier", "arc_open")},
    }  # fmt: skip


def _joined_arcs(
    plan: Plan, stored: Ints, cut: Fabric, number: Ints, fresh: Mask
) -> dict[str, Any]:
    """Return the fields of `Fabric` that hold borders: those cut anew, then those of the plan."""
    new, old = _fresh_arcs(cut, number, fresh), _kept_arcs(plan, stored)
    out = {name: np.concatenate([new[name], old[name]]) for name in new}
    ahead = new["arc_start"][-1]
    out["arc_start"] = np.concatenate([new["arc_start"], ahead + old["arc_start"][1:]])
    vertex = np.concatenate([new["arc_vertices"], len(new["xy"]) + old["arc_vertices"]])
    point, count = number_points(out["xy"])
    xy = np.empty((count, 2))
    xy[point] = out["xy"]
    return {**out, "xy": xy, "arc_vertices": point[vertex]}


def _tried(findings: pd.DataFrame) -> Mapping[str, int]:
    """Return with how many neighbours cells were tried, by code, as their reasons tell."""
    told = findings[findings["kind"].isin(["under_band", "over_band"])]
    out = {}
    for code, params in zip(told["cell"], told["params"], strict=True):
        reason = json.loads(params)["reason"]
        if reason["msgid"] in ("reason.exhausted", "reason.exhausted_load"):
            out[str(code)] = int(reason["params"]["neighbours"]["params"]["n"])
    return out
