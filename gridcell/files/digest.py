"""SHA-256 digests: of files as they are, and of what they hold whatever its bytes are."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

_BLOCK: Final = 1 << 20


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
        column = frame[name]
        if isinstance(column, gpd.GeoSeries):
            content = _wkb(column)
        elif pd.api.types.is_numeric_dtype(column.dtype):
            values = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
            content = np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes()
        else:
            given = column.astype(object).where(column.notna(), None)
            content = json.dumps(given.tolist(), ensure_ascii=False).encode()
        columns.append([str(name), hashlib.sha256(content).hexdigest()])
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


def _wkb(geometry: gpd.GeoSeries) -> bytes:
    blobs = [
        blob or b""
        for blob in shapely.to_wkb(np.asarray(geometry, dtype=object), byte_order=1, flavor="iso")
    ]
    lengths = np.array([len(blob) for blob in blobs], dtype="<i8")
    return lengths.tobytes() + b"".join(blobs)
