"""Staff of a city: 66,000 people on 33,000 cells, and the nearest-first rule beside it.

python benchmarks/staff.py [--cells 33000] [--staff 66000] [--coupled 0.03] [--carry 1] [--seed 1]

The cells are squares, the people live anywhere in their community, several in one building. Of them
6 % bear two roles and may hold two posts, 6 % two roles and one post, 3 % three roles and two posts
(--coupled gives another share), 30 % may carry 60 households at most. --carry N lets everybody hold
so many micro cells, of 120 households together: the hard case, in which every limit couples posts.
"""

import argparse
import resource
import time

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import shapely

from gridcell.rules import SIX_CHIEFS_AND_TWO_MEMBERS
from gridcell.staff import make_assignment

SMALL, MICRO, SITES = 38, 674, 25
"""Cells of a community like 荷城社区."""
SIDE = 60.0
"""Of a micro cell, metres."""
CRS = "EPSG:4546"
ROLES = tuple(role for role in SIX_CHIEFS_AND_TWO_MEMBERS if not role.optional)


def city(cells: int, rng: np.random.Generator) -> dict[str, gpd.GeoDataFrame]:
    """Return medium, small and micro cells; every tenth community is three times as large."""
    rows: dict[str, list[tuple[str, str, str, float, float, float, int]]] = {
        "medium": [], "small": [], "micro": [],
    }  # fmt: skip
    total = number = 0
    while total < cells:
        scale = 3 if number % 10 == 9 else 1
        code = f"4508{number // 20 + 1:05d}{number % 20 + 1:03d}"
        small, sites = SMALL * scale, SITES * scale
        side = int(np.ceil(np.sqrt(MICRO * scale)))
        west, south = 8_000.0 * (number % 10), 8_000.0 * (number // 10)
        place = rng.permutation(side * side)[: MICRO * scale]
        load = rng.integers(28, 53, len(place))
        for nth, (at, households) in enumerate(zip(place, load, strict=True)):
            own = f"{code}{nth % small + 1:03d}{nth // small + 1:03d}"
            x, y = west + SIDE * (at % side), south + SIDE * (at // side)
            rows["micro"].append((own, code, "general", x, y, SIDE, int(households)))
        width = side * SIDE
        for nth in range(small + sites):
            dedicated = nth >= small
            own = f"{code}{(801 - small if dedicated else 1) + nth:03d}"
            x, y = rng.uniform(0, width - 2 * SIDE, 2) + np.array([west, south])
            load_ = 0 if dedicated else int(load[nth::small].sum())
            kind = "dedicated" if dedicated else "general"
            rows["small"].append((own, code, kind, x, y, 2 * SIDE, load_))
        rows["medium"].append((code, code, "general", west, south, width, int(load.sum())))
        total += len(place) + small + sites
        number += 1
    names = ["code", "community", "grid_type", "x", "y", "side", "households"]
    frames = {}
    for level, of_level in rows.items():
        frame = pd.DataFrame(of_level, columns=names)
        x, y, side = (frame.pop(name).to_numpy() for name in ("x", "y", "side"))
        shape = shapely.box(x, y, x + side, y + side)
        frames[level] = gpd.GeoDataFrame(
            frame.assign(parent=frame["community"].str[:9]), geometry=shape, crs=CRS
        )
    return frames


def roster(
    frames: dict[str, gpd.GeoDataFrame], staff: int, coupled: float, carry: int,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, np.ndarray]:  # fmt: skip
    """Return the people and their homes."""
    micro = frames["micro"]["community"].value_counts()
    tables, homes = [], []
    for row in frames["medium"].itertuples():
        people = round(staff * micro[row.code] / len(frames["micro"]))
        scale = round(micro[row.code] / MICRO)
        usual = ["community_chief", "police", "worker", "worker"]
        usual += ["small_chief"] * (SMALL * scale) + ["dedicated_chief"] * (SITES * scale)
        roles = np.array(usual + ["micro_chief"] * max(people - len(usual), 0), dtype=object)
        if carry > 1:
            roles = roles[: len(usual) + int(1.05 * MICRO * scale / carry)]
        n = len(roles)
        kind = rng.choice(4, n, p=[0.88 - coupled, 0.06, 0.06, coupled])
        more = np.array(["", ";small_chief", ";dedicated_chief", ";small_chief;dedicated_chief"])
        roles = roles + more[kind].astype(object)
        west, south, east, north = row.geometry.bounds
        building = rng.uniform((west, south), (east, north), (MICRO * scale * 2, 2))
        limit = pd.array(np.where(rng.random(n) < 0.3, 60, -1), dtype="Int64")
        limit[limit < 0] = pd.NA
        most = np.select([kind == 1, kind == 2, kind == 3], [2, 1, 2], 1)
        if carry > 1:
            limit[:] = 120
            most[:] = carry
        tables.append(
            pd.DataFrame(
                {"roles": roles, "community": row.code, "max_cells": most, "max_households": limit}
            )
        )
        homes.append(building[rng.integers(0, len(building), n)])
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "staff_id", [f"S{i:06d}" for i in range(len(table))])
    # Small cells hold hundreds of households: limits are meant for micro cells.
    table.loc[~table["roles"].str.fullmatch("micro_chief"), "max_households"] = pd.NA
    return table, np.concatenate(homes)


@numba.njit(cache=False)
def take_nearest(order, person, entry, post, load, cells, carry, own, open_):
    taken = np.zeros(len(order), dtype=np.bool_)
    for pair in order:
        p, e, j = person[pair], entry[pair], post[pair]
        if cells[p] > 0 and own[e] > 0 and open_[j] > 0 and load[j] <= carry[p]:
            taken[pair] = True
            cells[p] -= 1
            own[e] -= 1
            open_[j] -= 1
            carry[p] -= load[j]
    return taken


def greedy(frames, staff, homes, roles) -> tuple[int, float]:
    """Return posts filled and metres when the nearest possible pair is taken again and again."""
    filled, metres = 0, 0.0
    position = {role.name: i for i, role in enumerate(roles)}
    cells = {
        name: frame.assign(
            **dict(zip("xy", shapely.get_coordinates(shapely.point_on_surface(frame.geometry)).T,
                       strict=True))
        ).drop(columns="geometry")
        for name, frame in frames.items()
    }  # fmt: skip
    staff = staff.assign(hx=homes[:, 0], hy=homes[:, 1])
    for code, people in staff.groupby("community"):
        entries = people.reset_index(drop=True)["roles"].str.split(";").explode()
        entries = entries.reset_index().drop_duplicates()
        role_of = entries["roles"].map(position).to_numpy()
        posts = []
        for i, role in enumerate(roles):
            of = cells[role.level]
            of = of[of["community"] == code]
            if role.grid_type:
                of = of[of["grid_type"] == role.grid_type]
            wanted = np.full(len(of), role.posts)
            if role.per_households:
                wanted = np.maximum(1, np.ceil(of["households"] / role.per_households)).astype(int)
            posts.append(of.assign(role=i, wanted=wanted, load=of["households"] * role.carries))
        post = pd.concat(posts)
        e, j = np.nonzero(role_of[:, None] == post["role"].to_numpy()[None, :])
        who = entries["index"].to_numpy()[e]
        away = np.hypot(
            people["hx"].to_numpy()[who] - post["x"].to_numpy()[j],
            people["hy"].to_numpy()[who] - post["y"].to_numpy()[j],
        )
        carry = people["max_households"].astype("Float64").fillna(np.inf).to_numpy(dtype=float)
        own = np.array([roles[r].max_cells for r in role_of])
        taken = take_nearest(
            np.argsort(away, kind="stable"), who, e, j, post["load"].to_numpy(dtype=float),
            people["max_cells"].to_numpy().copy(), carry.copy(), own,
            post["wanted"].to_numpy().copy(),
        )  # fmt: skip
        filled, metres = filled + int(taken.sum()), metres + float(away[taken].sum())
    return filled, metres


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=33_000)
    parser.add_argument("--staff", type=int, default=66_000)
    parser.add_argument("--coupled", type=float, default=0.03)
    parser.add_argument("--carry", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-greedy", action="store_true")
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    roles = [
        role.model_copy(update={"max_cells": given.carry} if role.name == "micro_chief" else {})
        for role in ROLES
    ]  # fmt: skip
    frames = city(given.cells, rng)
    staff, homes = roster(frames, given.staff, given.coupled, given.carry, rng)
    cells = len(frames["small"]) + len(frames["micro"])
    print(f"{cells:,} cells in {len(frames['medium'])} communities, {len(staff):,} staff")
    begin, cpu = time.perf_counter(), time.process_time()
    done = make_assignment(
        frames["medium"], frames["small"], frames["micro"], staff, homes=homes, roles=roles
    )
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    proof = done.figures["proof"]
    print(f"assignment  {cpu:.1f} CPU s, {seconds:.1f} s, peak {peak:,.0f} MB")
    vacant = done.figures["vacancies"]
    print(f"filled      {proof['filled']:,} of at most {proof['most']:,}, vacant {vacant:,}")
    ours, bound = proof["distance_m"], proof["bound_m"]
    print(f"distance    {ours:,.0f} m, bound {bound:,.0f} m, gap {proof['gap']:.4%}")
    if not given.no_greedy:
        filled, metres = greedy(frames, staff, homes, roles)
        print(f"greedy      {filled:,} filled, {metres:,.0f} m ({metres / ours - 1:+.1%})")


if __name__ == "__main__":
    main()
