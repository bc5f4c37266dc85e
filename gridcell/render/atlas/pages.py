"""The sheets of an atlas: title, index, communities, one page a cell."""

from collections.abc import Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from gridcell.render.atlas.content import Content, Post, Row, count_text, text_of
from gridcell.render.atlas.frame import Frame, fit_frame, split_bounds
from gridcell.render.atlas.imprint import Imprint
from gridcell.render.atlas.sheet import ACCENT, GREY, INK, PALE, Sheets
from gridcell.render.atlas.view import Views

MARGIN: Final = 10.0
_ROW: Final = 4.4
_TITLED: Final = 5.3
"""What the title of a table takes above its rows, mm."""
_LEAST_ROW: Final = 2.9
"""Rows of many micro cells are so close, mm."""
_NARROW: Final = 80.0
_INDEX_ROW: Final = 4.6
_INDEX_TOP: Final = 26.0
_COLUMN: Final = 92.0
"""At least so wide are the columns of the index, mm."""
_MOST_BELOW: Final = 0.4
"""Share of the page that tables below a map may take."""
_SHARES: Final = (0.62, 0.38)
"""What two maps of one cell take of the height."""
_NOTE: Final = 6.0
_PUBLISHED: Final = 7.0
_NOTE_ROW: Final = 2.8
_NOTES: Final = 8
"""Lines that the note below a map may take."""
_MISSING: Final = 0.3
"""Share of the buildings that find no room for their numbers at worst."""
_LINES: Final = 8
"""Lines that a figure may take: a reason is a sentence."""
_LOGO: Final = (40.0, 22.0)
"""Room for the logo, mm."""
_SIGN: Final = ("sign_prepared", "sign_reviewed", "sign_approved")
_SIGNED: Final = 24.0
"""Height of the boxes for signatures, mm."""
_BESIDE: Final = 92.0
"""Width of the tables beside a map, mm."""
_ABOVE: Final = 8
"""Posts of the cells above that are listed at most."""


class Atlas:
    """Lays out an atlas: which page shows what is known before the first is drawn."""

    def __init__(self, sheets: Sheets, content: Content, title: str, imprint: Imprint) -> None:
        self._imprint = imprint
        self.smaller: list[str] = []
        """Codes of the cells that do not fit on a page at the fixed scale."""
        self._sheets = sheets
        self._content = content
        self._words = content.words
        self._left, self._right = MARGIN, sheets.width - MARGIN
        self._bottom = sheets.height - MARGIN - 4
        self._title = title
        self._communities = content.communities()
        self._pages = self._number_pages()
        self._views = Views(sheets, content, self._pages)

    def draw(self) -> int:
        """Draw all pages; return how many."""
        self._draw_title()
        self._draw_index()
        for _, community in self._communities.iterrows():
            self._draw_community(community)
            for _, cell in self._content.within(community["community"]).iterrows():
                self._draw_cell(cell)
        return self._sheets.page

    # --- order ------------------------------------------------------------------------------

    def _number_pages(self) -> dict[str, int]:
        """Return the page of every cell and community, by code."""
        page = 2 + self._index_pages()
        pages: dict[str, int] = {}
        for community in self._communities.itertuples():
            pages[str(community.code)] = page
            cells = self._content.within(str(community.community))["code"]
            pages |= {str(code): page + 1 + place for place, code in enumerate(cells)}
            page += 1 + len(cells)
        return pages

    def _index_columns(self) -> int:
        return int((self._right - self._left) // _COLUMN)

    def _index_rows(self) -> int:
        return int((self._bottom - _INDEX_TOP) // _INDEX_ROW)

    def _index_pages(self) -> int:
        entries = len(self._communities) + len(self._content.cells)
        return -(-entries // (self._index_rows() * self._index_columns()))

    # --- sheets -----------------------------------------------------------------------------

    def _draw_title(self) -> None:
        sheets, said, content = self._sheets, self._words, self._content
        sheets.add_page(self._title)
        imprint = self._imprint
        width = self._right - self._left
        room = width
        if imprint.logo is not None:
            sheets.picture(imprint.logo, self._right - _LOGO[0], MARGIN, *_LOGO)
            room -= _LOGO[0] + 4
        sheets.text(self._left, 24, self._title, 24, width=room)
        sheets.text(self._left, 33, said[f"atlas_{content.level}"], 13, colour=ACCENT, width=room)
        y = 44.0
        if imprint.line:
            sheets.text(self._left, 39.5, imprint.line, 9, colour=GREY, width=room)
            y += 5
        bottom = self._bottom
        if imprint.sign_off:
            bottom -= _SIGNED + 3
            self._draw_sign_off(self._bottom - _SIGNED)
        wide = _BESIDE if imprint.landscape else width
        end = self._draw_rows(
            self._totals(), self._left, y, wide if imprint.landscape else width / 2
        )
        at = (self._left, end + 8) if imprint.landscape else (self._left + width / 2 + 10, y - 3)
        below = self._views.draw_legend(*at)
        end = (below if imprint.landscape else end) + 4
        if content.note is not None:
            note = sheets.lines(
                self._left, end + 1, content.note, _PUBLISHED, width=wide, most=3, colour=GREY
            )
            end = note + 2
        cells, names, sizes, inside = self._overview()
        if imprint.landscape:
            left, top = self._left + wide + 6, y - 3
        else:
            left, top = self._left, max(end, below + 2)
        frame = fit_frame(
            cells.total_bounds, left, top, self._right - left, bottom - top,
            enlarged=sheets.enlarged,
        )  # fmt: skip
        self._views.draw_overview(cells, frame, names, sizes=sizes, inside=inside)
        self._draw_foot(said["overview"])

    def _draw_sign_off(self, y: float) -> None:
        """Draw the boxes in which an atlas is signed."""
        sheets, said = self._sheets, self._words
        wide = (self._right - self._left) / len(_SIGN)
        for place, name in enumerate(_SIGN):
            x = self._left + place * wide
            sheets.box(x, y, wide, _SIGNED, line=GREY, thick=0.2)
            sheets.text(x + 2, y + 4.5, said[name], 8, colour=ACCENT, width=wide - 4)
            for row, key in enumerate(("sign_name", "sign_date")):
                at = y + 12 + 7 * row
                sheets.text(x + 2, at, said[key], 7, colour=GREY, width=18)
                sheets.line(np.array([[x + 20, at + 0.6], [x + wide - 3, at + 0.6]]), GREY, 0.15)

    def _overview(
        self,
    ) -> tuple[gpd.GeoDataFrame, list[str], tuple[float, ...], gpd.GeoDataFrame | None]:
        """Return what the title shows: the communities and their cells, or those of the only one.

        After the names and their sizes come the cells within, if what is shown has any.
        """
        if len(self._communities) == 1:
            cells = self._content.cells
            return cells, [self._content.number(c) for _, c in cells.iterrows()], (8, 6.5, 5), None
        names = [text_of(c["name"]) or c["code"] for _, c in self._communities.iterrows()]
        small = self._content.plan.small
        inside = small[small["community"].isin(self._communities["community"])]
        return self._communities, names, (11, 9, 7, 5.5), inside.sort_values("code")

    def _totals(self) -> list[Row]:
        content, said = self._content, self._words
        codes = set(self._communities["community"])
        small = content.plan.small[content.plan.small["community"].isin(codes)]
        micro = content.plan.micro["community"].isin(codes).sum()
        general = int((small["grid_type"] == "general").sum())
        return [
            (said["medium"], f"{len(self._communities):,}"),
            (said["small_general"], f"{general:,}"),
            (said["small_dedicated"], f"{len(small) - general:,}"),
            (said["micro"], f"{micro:,}"),
            (
                said["households"],
                content.households(self._total(), self._estimated()),
            ),
            (said["area"], content.area(float(self._communities["area_m2"].sum()))),
            *self._selected(),
        ]

    def _selected(self) -> list[Row]:
        """Return how many cells have pages, where only some were chosen."""
        few, left_out = len(self._content.cells), self._content.left_out
        if not left_out:
            return []
        told = self._words["some_of"].format(n=few, total=few + left_out)
        return [(self._words["printed"], told)]

    def _total(self) -> float:
        """Return the households of all communities shown; of a publication, where told."""
        told = self._content.plan.publication
        if told is not None and len(self._communities) == len(self._content.plan.medium):
            total = told.households
            return float("nan") if total is None else float(total)
        total = self._communities["households"].sum(skipna=False)
        return float("nan") if pd.isna(total) else float(total)

    def _estimated(self) -> float:
        """Return how many households of the communities shown are estimates, where told."""
        total = self._communities["estimated"].sum(skipna=False)
        return float("nan") if pd.isna(total) else float(total)

    def _draw_index(self) -> None:
        sheets, content = self._sheets, self._content
        entries: list[pd.Series[Any]] = []
        for _, community in self._communities.iterrows():
            entries.append(community)
            entries += [cell for _, cell in content.within(community["community"]).iterrows()]
        columns, rows = self._index_columns(), self._index_rows()
        gap = 6.0
        wide = (self._right - self._left - gap * (columns - 1)) / columns
        for place, cell in enumerate(entries):
            slot = place % (columns * rows)
            if slot == 0:
                sheets.add_page(self._words["index"] if place == 0 else "")
                sheets.text(self._left, 18, self._words["index"], 16)
                self._draw_foot(self._words["index"])
            x = self._left + (slot // rows) * (wide + gap)
            if slot % rows == 0:
                self._index_line(x, _INDEX_TOP - 3, wide, None)
            y = _INDEX_TOP + (slot % rows) * _INDEX_ROW + 3.2
            self._index_line(x, y, wide, cell)

    def _index_line(self, x: float, y: float, wide: float, cell: "pd.Series[Any] | None") -> None:
        """Write a line of the index, or its head."""
        sheets, said = self._sheets, self._words
        size = 6.5
        page_x, count_x, label_x = x + wide, x + wide - 9, x + wide - 55
        if cell is None:
            for at, key, side in (
                (x, "grid", "left"), (label_x, "label", "left"), (count_x, "households", "right"),
                (page_x, "page", "right"),
            ):  # fmt: skip
                sheets.text(at, y, said[key], size, colour=GREY, align=side, width=20)
            return
        community = cell["level"] == 2
        colour = ACCENT if community else INK
        indent = 0 if community else 2
        name = self._content.name(cell) if community else self._content.short(cell)
        sheets.text(
            x + indent, y, name, size + community, colour=colour, width=label_x - x - indent - 1.5
        )
        sheets.text(label_x, y, cell["label"], size, colour=colour, width=count_x - label_x - 12)
        sheets.text(count_x, y, count_text(cell["households"]), size, colour=colour, align="right")
        page = self._pages[cell["code"]]
        sheets.text(page_x, y, f"{page}", size, colour=colour, align="right")
        sheets.line(np.array([[x, y + 1.2], [x + wide, y + 1.2]]), PALE, 0.1)
        sheets.link(x, y - 3, wide, _INDEX_ROW, page)

    def _draw_community(self, community: "pd.Series[Any]") -> None:
        sheets, content = self._sheets, self._content
        name = content.name(community)
        sheets.add_page(name)
        y = self._draw_head(community, name, self._words["one_medium"])
        cells = content.within(community["community"])
        rows = content.figures(community)
        posts = content.posts.get(community["code"], [])
        below, x, right = self._tables(y, rows, posts, [], [])
        frame = fit_frame(
            np.asarray(community.geometry.bounds), self._left, y, right - self._left,
            (self._bottom if self._imprint.landscape else below - 3) - y,
            enlarged=sheets.enlarged,
        )  # fmt: skip
        names = [content.number(cell) for _, cell in cells.iterrows()]
        self._views.draw_overview(cells, frame, names, sizes=(8.5, 7, 6, 5), around=True)
        end = self._draw_titled(self._words["figures"], rows, x, below, 60)
        if self._imprint.landscape:
            self._draw_posts(self._words["posts"], posts, x, end + 2, self._right - x, 20)
        else:
            middle = self._left + 66
            self._draw_posts(self._words["posts"], posts, middle, below, self._right - middle, 20)
        self._draw_foot(name)

    def _draw_cell(self, cell: "pd.Series[Any]") -> None:
        sheets, content, said = self._sheets, self._content, self._words
        name = content.name(cell)
        sheets.add_page(name, level=1)
        y = self._draw_head(cell, name, content.place(cell))
        rows = content.figures(cell)
        posts, above = content.posts.get(cell["code"], []), content.posts_above(cell)[:_ABOVE]
        inner = content.inner.get(cell["code"])
        codes = [] if inner is None else inner["code"].tolist()
        below, x, right = self._tables(y, rows, posts, above, codes)
        self._draw_maps(cell, y, self._bottom if self._imprint.landscape else below - 3, right)
        if self._imprint.landscape:
            self._draw_beside(x, below, rows, posts, above, inner)
            self._draw_foot(name)
            return
        wide = 60.0
        left = self._draw_titled(said["figures"], rows, self._left, below, wide)
        x = self._left + wide + 6
        if inner is None:
            y = self._draw_posts(said["posts"], posts, x, below, self._right - x, 30)
            if above:
                self._draw_posts(said["posts_above"], above, x, y + 2, self._right - x, _ABOVE)
        else:
            y = self._draw_posts(said["posts"], posts, self._left, left + 2, wide, 12)
            if above:
                self._draw_posts(said["posts_above"], above, self._left, y + 2, wide, _ABOVE)
            self._draw_inner(inner, x, below)
        self._draw_foot(name)

    def _tables(
        self, y: float, rows: list[Row], posts: Sequence[Post], above: Sequence[Post],
        inner: list[str],
    ) -> tuple[float, float, float]:  # fmt: skip
        """Return where the tables begin, down and across, and where the map ends on the right.

        They stand below the map, on pages that lie beside it.
        """
        if self._imprint.landscape:
            x = self._right - _BESIDE
            return y, x, x - 4
        return self._split(rows, posts, above, inner), self._left, self._right

    def _draw_beside(
        self, x: float, y: float, rows: list[Row], posts: Sequence[Post], above: Sequence[Post],
        inner: pd.DataFrame | None,
    ) -> None:  # fmt: skip
        """Write the tables of a cell below one another, beside its map."""
        said, wide = self._words, self._right - x
        y = self._draw_titled(said["figures"], rows, x, y, wide)
        y = self._draw_posts(said["posts"], posts, x, y + 2, wide, 8)
        if above:
            y = self._draw_posts(said["posts_above"], above, x, y + 2, wide, 4)
        if inner is not None:
            self._draw_inner(inner, x, y + 2)

    def _draw_maps(self, cell: "pd.Series[Any]", y: float, end: float, right: float) -> None:
        """Draw the map of a cell, with a second one for pieces far away."""
        width = right - self._left
        lines = self._note_lines(cell["buildings"], width)
        shown = split_bounds(cell.geometry)
        room = end - y - len(shown) * lines * _NOTE_ROW - (len(shown) - 1) * 2
        for bounds, share in zip(shown, (1.0,) if len(shown) == 1 else _SHARES, strict=True):
            frame = self._frame(cell, bounds, y, width, room * share)
            missing, kept = self._views.draw_cell(cell, frame)
            y += frame.height
            self._draw_note(missing, kept, y + _NOTE_ROW, lines, width)
            y += lines * _NOTE_ROW + 2

    def _frame(
        self, cell: "pd.Series[Any]", bounds: Any, y: float, width: float, height: float
    ) -> Frame:
        """Return the frame of a cell's map, at the fixed scale where there is one that it fits."""
        fixed = self._imprint.scale
        frame = fit_frame(
            bounds, self._left, y, width, height, enlarged=self._sheets.enlarged, fixed=fixed
        )
        if fixed is not None and frame.scale != fixed and cell["code"] not in self.smaller:
            self.smaller.append(cell["code"])
        return frame

    def _note_lines(self, buildings: Any, width: float) -> int:
        """Return how many lines a note on numbers of buildings may take."""
        missing = _MISSING * (0 if pd.isna(buildings) else int(buildings))
        wide = missing * self._sheets.measure("00000, ", _NOTE)
        return int(np.clip(np.ceil(wide / width), 1, _NOTES))

    def _draw_note(self, missing: list[str], kept: int, y: float, most: int, width: float) -> None:
        """Write what the map leaves out of the numbers of buildings, and which it leaves out."""
        sheets, said = self._sheets, self._words
        begin = said["shortened"].format(n=kept) + " " if kept else ""
        left = len(missing)
        while True:
            ids = missing[:left]
            if left < len(missing):
                ids = [*ids, said["more"].format(n=len(missing) - left)]
            note = begin + (said["unnumbered"].format(ids=said["comma"].join(ids)) if ids else "")
            rows = sheets.wrap(note.strip(), _NOTE, width)
            if len(rows) <= most or not left:
                break
            left -= 1
        for row in rows[:most]:
            sheets.text(self._left, y, row.strip(), _NOTE, colour=GREY, width=width)
            y += _NOTE_ROW

    # --- parts of a sheet -------------------------------------------------------------------

    def _draw_head(self, cell: "pd.Series[Any]", name: str, place: str) -> float:
        """Write name, label and place with the QR code; return where the map may begin."""
        sheets = self._sheets
        side = 25.0
        room = self._right - self._left - side - 4
        if sheets.measure(name, 18) * 0.75 <= room:
            sheets.text(self._left, 18, name, 18, width=room)
        else:
            sheets.lines(self._left, 13.5, name, 12, width=room, most=2)
        sheets.text(self._left, 26, cell["label"], 13, colour=ACCENT, width=room)
        sheets.text(self._left, 32, place, 8.5, colour=GREY, width=room)
        sheets.qr(self._right - side + 2, MARGIN - 2, side, cell["label"])
        return 36.0

    def _split(
        self, rows: list[Row], posts: Sequence[Post], above: Sequence[Post], inner: list[str]
    ) -> float:
        """Return where the tables below the map begin."""
        figures = _block(sum(len(self._wrapped(value, 34)) for _, value in rows))
        if self._content.note is not None:
            # No posts are published.
            return self._bottom - min(max(figures, _block(len(inner))), self._most_below)
        held = _block(len(posts)) + (2 + _block(len(above)) if above else 0)
        high = max(figures + 2 + held, _block(len(inner))) if inner else max(figures, held)
        return self._bottom - min(high, self._most_below)

    @property
    def _most_below(self) -> float:
        return _MOST_BELOW * self._sheets.height

    def _wrapped(self, value: str, width: float) -> list[str]:
        rows = self._sheets.wrap(value, 7.5, width)
        if len(rows) > _LINES:
            rows = [*rows[: _LINES - 1], "".join(rows[_LINES - 1 :])]
        return rows

    def _draw_titled(self, title: str, rows: list[Row], x: float, y: float, width: float) -> float:
        self._draw_title_of(title, x, y, width)
        return self._draw_rows(rows, x, y + 5.2 + 3, width)

    def _draw_title_of(self, title: str, x: float, y: float, width: float) -> None:
        self._sheets.text(x, y + 3, title, 8.5, colour=ACCENT, width=width)
        self._sheets.line(np.array([[x, y + 4.4], [x + width, y + 4.4]]), ACCENT, 0.25)

    def _draw_rows(self, rows: list[Row], x: float, y: float, width: float) -> float:
        sheets = self._sheets
        split = width * 0.43
        for title, value in rows:
            sheets.text(x, y, title, 7.5, colour=GREY, width=split - 2)
            for line in self._wrapped(value, width - split):
                sheets.text(x + split, y, line.strip(), 7.5, width=width - split)
                y += _ROW
        return y - _ROW + 1.5

    def _draw_posts(
        self, title: str, posts: Sequence[Post], x: float, y: float, width: float, most: int
    ) -> float:
        """List posts and who holds them, as many as there is room for; return the end."""
        content, said, sheets = self._content, self._words, self._sheets
        if content.note is not None:
            return y
        self._draw_title_of(title, x, y, width)
        room = int((self._bottom - y - _TITLED + 0.1) // _ROW)
        shown = list(posts) if len(posts) <= min(most, room) else list(posts)[: min(most, room) - 1]
        rows = [(content.role(p.role), said["vacant"] if p.vacant else p.holder) for p in shown]
        if len(shown) < len(posts):
            rows.append((said["more"].format(n=len(posts) - len(shown)), ""))
        if not rows:
            rows = [("–" if content.posts else said["nobody"], "")]
        y += 5.2 + 3
        split = min(width * 0.43, 42)
        for (role, holder), post in zip(rows, [*shown, None], strict=False):
            sheets.text(x, y, role, 7.5, colour=GREY, width=(split if holder else width) - 2)
            colour = ACCENT if post is not None and post.vacant else INK
            sheets.text(x + split, y, holder, 7.5, colour=colour, width=width - split)
            y += _ROW
        return y - _ROW + 1.5

    def _draw_inner(self, inner: pd.DataFrame, x: float, y: float) -> None:
        """List the micro cells, closer or in columns where they are many."""
        room = self._bottom - y - _TITLED
        columns = -(-len(inner) // max(int(room / _LEAST_ROW), 1))
        fits = -(-len(inner) // columns)
        gap = 4.0
        width = (self._right - x + gap) / columns - gap
        for column in range(columns):
            rows = inner.iloc[column * fits : (column + 1) * fits]
            self._draw_inner_column(rows, x, y, width, min(_ROW, room / fits))
            x += width + gap

    def _draw_inner_column(
        self, inner: pd.DataFrame, x: float, y: float, width: float, high: float
    ) -> None:
        content, said, sheets = self._content, self._words, self._sheets
        shares = (0.07, 0.52, 0.64, 0.67) if width > _NARROW else (0.11, 0.6, 0.74, 0.77)
        number, count, houses, end = (share * width for share in shares)
        for at, key, side, most in (
            (0.0, "one_micro", "left", count - 6), (count, "unit", "right", 8),
            (houses, "bldgs", "right", houses - count - 1), (end, "holder", "left", width - end),
        )[: None if content.note is None else 3]:  # fmt: skip
            sheets.text(x + at, y + 3, said[key], 7.5, colour=ACCENT, align=side, width=most)
        sheets.line(np.array([[x, y + 4.4], [x + width, y + 4.4]]), ACCENT, 0.25)
        size = min(7.5, 7.5 * high / _ROW + 0.8)
        y += 5.2 + 3 - (_ROW - high)
        for _, cell in inner.iterrows():
            sheets.text(x, y, content.number(cell), size, width=number)
            sheets.text(x + number, y, cell["label"], size, colour=GREY, width=count - number - 6)
            warn = ACCENT if text_of(cell["band"]) in {"under", "over"} else INK
            sheets.text(
                x + count, y, count_text(cell["households"]), size, colour=warn, align="right"
            )
            standing = said["part"] if content.has_part(cell) else count_text(cell["buildings"])
            sheets.text(x + houses, y, standing, size, align="right")
            sheets.text(x + end, y, content.holders(cell["code"]), size, width=width - end)
            y += high

    def _draw_foot(self, what: str) -> None:
        sheets = self._sheets
        y = sheets.height - MARGIN + 1
        half = (self._right - self._left) / 2 - 12
        sheets.line(np.array([[self._left, y - 4], [self._right, y - 4]]), PALE, 0.2)
        told = " · ".join(filter(None, (self._title, self._imprint.line)))
        sheets.text(self._left, y, told, 7, colour=GREY, width=half)
        sheets.text(sheets.width / 2, y, f"{sheets.page}", 8, align="centre")
        sheets.text(self._right, y, what, 7, colour=GREY, align="right", width=half)


def _block(rows: int) -> float:
    """Return how high a titled table is, mm."""
    return _TITLED + max(rows, 1) * _ROW
