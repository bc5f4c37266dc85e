"""Every text in a file, packed parts unpacked: for tests that look for what must not be told."""

import base64
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from pypdf import PdfReader

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "gbk")
# Heads of gzip, and of zlib at each of its levels.
PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")
DEEPEST = 4


def unpacked(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield bytes, and whatever is packed in them: archives, gzip, zlib, base64, one in another."""
    yield data
    if depth == DEEPEST:
        return
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from unpacked(archive.read(name), depth + 1)
        return
    for found in PACKED.finditer(data):
        wide = 31 if found.group() == b"\x1f\x8b\x08" else 15
        try:
            yield from unpacked(
                zlib.decompressobj(wide).decompress(data[found.start() :]), depth + 1
            )
        except zlib.error:
            continue
    for found in BASE64.finditer(data):
        text = found.group()
        yield from unpacked(base64.b64decode(text[: len(text) // 4 * 4]), depth + 1)


def told_in(file: Path) -> Iterator[bytes]:
    """Yield all bytes of a file: as they are, unpacked, and what its own readers make of them."""
    yield file.name.encode()
    data = file.read_bytes()
    yield from unpacked(data)
    if data[:4] == b"PAR1":
        yield str(pq.ParquetFile(file).read().to_pydict()).encode()
        yield str(pq.ParquetFile(file).metadata.metadata).encode()
    if data[:4] == b"%PDF":
        reader = PdfReader(file)
        yield "".join(page.extract_text() for page in reader.pages).encode()
        yield str(reader.metadata).encode()


def found_in(file: Path, words: list[str]) -> set[str]:
    """Return the words that are somewhere in a file, in any encoding or as an escape of JSON."""
    forms = {
        word: {
            *(word.encode(encoding) for encoding in ENCODINGS),
            word.encode("unicode_escape"),
            word.encode("ascii", "xmlcharrefreplace"),
        }
        for word in words
    }
    return {
        word
        for told in told_in(file)
        for word, each in forms.items()
        if any(form in told for form in each)
    }
