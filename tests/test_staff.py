import itertools
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcell.errors import AssignmentError, RulesError
from gridcell.rules import Role, Rules
from gridcell.staff import ROLES, assign_staff, make_assignment, make_posts

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


def said(findings):
    """Return what was found, but for the summary of vacancies."""
    return [(f.kind, f.measure) for f in findings if f.kind != "staff_missing"]


def test_everybody_gets_the_nearest_post_over_all():
    held, _, findings = assign(("p", "micro_chief", "A", 90.0), ("q", "micro_chief", "A", 60.0))
    assert list(held.itertuples(index=False, name=None)) == [
        ("p", "micro_chief", "A001002", 60.0),
        ("q", "micro_chief", "A001001", 10.0),
    ]
    assert said(findings) == []


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
    assert said(findings) == []


def test_without_a_community_the_home_decides():
    held, _, _ = assign(("p", "police", None, 150.0), ("q", "police", None, 250.0))
    assert list(held["code"]) == ["A", "B"]


def test_a_home_on_the_border_of_two_communities_belongs_to_the_first():
    held, _, _ = assign(("p", "police", None, 200.0))
    assert list(held["code"]) == ["A"]


def test_nobody_holds_more_posts_than_max_cells():
    held, vacancies, _ = assign(
        ("p", "community_chief;small_chief;micro_chief", "A", 0.0, {"max_cells": 2}),
        ("q", "police", "B", 0.0, {"max_cells": 0}),
    )
    assert list(held["staff_id"]) == ["p", "p"]
    assert held["role"].is_unique
    assert "B" in set(vacancies.loc[vacancies["role"] == "police", "code"])


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


@settings(max_examples=12, deadline=None)
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
    assert said(findings) == [("staff_spare", 1.0)]


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
    wrong = [f for f in findings if f.severity == "warning"]
    assert sorted((f.kind, f.message.split()[1]) for f in wrong) == [
        ("staff_community", "'q'"), ("staff_community", "'r'"), ("staff_role", "'p'"),
        ("staff_role", "'s'"), ("staff_twice", "'t'"),
    ]  # fmt: skip
    assert {f.kind for f in findings if f.severity != "warning"} == {"staff_missing"}


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
    assert set(vacancies["reason"]) == {"nobody eligible"}
    assert said(findings) == []


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


def test_a_vacancy_says_whether_anybody_could_have_held_it():
    _, vacancies, findings = assign(
        ("p", "micro_chief", "A", 0.0), ("q", "police", "A", 0.0, {"max_cells": 0})
    )
    reason = {(row.role, row.code): row.reason for row in vacancies.itertuples()}
    assert reason["micro_chief", "A001002"] == "capacity"
    assert reason["police", "A"] == "capacity"
    assert reason["police", "B"] == "nobody eligible"
    messages = [f.message for f in findings if f.kind == "staff_missing"]
    assert any(m.startswith("role police: 2 vacant; 2 more people") for m in messages)


def office(**settings):
    return Role.model_validate({"name": "warden", "level": "micro", **settings})


def test_more_people_are_counted_by_what_each_can_carry():
    medium, small, micro = town()
    staff, homes = roster()
    for limits, people in (
        ({}, 2), ({"max_cells": 2}, 1), ({"max_cells": 2, "max_households": 79}, 2),
        ({"max_cells": 2, "max_households": 80}, 1), ({"posts": 2, "max_cells": 2}, 2),
        ({"max_households": 39}, 0),
    ):  # fmt: skip
        done = make_assignment(medium, small, micro, staff, homes=homes, roles=[office(**limits)])
        assert done.figures.roles["warden"].more_people == people, limits


def test_posts_go_by_level_type_and_households():
    medium, small, micro = town()
    medium["parent"] = "L"
    micro["households"] = [40, 130]
    roles = [
        office(name="street", level="large"),
        office(name="site", level="small", grid_type="dedicated"),
        office(per_households=60), office(name="both", level="small", posts=2, per_households=39),
    ]  # fmt: skip
    posts = make_posts(medium, small, micro, roles=roles)
    assert list(posts[["role", "code", "wanted"]].itertuples(index=False, name=None)) == [
        ("street", "L", 1), ("site", "A801", 1), ("warden", "A001001", 1),
        ("warden", "A001002", 3), ("both", "A001", 2), ("both", "A801", 2),
    ]  # fmt: skip


def test_optional_roles_have_posts_where_the_roster_has_them():
    medium, small, micro = town()
    roles = [office(optional=True, held_by=("aide",))]
    for bears, posts in (("aide", 2), ("warden", 2), ("police", 0)):
        staff, homes = roster(("p", bears, "A", 0.0))
        held, vacancies, _ = assign_staff(medium, small, micro, staff, homes=homes, roles=roles)
        assert len(held) + len(vacancies) == posts, bears


def test_one_person_holds_offices_at_several_levels():
    """A committee member is a branch secretary, a branch member leads a compound."""
    medium, small, micro = town()
    roles = [
        office(name="secretary", level="small", held_by=("committee",)),
        office(name="compound", held_by=("committee", "branch")),
    ]
    staff, homes = roster(("p", "committee", "A", 50.0), ("q", "branch", "A", 50.0))
    held, _, _ = assign_staff(medium, small, micro, staff, homes=homes, roles=roles)
    assert ("p", "secretary") in set(zip(held["staff_id"], held["role"], strict=True))
    assert sorted(held["role"]) == ["compound", "compound", "secretary"]


def test_a_role_within_the_large_cell_may_be_held_from_another_community():
    medium, small, micro = town()
    medium["parent"] = "L"
    roles = [office(name="police", level="medium", within="large")]
    staff, homes = roster(("p", "police", "A", 250.0), ("q", "police", "A", 0.0))
    held, vacancies, _ = assign_staff(medium, small, micro, staff, homes=homes, roles=roles)
    assert dict(zip(held["staff_id"], held["code"], strict=True)) == {"p": "B", "q": "A"}
    assert vacancies.empty


def test_offices_that_exclude_each_other_are_found_and_not_held_together():
    held, _, findings = assign(("p", "worker;police", "A", 0.0))
    assert len(held) == 1
    (found,) = [f for f in findings if f.kind == "staff_exclusive"]
    assert "'p' has roles that exclude each other: worker and police" in found.message


def test_thousands_of_faults_of_one_kind_are_a_few_findings():
    people = [(f"p{i:05d}", f"role{i % 50}", "A", 0.0) for i in range(3000)]
    people += [(f"q{i:05d}", "police", f"no{i}", 0.0) for i in range(1000)]
    held, _, findings = assign(*people)
    assert held.empty
    assert len(findings) < 60
    for kind, people in (("staff_role", 3000), ("staff_community", 1000)):
        assert (
            sum(f.measure for f in findings if f.kind == kind and "no role" not in f.message)
            == people
        )


def test_holders_stay_unless_they_are_gone_moved_or_no_longer_eligible():
    medium, small, micro = town()
    before = pd.DataFrame(
        [
            ("p", "micro_chief", "A001002"), ("q", "micro_chief", "A001001"),
            ("gone", "police", "A"), ("r", "police", "A"), ("s", "worker", "B"),
            ("s", "micro_chief", "A001001"), ("t", "community_chief", "A999"),
        ],
        columns=["staff_id", "role", "code"],
    )  # fmt: skip
    staff, homes = roster(
        ("p", "micro_chief", "A", 10.0), ("q", "micro_chief", "A", 190.0),
        ("r", "worker", "A", 0.0), ("s", "worker", "A", 0.0), ("t", "community_chief", "B", 0.0),
    )  # fmt: skip
    done = make_assignment(medium, small, micro, staff, homes=homes, keep=before)
    assert sorted(zip(done.staff["staff_id"], done.staff["code"], strict=True)) == [
        ("p", "A001002"), ("q", "A001001"), ("r", "A"), ("s", "A"), ("t", "B"),
    ]  # fmt: skip
    assert done.figures.kept == 2
    with pytest.raises(AssignmentError, match="no column role"):
        assign_staff(medium, small, micro, staff, homes=homes, keep=before[["staff_id", "code"]])


def test_the_default_rules_are_six_chiefs_and_two_members():
    names = [role.name for role in Rules().staffing]
    assert tuple(role.name for role in Rules().staffing if not role.optional) == ROLES
    assert sum(name.endswith("_chief") for name in names) == 6
    assert len(names) == 8


@pytest.mark.parametrize(
    ("roles", "said_"),
    [
        ([{"name": "a", "level": "tiny"}], "staffing.0.level"),
        ([{"name": "a"}], "staffing.0.level: Field required"),
        ([{"name": "a", "level": "micro", "salary": 1}], "staffing.0.salary: unknown setting"),
        ([{"name": "a;b", "level": "micro"}], "without separators"),
        ([{"name": "a", "level": "micro"}] * 2, "occur twice: a"),
        ([{"name": "a", "level": "micro", "exclusive": ["a"]}], "excludes itself"),
        ([{"name": "a", "level": "micro", "exclusive": ["b"]}], "excludes b; the roles are a"),
        ([{"name": "a", "level": "micro", "max_cells": 0}], "staffing.0.max_cells"),
        ([{"name": "a", "level": "micro", "everyone": True}], "everyone needs one cell"),
        ([{"name": "a", "level": "medium", "grid_type": "dedicated"}], "all general"),
        (
            [{"name": "a", "level": "micro", "carries": False, "max_households": 9}],
            "max_households needs carries",
        ),
        ("chiefs", "staffing"),
    ],
)
def test_roles_that_make_no_sense_are_refused_with_their_place(roles, said_):
    with pytest.raises(RulesError, match=said_):
        Rules.build({"staffing": roles})


def test_rules_come_back_from_what_a_plan_keeps_of_them():
    rules = Rules.build({"staffing": [{"name": "网格长", "level": "small", "held_by": ["村长"]}]})
    assert Rules.build(rules.model_dump(mode="json")) == rules
