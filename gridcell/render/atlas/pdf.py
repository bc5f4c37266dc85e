"""An atlas of a plan as a vector PDF for printing, and contact cards."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from gridcell.arguments import checked
from gridcell.errors import InputError, WriteError
from gridcell.extras import needs
from gridcell.files.whole import require_writable, whole_file
from gridcell.model import Plan
from gridcell.read.files import Input
from gridcell.render.atlas.content import PAPERS, Content, make_content, text_of
from gridcell.render.atlas.imprint import Imprint
from gridcell.words.messages import Message, say

_PLAIN = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz :,.·-–()/%")


@checked
def write_atlas(
    plan: Plan,
    path: str | Path,
    *,
    paper: str = "A4",
    level: str = "small",
    community: str | None = None,
    cells: Iterable[str] | None = None,
    contacts: Input | None = None,
    lang: str = "en",
    font: str | Path | None = None,
    walk: bool = False,
    title: str | None = None,
    department: str | None = None,
    date: str | None = None,
    sign_off: bool = False,
    logo: str | Path | None = None,
    orientation: str = "portrait",
    scale: float | None = None,
    page: int | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write an atlas for printing; return the file.

    A title with an overview, an index, for each community a page with all its cells, then a page
    for each cell: its map with the surroundings at a round scale, building numbers, street names,
    label and QR code (which holds the label), figures, posts and their holders, its micro cells.
    Text can be selected; the same plan, with the same font, gives the same bytes.

    Parameters
    ----------
    plan
        A plan in its metric CRS.
    path
        A ``.pdf`` file, or a ``.png`` or ``.svg`` for one page.
    paper
        ``A4`` or ``A3``.
    level
        ``small``, or ``micro`` for a page a leaf: micro cells, and dedicated cells without any.
    community
        Code of the only community to show.
    cells
        Codes of the only cells to print, such as `gridcell.Comparison.changed_pages` tells; a micro
        cell stands for its small cell as well.
    contacts
        A file or frame with ``staff_id`` and ``name`` or ``phone``: holders are named by them.
        Without it by their ids.
    lang
        ``en`` or ``zh``; names stay as they are in the plan.
    font
        A TrueType or OpenType file (a collection too) instead of the fonts found on the system.
        Plans that Helvetica can write need none.
    walk
        Show in which order buildings are visited on foot, as a numbered line with its length:
        `gridcell.visiting_orders`.
    title
        Title of the atlas; by default the name of its only community, or of the plan.
    department
        Who prints it: on the title page and at the foot of all pages.
    date
        Date of the atlas, ISO 8601, beside the department.
    sign_off
        Boxes on the title page for who prepared, reviewed and approved it.
    logo
        A PNG or SVG file for the title page.
    orientation
        ``portrait``, or ``landscape`` with tables beside the maps.
    scale
        Metres on the ground a metre on paper for the maps of cells; by default the largest round
        scale that shows a cell. Cells that do not fit keep theirs.
    page
        Number of the page that a picture shows; 1 by default.
    overwrite
        Replace a file that is there already.

    Raises
    ------
    InputError
        Another paper, level, orientation or language; no such community, page, date, scale or
        logo; none of the cells; contacts that cannot be used; text for which there is no font; no
        ``gridcell[print]``.
    WriteError
        A file in the way, another suffix.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder, `font` a font with
    the characters of its names.

    >>> import gridcell
    >>> files = gridcell.write_atlas(plan, folder / "atlas.pdf", paper="A3", font=font)
    >>> [file.name for file in files]
    ['atlas.pdf']
    """
    print_atlas(
        plan, path, paper=paper, level=level, community=community, cells=cells, contacts=contacts,
        lang=lang, font=font, walk=walk, page=page, overwrite=overwrite,
        imprint=Imprint.of(
            title=title, department=department, date=date, sign_off=sign_off, logo=logo,
            orientation=orientation, scale=scale,
        ),
    )  # fmt: skip
    return [Path(path)]


class Printed(NamedTuple):
    """What was printed."""

    pages: int
    smaller: list[str]
    """Codes of cells whose maps are smaller than the fixed scale, as they do not fit on a page."""


def print_atlas(
    plan: Plan,
    path: str | Path,
    *,
    paper: str,
    level: str,
    community: str | None,
    cells: Iterable[str] | None,
    contacts: Input | None,
    lang: str,
    font: str | Path | None,
    walk: bool,
    imprint: Imprint,
    page: int | None,
    overwrite: bool,
) -> Printed:
    """Write what `write_atlas` writes; return what was written."""
    with needs("atlas", extra="print"):
        from gridcell.render.atlas.pages import Atlas
        from gridcell.render.atlas.sheet import open_sheets
        from gridcell.render.atlas.single import FORMATS, write_page
    file = _require_format(path, paper, (".pdf", *FORMATS), overwrite=overwrite)
    content = make_content(
        plan, level=level, community=community, cells=cells, contacts=contacts, lang=lang, walk=walk
    )
    is_picture = file.suffix.lower() in FORMATS
    if page is not None and not is_picture:
        raise InputError(Message("error.page_of_picture", formats=list(FORMATS)))
    title = imprint.title or content.title()
    with (
        whole_file(file, overwrite=overwrite) as part,
        open_sheets(
            paper, _characters(content) | {*title, *imprint.line}, title=title, lang=lang,
            font=None if font is None else Path(font), landscape=imprint.landscape,
            drawn=(page or 1) if file.suffix.lower() == ".svg" else None,
        ) as sheets,
    ):  # fmt: skip
        atlas = Atlas(sheets, content, title, imprint)
        pages = atlas.draw()
        if is_picture:
            write_page(sheets, part, page or 1)
            pages = 1
        else:
            sheets.save(part)
    return Printed(pages, atlas.smaller)


@checked
def write_cards(
    plan: Plan,
    path: str | Path,
    *,
    kind: str = "micro",
    paper: str = "A4",
    community: str | None = None,
    contacts: Input | None = None,
    lang: str = "en",
    font: str | Path | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write contact cards, eight to a page; return the file.

    Each tells the cell's name, label and QR code, and the posts of the cell and of those around it
    with their holders.

    Parameters
    ----------
    plan, path, paper, community, contacts, lang, font, overwrite
        As for `write_atlas`.
    kind
        ``micro``: a card a leaf. ``household``: one a household of the register that has a cell.

    Raises
    ------
    InputError
        Another kind; no register of households; and as for `write_atlas`.
    WriteError
        A file in the way, another suffix.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder, `font` a font with
    the characters of its names.

    >>> import gridcell
    >>> files = gridcell.write_cards(plan, folder / "cards.pdf", font=font)
    >>> [file.name for file in files]
    ['cards.pdf']
    """
    print_cards(
        plan, path, kind=kind, paper=paper, community=community, contacts=contacts, lang=lang,
        font=font, overwrite=overwrite,
    )  # fmt: skip
    return [Path(path)]


def print_cards(
    plan: Plan,
    path: str | Path,
    *,
    kind: str,
    paper: str,
    community: str | None,
    contacts: Input | None,
    lang: str,
    font: str | Path | None,
    overwrite: bool,
) -> int:
    """Write what `write_cards` writes; return the number of cards."""
    with needs("cards", extra="print"):
        from gridcell.render.atlas.cards import card_ids, draw_cards, require_cards
        from gridcell.render.atlas.sheet import open_sheets
    file = _require_format(path, paper, (".pdf",), overwrite=overwrite)
    level = "small" if plan.micro.empty else "micro"
    content = make_content(plan, level=level, community=community, contacts=contacts, lang=lang)
    require_cards(content, kind)
    characters = _characters(content) | card_ids(content, kind)
    with (
        whole_file(file, overwrite=overwrite) as part,
        open_sheets(
            paper, characters, title=content.words[f"card_{kind}"], lang=lang,
            font=None if font is None else Path(font),
        ) as sheets,
    ):  # fmt: skip
        count = draw_cards(sheets, content, kind)
        if not count:
            raise InputError(Message("error.no_household_card"))
        sheets.save(part)
    return count


def _require_format(
    path: str | Path, paper: str, formats: tuple[str, ...], *, overwrite: bool
) -> Path:
    file = require_writable(path, overwrite=overwrite)
    if file.suffix.lower() not in formats:
        told = {"file": file, "suffix": file.suffix, "formats": list(formats)}
        raise WriteError(Message("error.atlas_format", **told))
    if paper not in PAPERS:
        raise InputError(Message("error.paper_one_of", paper=paper, papers=list(PAPERS)))
    return file


def _characters(content: Content) -> set[str]:
    """Return all characters that may be written."""
    plan = content.plan
    cells = [plan.large, plan.medium, plan.small, plan.micro, plan.leaves]
    columns = [frame[column] for frame in cells for column in ("name", "label")]
    columns += [plan.buildings["bldg_id"], plan.barriers["name"]]
    roles = pd.concat([plan.staff["role"], plan.vacancies["role"]])
    columns.append(roles.map(content.role))
    found = set(_PLAIN).union(
        content.note or "", *content.words.values(), *content.reasons.values()
    )
    if content.walks is not None:
        walked = content.walks.told(content.walks.cells.index.tolist())
        found |= set("" if walked is None else say(walked, content.lang))
    for column in columns:
        found |= set().union(*column.map(text_of).unique())
    for posts in content.posts.values():
        found = found.union(*(post.holder for post in posts))
    return found
