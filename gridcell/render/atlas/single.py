"""A single page of an atlas as a picture."""

from pathlib import Path
from typing import Final

from gridcell.errors import InputError
from gridcell.extras import needs
from gridcell.render.atlas.sheet import Sheets
from gridcell.words.messages import Message

FORMATS: Final = (".png", ".svg")
_DPI: Final = 200


def write_page(sheets: Sheets, file: Path, number: int) -> None:
    """Write a page of a finished document as a picture.

    Raises
    ------
    InputError
        There is no such page.
    """
    if not 1 <= number <= sheets.page:
        raise InputError(Message("error.no_page", page=number, pages=sheets.page))
    if file.suffix.lower() == ".svg":
        file.write_text(sheets.svg(), encoding="utf-8", newline="\n")
        return
    with needs("atlas", extra="print"):
        import pypdfium2
    document = pypdfium2.PdfDocument(sheets.content())
    try:
        picture = document[number - 1].render(scale=_DPI / 72).to_pil()
        picture.save(file, format="PNG", dpi=(_DPI, _DPI), optimize=True)
    finally:
        document.close()
