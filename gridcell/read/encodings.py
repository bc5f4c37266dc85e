"""Text of shapefiles: which encoding the bytes are in, and the bytes decoded with it."""

import codecs
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from gridcell.errors import Hint, InputError
from gridcell.words.messages import Message

_LANGUAGE_BYTES: Final = {
    0x01: "cp437", 0x02: "cp850", 0x08: "cp865", 0x13: "cp932", 0x4D: "gbk", 0x4E: "cp949",
    0x4F: "big5", 0x50: "cp874", 0x58: "cp1252", 0x59: "cp1252", 0x64: "cp852", 0x65: "cp866",
    0x66: "cp865", 0x78: "big5", 0x79: "cp949", 0x7A: "gbk", 0x7B: "cp932", 0x7C: "cp874",
    0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253", 0xCC: "cp1257",
}  # fmt: skip
"""Code pages named by byte 29 of a DBF file, those in use. 0x57 ("ANSI") names none."""

_ANSI: Final = 0x57
_NAME_BYTES: Final = 200
"""More of a ``.cpg`` file is not looked at."""
_PROBE: Final = rb"Code 12 \u0041"
"""What every encoding of shapefiles leaves as it is, but for the Japanese sign of the yen."""
_GB2312: Final = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xf7][\xa1-\xfe])*")


def shapefile_encoding(
    path: Path, parts: Mapping[str, Path], texts: Sequence[bytes], option: str | None
) -> str:
    """Return the name of the encoding in which the texts of a shapefile are.

    The given option, then the ``.cpg`` file, then the language byte of the DBF file, then UTF-8 if
    all bytes are UTF-8, then GB18030. The language byte 0x57 only says "the writer's code page":
    with it, UTF-8 and bytes that pair up like GB 2312 are preferred to Windows-1252.

    Parameters
    ----------
    path
        The ``.shp`` or ``.dbf`` file, for messages.
    parts
        The files of the shapefile by suffix.
    texts
        The distinct texts of the file with bytes beyond ASCII, field names included.
    option
        The encoding that the user named.

    Raises
    ------
    InputError
        An unknown encoding, or bytes that are not in the encoding that is named.
    """
    if option is not None:
        return _verified(_codec(option, f"{path.name}"), texts, path, "as named")
    cpg = parts.get(".cpg")
    if cpg is not None and (name := _head(cpg, _NAME_BYTES).decode("ascii", "replace").strip()):
        return _verified(_codec(_codepage(name), cpg.name), texts, path, cpg.name)
    byte = _language_byte(parts.get(".dbf"))
    if byte in _LANGUAGE_BYTES:
        name = _LANGUAGE_BYTES[byte]
        return _verified(name.upper(), texts, path, f"language byte 0x{byte:02X}")
    if _all_decode(texts, "utf-8"):
        return "UTF-8"
    if byte == _ANSI and not all(_GB2312.fullmatch(text) for text in texts):
        return "CP1252"
    return _verified("GB18030", texts, path, "no other sign")


def decode_text(text: bytes, encoding: str) -> str:
    """Return the text; a character cut in the middle by the width of its field is dropped."""
    return codecs.getincrementaldecoder(encoding)().decode(text)


def decode_columns(frame: pd.DataFrame, encoding: str) -> None:
    """Decode, in place, the text columns and names of a frame that was read as Latin-1."""
    for name in frame.columns:
        column = frame[name]
        if _is_text(column):
            codes, values = pd.factorize(column)
            decoded = [decode_text(v.encode("latin-1"), encoding) for v in values] + [None]
            frame[name] = pd.Series(decoded, dtype=object).to_numpy()[codes]
    frame.columns = pd.Index(
        [
            decode_text(str(c).encode("latin-1"), encoding) if c != "geometry" else c
            for c in frame.columns
        ]
    )


def raw_texts(frame: pd.DataFrame) -> list[bytes]:
    """Return the distinct texts beyond ASCII of a frame that was read as Latin-1, names first."""
    texts = [str(c).encode("latin-1") for c in frame.columns]
    for name in frame.columns:
        if _is_text(frame[name]):
            texts += [str(v).encode("latin-1") for v in pd.unique(frame[name].dropna())]
    return [text for text in texts if not text.isascii()]


def _is_text(column: "pd.Series[str]") -> bool:
    return column.dtype == object or isinstance(column.dtype, pd.StringDtype)


def _codec(name: str, source: str) -> str:
    try:
        # Fails for codecs that are none of text, such as hex and rot13, and for IDNA.
        if _PROBE.decode(name, "ignore").replace("¥", "\\") == _PROBE.decode("ascii"):
            return codecs.lookup(name).name.upper()
    except (LookupError, ValueError):
        pass
    raise InputError(Message("error.shapefile_encoding", source=source, encoding=name[:40]))


def _codepage(name: str) -> str:
    """Return the name as Python knows it: ``.cpg`` files hold 936, ANSI 936, Big-5, 65001."""
    number = re.fullmatch(r"(?:ANSI|OEM|CP|MS)?[ _-]*(\d{3,5})", name, re.IGNORECASE)
    if number and number[1] == "65001":
        return "utf-8"
    if number and number[1] in {"936", "54936"}:
        return "gbk" if number[1] == "936" else "gb18030"
    if number and not number[1].startswith("8859"):
        return f"cp{number[1]}"
    return {"BIG-5": "big5"}.get(name.upper(), name.replace("88591", "8859-1").replace(" ", "-"))


def _language_byte(dbf: Path | None) -> int:
    if dbf is None:
        return 0
    head = _head(dbf, 30)
    return head[29] if len(head) == 30 else 0


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _all_decode(texts: Iterable[bytes], encoding: str) -> bool:
    try:
        for text in texts:
            decode_text(text, encoding)
    except UnicodeError:
        return False
    return True


def _verified(encoding: str, texts: Sequence[bytes], path: Path, source: str) -> str:
    # GB18030 holds GBK and GB 2312 whole, and files that claim those often use more.
    tries = [encoding, "GB18030"] if encoding in {"GBK", "GB2312"} else [encoding]
    for name in tries:
        if _all_decode(texts, name):
            return name
    bad = next(text for text in texts if not _all_decode([text], encoding))
    other = next((n for n in ("UTF-8", "GB18030", "CP1252") if _all_decode(texts, n)), None)
    raise InputError(
        Message(
            "error.text_not_in",
            name=path.name,
            text=repr(bad[:40]),
            encoding=encoding,
            source=source,
        ),
        Hint("encoding", other),
    )
