"""The encoding of a text file, and where the table in it begins."""

import codecs
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gridcell.errors import Hint, InputError
from gridcell.tables.header import LOOKED_AT, csv_start
from gridcell.words.messages import Message, joined

_BLOCK: Final = 2 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvText:
    """How a CSV file is to be read."""

    encoding: str
    """The codec, one that passes over a byte order mark."""
    has_bom: bool
    """Whether it begins with the byte order mark of UTF-8."""
    separator: str
    head: tuple[str, ...]
    """The first lines, with their ends."""
    skipped: int
    """Lines before the row that names the columns: titles and empty ones."""

    @property
    def name(self) -> str:
        """What people call the encoding."""
        return "UTF-8" if self.encoding == "utf-8-sig" else self.encoding.upper()


def settle_csv(path: Path, encoding: str | None) -> CsvText:
    """Return the encoding of a CSV file, its separator, and where its header is.

    Without `encoding`: UTF-8 with or without a byte order mark, UTF-16 with one, else GB18030.

    Raises
    ------
    InputError
        Bytes in none of them.
    """
    with path.open("rb") as file:
        start = file.read(4)
    served = _settle_encoding(path, start, encoding)
    with path.open(encoding=served, newline="") as stream:
        head = tuple(itertools.islice(stream, LOOKED_AT))
    separator, skipped = csv_start(head)
    return CsvText(
        encoding=served, has_bom=start.startswith(codecs.BOM_UTF8), separator=separator, head=head,
        skipped=skipped,
    )  # fmt: skip


def _settle_encoding(path: Path, start: bytes, option: str | None) -> str:
    """Return the first encoding in which the whole file is, reading it once for each try."""
    if option is not None:
        tries = ["utf-8-sig" if _is_utf8(option) else option]
    elif start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tries = ["utf-16"]
    else:
        tries = ["utf-8-sig", "gb18030"]
    for name in tries:
        try:
            decoder = codecs.getincrementaldecoder(name)()
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeError:
            continue
        except (LookupError, ValueError):
            raise InputError(
                Message("error.encoding_unknown", file=path.name, encoding=name[:40])
            ) from None
        return name
    tried = [name.removesuffix("-sig").upper() for name in tries]
    raise InputError(
        Message("error.text_encoding", name=path.name, encodings=joined("nor_in", tried)),
        Hint("encoding"),
    )


def _is_utf8(name: str) -> bool:
    try:
        return codecs.lookup(name).name == "utf-8"
    except (LookupError, ValueError):
        return False
