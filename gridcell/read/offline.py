"""Files that name others instead of holding data, and reading that never reaches a network."""

import codecs
import json
import mmap
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyogrio

from gridcell.errors import InputError
from gridcell.words.messages import Message

_HEAD: Final = 1 << 16
"""Bytes in which GDAL looks for what a file is, and more."""
_POINTERS: Final = {
    b"<OGRVRTDataSource": "vrt",
    b"<VRTDataset": "vrt",
    b"<OGRWFSDataSource": "service",
    b"<OGROAPIFDataSource": "service",
    b"<GDAL_WMS": "service",
    b"gdal_streamed_alg": "pipeline",
}
"""What such files hold near their start, and what they are called."""
_CRS: Final = re.compile(rb'"crs"\s*:\s*(?=\{)')
_MEMBER: Final = 4096
"""Bytes in which a member ``crs`` ends."""
_CLOSED: Final = {
    # A proxy of a kind that does not exist: refused before a name is looked up.
    "GDAL_HTTP_PROXY": "offline://offline",
    "GDAL_HTTPS_PROXY": "offline://offline",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "offline",
    "GML_DOWNLOAD_SCHEMA": "NO",
}
_AROUND_PROXIES: Final = ("no_proxy", "NO_PROXY")


@contextmanager
def offline() -> Iterator[None]:
    """Keep GDAL from any network while something is opened or read.

    GeoJSON may name its CRS by address, GML its schema; GDAL would fetch both.
    """
    before = {name: pyogrio.get_gdal_config_option(name) for name in _CLOSED}
    spared = {name: os.environ.pop(name) for name in _AROUND_PROXIES if name in os.environ}
    pyogrio.set_gdal_config_options(_CLOSED)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)
        os.environ.update(spared)


def refuse_pointers(path: Path) -> None:
    """Raise `InputError` where a file names data elsewhere, on a network perhaps.

    Parameters
    ----------
    path
        A file, an archive of files, or a folder.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        # A folder, or a file that cannot be opened: GDAL says what is wrong.
        return
    _refuse(head, path.name)
    if zipfile.is_zipfile(path):
        for name, head in _members(path):
            _refuse(head, f"{path.name}: {name}")
    elif head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"{" and _has_linked_crs(path):
        raise InputError(Message("error.crs_on_network", path=path.name))


def _refuse(head: bytes, label: str) -> None:
    for mark, kind in _POINTERS.items():
        if mark in head:
            raise InputError(
                Message("error.data_elsewhere", label=label, what=Message(f"elsewhere.{kind}"))
            )


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    yield member.filename, file.read(_HEAD)
    except (
        zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, NotImplementedError,
        EOFError,
    ):  # fmt: skip
        # A damaged archive: GDAL says so.
        return


def _has_linked_crs(path: Path) -> bool:
    """Tell whether GeoJSON has a member ``crs`` of the type ``link`` (``url`` in drafts)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for found in _CRS.finditer(data):
            text = data[found.end() : found.end() + _MEMBER].decode("utf-8", "replace")
            try:
                crs, _ = json.JSONDecoder().raw_decode(text)
            except (ValueError, RecursionError):
                continue
            if str(crs.get("type")).lower() in {"link", "url"}:
                return True
    return False
