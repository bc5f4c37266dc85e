"""Small staffing problems drawn by chance, and solvers for them that share no code with gridcell.

`brute_force` tries everything; `greedy` is how posts are filled by hand: the nearest pair first.
"""

import itertools
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.rules import Role
from gridcell.staff import make_assignment

CRS = "EPSG:4547"


@dataclass
class Case:
    """One community A with cells along a street, 100 m wide, and people beside it."""

    roles: list[Role]
    households: list[int]
    """Of the micro cells."""
    people: list[dict]
    """``id``, ``roles``, ``x`` (home), ``max_cells``, ``max_households`` (or None)."""
    community: str = "A"

    def frames(self):
        n = len(self.households)
        west = 100.0 * np.arange(n)
        micro = gpd.GeoDataFrame(
            {
                "code": [f"{self.community}{i:03d}" for i in range(n)],
                "community": self.community, "parent": f"{self.community}001",
                "grid_type": "general", "households": self.households,
            },
            geometry=shapely.box(west, 0, west + 100, 100), crs=CRS,
        )  # fmt: skip
        medium = gpd.GeoDataFrame(
            {"code": [self.community], "community": [self.community], "parent": ["L"],
             "grid_type": ["general"],
             "households": [sum(self.households)]},
            geometry=[shapely.box(0, 0, 100 * n, 100)], crs=CRS,
        )  # fmt: skip
        return medium, micro.iloc[:0], micro

    def roster(self):
        staff = pd.DataFrame(
            {
                "staff_id": [p["id"] for p in self.people],
                "roles": [";".join(p["roles"]) for p in self.people],
                "community": self.community,
                "max_cells": pd.array([p["max_cells"] for p in self.people], dtype="Int64"),
                "max_households": pd.array([p["max_households"] for p in self.people], "Int64"),
            }
        )
        return staff, np.array([(p["x"], 50.0) for p in self.people], dtype=float).reshape(-1, 2)

    def posts(self):
        """Return (role, code, x, households, wanted)."""
        total, width = sum(self.households), 100.0 * len(self.households)
        out = []
        for role in self.roles:
            cells = (
                [(self.community, width / 2, total)]
                if role.level == "medium"
                else [
                    (f"{self.community}{i:03d}", 100.0 * i + 50, h)
                    for i, h in enumerate(self.households)
                ]
            )
            for code, x, households in cells:
                wanted = role.posts
                if role.per_households:
                    wanted = max(wanted, -int(-households // role.per_households))
                out.append((role, code, x, households, wanted))
        return out

    def keeps_limits(self, pairs):
        """Tell whether (person, post) pairs keep to every limit, post by post and one by one."""
        posts = self.posts()
        if len(set(pairs)) < len(pairs):
            return False
        for number, post in enumerate(posts):
            if sum(p == number for _, p in pairs) > post[4]:
                return False
        for who, person in enumerate(self.people):
            mine = [posts[p] for w, p in pairs if w == who]
            names = [post[0].name for post in mine]
            carried = [post[3] for post in mine if post[0].carries]
            if any({post[0].name, *post[0].held_by}.isdisjoint(person["roles"]) for post in mine):
                return False
            if person["max_cells"] is not None and len(mine) > person["max_cells"]:
                return False
            if person["max_households"] is not None and sum(carried) > person["max_households"]:
                return False
            for role in self.roles:
                of_role = [post[3] for post in mine if post[0] is role]
                most = role.max_households
                if len(of_role) > role.max_cells or (most is not None and sum(of_role) > most):
                    return False
                if of_role and any(other in names for other in role.exclusive):
                    return False
        return True

    def value(self, pairs):
        """Return (-posts filled, millimetres, unevenness): smaller is better, in this order."""
        posts = self.posts()
        away = sum(round(1000 * abs(self.people[w]["x"] - posts[p][2])) for w, p in pairs)
        load = [sum(w == who for w, _ in pairs) for who in range(len(self.people))]
        return -len(pairs), away, sum(n * (n - 1) // 2 for n in load)

    def pairs_of(self, table):
        """Return the pairs that a staff table holds."""
        rows = {p["id"]: i for i, p in enumerate(self.people)}
        numbers = {(post[0].name, post[1]): i for i, post in enumerate(self.posts())}
        return [(rows[r.staff_id], numbers[r.role, r.code]) for r in table.itertuples()]


def brute_force(case):
    """Return the smallest value of all choices: every set of holders for every post."""
    best = (0, 0, 0)
    options = []
    for number, (_, _, _, _, wanted) in enumerate(case.posts()):
        able = [w for w in range(len(case.people)) if case.keeps_limits([(w, number)])]
        options.append(
            [
                [(w, number) for w in group]
                for size in range(wanted + 1)
                for group in itertools.combinations(able, size)
            ]
        )

    def extend(pairs, rest):
        nonlocal best
        if not case.keeps_limits(pairs):
            return
        if not rest:
            best = min(best, case.value(pairs))
            return
        for group in rest[0]:
            extend(pairs + group, rest[1:])

    extend([], options)
    return best


def greedy(case):
    """Return the value of taking the nearest possible pair until there is none."""
    posts = case.posts()
    order = sorted(
        itertools.product(range(len(case.people)), range(len(posts))),
        key=lambda pair: (abs(case.people[pair[0]]["x"] - posts[pair[1]][2]), pair),
    )
    pairs = []
    for pair in order:
        if case.keeps_limits([*pairs, pair]):
            pairs.append(pair)
    return case.value(pairs)


def assign_together(cases, **options):
    """Return the assignment of cases that share their roles, each as a community."""
    frames = [pd.concat(level) for level in zip(*(case.frames() for case in cases), strict=True)]
    staff, homes = zip(*(case.roster() for case in cases), strict=True)
    return make_assignment(
        *frames, pd.concat(staff), homes=np.concatenate(homes), roles=cases[0].roles, **options
    )


def draw_roles(rng):
    """Return one to three random roles with every kind of limit."""
    names = ["a", "b", "c"][: rng.integers(1, 4)]
    roles = []
    for i, name in enumerate(names):
        medium = i == 2
        roles.append(
            Role(
                name=name, level="medium" if medium else "micro",
                posts=int(rng.choice([1, 1, 2])), max_cells=int(rng.choice([1, 1, 2, 3])),
                per_households=60 if medium and rng.random() < 0.5 else None,
                carries=not medium, held_by=("x",) if rng.random() < 0.2 else (),
                exclusive=(names[i - 1],) if i and rng.random() < 0.4 else (),
                max_households=80 if not medium and rng.random() < 0.3 else None,
            )
        )  # fmt: skip
    return roles


def draw(rng, roles, community="A"):
    """Return a random case with every kind of limit, ties included."""
    names = [*(role.name for role in roles), "x"]
    people = [
        {
            "id": f"{community}p{k}",
            "roles": [str(name) for name in rng.permutation(names)[: rng.integers(1, 4)]],
            "x": float(rng.choice([10, 60, 120, 250, rng.integers(0, 400)])),
            "max_cells": int(rng.integers(0, 4)) if rng.random() < 0.6 else None,
            "max_households": int(rng.choice([30, 60, 90])) if rng.random() < 0.4 else None,
        }
        for k in range(rng.integers(1, 5))
    ]
    households = [int(h) for h in rng.choice([10, 25, 40], rng.integers(1, 4))]
    return Case(roles, households, people, community)
