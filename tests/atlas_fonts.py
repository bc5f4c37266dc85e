"""A font of boxes for the tests of the atlas, so that they need none of the system."""

from pathlib import Path
from typing import Any

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from plans import SITE

from gridcell.disclosure.note import publication_note
from gridcell.words.catalogue import LANGUAGES, section
from gridcell.words.maps import atlas_words

WORDS = "".join("".join(atlas_words(lang).values()) for lang in LANGUAGES)
VALUES = "".join("".join(section("term", lang).values()) for lang in LANGUAGES)
PLAN_TEXT = f"荷城社区东湖街道第号楼小微网格人民路王丽江{SITE}"
REASON = "栋楼共户；已穷尽与个相邻网格的全部划法，没有一种能让更多网格达到至户"
NOTE = publication_note(5, "zh")
CHARACTERS = sorted(
    {*WORDS, *VALUES, *PLAN_TEXT, *REASON, *NOTE, *map(chr, range(32, 127)), *"…·–龘"}
)


def make_font(
    path: Path, *, family: str = "Test", cff: bool = False, lacks: str = "", text: str = ""
) -> Path:
    """Write a font of boxes, each character with one of its own width; `text` has further ones."""
    letters = [c for c in sorted({*CHARACTERS, *text}) if c not in lacks and c.isprintable()]
    names = {c: f"u{ord(c):05X}" for c in letters}
    order = [".notdef", *names.values()]
    builder = FontBuilder(1000, isTTF=not cff)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap({ord(c): name for c, name in names.items()})
    widths = {name: 1000 if name > "u02000" else 500 for name in order}
    drawn: dict[str, Any] = {}
    for place, name in enumerate(order):
        pen = T2CharStringPen(widths[name], None) if cff else TTGlyphPen(None)
        pen.moveTo((50, 0))
        pen.lineTo((50, 700))
        pen.lineTo((400, 650 - place % 50))
        pen.closePath()
        drawn[name] = pen.getCharString() if cff else pen.glyph()
    if cff:
        builder.setupCFF(family, {"FullName": family}, drawn, {})
    else:
        builder.setupGlyf(drawn)
    builder.setupHorizontalMetrics({name: (widths[name], 50) for name in order})
    builder.setupHorizontalHeader(ascent=900, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "psName": family})
    builder.setupOS2(sTypoAscender=900, usWinAscent=900, usWinDescent=200)
    builder.setupPost()
    builder.save(path)
    return path
