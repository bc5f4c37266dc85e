"""A PDF in the making that keeps one of its pages as SVG as well."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from fpdf import FPDF

_FONTS: Final = (
    "'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', 'WenQuanYi Zen Hei', Helvetica, Arial, "
    "sans-serif"
)
"""Those of the reader: texts keep the widths that they have in the PDF, whatever the font is."""
_TYPES: Final = {".png": "image/png", ".svg": "image/svg+xml"}


class SvgRecorder(FPDF):
    """Draws as `fpdf.FPDF` does, and notes what is drawn on one page."""

    def __init__(self, number: int, *, unit: float, size: tuple[float, float]) -> None:
        super().__init__(unit=unit, format=size)
        self._number, self._size = number, size
        # What a user unit is on paper, which fpdf counts in points.
        self._mm = unit * 25.4 / 72
        self._elements: list[str] = []
        self._clips = 0
        self._colours = {"text": "#000000", "fill": "#000000", "draw": "#000000"}
        self._opacity = 1.0
        self._pen = {"width": 0.2, "dash": 0.0, "gap": 0.0}

    def svg(self) -> str:
        """Return the page."""
        width, height = (_number(side) for side in self._size)
        across, down = (_number(side * self._mm) for side in self._size)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}mm" height="{down}mm" '
            f'viewBox="0 0 {width} {height}" font-family={quoteattr(_FONTS)}>'
        )
        return "\n".join([
            head, f"<title>{escape(str(self.title))}</title>",
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            *self._elements, "</svg>", "",
        ])  # fmt: skip

    def set_text_color(self, *colour: Any) -> None:
        """Set the colour of texts."""
        super().set_text_color(*colour)
        self._colours["text"] = _hex(colour)

    def set_fill_color(self, *colour: Any) -> None:
        """Set the colour of areas."""
        super().set_fill_color(*colour)
        self._colours["fill"] = _hex(colour)

    def set_draw_color(self, *colour: Any) -> None:
        """Set the colour of lines."""
        super().set_draw_color(*colour)
        self._colours["draw"] = _hex(colour)

    def set_line_width(self, width: float) -> None:
        """Set the width of lines."""
        super().set_line_width(width)
        self._pen["width"] = width

    def set_dash_pattern(self, dash: float = 0, gap: float = 0, phase: float = 0) -> None:
        """Set the dashes of lines."""
        super().set_dash_pattern(dash, gap, phase)
        self._pen |= {"dash": dash, "gap": gap}

    def text(self, x: float, y: float, text: str = "") -> None:
        """Write a text."""
        super().text(x, y, text)
        if text.strip():
            wide = _number(self.get_string_width(text))
            self._add(
                f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(self.font_size)}" '
                f'fill="{self._colours["text"]}" textLength="{wide}" '
                f'lengthAdjust="spacingAndGlyphs" xml:space="preserve">{escape(text)}</text>'
            )

    def polyline(self, point_list: Any, *words: Any, **options: Any) -> None:
        """Draw a line, or a polygon."""
        super().polyline(point_list, *words, **options)
        closed = bool(options.get("polygon"))
        style = options.get("style") or "D"
        self._add(f'<path d="{_path([point_list], closed=closed)}"{self._look(style)}/>')

    def rings(self, rings: Sequence[Sequence[Any]], fill: str) -> None:
        """Note an area with holes that was filled."""
        self._add(f'<path d="{_path(rings, closed=True)}" fill="{fill}" fill-rule="evenodd"/>')

    def rect(
        self, x: float, y: float, w: float, h: float, style: Any = None, *words: Any, **options: Any
    ) -> None:
        """Draw a rectangle."""
        super().rect(x, y, w, h, style, *words, **options)
        self._add(f"<rect{_place(x, y, w, h)}{self._look(style or 'D')}/>")

    def image(
        self, name: Any, x: Any = None, y: Any = None, w: float = 0, h: float = 0, *words: Any,
        **options: Any,
    ) -> Any:  # fmt: skip
        """Draw a picture."""
        file = Path(name)
        data = base64.b64encode(file.read_bytes()).decode("ascii")
        kind = _TYPES[file.suffix.lower()]
        self._add(f'<image{_place(x, y, w, h)} href="data:{kind};base64,{data}"/>')
        return super().image(name, x, y, w, h, *words, **options)

    @contextmanager
    def local_context(self, **options: Any) -> Iterator[Any]:
        """Draw with other settings for a while."""
        before = self._opacity, dict(self._colours), dict(self._pen)
        self._opacity = options.get("fill_opacity", self._opacity)
        with super().local_context(**options) as state:
            yield state
        self._opacity, self._colours, self._pen = before

    @contextmanager
    def rotation(self, angle: float, x: Any = None, y: Any = None) -> Iterator[None]:
        """Draw turned about a point."""
        self._add(f'<g transform="rotate({_number(-angle)} {_number(x)} {_number(y)})">')
        with super().rotation(angle, x, y):
            yield
        self._add("</g>")

    @contextmanager
    def rect_clip(self, x: float, y: float, w: float, h: float) -> Iterator[None]:
        """Draw nothing outside a rectangle."""
        self._clips += 1
        clip = f"clip{self._clips}"
        self._add(f'<clipPath id="{clip}"><rect{_place(x, y, w, h)}/></clipPath>')
        self._add(f'<g clip-path="url(#{clip})">')
        with super().rect_clip(x, y, w, h):
            yield
        self._add("</g>")

    def _add(self, element: str) -> None:
        if self.page == self._number:
            self._elements.append(element)

    def _look(self, style: str) -> str:
        told = f' fill="{self._colours["fill"] if "F" in style else "none"}"'
        if "F" in style and self._opacity < 1:
            told += f' fill-opacity="{_number(self._opacity)}"'
        if "D" in style:
            told += (
                f' stroke="{self._colours["draw"]}" stroke-width="{_number(self._pen["width"])}"'
            )
            if self._pen["dash"]:
                dashes = f"{_number(self._pen['dash'])} {_number(self._pen['gap'])}"
                told += f' stroke-dasharray="{dashes}"'
        return told


def _hex(colour: Sequence[int]) -> str:
    return f"#{bytes(colour).hex()}"


def _place(x: float, y: float, w: float, h: float) -> str:
    return f' x="{_number(x)}" y="{_number(y)}" width="{_number(w)}" height="{_number(h)}"'


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _path(rings: Sequence[Sequence[Any]], *, closed: bool) -> str:
    drawn = ("L".join(f"{_number(x)} {_number(y)}" for x, y in ring) for ring in rings)
    return "".join(f"M{ring}{'Z' if closed else ''}" for ring in drawn)
