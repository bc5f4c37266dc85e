"""Contact cards: whom to call, eight to a page, to be cut apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from gridcell.errors import Hint, InputError
from gridcell.render.atlas.content import Content, Post, text_of
from gridcell.render.atlas.sheet import ACCENT, GREY, PALE, Sheets
from gridcell.words.messages import Message

KINDS: Final = ("micro", "household")
"""What there is a card for."""

_COLUMNS: Final = 2
_ROWS: Final = 4
_MARGIN: Final = 10.0
_A4: Final = 210.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Card:
    title: str
    name: str
    label: str
    place: str
    lines: list[tuple[str, str]]
    posts: list[Post]


def draw_cards(sheets: Sheets, content: Content, kind: str) -> int:
    """Draw a card for each micro cell (leaf) or household; return how many.

    Parameters
    ----------
    sheets
        An empty document.
    content
        Of the level ``micro``.
    kind
        One of `KINDS`.
    """
    count = 0
    unit = sheets.width / _A4
    width = (sheets.width - 2 * _MARGIN * unit) / _COLUMNS
    height = (sheets.height - 2 * _MARGIN * unit) / _ROWS
    for count, card in enumerate(_cards(content, kind), start=1):
        slot = (count - 1) % (_COLUMNS * _ROWS)
        if slot == 0:
            sheets.add_page()
        x = _MARGIN * unit + slot % _COLUMNS * width
        y = _MARGIN * unit + slot // _COLUMNS * height
        _draw(
            sheets, content, card, x, y, width, height, unit,
            first_column=slot % _COLUMNS == 0, first_row=slot < _COLUMNS,
        )  # fmt: skip
    return count


def require_cards(content: Content, kind: str) -> None:
    """Refuse a kind that there is not, and households where the plan has no register."""
    if kind not in KINDS:
        raise InputError(Message("error.cards_one_of", kind=kind, kinds=list(KINDS)))
    if kind == "household" and content.plan.households.empty:
        raise InputError(
            Message("error.no_register"),
            Hint("kind", "micro"),
        )


def card_ids(content: Content, kind: str) -> set[str]:
    """Return the characters of the ids on cards of households."""
    if kind != "household":
        return set()
    return set().union(*content.plan.households["household_id"].map(text_of))


def _cards(content: Content, kind: str) -> Iterator[_Card]:
    said = content.words
    register = {}
    if kind == "household":
        homes = content.plan.households[["household_id", "code"]].dropna()
        homes = homes[homes["code"].isin(content.cells["code"])]
        register = dict(iter(homes.groupby("code", sort=True)["household_id"]))
    for code, cell in content.cells.iterrows():
        shared = {
            "title": said[f"card_{kind}"], "name": content.name(cell), "label": cell["label"],
            "place": content.place(cell),
            "posts": [*content.posts.get(str(code), []), *content.posts_above(cell)],
        }  # fmt: skip
        count = (said["households"], content.held(cell))
        if kind == "micro":
            number = (said["n_buildings"], content.buildings(cell))
            yield _Card(**shared, lines=[count, number])
        elif code in register:
            for home in sorted(register[code]):
                yield _Card(**shared, lines=[(said["household"], str(home))])


def _draw(
    sheets: Sheets, content: Content, card: _Card, x: float, y: float, width: float, height: float,
    unit: float, *, first_column: bool, first_row: bool,
) -> None:  # fmt: skip
    """Draw a card; `unit` is how much larger all is than on A4."""
    corners = np.array([[x, y + height], [x, y], [x + width, y], [x + width, y + height]])
    # Where to cut: an edge that two cards share is that of the first.
    for edge, drawn in enumerate((first_column, first_row, True, True)):
        if drawn:
            sheets.line(corners.take([edge, edge + 1], axis=0, mode="wrap"), PALE, 0.15, 1.5)
    pad, side = 5 * unit, 21 * unit
    left, right = x + pad, x + width - pad
    room = right - left - side - 2
    sheets.qr(right - side + 2, y + 3 * unit, side, card.label)
    sheets.text(left, y + 8 * unit, card.title, 7.5 * unit, colour=GREY, width=room)
    row = y + 14 * unit
    names = sheets.wrap(card.name, 11 * unit, room)
    row = sheets.lines(
        left, row, card.name, 11 * unit if len(names) == 1 else 9.5 * unit, width=room, most=2
    )
    sheets.text(left, row, card.label, 9 * unit, colour=ACCENT, width=room)
    row += 4.4 * unit
    sheets.text(left, row, card.place, 6.5 * unit, colour=GREY, width=room)
    row = max(row, y + 25 * unit) + 5 * unit
    split = 28 * unit
    step = 4.7 * unit
    for title, value in card.lines:
        sheets.text(left, row, title, 7.5 * unit, colour=GREY, width=split - 2)
        end = sheets.lines(left + split, row, value, 7.5 * unit, width=right - left - split, most=2)
        row = max(row + step, end + 1.2 * unit)
    rule = row - step + 1.8 * unit
    sheets.line(np.array([[left, rule], [right, rule]]), PALE, 0.2)
    row += 0.8 * unit
    fits = int((y + height - 4 * unit - row) // step) + 1
    shown = card.posts if len(card.posts) <= fits else card.posts[: fits - 1]
    for post in shown:
        sheets.text(left, row, content.role(post.role), 8 * unit, colour=GREY, width=split - 2)
        sheets.text(
            left + split, row, content.words["vacant"] if post.vacant else post.holder, 8 * unit,
            colour=ACCENT if post.vacant else (24, 28, 36), width=right - left - split,
        )  # fmt: skip
        row += step
    if len(shown) < len(card.posts):
        more = content.words["more"].format(n=len(card.posts) - len(shown))
        sheets.text(left, row, more, 7 * unit, colour=GREY)
    if not content.posts:
        sheets.text(left, row, content.words["nobody"], 7.5 * unit, colour=GREY)
