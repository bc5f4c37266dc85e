"""Fonts for Chinese and other scripts: found on the system, cut down to what a document shows."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont, TTLibError, newTable

from gridcell.errors import Hint, InputError
from gridcell.words.messages import Message

CORE_ENCODING: Final = "cp1252"
"""What the Helvetica of every PDF reader can show."""

SUFFIXES: Final = (".ttf", ".otf", ".ttc", ".otc")

_TABLES: Final = frozenset({
    "GlyphOrder", "head", "hhea", "maxp", "OS/2", "name", "cmap", "post", "loca", "glyf", "CFF ",
    "hmtx",
})  # fmt: skip
"""Tables of a font that an embedded one needs."""
_PLACES: Final[dict[str, tuple[str, ...]]] = {
    "linux": (
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/noto/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
        "/usr/share/fonts/wenquanyi/wqy-microhei/wqy-microhei.ttc",
        "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
        "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
        "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    ),
    "darwin": (
        "/System/Library/Fonts/PingFang.ttc",
        "/System/Library/Fonts/Hiragino Sans GB.ttc",
        "/System/Library/Fonts/STHeiti Light.ttc",
        "/System/Library/Fonts/Supplemental/Songti.ttc",
        "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
        "/Library/Fonts/Arial Unicode.ttf",
    ),
    "win32": ("msyh.ttc", "Deng.ttf", "simhei.ttf", "simsun.ttc", "simsunb.ttf", "segoeui.ttf"),
}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Face:
    """One font of a file, and the characters it is taken for."""

    path: Path
    number: int
    """Place in a collection, 0 for a single font."""
    characters: frozenset[str]


def choose_faces(characters: set[str], given: Path | None = None) -> list[Face]:
    """Return the fonts that show these characters, each for those that the ones before lack.

    Characters that no font has are in none of them.

    Parameters
    ----------
    characters
        What is going to be written.
    given
        A font file that goes first, before those of the system.

    Returns
    -------
    list of Face
        Empty when every reader's own Helvetica is enough and no file is given, and when there
        is no font.

    Raises
    ------
    InputError
        The given file is no font.
    """
    if given is None and not missing_in_core(characters):
        return []
    faces = []
    left = set(characters)
    if given is not None:
        face = _face(given, left)
        faces.append(face)
        left -= face.characters
    for path in system_fonts():
        if not left:
            break
        try:
            face = _face(path, left)
        except InputError:
            continue
        # The first font is also that of plain letters: one that has no Chinese would mix styles.
        if face.characters and (faces or face.characters >= {c for c in left if _is_han(c)}):
            faces.append(face)
            left -= face.characters
    return faces


def missing_in_core(characters: set[str]) -> set[str]:
    """Return the characters that Helvetica cannot show."""
    return {c for c in characters if not c.encode(CORE_ENCODING, "ignore")}


def no_font(characters: set[str], text: str) -> InputError:
    """Return the error about characters of a text that no font can show."""
    shown = [f"{c!r} (U+{ord(c):04X})" for c in sorted(characters)[:5]]
    return InputError(Message("error.no_font", characters=shown, text=text), Hint("font"))


def system_fonts() -> Iterator[Path]:
    """Yield font files of this computer that are likely to hold Chinese, the best first."""
    folders = [""]
    if sys.platform == "win32":
        own = Path(os.environ.get("LOCALAPPDATA", "")) / "Microsoft" / "Windows" / "Fonts"
        folders = [str(Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"), str(own)]
    places = [Path(f) / name for name in _PLACES.get(sys.platform, ()) for f in folders]
    for path in places:
        if path.is_file():
            yield path
    known = set(places)
    yield from (path for path in _fontconfig() if path not in known)


def _fontconfig() -> list[Path]:
    tool = shutil.which("fc-list")
    if tool is None:
        return []
    done = subprocess.run(  # noqa: S603 - a fixed command
        [tool, "-f", "%{file}\n", ":lang=zh-cn"],
        capture_output=True, check=False, encoding="utf-8", errors="replace",
    )  # fmt: skip
    found = sorted({line for line in done.stdout.splitlines() if line})
    paths = [Path(line) for line in found if line.lower().endswith(SUFFIXES)]
    return sorted(paths, key=lambda path: ("regular" not in path.name.lower(), "erif" in path.name))


def _is_han(character: str) -> bool:
    return "\u2e80" <= character <= "\u9fff"


def _face(path: Path, characters: set[str]) -> Face:
    try:
        number = _simplified(path)
        with _opened(path, number) as font:
            cmap = font.getBestCmap() or {}
            if not {"glyf", "CFF "} & set(font.keys()):
                raise InputError(Message("error.font_no_outlines", path=path))
    except (OSError, TTLibError, AssertionError) as error:
        reason = getattr(error, "strerror", None) or Message("fault.no_font")
        raise InputError(Message("error.font_unusable", path=path, reason=reason)) from None
    return Face(
        path=path, number=number, characters=frozenset(c for c in characters if ord(c) in cmap)
    )


@contextmanager
def _opened(path: Path, number: int) -> Iterator[TTFont]:
    """Yield a font; the file is closed even where it is none."""
    with path.open("rb") as stream:
        yield TTFont(stream, fontNumber=number, lazy=True, recalcTimestamp=False)


def _simplified(path: Path) -> int:
    """Return which font of a collection is the regular one with the forms of the mainland."""
    with path.open("rb") as stream:
        if stream.read(4) != b"ttcf":
            return 0
        stream.seek(8)
        count = int.from_bytes(stream.read(4), "big")
    ranks = []
    for number in range(count):
        with _opened(path, number) as font:
            names = font["name"]
            family = str(names.getBestFamilyName() or "")
            style = str(names.getBestSubFamilyName() or "")
        ranks.append((not re.search(r"\bSC\b|\bGB\b", family), style != "Regular", number))
    return min(ranks)[2] if ranks else 0


def write_subset(face: Face, path: Path, extra: set[str]) -> None:
    """Write a TrueType font with the characters of a face, for embedding.

    PostScript outlines become quadratic ones, within 1/1000 of the em: CID-keyed fonts, as those
    for Chinese are, show well everywhere but are copied badly from many readers.

    Parameters
    ----------
    face
        What to keep of which font.
    path
        A ``.ttf`` file. The same face gives the same bytes.
    extra
        More characters to keep where the font has them.
    """
    options = Options()
    options.layout_features = []
    options.notdef_outline = True
    options.name_IDs = [1, 2, 4, 6]
    options.hinting = False
    options.recalc_timestamp = False
    with _opened(face.path, face.number) as font:
        # Whatever else a font brings is for editors and layout, and some of it cannot be cut.
        options.drop_tables = sorted(set(font.keys()) - _TABLES)
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=sorted(ord(c) for c in face.characters | extra))
        subsetter.subset(font)
        if "CFF " in font:
            _make_truetype(font)
        font.save(path)


def _make_truetype(font: TTFont) -> None:
    order = font.getGlyphOrder()
    drawn = font.getGlyphSet()
    per_em = font["head"].unitsPerEm
    glyphs: dict[str, Any] = {}
    for name in order:
        pen = TTGlyphPen(None)
        drawn[name].draw(Cu2QuPen(pen, max_err=per_em / 1000, reverse_direction=True))
        glyphs[name] = pen.glyph()
    font["loca"] = newTable("loca")
    font["glyf"] = table = newTable("glyf")
    table.glyphOrder, table.glyphs = order, glyphs
    for glyph in glyphs.values():
        glyph.recalcBounds(table)
    metrics = font["hmtx"].metrics
    font["hmtx"].metrics = {n: (metrics[n][0], getattr(glyphs[n], "xMin", 0)) for n in order}
    del font["CFF "]
    top = font["maxp"]
    top.tableVersion = 0x00010000
    top.maxZones = 1
    for name in (
        "maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs",
        "maxStackElements", "maxSizeOfInstructions", "maxComponentElements", "maxPoints",
        "maxContours", "maxCompositePoints", "maxCompositeContours", "maxComponentDepth",
    ):  # fmt: skip
        setattr(top, name, 0)
    font["post"].formatType = 3.0
    font.sfntVersion = "\x00\x01\x00\x00"
