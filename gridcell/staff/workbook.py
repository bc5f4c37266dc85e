"""The staff roster as a table: posts and who holds them, people, cells, vacancies."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from gridcell.arguments import checked
from gridcell.errors import InputError, WriteError
from gridcell.files.whole import whole_file
from gridcell.model import Plan
from gridcell.read.files import Input, Source, open_input
from gridcell.tables.values import as_text
from gridcell.tables.write import write_table, write_workbook
from gridcell.words.catalogue import section
from gridcell.words.messages import Message, either
from gridcell.words.terms import term

CONTACT_ALIASES: Final = {
    "staff_id": ("staff_id", "人员编号", "工号"),
    "name": ("name", "full_name", "姓名"),
    "phone": ("phone", "mobile", "telephone", "电话", "联系电话", "手机", "手机号", "手机号码"),
}
"""Names under which the columns of a contact list are found; case does not matter."""

_TEXT: Final = ("code", "label", "community", "staff_id", "phone", "codes", "holders")
_CELL_LEVELS: Final = ("large", "medium", "small", "micro")


@checked
def write_roster(
    plan: Plan,
    path: str | Path,
    *,
    contacts: Input | None = None,
    lang: str = "en",
    overwrite: bool = False,
) -> list[Path]:
    """Write who answers for what as XLSX, or as CSV; return the files.

    A workbook holds one sheet for each table of `make_roster`. CSV files are one for each: the
    posts in `path`, the others beside it (``roster-people.csv`` …), in UTF-8 with a byte order
    mark. The same plan gives the same bytes. Codes are text, and no cell runs as a formula.

    Parameters
    ----------
    plan
        A plan with staff.
    path
        A ``.xlsx`` or ``.csv`` file.
    contacts
        Names and phones, see `make_roster`. They are written here and nowhere else.
    lang
        Output language of titles and roles, ``en`` or ``zh``.
    overwrite
        Replace files that are there already.

    Raises
    ------
    InputError
        The plan has neither staff nor vacancies; contacts that cannot be used; another language.
    WriteError
        Another suffix, a file in the way.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> [file.name for file in gridcell.write_roster(plan, folder / "roster.xlsx")]
    ['roster.xlsx']
    """
    file = Path(path)
    tables = make_roster(plan, contacts=contacts)
    titled = {name: _titled(table, lang) for name, table in tables.items()}
    text = [_title(name, lang) for name in _TEXT]
    if file.suffix.lower() == ".xlsx":
        sheets = {_title(name, lang): table for name, table in titled.items()}
        write_workbook(sheets, file, text=text, overwrite=overwrite)
        return [file]
    if file.suffix.lower() != ".csv":
        raise WriteError(Message("error.roster_format", file=file, suffix=file.suffix))
    files = {
        name: file if name == "posts" else file.with_name(f"{file.stem}-{name}{file.suffix}")
        for name in titled
    }
    with whole_file(file, overwrite=overwrite) as part:
        for name, each in files.items():
            write_table(titled[name], part.with_name(each.name), text=text, bom=True)
    return list(files.values())


@checked
def make_roster(plan: Plan, *, contacts: Input | None = None) -> dict[str, pd.DataFrame]:
    """Return the tables of a staff roster: posts, people, cells, vacancies, communities.

    Parameters
    ----------
    plan
        A plan with staff.
    contacts
        A file or frame with ``staff_id`` and ``name`` or ``phone``; without it nobody is named.

    Returns
    -------
    dict
        ``posts``: one row a post, held or vacant. ``people``: one row a holder, with the households
        of all cells held, each household once. ``cells``: every cell with its holders.
        ``vacancies``: as in the plan. ``communities``: sums. Sorted by code.

    Raises
    ------
    InputError
        The plan has neither staff nor vacancies; contacts that are no table, lack the columns or
        have two entries for one of the staff.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> roster = gridcell.make_roster(plan)
    >>> list(roster), roster["posts"]["role"].iloc[0]
    (['posts', 'people', 'cells', 'vacancies', 'communities'], 'community_chief')
    """
    if plan.staff.empty and plan.vacancies.empty:
        raise InputError(Message("error.plan_no_staff"))
    people = None if contacts is None else _contacts(contacts)
    cells = _cells(plan)
    vacant = plan.vacancies.assign(missing=plan.vacancies["missing"].astype("int64"))
    return {
        "posts": _posts(plan.staff, vacant, cells, people),
        "people": _people(plan.staff, cells, people),
        "cells": _served(plan.staff, vacant, cells),
        "vacancies": _vacancies(vacant, cells),
        "communities": _communities(plan.staff, vacant, cells),
    }


def _cells(plan: Plan) -> pd.DataFrame:
    """Return the cells of all levels on their codes, with the names of their communities."""
    frames = [pd.DataFrame(plan.cells(level).drop(columns="geometry")) for level in _CELL_LEVELS]
    cells = pd.concat([frame for frame in frames if len(frame)], ignore_index=True)
    cells = cells.rename(columns={"name": "cell_name"})
    names = plan.medium.set_index("community")["name"]
    cells["community_name"] = cells["community"].map(names)
    return cells.sort_values(["level", "code"]).set_index("code", drop=False).rename_axis(None)


def _at(cells: pd.DataFrame, codes: "pd.Series[str]") -> pd.DataFrame:
    """Return the cells of these codes, one row each."""
    unknown = codes[~codes.isin(cells.index)]
    if len(unknown):
        raise InputError(Message("error.staff_unknown_cell", code=unknown.iloc[0]))
    return cells.loc[pd.Index(codes)].reset_index(drop=True)


def _posts(
    staff: pd.DataFrame, vacant: pd.DataFrame, cells: pd.DataFrame, people: pd.DataFrame | None
) -> pd.DataFrame:
    empty = vacant.loc[np.repeat(vacant.index, vacant["missing"]), ["role", "code"]]
    held = staff[["staff_id", "role", "code", "distance_m"]].assign(state="held")
    both = [frame for frame in (held, empty.assign(state="vacant")) if len(frame)]
    posts = pd.concat(both, ignore_index=True).reindex(
        columns=["staff_id", "role", "code", "distance_m", "state"]
    )
    where = _at(cells, posts["code"])
    columns = ["code", "label", "level", "grid_type", "cell_name", "community", "community_name"]
    table = where[columns].join(posts[["role", "state", "staff_id"]])
    table = _named(table, people)
    table["distance_m"] = posts["distance_m"].astype("float64").round(1)
    table["households"] = where["households"]
    by = ["community", "level", "code", "role", "state", "staff_id"]
    return table.sort_values(by, ignore_index=True, na_position="first")


def _people(staff: pd.DataFrame, cells: pd.DataFrame, people: pd.DataFrame | None) -> pd.DataFrame:
    rows = staff.sort_values(["staff_id", "code", "role"], ignore_index=True)
    rows = rows.assign(community_name=_at(cells, rows["code"])["community_name"])
    by_person = rows.groupby("staff_id", sort=True)
    table = pd.DataFrame(
        {
            "roles": by_person["role"].agg(_listed),
            "community_name": by_person["community_name"].agg(_listed),
            "n_posts": by_person.size(),
            "n_cells": by_person["code"].nunique(),
            "households": _carried(rows, cells),
            "distance_m": by_person["distance_m"].mean().astype("float64").round(1),
            "codes": by_person["code"].agg(_listed),
        }
    )
    table.insert(0, "staff_id", table.index.astype("str"))
    return _named(table.reset_index(drop=True), people)


def _carried(rows: pd.DataFrame, cells: pd.DataFrame) -> "pd.Series[int]":
    """Return the households of all cells that each person holds, those of nested cells once."""
    held = rows[["staff_id", "code"]].drop_duplicates()
    pairs = pd.MultiIndex.from_frame(held)
    nested = np.zeros(len(held), dtype=bool)
    above = held["code"].map(cells["parent"])
    while above.notna().any():
        nested |= pd.MultiIndex.from_arrays([held["staff_id"], above]).isin(pairs)
        above = above.map(cells["parent"])
    households = held["code"].map(cells["households"]).where(~nested, 0)
    sums: pd.Series[int] = households.groupby(held["staff_id"]).sum().astype("int64")
    return sums


def _served(staff: pd.DataFrame, vacant: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    rows = staff.sort_values(["code", "role", "staff_id"])
    columns = [
        "code", "label", "level", "grid_type", "cell_name", "community_name", "households",
        "buildings", "area_m2",
    ]  # fmt: skip
    table = cells[columns].copy()
    table["area_m2"] = table["area_m2"].round(1)
    table["n_held"] = rows.groupby("code").size().reindex(table.index, fill_value=0)
    missing = vacant.groupby("code")["missing"].sum()
    table["n_vacant"] = missing.reindex(table.index, fill_value=0)
    table["holders"] = rows.groupby("code")["staff_id"].agg(_listed).reindex(table.index)
    return table.sort_values("code", ignore_index=True)


def _vacancies(vacant: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    rows = vacant.sort_values(["code", "role"], ignore_index=True)
    columns = ["code", "label", "cell_name", "community_name", "households"]
    table = _at(cells, rows["code"])[columns]
    table.insert(4, "role", rows["role"])
    table["missing"] = rows["missing"]
    if "reason" in rows:
        table["reason"] = rows["reason"]
    return table


def _communities(staff: pd.DataFrame, vacant: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    medium = cells[cells["level"] == 2].set_index("community", drop=False).rename_axis(None)
    below = cells[cells["level"] > 2]
    kind = np.where(below["level"] == 4, "micro", "small_" + below["grid_type"])
    number = pd.crosstab(below["community"], kind).reindex(medium.index, fill_value=0)
    table = medium[["community", "community_name", "households", "buildings"]].copy()
    for name in ("small_general", "small_dedicated", "micro"):
        table[f"n_{name}"] = number.get(name, 0)
    home = staff["code"].map(cells["community"])
    table["n_people"] = staff.groupby(home)["staff_id"].nunique()
    table["n_held"] = staff.groupby(home).size()
    table["n_vacant"] = vacant.groupby(vacant["code"].map(cells["community"]))["missing"].sum()
    counts = ["n_people", "n_held", "n_vacant"]
    table[counts] = table[counts].fillna(0).astype("int64")
    return table.sort_values("community", ignore_index=True)


def _named(table: pd.DataFrame, people: pd.DataFrame | None) -> pd.DataFrame:
    """Return the table with the names and phones of its staff, where they are given."""
    if people is None:
        return table
    for name in reversed(people.columns):
        table.insert(
            int(table.columns.get_loc("staff_id")) + 1,  # type: ignore[arg-type]
            name, table["staff_id"].map(people[name]).astype("str"),
        )  # fmt: skip
    return table


def _contacts(given: Input) -> pd.DataFrame:
    """Return names and phones on the ids of the staff."""
    source = open_input(given, "contacts")
    found = _contact_columns(source)
    table = pd.DataFrame(
        {name: as_text(source.frame[column].astype(object)) for name, column in found.items()}
    )
    table = table[table["staff_id"].notna()].drop_duplicates()
    twice = table.loc[table["staff_id"].duplicated(), "staff_id"]
    if len(twice):
        raise InputError(
            Message(
                "error.contacts_differ",
                label=source.label,
                number=twice.nunique(),
                person=twice.iloc[0],
            )
        )
    return table.set_index("staff_id")


def _contact_columns(source: Source) -> dict[str, str]:
    lower = {str(column).lower(): str(column) for column in reversed(source.frame.columns)}
    found = {
        name: next(lower[alias] for alias in aliases if alias in lower)
        for name, aliases in CONTACT_ALIASES.items()
        if not lower.keys().isdisjoint(aliases)
    }
    if "staff_id" not in found or len(found) == 1:
        columns = either([str(column) for column in source.frame.columns])
        raise InputError(Message("error.contacts_columns", label=source.label, columns=columns))
    return found


def _listed(values: "pd.Series[str]") -> str:
    return ";".join(dict.fromkeys(values.dropna()))


def _title(key: str, lang: str) -> str:
    return section("roster", lang).get(key, key)


def _titled(table: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Return the table with titles, roles, states, reasons and types in a language."""
    out = table.copy()
    for name in [name for name in ("role", "reason", "grid_type") if name in out]:
        out[name] = out[name].map(lambda word: term(word, lang), na_action="ignore")
    if "roles" in out:
        out["roles"] = out["roles"].map(
            lambda roles: "; ".join(term(role, lang) for role in roles.split(";"))
        )
    if "state" in out:
        out["state"] = out["state"].map(lambda word: _title(word, lang))
    return out.rename(columns={name: _title(name, lang) for name in out.columns})
