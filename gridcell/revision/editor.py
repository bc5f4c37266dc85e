"""The editor of a plan as one page that needs no network: `write_editor`."""

import html
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.arrays import Geometries
from gridcell.display.content import Heading, map_title
from gridcell.display.encode import data_of_page, encode_numbers
from gridcell.display.map import POLICY, asset, make_heading
from gridcell.errors import InputError
from gridcell.files.digest import digest_json
from gridcell.files.folder import require_place, whole_folder
from gridcell.files.whole import require_writable, write_text
from gridcell.model import Fabric, Plan
from gridcell.partition.graph import make_graph
from gridcell.read.files import Input
from gridcell.render.holders import post_holders
from gridcell.revision.comments import comments_of
from gridcell.revision.match import given_names
from gridcell.revision.operation import input_of
from gridcell.revision.states import land_states
from gridcell.schema import LOAD
from gridcell.words.catalogue import section
from gridcell.words.maps import counting
from gridcell.words.messages import Message, some
from gridcell.words.terms import term
from gridcell.workload import GRAIN

Ints = NDArray[np.int64]
Posts = dict[str, list[list[str]]]

_UNITS: Final = 100
"""Of a metre: the page draws to a centimetre."""
_MARGIN_M: Final = 60.0
"""Of barriers drawn around what is edited."""
_SCRIPTS: Final = (
    "shapes", "editor_land", "editor_model", "editor_advice", "editor_script", "editor_sheet",
    "editor_view", "editor_side", "editor",
)  # fmt: skip
"""What the page runs, in this order; the model needs no page."""
_MOST_ATOMS: Final = 60_000
"""Of one page; a larger plan has a page a community."""


@checked
def write_editor(
    plan: Plan,
    path: str | Path,
    *,
    community: str | None = None,
    lang: str = "en",
    title: str | None = None,
    date: str | None = None,
    contacts: Input | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write a page in which cells are edited by hand; return the file.

    The page works from a file, without a network. What it saves, ``edits.json``, is a script for
    ``gridcell edit`` and `gridcell.revision.script.read_script`. Households, bands and pieces in it
    are those of the plan and its proof: they are counted on the same atoms and links.

    Parameters
    ----------
    plan
        A plan that keeps its land.
    path
        The file. The same plan gives the same bytes.
    community
        Code of the only community to edit.
    lang
        Output language, ``en`` or ``zh``.
    title
        What stands above the side, instead of the name of the only community or large cell.
    date
        Day of the page, as ``2026-11-27``; none by default, so that bytes do not change by the day.
    contacts
        As for `gridcell.write_map`: the page then tells who holds which post.
    overwrite
        Replace a file that is there already.

    Raises
    ------
    InputError
        A plan without its land, or too large for one page; no such community; another language;
        what is no date; contacts that cannot be used.
    WriteError
        The file is in the way or cannot be written.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> [file.name for file in gridcell.write_editor(plan, folder / "edit.html")]
    ['edit.html']
    """
    require_writable(path, overwrite=overwrite)
    heading, posts = make_heading(title, date), _posts(plan, contacts, lang)
    page = editor_page(plan, community=community, lang=lang, heading=heading, posts=posts)
    return [write_text(path, page, overwrite=overwrite)]


@checked
def write_editors(
    plan: Plan,
    folder: str | Path,
    *,
    lang: str = "en",
    title: str | None = None,
    date: str | None = None,
    contacts: Input | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write a page a community in which its cells are edited; return the files.

    Scripts of several communities can be applied together: they share no land.

    Parameters
    ----------
    plan, lang, title, date, contacts, overwrite
        As for `write_editor`.
    folder
        Where the pages go; it is replaced whole.

    Raises
    ------
    InputError, WriteError
        As for `write_editor`.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> [file.name for file in gridcell.write_editors(plan, folder / "edit")]
    ['450899001001.html']
    """
    require_place(folder, what="map", foreign=_foreign, overwrite=overwrite)
    names = sorted(plan.medium["code"])
    heading, posts = make_heading(title, date), _posts(plan, contacts, lang)
    with whole_folder(folder, overwrite=overwrite) as part:
        for code in names:
            page = editor_page(plan, community=code, lang=lang, heading=heading, posts=posts)
            write_text(part / f"{code}.html", page)
    return [Path(folder) / f"{code}.html" for code in names]


def _foreign(folder: Path) -> Message | None:
    """Return why a folder holds no pages of an editor."""
    strange = [file.name for file in sorted(folder.iterdir()) if file.suffix != ".html"]
    return Message("part.it_holds", name=strange[0]) if strange else None


def editor_page(
    plan: Plan,
    *,
    community: str | None = None,
    lang: str = "en",
    heading: Heading | None = None,
    posts: Posts | None = None,
) -> str:
    """Return the page of `write_editor`; in a frame it tells its window every edit.

    Parameters
    ----------
    plan, community, lang
        As of `write_editor`, and so are errors.
    heading
        What stands above it.
    posts
        By code of a cell who holds its posts.
    """
    content = _content(plan, community, lang, heading or Heading(), posts or {})
    data = data_of_page(content)
    scripts = "\n".join(f"<script>\n{asset(f'page/{name}.js')}</script>" for name in _SCRIPTS)
    return (
        f'<!DOCTYPE html>\n<html lang="{content["lang"]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n{POLICY}\n'
        f"<title>{html.escape(content['title'])}: {content['words']['title']}</title>\n"
        f"<style>\n{asset('page/editor.css')}</style>\n{scripts}\n</head>\n<body>\n"
        f'<div id="side" role="complementary" aria-label="{content["words"]["title"]}"></div>\n'
        '<div id="view" role="main"><canvas id="land" tabindex="0" role="application" '
        f'aria-label="{html.escape(content["title"])}: {content["words"]["map_keys"]}"></canvas>'
        "</div>\n"
        f'<script type="application/json" id="data">{data}</script>\n'
        '<script>const editor = startEditor(JSON.parse(document.getElementById("data").text));'
        "</script>\n</body>\n</html>\n"
    )


def _posts(plan: Plan, contacts: Input | None, lang: str) -> Posts:
    """Return by code of a cell its posts and who holds them."""
    posts: Posts = {}
    holders = post_holders(plan, contacts)
    if holders is not None:
        for post in holders.itertuples():
            held = [term(str(post.role), lang), str(post.holder)]
            posts.setdefault(str(post.code), []).append(held)
    return posts


def cell_names(plan: Plan) -> "pd.Series[str]":
    """Return the names that somebody gave to cells, by code, ``None`` for all others."""
    rules = plan.rules.codes
    micro = given_names(plan.micro, plan.small, rules.micro_digits, "micro")[:-1]
    small = given_names(plan.small, plan.medium, rules.small_digits, "small")[:-1]
    codes = pd.concat([plan.micro["code"], plan.small["code"]])
    return pd.Series(np.concatenate([micro, small]), index=codes, dtype=object)


def _content(
    plan: Plan, community: str | None, lang: str, heading: Heading, posts: Posts
) -> dict[str, Any]:
    words = counting(section("editor", lang), "persons" if plan.counts_persons else None)
    given = input_of(plan)
    fabric = given.fabric
    codes = given.layers.communities["code"].tolist()
    home = fabric.atoms["community"].to_numpy()
    shown = np.arange(len(codes)) if community is None else _rows_of(plan, codes, community)
    atoms = np.flatnonzero(np.isin(home, shown))
    if len(atoms) > _MOST_ATOMS:
        raise InputError(Message("error.editor_too_large", atoms=len(atoms), most=_MOST_ATOMS))
    number = np.full(len(home) + 1, -1, dtype=np.int64)
    number[atoms] = np.arange(len(atoms))
    origin = np.floor(fabric.xy[_vertices_of(fabric, number)].min(axis=0))
    leaves = plan.leaves
    leaf = pd.Index(leaves["code"]).get_indexer(pd.Index(fabric.atoms["code"].iloc[atoms]))
    used, leaf = np.unique(leaf, return_inverse=True)
    cells = leaves.iloc[used]
    itself = cells["code"].isin(plan.small["code"])
    over = cells["parent"].where(~itself, cells["code"])
    smalls = plan.small[plan.small["code"].isin(over)]
    named = cell_names(plan)
    known = {*cells["code"], *smalls["code"]}
    table = fabric.atoms.iloc[atoms]
    general = np.flatnonzero((table["site"] < 0).to_numpy())
    graph = make_graph(fabric, atoms[general], searched=False)
    pair = graph.owner < graph.neighbour
    locked = set(plan.codes.loc[plan.codes["locked"], "code"])
    names = [codes[row] for row in shown]
    communities = [_community(plan, code) for code in names]
    alone = len(communities) == 1 and communities[0]["name"] != names[0]
    place = communities[0]["name"] if alone else map_title(plan, lang)
    states = land_states(plan, fabric, codes)
    return {
        "lang": lang,
        "title": heading.title or place,
        "about": " · ".join(filter(None, [words["title"], heading.date])),
        "words": words,
        "key": digest_json([plan.history["number"].tolist(), plan.codes["code"].tolist(), names]),
        "metres": 1 / _UNITS,
        "has_micro": given.micro is not None,
        "atoms": {
            "id": encode_numbers(np.diff(atoms, prepend=0).astype(np.int64)),
            "households": encode_numbers(table["households"].to_numpy(dtype=np.int64)),
            **_loads(table),
            "area": encode_numbers(_hundredths(table["area_m2"])),
            "leaf": encode_numbers(leaf.astype(np.int64)),
            "community": encode_numbers(
                np.searchsorted(shown, table["community"].to_numpy()).astype(np.int64)
            ),
        },
        "links": {
            "a": encode_numbers(general[graph.owner[pair]].astype(np.int64)),
            "b": encode_numbers(general[graph.neighbour[pair]].astype(np.int64)),
        },
        "arcs": _arcs(fabric, number, origin),
        "leaves": {
            "code": cells["code"].tolist(),
            "name": named[cells["code"]].tolist(),
            "small": pd.Index(smalls["code"]).get_indexer(pd.Index(over)).tolist(),
            "general": (cells["grid_type"] == "general").tolist(),
            "locked": cells["code"].isin(locked).tolist(),
        },
        "smalls": {
            "code": smalls["code"].tolist(),
            "name": named[smalls["code"]].tolist(),
            "general": (smalls["grid_type"] == "general").tolist(),
            "locked": smalls["code"].isin(locked).tolist(),
        },
        "communities": communities,
        "made": {code: states[code].data() for code in names},
        "comments": [list(one) for one in comments_of(plan) if one[0] in known],
        "posts": {code: held for code, held in sorted(posts.items()) if code in known},
        "buildings": _buildings(plan, fabric, number, origin),
        "barriers": _barriers(plan, fabric, number, origin),
    }  # fmt: skip


def _rows_of(plan: Plan, codes: list[str], community: str) -> Ints:
    medium = plan.medium
    own = medium.loc[(medium[["code", "community", "label"]] == community).any(axis=1), "community"]
    if own.empty:
        raise InputError(
            Message("error.no_such_community", community=community, communities=some(codes))
        )
    return np.array([codes.index(str(code)) for code in own], dtype=np.int64)


def _loads(table: pd.DataFrame) -> dict[str, str]:
    """Return the loads of atoms in thousandths, where bands count them."""
    if LOAD not in table:
        return {}
    return {"load": encode_numbers(np.rint(table[LOAD].to_numpy() / GRAIN).astype(np.int64))}


def _community(plan: Plan, code: str) -> dict[str, Any]:
    own = plan.medium[plan.medium["community"] == code].iloc[0]
    bands = {}
    for level in ("small", "micro"):
        band = plan.bands.get((code, level))
        bands[level] = None if band is None else [band.min, band.target, band.max]
    return {"code": code, "name": own["name"] if pd.notna(own["name"]) else code, **bands}


def _arcs(fabric: Fabric, number: Ints, origin: NDArray[np.float64]) -> dict[str, str]:
    """Return the borders of the atoms shown, each once: its sides, class and vertices."""
    left, right = number[fabric.arc_left], number[fabric.arc_right]
    kept = np.flatnonzero((left >= 0) | (right >= 0))
    counts = np.diff(fabric.arc_start)[kept]
    at = np.repeat(fabric.arc_start[:-1][kept], counts)
    at += np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    return {
        "left": encode_numbers(left[kept]),
        "right": encode_numbers(right[kept]),
        "barrier": encode_numbers((fabric.arc_barrier[kept] > 0).astype(np.int64)),
        "length": encode_numbers(_hundredths(pd.Series(fabric.arc_length[kept]))),
        "points": encode_numbers(counts.astype(np.int64)),
        "xy": _encode_xy(fabric.xy[fabric.arc_vertices[at]], origin),
    }


def _vertices_of(fabric: Fabric, number: Ints) -> Ints:
    kept = (number[fabric.arc_left] >= 0) | (number[fabric.arc_right] >= 0)
    return np.asarray(fabric.arc_vertices[np.repeat(kept, np.diff(fabric.arc_start))])


def _buildings(
    plan: Plan, fabric: Fabric, number: Ints, origin: NDArray[np.float64]
) -> dict[str, Any]:
    atom = number[fabric.pieces["atom"].to_numpy()]
    atom[fabric.pieces["atom"].to_numpy() < 0] = -1
    kept = np.flatnonzero(atom >= 0)
    outlines = np.asarray(fabric.outlines.geometry, dtype=object)[kept]
    ids = plan.buildings["bldg_id"].iloc[kept]
    return {"id": _texts(ids), "atom": encode_numbers(atom[kept]), **_lines(outlines, origin)}


def _barriers(
    plan: Plan, fabric: Fabric, number: Ints, origin: NDArray[np.float64]
) -> dict[str, Any]:
    xy = fabric.xy[_vertices_of(fabric, number)]
    window = (*(xy.min(axis=0) - _MARGIN_M), *(xy.max(axis=0) + _MARGIN_M))
    shapes = np.asarray(plan.barriers.geometry, dtype=object)
    near = np.flatnonzero(shapely.intersects(shapes, shapely.box(*window)))
    lines = shapely.clip_by_rect(shapes[near], *window)
    return {
        "river": (plan.barriers["kind"].iloc[near] == "river").tolist(),
        "name": _texts(plan.barriers["name"].iloc[near]),
        **_lines(lines, origin),
    }


def _lines(shapes: Geometries, origin: NDArray[np.float64]) -> dict[str, str]:
    """Return the rings or lines of shapes: lines a shape, vertices a line, coordinates."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    polygonal = shapely.get_dimensions(parts) > 1
    rings, of_part = shapely.get_rings(parts[polygonal], return_index=True)
    lines = np.concatenate([parts[~polygonal], rings])
    owners = np.concatenate([owner[~polygonal], owner[polygonal][of_part]])
    order = np.argsort(owners, kind="stable")
    lines, owners = lines[order], owners[order]
    xy, line = shapely.get_coordinates(lines, return_index=True)
    return {
        "lines": encode_numbers(np.bincount(owners, minlength=len(shapes)).astype(np.int64)),
        "points": encode_numbers(np.bincount(line, minlength=len(lines)).astype(np.int64)),
        "xy": _encode_xy(xy, origin),
    }


def _encode_xy(xy: NDArray[np.float64], origin: NDArray[np.float64]) -> str:
    units = np.rint((xy - origin) * _UNITS).astype(np.int64)
    return encode_numbers(np.diff(units, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel())


def _hundredths(values: "pd.Series[float]") -> Ints:
    return np.rint(values.to_numpy(dtype=np.float64) * 100).astype(np.int64)


def _texts(column: "pd.Series[str]") -> list[str | None]:
    out: list[str | None] = column.astype(object).where(column.notna(), None).tolist()
    return out
