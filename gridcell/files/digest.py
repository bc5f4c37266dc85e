"""SHA-256 digests: of files as they are, and of what they hold whatever its bytes are."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from gridcell.texts import arrow_texts, text_bytes

_BLOCK: Final = 1 << 20
_ESCAPED: Final = np.isin(np.arange(256), [*range(32), *b'"\\'])
"""Bytes that JSON does not write as they are."""


def digest_files(paths: Iterable[Path]) -> str:
    """Return the digest of files, one after another; of a folder, all files in it by name."""
    digest = hashlib.sha256()
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for part in inside:
            with part.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
    return digest.hexdigest()


def digest_json(data: Any) -> str:
    """Return the digest of plain data: JSON in UTF-8, keys sorted, no blanks."""
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def digest_frame(frame: pd.DataFrame) -> str:
    """Return the digest of a table or layer: its columns in order, its rows in order.

    A column of numbers counts as little-endian doubles, any other as a JSON list of texts, a
    geometry as little-endian WKB; the digest is over one digest a column.
    """
    columns: list[list[str]] = []
    for name in frame.columns:
        column, digest = frame[name], hashlib.sha256()
        if isinstance(column, gpd.GeoSeries):
            digest.update(_wkb(column))
        elif pd.api.types.is_numeric_dtype(column.dtype):
            values = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
            digest.update(np.where(np.isnan(values), np.nan, values).astype("<f8").data)
        else:
            _feed_texts(digest, column)
        columns.append([str(name), digest.hexdigest()])
    return digest_json({"rows": len(frame), "columns": columns})


def digest_arrays(*arrays: NDArray[Any]) -> str:
    """Return the digest of arrays: of their shapes, kinds and every value in them."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape};".encode())
        if array.dtype != object:
            digest.update(np.ascontiguousarray(array).data)
            continue
        shapes = shapely.is_geometry(array)
        parts = np.full(array.shape, None, dtype=object)
        parts[shapes] = shapely.to_wkb(array[shapes])
        values = [
            part if part is not None else repr(value).encode()
            for part, value in zip(parts.ravel(), array.ravel(), strict=True)
        ]
        digest.update(np.array([len(value) for value in values], dtype="<i8").data)
        digest.update(np.ascontiguousarray(shapes).data)
        digest.update(b"".join(values))
    return digest.hexdigest()


def without(report: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return a report without some of its keys."""
    return {key: value for key, value in report.items() if key not in keys}


def _feed_texts(digest: Any, column: "pd.Series[Any]") -> None:
    """Add a column of texts to a digest, as the JSON list that `json.dumps` writes."""
    if column.dtype == "str":
        texts = arrow_texts(column)
        if not _ESCAPED[text_bytes(texts)].any():
            before, after, nothing = (
                pa.scalar(text, pa.large_string()) for text in ('"', '", ', "")
            )
            quoted = pc.binary_join_element_wise(before, texts, after, nothing)
            parts = pc.fill_null(quoted, pa.scalar("null, ", pa.large_string()))
            for part in (b"[", text_bytes(parts)[:-2], b"]"):
                digest.update(part)
            return
    given = column.astype(object).where(column.notna(), None)
    digest.update(json.dumps(given.tolist(), ensure_ascii=False).encode())


def _wkb(geometry: gpd.GeoSeries) -> bytes:
    blobs = [
        blob or b""
        for blob in shapely.to_wkb(np.asarray(geometry, dtype=object), byte_order=1, flavor="iso")
    ]
    lengths = np.array([len(blob) for blob in blobs], dtype="<i8")
    return lengths.tobytes() + b"".join(blobs)
