"""What an atlas says of itself, and how its pages lie."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from gridcell.display.map import make_heading
from gridcell.errors import InputError
from gridcell.words.messages import Message

ORIENTATIONS: Final = ("portrait", "landscape")
LOGOS: Final = (".png", ".svg")
SCALES: Final = (100.0, 1_000_000.0)

_ELSEWHERE: Final = re.compile(
    rb"href\s*=\s*[\"'](?!\s*(?:#|data:))|url\(\s*[\"']?(?!\s*[#\"'])|@import|<!ENTITY|<!DOCTYPE[^>]*\[",
    re.IGNORECASE,
)
"""What makes a reader of SVG open another file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imprint:
    """Who prints an atlas, under which title, and on which pages."""

    title: str | None = None
    department: str = ""
    date: str = ""
    sign_off: bool = False
    logo: Path | None = None
    landscape: bool = False
    scale: float | None = None
    """Metres on the ground a metre on paper; the largest round one that shows a cell if none."""

    @classmethod
    def of(
        cls,
        *,
        title: str | None,
        department: str | None,
        date: str | None,
        sign_off: bool,
        logo: str | Path | None,
        orientation: str,
        scale: float | None,
    ) -> Self:
        """Return what was given, checked.

        Raises
        ------
        InputError
            What is no date, no orientation, no scale; a logo that is not there or no PNG or SVG.
        """
        heading = make_heading(title, date)
        if orientation not in ORIENTATIONS:
            raise InputError(
                Message("error.orientation", given=orientation, known=list(ORIENTATIONS))
            )
        if scale is not None and not SCALES[0] <= scale <= SCALES[1]:
            raise InputError(Message("error.scale", given=scale, least=SCALES[0], most=SCALES[1]))
        file = None if logo is None else _checked_logo(Path(logo))
        return cls(
            title=heading.title, department=(department or "").strip(), date=heading.date or "",
            sign_off=sign_off, logo=file, landscape=orientation == "landscape", scale=scale,
        )  # fmt: skip

    @property
    def line(self) -> str:
        """Department and date in one line; nothing where neither is given."""
        return " · ".join(filter(None, (self.department, self.date)))


def _checked_logo(file: Path) -> Path:
    """Return a picture that names no other files: nothing is ever fetched."""
    if file.suffix.lower() not in LOGOS or not file.is_file():
        raise InputError(Message("error.logo", file=file, formats=list(LOGOS)))
    if file.suffix.lower() == ".svg" and _ELSEWHERE.search(file.read_bytes()):
        raise InputError(Message("error.logo_elsewhere", file=file))
    return file
