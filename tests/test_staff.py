import itertools
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcell.errors import AssignmentError
from gridcell.staff import ROLES, assign_staff

CRS = "EPSG:4547"


def cells(rows):
    """Return unit squares of 100 m from (code, community, grid_type, column)."""
    frame = pd.DataFrame(rows, columns=["code", "community", "grid_type", "column"])
    west = frame["column"].to_numpy() * 100.0
    return gpd.GeoDataFrame(
        frame.assign(households=40), geometry=shapely.box(west, 0, west + 100, 100), crs=CRS
    )


def town():
    """Return two communities, A of 200 m and B of 100 m; A has three small cells, four micro."""
    medium = cells([("A", "A", "general", 0), ("B", "B", "general", 2)])
    medium.loc[0, "geometry"] = shapely.box(0, 0, 200, 100)
    small = cells([("A001", "A", "general", 0), ("A801", "A", "dedicated", 1)])
    micro = cells([("A001001", "A", "general", 0), ("A001002", "A", "general", 1)])
    return medium, small, micro


def roster(*people):
    """Return the staff and their homes from (staff_id, roles, community, x, more)."""
    staff = pd.DataFrame(
        [
            {"staff_id": p[0], "roles": p[1], "community": p[2], **(p[4] if len(p) > 4 else {})}
            for p in people
        ],
        columns=["staff_id", "roles", "community", "max_cells", "max_households"],
    )
    return staff, np.array([(p[3], 50.0) for p in people], dtype=float).reshape(-1, 2)


def assign(*people, shuffle=False):
    staff, homes = roster(*people)
    if shuffle:
        order = np.random.default_rng(1).permutation(len(staff))
        staff, homes = staff.iloc[order], homes[order]
    return assign_staff(*town(), staff, homes=homes)


def test_everybody_gets_the_nearest_post_over_all():
    held, _, findings = assign(("p", "micro_chief", "A", 90.0), ("q", "micro_chief", "A", 60.0))
    assert list(held.itertuples(index=False, name=None)) == [
        ("p", "micro_chief", "A001002", 60.0),
        ("q", "micro_chief", "A001001", 10.0),
    ]
    assert findings == []


def test_every_post_is_held_or_listed_as_a_vacancy():
    held, vacancies, _ = assign(
        ("p", "community_chief", "A", 0.0), ("q", "dedicated_chief;police", "A", 0.0)
    )
    assert list(zip(held["role"], held["code"], strict=True)) == [
        ("community_chief", "A"), ("dedicated_chief", "A801"), ("police", "A"),
    ]  # fmt: skip
    assert list(zip(vacancies["role"], vacancies["code"], strict=True)) == [
        ("community_chief", "B"), ("micro_chief", "A001001"), ("micro_chief", "A001002"),
        ("police", "B"), ("small_chief", "A001"), ("worker", "A"), ("worker", "B"),
    ]  # fmt: skip
    assert (vacancies["missing"] == 1).all()


def test_every_worker_serves_the_whole_community():
    held, vacancies, findings = assign(("p", "worker", "B", 250.0), ("q", "worker", "B", np.nan))
    assert list(held["code"]) == ["B", "B"]
    assert held["distance_m"].iloc[0] == 0
    assert np.isnan(held["distance_m"].iloc[1])
    assert list(vacancies.loc[vacancies["role"] == "worker", "code"]) == ["A"]
    assert findings == []


def test_without_a_community_the_home_decides():
    held, _, _ = assign(("p", "police", None, 150.0), ("q", "police", None, 250.0))
    assert list(held["code"]) == ["A", "B"]


def test_a_home_on_the_border_of_two_communities_belongs_to_the_first():
    held, _, _ = assign(("p", "police", None, 200.0))
    assert list(held["code"]) == ["A"]


def test_nobody_holds_more_posts_than_max_cells():
    held, _, _ = assign(
        ("p", "community_chief;police;worker", "A", 0.0, {"max_cells": 2}),
        ("q", "police", "B", 0.0, {"max_cells": 0}),
    )
    assert list(zip(held["staff_id"], held["role"], strict=True)) == [
        ("p", "community_chief"), ("p", "worker"),
    ]  # fmt: skip


def test_a_cell_with_more_than_max_households_goes_to_somebody_else():
    held, vacancies, _ = assign(
        ("p", "small_chief;police", "A", 50.0, {"max_households": 39}),
        ("q", "small_chief", "A", 900.0, {"max_households": 40}),
    )
    assert list(zip(held["staff_id"], held["role"], strict=True)) == [
        ("p", "police"), ("q", "small_chief"),
    ]  # fmt: skip
    assert "small_chief" not in set(vacancies["role"])


def test_as_many_posts_as_possible_are_filled_even_where_limits_forbid_the_nearest():
    medium, small, micro = town()
    micro.loc[1, "households"] = 10
    staff, homes = roster(
        ("p", "micro_chief", "A", 150.0), ("q", "micro_chief", "A", 150.0, {"max_households": 10})
    )
    held, vacancies, _ = assign_staff(medium, small, micro, staff, homes=homes)
    assert list(held["code"]) == ["A001001", "A001002"]
    assert "micro_chief" not in set(vacancies["role"])


PERSON = st.tuples(st.integers(0, 600), st.sampled_from([5, 15, 25]))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(PERSON, min_size=1, max_size=3),
    st.lists(st.sampled_from([0, 10, 20]), min_size=1, max_size=3),
)
def test_no_other_choice_fills_more_posts_or_costs_less_distance(people, households):
    medium, small, _ = town()
    micro = cells([(f"A00100{i}", "A", "general", i) for i in range(len(households))])
    micro["households"] = np.array(households, dtype="int64")
    staff, homes = roster(
        *(
            (f"p{i}", "micro_chief", "A", float(x), {"max_households": most})
            for i, (x, most) in enumerate(people)
        )
    )
    held, _, _ = assign_staff(medium, small, micro, staff, homes=homes)

    def outcome(choice):
        pairs = [
            (person, cell)
            for person, cell in enumerate(choice)
            if cell < len(households) and households[cell] <= people[person][1]
        ]
        return -len(pairs), sum(abs(people[p][0] - (100 * c + 50)) for p, c in pairs)

    slots = range(len(households) + len(people))
    best = min(map(outcome, itertools.permutations(slots, len(people))))
    assert (-len(held), held["distance_m"].sum()) == pytest.approx(best)


def test_unknown_homes_hold_what_is_left():
    held, _, findings = assign(
        ("a", "micro_chief", "A", np.nan),
        ("b", "micro_chief", "A", 150.0),
        ("c", "micro_chief", "A", 9000.0),
    )
    assert list(held["staff_id"]) == ["b", "c"]
    assert [(f.kind, f.measure) for f in findings] == [("staff_spare", 1.0)]


def test_what_is_wrong_with_the_roster_is_found_and_the_rest_assigned():
    held, _, findings = assign(
        ("p", "mayor; police ", "A", 0.0),
        ("q", "police", "nowhere", 0.0),
        ("r", "police", None, np.nan),
        ("s", "", "B", 0.0),
        ("t", "worker", "B", 0.0),
        ("t", "police", "B", 0.0),
    )
    assert list(zip(held["staff_id"], held["role"], strict=True)) == [
        ("p", "police"),
        ("t", "police"),
    ]
    assert sorted((f.kind, f.message.split()[1]) for f in findings) == [
        ("staff_community", "'q'"), ("staff_community", "'r'"), ("staff_role", "'p'"),
        ("staff_role", "'s'"), ("staff_twice", "'t'"),
    ]  # fmt: skip
    assert {f.severity for f in findings} == {"warning"}


def test_the_order_of_the_roster_does_not_matter():
    people = [
        (f"p{i}", ";".join(ROLES[i % 4 :]), "A" if i % 3 else None, 17.0 * i) for i in range(12)
    ]
    for one, other in zip(assign(*people)[:2], assign(*people, shuffle=True)[:2], strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_nobody_on_the_roster_leaves_every_post_vacant():
    held, vacancies, findings = assign()
    assert held.empty
    assert list(held.columns) == ["staff_id", "role", "code", "distance_m"]
    assert len(vacancies) == 10
    assert findings == []


def test_a_division_without_micro_cells_has_no_micro_chiefs():
    medium, small, micro = town()
    staff, homes = roster(("p", "micro_chief;police", "A", 0.0))
    held, vacancies, _ = assign_staff(medium, small, micro.iloc[:0], staff, homes=homes)
    assert list(held["role"]) == ["police"]
    assert "micro_chief" not in set(vacancies["role"])


def test_homes_of_another_length_are_refused():
    staff, homes = roster(("p", "police", "A", 0.0))
    with pytest.raises(AssignmentError, match=r"expected shape \(1, 2\)"):
        assign_staff(*town(), staff, homes=homes[:0])


def test_inputs_are_left_alone():
    medium, small, micro = town()
    staff, homes = roster(("p", "police", None, 0.0), ("q", "worker;police", "A", np.nan))
    before = staff.copy(), homes.copy()
    assign_staff(medium, small, micro, staff, homes=homes)
    pd.testing.assert_frame_equal(staff, before[0])
    np.testing.assert_array_equal(homes, before[1])


def test_a_community_of_674_micro_cells_takes_seconds():
    medium = cells([("A", "A", "general", 0)])
    small = cells([("A001", "A", "general", 0)])
    micro = cells([(f"A001{i:03d}", "A", "general", i) for i in range(1, 675)])
    staff, homes = roster(
        *((f"p{i}", "micro_chief", "A", float((i * 7919) % 67400)) for i in range(674))
    )
    start = time.perf_counter()
    held, vacancies, _ = assign_staff(medium, small, micro, staff, homes=homes)
    assert time.perf_counter() - start < 10
    assert len(held) == 674
    assert "micro_chief" not in set(vacancies["role"])
