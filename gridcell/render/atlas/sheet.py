"""Pages of a PDF on which text, lines and shapes are placed in millimetres."""

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import segno
import shapely
from fpdf import FPDF
from fpdf.enums import PathPaintRule
from fpdf.fonts import TTFFont
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gridcell.errors import InputError
from gridcell.render.atlas.content import ENLARGED, PAPERS
from gridcell.render.atlas.fonts import (
    CORE_ENCODING,
    choose_faces,
    missing_in_core,
    no_font,
    write_subset,
)
from gridcell.render.atlas.svg import SvgRecorder
from gridcell.words.messages import Message

Array: TypeAlias = NDArray[Any]
"""Coordinates or geometries."""
Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue."""

INK: Final = (24, 28, 36)
GREY: Final = (105, 110, 120)
PALE: Final = (205, 208, 214)
WHITE: Final = (255, 255, 255)
ACCENT: Final = (176, 30, 45)

_POINT: Final = 25.4 / 72
_LEADING: Final = 1.3 * _POINT
_EPOCH: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""No page depends on when it was made."""
_MEASURED: Final = 100.0
"""Size at which texts are measured, points: widths grow with the size."""
_SMALLEST: Final = 0.7
"""A text that is too wide is written smaller down to this share, then cut."""
_ELLIPSIS: Final = "…"


@contextmanager
def open_sheets(
    paper: str,
    characters: set[str],
    *,
    title: str,
    lang: str,
    font: Path | None,
    landscape: bool = False,
    drawn: int | None = None,
) -> "Iterator[Sheets]":
    """Yield a document without pages.

    Parameters
    ----------
    paper
        One of `content.PAPERS`.
    characters
        Whatever may be written.
    title, lang
        Go into the document's properties.
    font
        A font file instead of the system's.
    landscape
        Pages lie on their longer side.
    drawn
        Number of a page that `Sheets.svg` returns.
    """
    enlarged = ENLARGED[paper]
    sides = PAPERS[paper][::-1] if landscape else PAPERS[paper]
    size = (sides[0] / enlarged, sides[1] / enlarged)
    wanted = {c for c in characters if c.isprintable()}
    faces = choose_faces(wanted, font)
    with tempfile.TemporaryDirectory(prefix="gridcell-") as folder:
        unit = 72 / 25.4 * enlarged
        document = (
            FPDF(unit=unit, format=size)
            if drawn is None
            else SvgRecorder(drawn, unit=unit, size=size)
        )
        document.set_auto_page_break(auto=False)
        document.set_margin(0)
        document.c_margin = 0
        document.set_creation_date(_EPOCH)
        document.set_title(title)
        document.set_lang(lang)
        document.core_fonts_encoding = CORE_ENCODING
        families: dict[str, str] = {}
        for number, face in enumerate(faces):
            part = Path(folder) / f"{number}.ttf"
            write_subset(face, part, {" ", _ELLIPSIS})
            document.add_font(f"face{number}", "", part)
            families |= dict.fromkeys(sorted(face.characters), f"face{number}")
        if not faces:
            lacking = missing_in_core(wanted)
            families = dict.fromkeys(sorted(wanted - lacking), "helvetica")
        try:
            main = "face0" if faces else "helvetica"
            yield Sheets(document, size, families, main, enlarged)
        finally:
            for each in document.fonts.values():
                if isinstance(each, TTFFont):
                    each.ttfont.close()


class Sheets:
    """A document in the making. Lengths in mm from the top left, sizes of text in points.

    On large papers both are enlarged, so that a page is laid out as a smaller one would be.
    """

    def __init__(
        self,
        document: FPDF,
        size: tuple[float, float],
        families: dict[str, str],
        main: str,
        enlarged: float = 1.0,
    ) -> None:
        self._pdf = document
        self.width, self.height = size
        self.enlarged = enlarged
        """Millimetres on paper a millimetre of the layout."""
        self._families = families | {" ": main, _ELLIPSIS: main}
        self._font: tuple[str, float] = ("", 0)
        self._widths: dict[str, float] = {}

    @property
    def page(self) -> int:
        """Number of the page being drawn, from 1."""
        return self._pdf.page

    def add_page(self, bookmark: str = "", level: int = 0) -> None:
        """Begin a page, with an entry among the bookmarks."""
        self._pdf.add_page()
        self._font = ("", 0)
        if bookmark:
            self._pdf.start_section(bookmark, level, strict=False)

    def save(self, path: Path) -> None:
        """Write the document."""
        self._pdf.output(str(path))

    def svg(self) -> str:
        """Return the page that was to be drawn as SVG too."""
        if not isinstance(self._pdf, SvgRecorder):
            raise TypeError("no page was to be drawn as SVG")
        return self._pdf.svg()

    def content(self) -> bytes:
        """Return the document as it would be written."""
        return bytes(self._pdf.output())

    def measure(self, text: str, size: float) -> float:
        """Return how wide a text is, mm."""
        if text not in self._widths:
            width = 0.0
            for family, run in self._runs(_clean(text)):
                self._use(family, _MEASURED)
                width += self._pdf.get_string_width(run)
            self._widths[text] = width / _MEASURED
        return self._widths[text] * size

    def fit(self, text: str, size: float, width: float) -> tuple[str, float]:
        """Return the text and its size so that it is not wider: smaller, at last cut.

        Names differ at the end as often as at the beginning: what goes is the middle.
        """
        text = _clean(text)
        wide = self.measure(text, size)
        if wide <= width:
            return text, size
        size = max(size * width / wide, size * _SMALLEST)
        if self.measure(text, size) <= width + 1e-6:
            return text, size
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            cut = _shorten(text, middle)
            low, high = (middle, high) if self.measure(cut, size) <= width else (low, middle - 1)
        return _shorten(text, low), size

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        colour: Colour = INK,
        align: str = "left",
        width: float | None = None,
        angle: float = 0,
    ) -> None:
        """Write one line.

        Parameters
        ----------
        x, y
            Where the line begins, ends or has its middle, on the base line.
        text
            Characters that are not printable become blanks.
        size
            Points.
        colour
            Red, green, blue.
        align
            ``left``, ``right`` or ``centre``: what `x` is.
        width
            At most so wide, see `fit`.
        angle
            Degrees, against the clock, about the point.
        """
        text = _clean(text)
        if width is not None:
            text, size = self.fit(text, size, width)
        shift = {"left": 0.0, "right": 1.0, "centre": 0.5}[align]
        start = x - shift * self.measure(text, size) if shift else x
        self._pdf.set_text_color(*colour)
        if angle:
            with self._pdf.rotation(angle, x, y):
                self._write(start, y, text, size)
            self._font = ("", 0)
        else:
            self._write(start, y, text, size)

    def lines(
        self, x: float, y: float, text: str, size: float, *, width: float, most: int,
        colour: Colour = INK,
    ) -> float:  # fmt: skip
        """Write a text over at most so many lines; return the base line for what follows.

        All of it is written smaller rather than cut.
        """
        for share in (1, 0.9, 0.8, _SMALLEST):
            smaller = size * share
            rows = self.wrap(text, smaller, width)
            if len(rows) <= most:
                break
        else:
            rows = [*rows[: most - 1], "".join(rows[most - 1 :])]
        for number, row in enumerate(rows):
            at = y + number * smaller * _LEADING
            self.text(x, at, row.strip(), smaller, width=width, colour=colour)
        return y + ((len(rows) - 1) * smaller + size) * _LEADING

    def wrap(self, text: str, size: float, width: float) -> list[str]:
        """Return the lines of a text: broken at blanks, and between Chinese characters."""
        rows = [""]
        for word in _words(_clean(text)):
            if rows[-1] and self.measure((rows[-1] + word).rstrip(), size) > width:
                rows.append("")
            rows[-1] += word
        return rows

    def line(
        self, points: Array, colour: Colour, width: float, dash: float = 0, *, close: bool = False
    ) -> None:
        """Draw a line through (n, 2) points; `dash` is its pattern in mm."""
        self._pen(colour, width, dash)
        self._pdf.polyline(points.tolist(), polygon=close)

    def polygons(
        self, shapes: Array, fill: Colour | None, line: Colour | None = None, width: float = 0.1,
        dash: float = 0,
    ) -> None:  # fmt: skip
        """Draw polygons, with their holes, that are on the page already."""
        parts = shapely.get_parts(shapely.get_parts(shapes))
        parts = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]
        if not len(parts):
            return
        if line is not None:
            self._pen(line, width, dash)
        if fill is not None:
            self._pdf.set_fill_color(*fill)
        plain = shapely.get_num_interior_rings(parts) == 0
        both = {(True, True): "DF", (True, False): "F", (False, True): "D"}
        style = both.get((fill is not None, line is not None), "D")
        for part in parts[plain]:
            self._pdf.polygon(shapely.get_coordinates(part)[:-1].tolist(), style=style)
        for part in parts[~plain]:
            rings = [
                shapely.get_coordinates(ring)[:-1].tolist() for ring in shapely.get_rings(part)
            ]
            if fill is not None:
                self._fill(rings, fill)
            if line is not None:
                for ring in rings:
                    self._pdf.polygon(ring, style="D")

    def _fill(self, rings: list[list[list[float]]], fill: Colour) -> None:
        """Fill what is inside of an odd number of rings."""
        with self._pdf.new_path(paint_rule=PathPaintRule.FILL_EVENODD) as path:
            path.style.fill_color = f"#{bytes(fill).hex()}"
            for ring in rings:
                path.move_to(*ring[0])
                for point in ring[1:]:
                    path.line_to(*point)
                path.close()
        if isinstance(self._pdf, SvgRecorder):
            self._pdf.rings(rings, f"#{bytes(fill).hex()}")
        self._font = ("", 0)

    def veil(self, shape: BaseGeometry) -> None:
        """Draw a polygon without holes in white through which shows what is below."""
        self._pdf.set_fill_color(*WHITE)
        with self._pdf.local_context(fill_opacity=0.7):
            self._pdf.polygon(shapely.get_coordinates(shape)[:-1].tolist(), style="F")
        self._font = ("", 0)

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: Colour | None = None,
        line: Colour | None = None, thick: float = 0.2, opacity: float = 1, dash: float = 0,
    ) -> None:  # fmt: skip
        """Draw a rectangle."""
        if line is not None:
            self._pen(line, thick, dash)
        if fill is not None:
            self._pdf.set_fill_color(*fill)
        style = ("D" if line is not None else "") + ("F" if fill is not None else "")
        if opacity < 1:
            with self._pdf.local_context(fill_opacity=opacity):
                self._pdf.rect(x, y, width, height, style=style)
            self._font = ("", 0)
        else:
            self._pdf.rect(x, y, width, height, style=style)

    def qr(self, x: float, y: float, side: float, text: str) -> None:
        """Draw a QR code; its quiet zone is inside the side."""
        rows = _qr_rows(text)
        module = side / (len(rows) + 8)
        self._pdf.set_fill_color(*WHITE)
        self._pdf.rect(x, y, side, side, style="F")
        self._pdf.set_fill_color(0, 0, 0)
        for down, bits in enumerate(rows):
            start = bits.find("1")
            while start >= 0:
                end = bits.find("0", start) if "0" in bits[start:] else len(bits)
                self._pdf.rect(
                    x + (4 + start) * module, y + (4 + down) * module,
                    # A hair wider than exact: no white lines between the rows.
                    (end - start) * module, module * 1.02, style="F",
                )  # fmt: skip
                start = bits.find("1", end)

    def picture(self, file: Path, x: float, y: float, width: float, height: float) -> None:
        """Draw a PNG or SVG into the middle of a rectangle.

        Raises
        ------
        InputError
            It cannot be read.
        """
        try:
            self._pdf.image(str(file), x, y, width, height, keep_aspect_ratio=True)
        except Exception as error:
            raise InputError(Message("error.logo_unreadable", file=file)) from error
        self._font = ("", 0)

    def link(self, x: float, y: float, width: float, height: float, page: int) -> None:
        """Make a rectangle lead to a page."""
        self._pdf.link(x, y, width, height, self._pdf.add_link(page=page))

    @contextmanager
    def clip(self, x: float, y: float, width: float, height: float) -> Iterator[None]:
        """Draw nothing outside a rectangle."""
        with self._pdf.rect_clip(x, y, width, height), self._pdf.local_context():
            yield
        self._font = ("", 0)

    def _pen(self, colour: Colour, width: float, dash: float) -> None:
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(width)
        self._pdf.set_dash_pattern(dash, dash * 0.7)

    def _use(self, family: str, size: float) -> None:
        if self._font != (family, size):
            self._pdf.set_font(family, "", size * self.enlarged)
            self._font = (family, size)

    def _write(self, x: float, y: float, text: str, size: float) -> None:
        for family, run in self._runs(text):
            self._use(family, size)
            self._pdf.text(x, y, run)
            x += self._pdf.get_string_width(run)

    def _runs(self, text: str) -> list[tuple[str, str]]:
        """Return the text in pieces, each with its font."""
        lacking = set(text) - self._families.keys()
        if lacking:
            raise no_font(lacking, text)
        runs: list[tuple[str, str]] = []
        for character in text:
            family = self._families[character]
            if runs and family == runs[-1][0]:
                runs[-1] = (family, runs[-1][1] + character)
            else:
                runs.append((family, character))
        return runs


def _shorten(text: str, keep: int) -> str:
    """Return so many characters of a text, from its beginning and its end."""
    tail = keep * 2 // 5
    return text[: keep - tail].rstrip() + _ELLIPSIS + text[len(text) - tail :].lstrip()


@lru_cache(maxsize=64)
def _qr_rows(text: str) -> tuple[str, ...]:
    """Return the modules of a QR code, 1 where it is black."""
    rows = segno.make(text, error="m", micro=False, boost_error=False).matrix
    return tuple("".join("1" if bit else "0" for bit in row) for row in rows)


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _words(text: str) -> Iterator[str]:
    word = ""
    for character in text:
        word += character
        if character in " ;、，；" or "\u2e80" <= character <= "\u9fff":
            yield word
            word = ""
    if word:
        yield word
