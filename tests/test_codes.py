import string

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridcell.cells.codes import label, parse_code, verify
from gridcell.cells.iso7064 import check_character, check_characters
from gridcell.cells.numbering import (
    assign_community_codes,
    labels,
    micro_codes,
    number_cells,
    small_codes,
)
from gridcell.errors import CodeError
from gridcell.rules import Codes

LETTERS = string.digits + string.ascii_uppercase
MIXED = st.text(LETTERS, min_size=2, max_size=20)


def text(*values):
    return pd.Series(values, dtype="str")


def communities(*codes, large=None):
    return pd.DataFrame({"code": text(*codes), "large": pd.Series(large, range(len(codes)), "str")})


# Check characters


@pytest.mark.parametrize(
    ("code", "check"),
    [
        ("0794", "5"),  # ISO 7064, MOD 11,10
        ("450802001013012003", "9"),
        ("A12425GABC1234002", "M"),  # Global Release Identifier, MOD 37,36
        ("a12425gabc1234002", "M"),
    ],
)
def test_check_characters_are_those_of_the_standard(code, check):
    assert check_character(code) == check
    assert verify(code + check)


@given(MIXED, st.data())
def test_every_single_wrong_character_is_detected(code, data):
    full = code + check_character(code)
    alphabet = string.digits if code.isdigit() else LETTERS
    at = data.draw(st.integers(0, len(full) - 1))
    other = data.draw(st.sampled_from(alphabet).filter(lambda c: c != full[at]))
    wrong = full[:at] + other + full[at + 1 :]
    if wrong[:-1].isdigit() == code.isdigit():
        assert not verify(wrong)


def transpositions(code):
    full = code + check_character(code)
    for at in range(len(code) - 1):
        if full[at] != full[at + 1]:
            yield full[:at] + full[at + 1] + full[at] + full[at + 2 :]


def test_nearly_every_transposition_of_neighbours_is_detected():
    random = np.random.default_rng(7)
    for alphabet, missed in ((string.digits, 0.04), (LETTERS, 0.004)):
        codes = ["".join(random.choice([*alphabet], 12)) for _ in range(150)]
        found = [verify(wrong) for code in codes for wrong in transpositions(code)]
        assert np.mean(found) < missed


def test_many_check_characters_are_the_single_ones():
    codes = ["1", "12", "A1", "450802001013012003", "zz", "0"]
    assert list(check_characters(codes)) == [check_character(code) for code in codes]
    assert check_characters(np.array([], dtype=str)).shape == (0,)


@pytest.mark.parametrize("code", ["", "12 3", "é1", "荷城", "1_2"])
def test_other_characters_are_refused(code):
    with pytest.raises(CodeError, match="expected ASCII letters and digits"):
        check_character(code)


# Labels and parsing


@given(
    st.integers(0, 10**12 - 1),
    st.sampled_from([*range(1, 800), *range(801, 1000)]),
    st.integers(1, 999),
    st.integers(1, 4),
)
def test_what_a_label_says_is_what_parsing_reads(medium, small, micro, level):
    codes = [f"{medium:012d}"[:9], f"{medium:012d}", f"{medium:012d}{small:03d}"]
    codes = [*codes, f"{codes[2]}{micro:03d}"][:level]
    written = labels(*(text(code) for code in codes))[0]
    parsed = parse_code(written)
    assert parsed.check_ok
    assert list(parsed[:4]) == codes + [None] * (4 - level)
    assert parsed.level == level
    assert parsed.grid_type == ("dedicated" if level > 2 and small > 800 else "general")
    assert parse_code(written.replace("-", "")) == parsed
    assert parse_code(codes[-1]) == parsed._replace(check_ok=None)
    assert verify(written)


def test_labels_show_the_levels_and_the_check_character():
    assert label(["450802001", "013", "012", "003"]) == "450802001-013-012-003-9"
    frame = labels(text("L", "L"), text("LA1", "LB"), text("LA1001", "LB801"))
    assert list(frame) == [label(["L", "A1", "001"]), label(["L", "B", "801"])]


def test_labels_refuse_a_child_that_does_not_begin_with_its_parent():
    with pytest.raises(CodeError, match="expected it to begin with '45'"):
        labels(text("45"), text("46001"))


def test_labels_of_own_codes_are_parsed_by_their_separators():
    parsed = parse_code(label(["L", "A1", "801"]))
    assert parsed == ("L", "LA1", "LA1801", None, "dedicated", 3, True)
    assert parse_code("L-a1") == ("L", "La1", None, None, "general", 2, None)
    lower = label(["L", "b1"]).lower()
    assert parse_code(lower) == ("l", "lb1", None, None, "general", 2, True)
    assert verify(lower)


def test_a_wrong_check_character_is_told_not_raised():
    assert parse_code("450802001-013-012-003-1").check_ok is False


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("12345", "expected 9, 12, 15, 18 digits"),
        ("ABCDEFGHI", "expected 9, 12, 15, 18 digits"),
        ("450802001-013-800", "neither general"),
        ("450802001-013-012-000", "numbered from 1"),
        ("450802001-013-12", "not a number of 3 digits"),
        ("450802001--012-003", "expected 1 to 4 segments"),
        ("1-2-3-4-555-6", "expected 1 to 4 segments"),
        ("450802001?", "expected ASCII letters and digits"),
        ("", "expected ASCII letters and digits"),
        ("-", "expected ASCII letters and digits"),
        ("7", "expected 9, 12, 15, 18 digits"),
    ],
)
def test_what_is_no_code_is_refused(code, message):
    with pytest.raises(CodeError, match=message):
        parse_code(code)


def test_lengths_that_fit_two_levels_need_separators():
    rules = Codes(small_digits=1, general_last=7, dedicated_first=8, dedicated_last=9)
    with pytest.raises(CodeError, match="write it with separators"):
        parse_code("4508020010137", rules=rules)


# Codes of communities


def test_twelve_digits_hold_their_level_one():
    frame = assign_community_codes(communities("450802001013", "450802002001"))
    assert list(frame["large"]) == ["450802001", "450802002"]
    assert list(frame["medium"]) == ["450802001013", "450802002001"]


def test_a_given_level_one_is_put_before_codes_that_do_not_begin_with_it():
    frame = assign_community_codes(communities("T1A", "XB", large=["T1", "T1"]))
    assert list(frame["large"]) == ["T1", "T1"]
    assert list(frame["medium"]) == ["T1A", "T1XB"]


@pytest.mark.parametrize(
    ("codes", "large", "medium"),
    [
        (("AB1", "AB2"), "AB", ["AB1", "AB2"]),
        (("X1", "Y1"), "L", ["LX1", "LY1"]),
        (("A12",), "L", ["LA12"]),
        (("1", "12", "7"), "L", ["L01", "L12", "L07"]),
        (("A1", "A10"), "L", ["L0A1", "LA10"]),
    ],
)
def test_without_level_one_there_is_one_for_all(codes, large, medium):
    frame = assign_community_codes(communities(*codes))
    assert set(frame["large"]) == {large}
    assert list(frame["medium"]) == medium


def test_codes_stay_on_the_callers_index():
    frame = communities("X1", "Y1").set_axis([7, 3])
    assert list(assign_community_codes(frame).index) == [7, 3]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (communities("1", "1"), "community '1': the code occurs twice"),
        (communities("1", "01", "12"), "codes '01' and '1': both become '01'"),
        (communities("1-2"), "code '1-2': expected ASCII"),
        (communities("1", large=["东街"]), "code '东街': expected ASCII"),
        (communities(None), "code '': expected ASCII"),
    ],
)
def test_codes_that_cannot_serve_are_refused(frame, message):
    with pytest.raises(CodeError, match=message):
        assign_community_codes(frame)


CODE = st.text("01A", min_size=1, max_size=4)


@given(
    st.lists(st.tuples(CODE, st.none() | CODE), min_size=1, max_size=6, unique_by=lambda t: t[0])
)
def test_no_two_cells_of_any_level_share_a_code_and_children_begin_with_parents(rows):
    codes, large = zip(*rows, strict=True)
    try:
        frame = assign_community_codes(communities(*codes, large=list(large)))
    except CodeError:
        return
    every = set(frame["large"])
    count = len(every)
    for row in frame.itertuples(index=False):
        assert row.medium.startswith(row.large)
        children = [f"{row.medium}{small}" for small in ("001", "010", "101")]
        leaves = [child + micro for child in children for micro in ("001", "010", "101")]
        every.update([row.medium, *children, *leaves])
        count += 1 + len(children) + len(leaves)
    assert len(every) == count


# Numbers


def test_cells_are_numbered_in_rows_from_north_west():
    # c a
    # d b e
    x = [10.0, 10.0, 0.0, 0.0, 20.0]
    y = [99.0, 10.0, 100.0, 11.0, 12.0]
    assert list(number_cells(x, y, row_height=50.0)) == [1, 3, 0, 2, 4]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30, unique=True),
    st.randoms(use_true_random=False),
)
def test_numbers_do_not_depend_on_the_order_of_the_cells(points, random):
    shuffled = points[:]
    random.shuffle(shuffled)
    one, other = (
        dict(zip(p, number_cells(*np.array(p, float).T, row_height=2.5).tolist(), strict=True))
        for p in (points, shuffled)
    )
    assert one == other
    assert sorted(one.values()) == list(range(len(points)))


def test_cells_are_numbered_within_their_community_and_type():
    codes = small_codes(
        text("A", "A", "A", "B"),
        text("general", "dedicated", "general", "general"),
        [0, 1, 2, 3], [0, 0, 0, 0], [1, 1, 1, 1],
    )  # fmt: skip
    assert list(codes) == ["A001", "A801", "A002", "B001"]
    assert list(micro_codes(codes, [0, 1, 2, 3], [0] * 4, [1] * 4)) == [f"{c}001" for c in codes]


def test_too_many_cells_for_the_codes_name_every_community_and_the_remedy():
    rules = Codes(general_last=2)
    medium = text(*("A" * 3), *("B" * 2), *("C" * 4))
    n = len(medium)
    with pytest.raises(CodeError) as error:
        small_codes(medium, text(*["general"] * n), range(n), [0] * n, [1] * n, rules=rules)
    first, second = str(error.value).splitlines()
    assert first.startswith("community 'A': 3 general small cells, 2 codes (1 to 2 in 3 digits)")
    assert "small_digits" in first
    assert second.startswith("community 'C': 4 general")
    with pytest.raises(CodeError, match="small cell 'A001': 10 micro cells, 9 codes"):
        micro_codes(
            text(*["A001"] * 10), range(10), [0] * 10, [1] * 10, rules=Codes(micro_digits=1)
        )


def test_ranges_do_not_reach_beyond_their_digits():
    with pytest.raises(CodeError, match="0 codes"):
        small_codes(text("A"), text("dedicated"), [0], [0], [1], rules=Codes(small_digits=2))


def test_ranges_that_overlap_are_refused():
    with pytest.raises(CodeError, match="overlap"):
        small_codes(text("A"), text("general"), [0], [0], [1], rules=Codes(general_last=801))


def test_no_cells_have_no_codes():
    none = pd.Series([], dtype="str")
    assert len(small_codes(none, none, [], [], [])) == 0
    assert len(micro_codes(none, [], [], [])) == 0
    assert len(labels(none, none)) == 0
