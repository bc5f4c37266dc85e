"""Codes of a plan: unique, nested, in their ranges, labelled right; and where old ones went."""

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.cells.codes import SEPARATOR
from gridcell.cells.iso7064 import check_characters
from gridcell.check.promises.faults import cell_faults, fault, find_rows, texts
from gridcell.model import Finding, Plan, Severity
from gridcell.schema import LEVELS, LINEAGE_EVENTS
from gridcell.words.messages import Message

Texts = NDArray[np.object_]


def check_codes(plan: Plan) -> Iterator[Finding]:
    """Yield what is wrong with codes, labels, levels, types and parents of cells.

    Kinds: ``duplicate_code``, ``wrong_code``, ``wrong_level``, ``wrong_parent``,
    ``code_not_nested``, ``wrong_grid_type``, ``wrong_community``, ``wrong_label``,
    ``wrong_check_character``.
    """
    above: gpd.GeoDataFrame | None = None
    stem_above = np.empty(0, dtype=object)
    for level in LEVELS:
        cells = plan.cells(level)
        yield from _unique(plan, level)
        yield from _places(level, cells, above)
        yield from _types(level, cells)
        yield from _communities(level, cells, above)
        yield from _numbers(plan, level)
        stem = _stems(cells, above, stem_above)
        yield from _labels(level, cells, stem)
        above, stem_above = cells, stem


def check_lineage(plan: Plan) -> Iterator[Finding]:
    """Yield ``wrong_lineage``: events that contradict each other or the codes in use."""
    table = plan.lineage
    if "operation" in table and len(table):
        # Earlier operations had other codes in use.
        table = table[table["operation"] == table["operation"].max()]
    old, new, event = (texts(table[name]) for name in ("old", "new", "event"))
    in_use = set(pd.concat([plan.cells(level)["code"] for level in LEVELS]).dropna())
    named = set(old[old != ""])
    fresh, retired, kept = event == "N", event == "R", event == "U"
    used_old, used_new = _within(old, in_use), _within(new, in_use)
    again = pd.DataFrame({"old": old, "new": new}).duplicated().to_numpy()
    twice = fresh & pd.DataFrame({"new": new, "fresh": fresh}).duplicated().to_numpy()
    ended = set(old[retired])
    faults = (
        (
            ~np.isin(event, list(LINEAGE_EVENTS)),
            Message("fault.expected_event", events=tuple(LINEAGE_EVENTS)),
        ),
        (again, Message("fault.pair_twice")),
        (fresh & (old != ""), Message("fault.new_with_old")),
        (twice, Message("fault.new_twice")),
        (fresh & _within(new, named), Message("fault.given_before")),
        (retired & (new != ""), Message("fault.retired_with_new")),
        (retired & used_old, Message("fault.retired_in_use")),
        (kept & (old != new), Message("fault.unchanged_differs")),
        (~fresh & (old == ""), Message("fault.old_missing")),
        (~retired & (new == ""), Message("fault.new_missing")),
        (~retired & (new != "") & ~used_new, Message("fault.new_unknown")),
        (~retired & _within(old, ended), Message("fault.old_retired")),
    )
    for mask, said in faults:
        for row in np.flatnonzero(mask):
            yield fault(
                "wrong_lineage",
                Message(
                    "finding.lineage",
                    old=old[row] or "-",
                    new=new[row] or "-",
                    event=event[row] or "-",
                    fault=said,
                ),
                cell=(new[row] or old[row]) or None,
            )


def _within(codes: Texts, known: set[str]) -> NDArray[np.bool_]:
    return np.array([code in known for code in codes], dtype=bool)


def _unique(plan: Plan, level: str) -> Iterator[Finding]:
    cells = plan.cells(level)
    others = [plan.cells(name)["code"] for name, number in LEVELS.items() if number < LEVELS[level]]
    seen = cells["code"].duplicated() | cells["code"].isin(pd.concat([*others, cells["code"][:0]]))
    yield from cell_faults(
        "duplicate_code", level, cells, seen | cells["code"].isna(),
        Message("fault.code_missing_or_used"),
    )  # fmt: skip


def _places(
    level: str, cells: gpd.GeoDataFrame, above: gpd.GeoDataFrame | None
) -> Iterator[Finding]:
    """Yield cells on a wrong level, under no parent, or with a code of another one's child."""
    wrong = (cells["level"] != LEVELS[level]).fillna(value=True)
    yield from cell_faults(
        "wrong_level", level, cells, wrong, Message("fault.expected_level", level=LEVELS[level])
    )
    if above is None:
        orphan = cells["parent"].notna()
        yield from cell_faults(
            "wrong_parent", level, cells, orphan, Message("fault.expected_no_parent")
        )
        return
    known = (cells["parent"].isin(above["code"]) & cells["parent"].notna()).to_numpy(dtype=bool)
    yield from cell_faults("wrong_parent", level, cells, ~known, Message("fault.parent_unknown"))
    # Codes of communities and of the large cells they name are both given.
    severity: Severity = "warning" if level == "medium" else "error"
    yield from cell_faults(
        "code_not_nested", level, cells, known & ~_nested(cells),
        Message("fault.code_not_nested"), severity=severity,
    )  # fmt: skip


def _types(level: str, cells: gpd.GeoDataFrame) -> Iterator[Finding]:
    allowed = ("general", "dedicated") if level == "small" else ("general",)
    either = Message("part.either", a="general", b="dedicated")
    yield from cell_faults(
        "wrong_grid_type", level, cells, ~cells["grid_type"].isin(allowed),
        Message("fault.expected_type", types=either if level == "small" else "general"),
    )  # fmt: skip


def _communities(
    level: str, cells: gpd.GeoDataFrame, above: gpd.GeoDataFrame | None
) -> Iterator[Finding]:
    own = texts(cells["community"])
    if above is None:
        wrong, said = own != "", Message("fault.expected_no_community")
    elif level == "medium":
        wrong = (own == "") | cells["community"].duplicated().to_numpy()
        said = Message("fault.community_missing_or_used")
    else:
        row = find_rows(cells["parent"], above["code"])
        theirs = np.append(texts(above["community"]), "")[row]
        wrong, said = (row >= 0) & (own != theirs), Message("fault.community_not_parents")
    yield from cell_faults("wrong_community", level, cells, wrong, said)


def _numbers(plan: Plan, level: str) -> Iterator[Finding]:
    """Yield codes that are no codes, or whose number is out of the range of its type."""
    cells = plan.cells(level)
    plain = _is_plain(cells["code"])
    yield from cell_faults(
        "wrong_code", level, cells, cells["code"].notna() & ~plain,
        Message("fault.expected_ascii"),
    )  # fmt: skip
    rules = plan.rules.codes
    if level == "small":
        digits, ranges = rules.small_digits, {
            "general": (max(1, rules.general_first), rules.general_last),
            "dedicated": (rules.dedicated_first, rules.dedicated_last),
        }  # fmt: skip
    elif level == "micro":
        digits, ranges = rules.micro_digits, {"general": (1, 10**rules.micro_digits - 1)}
    else:
        return
    rows = np.flatnonzero(plain & _nested(cells))
    code, parent = texts(cells["code"])[rows], texts(cells["parent"])[rows]
    tail = [c[len(p) :] for c, p in zip(code, parent, strict=True)]
    kind = texts(cells["grid_type"])[rows]
    said = np.full(len(cells), None, dtype=object)
    said[rows] = [
        _no_number(number, digits, ranges.get(of, (0, 10**digits)))
        for number, of in zip(tail, kind, strict=True)
    ]
    yield from cell_faults("wrong_code", level, cells, said != None, said)  # noqa: E711 - each


def _no_number(tail: str, digits: int, span: tuple[int, int]) -> Message | None:
    if len(tail) != digits or not tail.isdigit():
        return Message("fault.expected_digits", n=digits)
    if not span[0] <= int(tail) <= span[1]:
        return Message("fault.expected_range", least=span[0], most=span[1])
    return None


def _stems(cells: gpd.GeoDataFrame, above: gpd.GeoDataFrame | None, stem_above: Texts) -> Texts:
    """Return labels without their check characters, ``None`` where parents leave them open."""
    code = texts(cells["code"])
    stem = np.full(len(cells), None, dtype=object)
    plain = _is_plain(cells["code"])
    if above is None:
        stem[plain] = code[plain]
        return stem
    row = find_rows(cells["parent"], above["code"])
    parent = texts(cells["parent"])
    for i in np.flatnonzero(plain & (row >= 0) & _nested(cells)):
        begin = stem_above[row[i]]
        stem[i] = None if begin is None else begin + SEPARATOR + code[i][len(parent[i]) :]
    return stem


def _labels(level: str, cells: gpd.GeoDataFrame, stem: Texts) -> Iterator[Finding]:
    rows = np.flatnonzero(stem != None)  # noqa: E711 - compares each of the objects
    if not len(rows):
        return
    code, label = texts(cells["code"])[rows], texts(cells["label"])[rows]
    check = check_characters(code.astype(np.str_))
    said = np.full((2, len(cells)), None, dtype=object)
    for row, given, begin, last in zip(rows, label, stem[rows], check, strict=True):
        head, _, tail = given.rpartition(SEPARATOR)
        if head != begin:
            said[0, row] = Message(
                "fault.wrong_label",
                expected=f"{begin}{SEPARATOR}{last}",
                label=given or Message("part.none"),
            )
        elif tail != last:
            said[1, row] = Message("fault.wrong_check_character", expected=last, label=given)
    for kind, faults in zip(("wrong_label", "wrong_check_character"), said, strict=True):
        yield from cell_faults(kind, level, cells, faults != None, faults)  # noqa: E711 - each


def _is_plain(code: "pd.Series[str]") -> NDArray[np.bool_]:
    matched = code.astype("str").str.fullmatch("[0-9A-Za-z]+")
    return np.asarray(matched.fillna(value=False), dtype=bool)


def _nested(cells: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    pairs = zip(texts(cells["code"]), texts(cells["parent"]), strict=True)
    return np.array([bool(p) and c.startswith(p) for c, p in pairs], dtype=bool)
