"""The audit of published tables, at its edges: tables drawn by hand, and what they give away."""

import pandas as pd
import pytest

from gridcell.disclosure.audit import audit_tables
from gridcell.disclosure.linked import single_buildings
from gridcell.disclosure.network import make_cell_tree
from gridcell.errors import InputError


def layer(*rows, **columns):
    """Return a layer of ``code, parent, households`` with ten buildings each."""
    frame = pd.DataFrame(rows, columns=["code", "parent", "households"]).astype(
        {"households": "Int64"}
    )
    return frame.assign(**{"buildings": 10, "band": None, "reason": None, **columns})


def shared(*rows):
    """Return pieces ``a, b, buildings, households``."""
    frame = pd.DataFrame(rows, columns=["a", "b", "buildings", "households"])
    return frame.astype({"households": "Int64", "buildings": "Int64"})


def recovered(findings):
    """Return the name, severity and width of what can be worked out."""
    return [
        (f.message.split(": ")[0], f.severity, f.measure) for f in findings
        if f.kind == "recoverable"
    ]  # fmt: skip


def said(findings):
    return [(f.kind, f.severity, f.cell, f.measure) for f in findings]


def divided(total, *parts):
    """Return a cell of households in leaves."""
    leaves = [(f"A{k}", "A", count) for k, count in enumerate(parts, 1)]
    return {"medium": layer(("A", None, total)), "leaves": layer(*leaves)}


@pytest.mark.parametrize("threshold", [2, 3, 5, 10])
def test_an_interval_as_wide_as_the_threshold_is_enough_and_one_less_is_not(threshold):
    # Two hidden counts that make `width` together are each 0 to `width`.
    safe = divided(threshold + 20, None, None, 20)
    assert audit_tables(safe, threshold=threshold) == []
    narrow = divided(threshold + 19, None, None, 20)
    findings = audit_tables(narrow, threshold=threshold)
    measure = float(threshold - 1)
    assert said(findings) == [
        ("recoverable", "error", "A1", measure), ("recoverable", "error", "A2", measure),
    ]  # fmt: skip
    assert findings[0].message == (
        "A1: its households are suppressed, yet adding and subtracting what is published gives 0 "
        f"to {threshold - 1}; expected an interval of {threshold}"
    )


def test_an_interval_is_as_wide_between_the_bounds_of_others_as_from_0():
    # Hidden are 30 in A1 and 3 in A2 of one large cell, and B1 with them over the total of all.
    levels = {
        "medium": layer(("A", None, None), ("B", None, None)),
        "leaves": layer(
            ("A1", "A", 30), ("A2", "A", None), ("B1", "B", None), ("B2", "B", 40)
        ),
    }  # fmt: skip
    # A is 30 to 34 then, as narrow as A2, but no small count unless 31 households are too few.
    assert audit_tables(levels, threshold=4, total=74) == []
    for threshold, named in ((5, {"A2", "B1"}), (30, {"A2", "B1"}), (31, {"A", "A2", "B1"})):
        findings = audit_tables(levels, threshold=threshold, total=74)
        narrow = [f for f in findings if f.kind == "recoverable"]
        assert {(f.cell, f.measure) for f in narrow} == {(cell, 4.0) for cell in named}
    assert "gives 30 to 34;" in next(f.message for f in narrow if f.cell == "A")
    # Without a total nobody knows an upper end.
    assert audit_tables(levels, threshold=30) == []


@pytest.mark.parametrize(("count", "cells"), [(0, []), (1, ["A1"]), (4, ["A1"]), (5, [])])
def test_the_only_hidden_part_of_a_total_is_given_away_if_it_is_small(count, cells):
    findings = audit_tables(divided(20 + count, None, 20), threshold=5)
    assert said(findings) == [("recoverable", "error", cell, 0.0) for cell in cells]
    assert all(f"gives {count};" in finding.message for finding in findings)


def test_small_are_counts_from_1_to_one_below_the_threshold():
    findings = audit_tables(divided(15, 0, 1, 4, 5, 5), threshold=5)
    assert said(findings) == [
        ("small_count", "error", "A2", 1.0), ("small_count", "error", "A3", 4.0),
    ]  # fmt: skip
    assert "A2: 1 household is published; expected 5 or more, 0, or none" in findings[0].message


def test_a_cell_without_a_building_is_seen_to_hold_nobody():
    # Of four hidden and empty together, nothing is hidden of the empty one: the others are 0 to 9.
    levels = divided(9, None, None, 0)
    levels["leaves"]["buildings"] = [10, 10, 0]
    assert audit_tables(levels, threshold=9) == []
    found = recovered(audit_tables(levels, threshold=10))
    assert found == [("A1", "error", 9.0), ("A2", "error", 9.0)]


def test_a_cell_whose_buildings_nobody_counted_is_not_seen_to_be_empty():
    levels = {"leaves": layer(("A", None, 0), ("B", None, 0), ("C", None, 0))}
    levels["leaves"]["buildings"] = pd.array([0, None, 10], dtype="Int64")
    assert make_cell_tree(levels, None).empty.tolist() == [True, False, False]


@pytest.mark.parametrize(("band", "kinds"), [("in", ["band_told"]), ("", []), (None, [])])
def test_a_band_is_told_of_told_counts_alone(band, kinds):
    levels = divided(30, None, None, 20)
    levels["leaves"]["band"] = [band, None, "in"]
    findings = audit_tables(levels, threshold=5)
    assert [f.kind for f in findings] == kinds
    assert all(f.cell == "A1" and f.message.startswith("leaves: A1:") for f in findings)


@pytest.mark.parametrize("row", [0, 2])
def test_a_reason_is_told_of_no_count(row):
    levels = divided(30, None, None, 20)
    levels["leaves"].loc[row, "reason"] = "building 7 holds 3"
    assert said(audit_tables(levels, threshold=5)) == [
        ("reason_told", "error", f"A{row + 1}", None)
    ]


def test_layers_that_tell_different_counts_of_a_cell_contradict_each_other():
    levels = divided(9, 9)
    levels["micro"] = layer(("A1", "A", 8))
    kinds = [(f.kind, f.cell) for f in audit_tables(levels, threshold=5)]
    assert ("contradiction", "A1") in kinds
    levels["micro"] = layer(("A1", "A", None))
    assert audit_tables(levels, threshold=5) == []


def test_parts_that_do_not_make_their_total_are_one_contradiction_and_no_proof():
    findings = audit_tables(divided(9, 4, 6), threshold=3)
    assert said(findings) == [("contradiction", "error", None, None)]
    assert audit_tables(divided(10, 4, 6), threshold=3) == []
    # Hidden parts can take what is left, but give nothing back.
    assert audit_tables(divided(9, None, None, 4), threshold=4) == []
    assert said(audit_tables(divided(3, None, None, 4), threshold=3)) == [
        ("contradiction", "error", None, None)
    ]


def test_codes_with_blanks_are_codes():
    levels = {
        "medium": layer(("row 1", None, 24)),
        "leaves": layer(("row 1 a", "row 1", None), ("row 1 b", "row 1", 20)),
    }
    assert [f.cell for f in audit_tables(levels, threshold=5)] == ["row 1 a"]
    levels["leaves"]["households"] = pd.array([4, 20], dtype="Int64")
    assert [f.cell for f in audit_tables(levels, threshold=5)] == ["row 1 a"]


EARLIER = {"leaves": layer(("X", None, 20), ("Y", None, 17))}
LATER = {"leaves": layer(("P", None, 17), ("Q", None, 20))}


def linked(*pairs, earlier=EARLIER, later=LATER, threshold=5, **totals):
    return audit_tables(later, threshold=threshold, pairs=shared(*pairs), earlier=earlier, **totals)


def test_pieces_between_two_divisions_are_counts_like_others():
    # P is 17 of X; Q is the rest of X, 3, and all of Y. The house in between holds 3.
    told = linked(("P", "X", 4, 17), ("Q", "X", 2, 3), ("Q", "Y", 5, 17))
    assert said(told) == [("small_count", "error", "Q", 3.0)]
    assert told[0].message.startswith("Q and X: 3 households are published")
    hidden = linked(("P", "X", 4, None), ("Q", "X", 2, None), ("Q", "Y", 5, None))
    # The earlier publication and the cells give it away, whatever the pieces tell.
    assert recovered(hidden) == [("Q in X", "error", 0.0)]
    assert hidden[0].cell == "Q"
    assert "gives 3;" in hidden[0].message
    # To whom 17 are few: what Y held is in one piece, and was told before.
    few = linked(
        ("P", "X", 4, None), ("Q", "X", 2, None), ("Q", "Y", 5, None), threshold=18
    )  # fmt: skip
    assert recovered(few) == [
        ("P in X", "error", 0.0), ("Q in X", "error", 0.0), ("Q in Y", "warning", 0.0),
    ]  # fmt: skip
    # Two cells hidden as well, the pieces can be anything from 0 to the 20 of X.
    later = {"leaves": layer(("P", None, None), ("Q", None, None))}
    pieces = (("P", "X", 4, None), ("Q", "X", 2, None), ("Q", "Y", 5, 17))
    assert recovered(linked(*pieces, later=later, threshold=20, total=37)) == []
    assert recovered(linked(*pieces, later=later, threshold=21, total=37)) == [
        (name, "warning", 20.0) for name in ("P", "Q", "P in X", "Q in X")
    ]
    # The total, where it is hidden, is that of the earlier publication.
    assert recovered(linked(*pieces, later=later, threshold=38)) == [
        (name, "warning", width)
        for name, width in (
            ("P", 20.0), ("Q", 20.0), ("all cells", 0.0), ("P in X", 20.0), ("Q in X", 20.0),
        )
    ]  # fmt: skip


def test_what_the_earlier_publication_gives_away_alone_is_a_warning():
    earlier = {
        "medium": layer(("E", None, 24)), "leaves": layer(("X", "E", None), ("Y", "E", 20)),
    }  # fmt: skip
    later = {"leaves": layer(("P", None, None), ("Q", None, None))}
    findings = linked(
        ("P", "X", 4, None), ("P", "Y", 4, None), ("Q", "Y", 4, None),
        earlier=earlier, later=later, total=24,
    )  # fmt: skip
    assert recovered(findings) == [
        ("P in X", "warning", 0.0), ("X (published before)", "warning", 0.0),
    ]  # fmt: skip
    assert [f.cell for f in findings] == ["P", "X"]
    assert "yet what was published earlier gives 4;" in findings[1].message


def test_land_outside_the_earlier_division_is_a_piece_of_its_own():
    earlier = {"leaves": layer(("X", None, 17))}
    later = {"leaves": layer(("P", None, 40))}
    (one, two) = linked(
        ("P", "X", 4, None), ("P", None, 4, None), earlier=earlier, later=later, threshold=24
    )  # fmt: skip
    assert one.message.startswith("P in X: ")
    assert two.message.startswith("P in land outside: ")
    assert "gives 23;" in two.message


def test_land_of_the_earlier_division_alone_may_hold_anybody():
    # X reaches out of the newer division: what of its 20 lives there nobody knows.
    later = {"leaves": layer(("P", None, None), ("Q", None, 17))}
    pieces = (("P", "X", 4, None), ("Q", "Y", 5, 17))
    found = recovered(linked(*pieces, later=later, threshold=21))
    assert [f[::2] for f in found] == [("P", 0.0), ("P in X", 0.0)]
    outside = (None, "X", 1, None)
    assert recovered(linked(*pieces, outside, later=later, threshold=20)) == []
    found = recovered(linked(*pieces, outside, later=later, threshold=21))
    assert [f[::2] for f in found] == [("P", 20.0), ("all cells", 20.0), ("P in X", 20.0)]


def test_divisions_that_count_other_households_are_proven_apart():
    # One household moved in: the totals differ, and with them every count that they reach.
    later = {"leaves": layer(("P", None, 18), ("Q", None, 20))}
    findings = linked(("P", "X", 4, 18), ("Q", "X", 2, 5), ("Q", "Y", 5, 15), later=later)
    kinds = {f.kind: f for f in findings}
    assert list(kinds) == ["counts_differ"]
    assert kinds["counts_differ"].severity == "warning"
    assert kinds["counts_differ"].measure > 1
    assert f"{kinds['counts_differ'].measure:.0f} counts" in kinds["counts_differ"].message


@pytest.mark.parametrize(("count", "kinds"), [(0, 0), (1, 1), (4, 1), (5, 0)])
def test_small_are_counts_of_pieces_from_1_too(count, kinds):
    findings = linked(("P", "X", 4, 17), ("Q", "X", 2, count), ("Q", "Y", 5, 17))
    small = [f.measure for f in findings if f.kind == "small_count"]
    assert small == [float(count)] * kinds


def test_what_is_one_sum_follows_though_the_divisions_count_others():
    # Of P all lies in X: whatever X was before, the piece holds what P does.
    later = {"leaves": layer(("P", None, 18), ("Q", None, 20))}
    alone = linked(("P", "X", 4, None), ("Q", "Y", 5, None), later=later)
    assert recovered(alone) == [("P in X", "error", 0.0), ("Q in Y", "error", 0.0)]
    crossed = [(a, b, 4, None) for a in "PQ" for b in "XY"]
    assert recovered(linked(*crossed, later=later)) == []


def test_the_first_unknown_code_is_named():
    with pytest.raises(InputError, match="the crosswalk names Z,"):
        linked(("P", "X", 4, 17), ("Z", "X", 1, 9), ("W", "X", 1, 9))


@pytest.mark.parametrize("row", [("Z", "X", 1, 9), ("P", "Z", 1, 9)])
def test_a_crosswalk_that_names_other_cells_is_of_another_publication(row):
    with pytest.raises(InputError, match="the crosswalk names Z, which is in neither"):
        linked(("P", "X", 4, 17), row)


def test_a_crosswalk_without_the_earlier_publication_tells_parts_of_leaves():
    later = {"leaves": layer(("P", None, 17), ("Q", None, 20))}
    findings = audit_tables(
        later, threshold=5, pairs=shared(("P", "X", 4, 17), ("Q", "X", 2, None), ("Q", "Y", 5, 17))
    )
    assert said(findings) == [("recoverable", "error", "Q", 0.0)]
    assert findings[0].message.startswith("Q in X: ")
    assert "gives 3;" in findings[0].message


@pytest.mark.parametrize(
    ("rows", "single"),
    [
        # A building alone in a piece, and other people in the rest of both cells.
        ([("P", "X", 1, 9), ("P", "Y", 3, 9), ("Q", "X", 2, 9)], [True, False, False]),
        # One household lives in a building as nine do; nobody does not.
        ([("P", "X", 1, 1), ("P", "Y", 3, 9), ("Q", "X", 2, 9)], [True, False, False]),
        ([("P", "X", 1, 0), ("P", "Y", 3, 9), ("Q", "X", 2, 9)], [False, False, False]),
        # Hidden counts are of people.
        ([("P", "X", 1, None), ("P", "Y", 3, 9), ("Q", "X", 2, 9)], [True, False, False]),
        # Two buildings are no single one, and none holds nobody.
        ([("P", "X", 2, 9), ("P", "Y", 3, 9), ("Q", "X", 2, 9)], [False, False, False]),
        ([("P", "X", 0, 9), ("P", "Y", 3, 9), ("Q", "X", 2, 9)], [False, False, False]),
        # All of a cell: its count is a cell's.
        ([("P", "X", 1, 9), ("Q", "X", 2, 9)], [False, False]),
        ([("P", "X", 1, 9), ("P", "Y", 2, 9)], [False, False]),
        # Land where nobody lives and nothing stands is no other part; an empty building is.
        ([("P", "X", 1, 9), ("P", "Y", 0, 0), ("Q", "X", 2, 9)], [False, False, False]),
        ([("P", "X", 1, 9), ("P", "Y", 1, 0), ("Q", "X", 2, 9)], [True, False, False]),
        # Where nobody counted buildings, none is single, and none is another part.
        ([("P", "X", None, 9), ("P", "Y", 3, 9), ("Q", "X", 2, 9)], [False, False, False]),
        ([("P", "X", 1, 9), ("P", "Y", None, 0), ("Q", "X", 2, 9)], [False, False, False]),
        # Land outside a division is no cell of it.
        ([("P", None, 1, 9), ("P", "Y", 3, 9)], [True, False]),
        ([("P", "", 1, 9), ("P", "Y", 3, 9)], [True, False]),
    ],
)
def test_a_single_building_is_told_where_it_is_a_cell_of_its_own(rows, single):
    assert single_buildings(shared(*rows)).tolist() == single


def test_a_told_count_of_a_single_building_is_found():
    rows = [("P", "X", 1, 9), ("P", "Y", 3, 8), ("Q", "X", 2, 11), ("Q", "Y", 3, 9)]
    earlier = {"leaves": layer(("X", None, 20), ("Y", None, 17))}
    findings = linked(*rows, earlier=earlier)
    assert said(findings) == [("building_told", "error", "P", None)]
    assert findings[0].message.startswith("P and X: together they reveal the households of a")
    rows[0] = ("P", "X", 1, None)
    assert "building_told" not in {f.kind for f in linked(*rows, earlier=earlier)}


@pytest.mark.parametrize("earlier", [{"leaves": layer(("X", None, 20), ("Y", None, 17))}, None])
@pytest.mark.parametrize(("buildings", "kinds"), [(1, ["recoverable"]), (2, [])])
def test_a_hidden_count_of_a_single_building_is_given_away_however_large(earlier, buildings, kinds):
    later = {"leaves": layer(("P", None, 17), ("Q", None, 20))}
    rows = [("P", "X", buildings, None), ("P", "Y", 3, 8), ("Q", "X", 2, 11), ("Q", "Y", 3, 9)]
    findings = audit_tables(later, threshold=5, pairs=shared(*rows), earlier=earlier)
    assert [(f.kind, f.cell) for f in findings] == [(kind, "P") for kind in kinds]
    assert all("gives 9;" in f.message for f in findings)
