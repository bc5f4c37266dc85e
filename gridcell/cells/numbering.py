"""Codes given to cells: communities by their own, all others by numbers in reading order.

No code occurs twice over all levels. Other codes of communities than those of the default scheme
are taken as they are wherever that keeps the promises.
"""

import itertools
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gridcell.cells.codes import LARGE_DIGITS, MEDIUM_DIGITS, SEPARATOR, small_ranges
from gridcell.cells.iso7064 import character_values, check_characters
from gridcell.errors import CodeError
from gridcell.rules import Codes
from gridcell.words.messages import Message, Value, joined

_DEFAULT: Final = Codes()


def labels(*codes: "pd.Series[str]") -> "pd.Series[str]":
    """Return the labels of cells, from their codes at every level down to their own.

    Parameters
    ----------
    *codes
        Level 1 first, on one index: the cell's ancestors and, last, its own code, which each
        begin with the one before.

    Returns
    -------
    pd.Series
        On the index of the codes.
    """
    levels = [level.to_numpy(dtype=np.str_) for level in codes]
    text = levels[0]
    for parent, child in itertools.pairwise(levels):
        strays = np.flatnonzero(~np.char.startswith(child, parent))
        if strays.size:
            raise CodeError(
                Message("error.code_not_nested", code=child[strays[0]], parent=parent[strays[0]])
            )
        segment = [c[len(p) :] for p, c in zip(parent, child, strict=True)]
        text = np.char.add(np.char.add(text, SEPARATOR), np.array(segment, dtype=np.str_))
    text = np.char.add(np.char.add(text, SEPARATOR), check_characters(levels[-1]))
    return pd.Series(text, index=codes[-1].index, dtype="str")


def assign_community_codes(communities: pd.DataFrame) -> pd.DataFrame:
    """Return the codes of levels 1 and 2 of each community.

    Level 1 is the community's own ``large``, else the first 9 digits of a 12-digit code, else one
    code for all the others: what their codes have in common, or ``L``. Level 2 is the
    community's code where that begins with level 1, else both one after the other. Codes that
    are the beginning of others (``1`` and ``12``) would lend their numbers to each other's
    children: they are filled up with zeros to one width.

    Parameters
    ----------
    communities
        ``code`` and ``large`` (text, NA where not given).

    Returns
    -------
    pd.DataFrame
        ``large`` and ``medium``, on the communities' index.

    Raises
    ------
    CodeError
        A code that is missing, occurs twice or holds anything but ASCII letters and digits; two
        codes that zeros make equal.
    """
    code = communities["code"].astype("str")
    given = communities["large"].astype("str")
    character_values(code.fillna("").to_numpy(dtype=np.str_))
    character_values(given.dropna().to_numpy(dtype=np.str_))
    if code.duplicated().any():
        twice = min(code[code.duplicated()])
        raise CodeError(Message("error.community_twice", community=twice))

    code = _prefix_free(code)
    large = given.where(given.notna(), _default_large(code, among=given.isna()))
    unique = pd.Series(sorted(set(large)), dtype="str")
    large = large.map(dict(zip(unique, _prefix_free(unique), strict=True)))

    joined = large + code
    inside = np.char.startswith(code.to_numpy(np.str_), large.to_numpy(np.str_)) & (code != large)
    medium = code.where(inside, joined)
    if _has_prefix_pair(medium):
        medium = joined
    return pd.DataFrame({"large": large.astype("str"), "medium": medium.astype("str")})


def number_cells(
    x: ArrayLike, y: ArrayLike, *, row_height: ArrayLike, group: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Return the place of each cell in reading order: 0 for the first of its group.

    Rows run from north to south and are read from west to east.

    Parameters
    ----------
    x, y
        (n,) a point of each cell, metres. Differences under a millimetre do not count.
    row_height
        Height of a row, metres: one number, or (n,) equal within a group. About the side of a
        mean cell.
    group
        (n,) cells are numbered within equal values; all together by default.
    """
    x = np.round(np.asarray(x, dtype=np.float64), 3)
    y = np.round(np.asarray(y, dtype=np.float64), 3)
    n = len(x)
    groups = pd.factorize(np.zeros(n) if group is None else np.asarray(group), sort=True)[0]
    top = np.full(n, -np.inf)
    np.maximum.at(top, groups, y)
    row = np.floor((top[groups] - y) / np.maximum(np.asarray(row_height, np.float64), 1e-3))
    order = np.lexsort((-y, x, row, groups))
    sizes = np.bincount(groups, minlength=1)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return place


def small_codes(
    medium: "pd.Series[str]",
    grid_type: "pd.Series[str]",
    x: ArrayLike,
    y: ArrayLike,
    area_m2: ArrayLike,
    *,
    rules: Codes = _DEFAULT,
    kept: NDArray[np.int64] | None = None,
    last_given: Mapping[tuple[str, str], int] | None = None,
) -> "pd.Series[str]":
    """Return the codes of small cells, numbered within their community and type.

    Parameters
    ----------
    medium
        Code of the level-2 cell around each.
    grid_type
        ``general`` or ``dedicated``: they have ranges of their own.
    x, y
        A point of each cell, metres.
    area_m2
        Area of each cell: the rows of the numbering are as high as a mean cell.
    rules
        Widths and ranges.
    kept
        (n,) numbers that cells have already, 0 for new ones.
    last_given
        By code of the level-2 cell and type, the highest number ever given there: new cells get
        those after it.

    Raises
    ------
    CodeError
        More cells than codes, for each community; ranges that overlap.
    """
    first, last = small_ranges(rules)
    dedicated = (grid_type == "dedicated").to_numpy(dtype=bool)
    names = medium.to_numpy(dtype=np.str_)
    group = np.char.add(names, np.where(dedicated, "/dedicated", "/general"))
    given = {f"{code}/{kind}": number for (code, kind), number in (last_given or {}).items()}
    number = _numbered(group, x, y, area_m2, first[dedicated.astype(int)], kept, given)
    over = number > last[dedicated.astype(int)]
    if over.any():
        faults = []
        for place in sorted({str(name) for name in group[over]}):
            community, kind = place.split("/")
            of_kind = int(kind == "dedicated")
            faults.append(
                Message(
                    f"error.too_many_{kind}", community=community,
                    number=np.count_nonzero(group == place), spent=_spent(given.get(place)),
                    codes=max(0, last[of_kind] - first[of_kind] + 1), first=first[of_kind],
                    last=last[of_kind], digits=rules.small_digits,
                )
            )  # fmt: skip
        raise CodeError(joined("lines", faults))
    return _append(names, number, rules.small_digits, medium.index)


def micro_codes(
    small: "pd.Series[str]",
    x: ArrayLike,
    y: ArrayLike,
    area_m2: ArrayLike,
    *,
    rules: Codes = _DEFAULT,
    kept: NDArray[np.int64] | None = None,
    last_given: Mapping[str, int] | None = None,
) -> "pd.Series[str]":
    """Return the codes of micro cells, numbered from 1 within their small cell.

    Parameters and errors are those of `small_codes`, with the level-3 cell around each, which
    alone is the key of `last_given`.
    """
    names = small.to_numpy(dtype=np.str_)
    given = last_given or {}
    number = _numbered(names, x, y, area_m2, np.ones(len(names), dtype=np.int64), kept, given)
    last = 10**rules.micro_digits - 1
    over = number > last
    if over.any():
        faults = [
            Message(
                "error.too_many_micro", cell=name, number=np.count_nonzero(names == name),
                spent=_spent(given.get(name)), last=last,
            )
            for name in sorted({str(name) for name in names[over]})
        ]  # fmt: skip
        raise CodeError(joined("lines", faults))
    return _append(names, number, rules.micro_digits, small.index)


def _has_prefix_pair(codes: "pd.Series[str]") -> bool:
    """Return whether one of the codes is another, or its beginning."""
    ordered = np.sort(codes.to_numpy(dtype=np.str_))
    # Whatever sorts between a code and its extension begins with the code as well.
    return bool(np.char.startswith(ordered[1:], ordered[:-1]).any())


def _prefix_free(codes: "pd.Series[str]") -> "pd.Series[str]":
    """Return unique codes, filled up with zeros if one is the beginning of another."""
    if not _has_prefix_pair(codes):
        return codes
    filled = codes.str.rjust(int(codes.str.len().max()), "0")
    if filled.duplicated().any():
        twice = min(filled[filled.duplicated()])
        found = joined("and", [repr(code) for code in sorted(codes[filled == twice])])
        raise CodeError(Message("error.codes_collide", codes=found, code=twice))
    return filled


def _default_large(code: "pd.Series[str]", *, among: "pd.Series[bool]") -> "pd.Series[str]":
    if code.str.fullmatch(rf"[0-9]{{{MEDIUM_DIGITS}}}").all():
        return code.str[:LARGE_DIGITS]
    own = sorted(code[among])
    common = ""
    if own:
        # Sorted: what the first and the last have in common, all have.
        for a, b in zip(own[0], own[-1], strict=False):
            if a != b:
                break
            common += a
    if common in {"", *own}:
        common = "L"
    return pd.Series(common, index=code.index, dtype="str")


def _places(
    group: NDArray[np.str_], x: ArrayLike, y: ArrayLike, area_m2: ArrayLike
) -> NDArray[np.int64]:
    area = pd.Series(np.asarray(area_m2, dtype=np.float64))
    height = np.sqrt(area.groupby(group).transform("mean").to_numpy())
    return number_cells(x, y, row_height=height, group=group)


def _numbered(
    group: NDArray[np.str_],
    x: ArrayLike,
    y: ArrayLike,
    area_m2: ArrayLike,
    first: NDArray[np.int64],
    kept: NDArray[np.int64] | None,
    last_given: Mapping[str, int],
) -> NDArray[np.int64]:
    """Return the number of each cell: the one it has, else the next that was never given."""
    number = np.zeros(len(group), dtype=np.int64) if kept is None else kept.copy()
    new = np.flatnonzero(number == 0)
    after = np.array([last_given.get(str(name), 0) for name in group[new]], dtype=np.int64)
    # Numbers that are kept were given once, whatever the registry says of them.
    names, row = np.unique(group, return_inverse=True)
    highest = np.zeros(len(names), dtype=np.int64)
    np.maximum.at(highest, row, number)
    after = np.maximum(after, highest[row[new]])
    point = np.asarray(x, dtype=np.float64)[new], np.asarray(y, dtype=np.float64)[new]
    place = _places(group[new], *point, np.asarray(area_m2, dtype=np.float64)[new])
    number[new] = np.maximum(first[new], after + 1) + place
    return number


def _spent(last_given: int | None) -> Value:
    return "" if last_given is None else Message("part.spent", last=last_given)


def _append(
    names: NDArray[np.str_], number: NDArray[np.int64], digits: int, index: pd.Index
) -> "pd.Series[str]":
    segment = np.array([f"{n:0{digits}d}" for n in number.tolist()], dtype=np.str_)
    return pd.Series(np.char.add(names, segment), index=index, dtype="str")
