"""Coordinates as short text: what a page of many polygons is made of.

Vertices are rounded to millionths of a degree (about 0.1 m), for display only, and written as
differences from vertex to vertex in base 32: two to six characters a vertex where JSON needs
twenty. Numbers are zigzag coded, five bits a character, lowest first; every character but the last
of a number has 32 added.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

UNITS_PER_DEGREE: Final = 1_000_000
"""Resolution of the drawing."""

_POLYGON: Final = 2  # dimensions

_ALPHABET: Final = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype=np.uint8
)


def encode_numbers(values: NDArray[np.int64]) -> str:
    """Return integers as text of letters, digits, ``-`` and ``_``.

    Parameters
    ----------
    values
        (n,) integers of at most 60 bits.
    """
    unsigned = (values << 1) ^ (values >> 63)
    digits = np.ones(len(values), dtype=np.int64)
    for shift in range(5, 60, 5):
        digits += unsigned >= (1 << shift)
    start = np.cumsum(digits) - digits
    text = np.empty(int(digits.sum()), dtype=np.uint8)
    for k in range(int(digits.max(initial=0))):
        at = digits > k
        more = (digits[at] > k + 1) * 32
        text[start[at] + k] = _ALPHABET[((unsigned[at] >> (5 * k)) & 31) + more]
    return text.tobytes().decode("ascii")


def encode_shapes(shapes: gpd.GeoSeries) -> dict[str, str]:
    """Return polygons or lines as three texts: rings a shape, vertices a ring, differences.

    Parameters
    ----------
    shapes
        Polygons or lines of one kind, multi or not, in any CRS; the text is in WGS 84. The closing
        vertex of a ring is left out. Empty and missing shapes have no rings.
    """
    geometries = np.asarray(shapes.to_crs(4326).array)
    parts, owner = shapely.get_parts(geometries, return_index=True)
    closed = bool((shapely.get_dimensions(parts) == _POLYGON).any())
    rings = parts
    if closed:
        rings, part = shapely.get_rings(parts, return_index=True)
        owner = owner[part]
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    xy = np.rint(xy * UNITS_PER_DEGREE).astype(np.int64)

    first = np.diff(ring, prepend=-1) != 0
    repeated = ~first & (np.diff(xy, axis=0, prepend=np.nan) == 0).all(axis=1)
    closing = closed & (np.diff(ring, append=-1) != 0)
    keep = ~(repeated | closing)
    xy, ring = xy[keep], ring[keep]
    return {
        "rings": encode_numbers(np.bincount(owner, minlength=len(geometries)).astype(np.int64)),
        "points": encode_numbers(np.bincount(ring, minlength=len(rings)).astype(np.int64)),
        "xy": encode_numbers(np.diff(xy, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel()),
    }


def encode_points(points: gpd.GeoSeries) -> str:
    """Return points as text: differences from one to the next, in WGS 84."""
    xy = shapely.get_coordinates(np.asarray(points.to_crs(4326).array))
    units = np.rint(xy * UNITS_PER_DEGREE).astype(np.int64)
    return encode_numbers(np.diff(units, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel())


def pack_texts(
    texts: Sequence[str | None], above: Sequence[str | None] | None = None
) -> dict[str, Any]:
    """Return texts without what they begin with in common with others.

    Parameters
    ----------
    texts
        Texts; ``None`` where there is none.
    above
        For each the text whose beginning it may share, such as that of its parent.

    Returns
    -------
    dict
        ``keep``, how many UTF-16 units of the text above each begins with, and ``rest``.
    """
    shared = [
        "" if text is None or other is None else _beginning(text, other)
        for text, other in zip(texts, above or [None] * len(texts), strict=True)
    ]
    keep = [len(prefix.encode("utf-16-le")) // 2 for prefix in shared]
    rest = [
        None if text is None else text[len(prefix) :]
        for text, prefix in zip(texts, shared, strict=True)
    ]
    return {"keep": encode_numbers(np.array(keep, dtype=np.int64)), "rest": rest}


def data_of_page(content: Mapping[str, Any]) -> str:
    """Return plain data as JSON for a script element: no text of it can end the element.

    Nor can it open a comment there.
    """
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _beginning(text: str, other: str) -> str:
    """Return what two texts begin with in common."""
    if text.startswith(other):
        return other
    differ = (k for k, (a, b) in enumerate(zip(text, other, strict=False)) if a != b)
    return text[: next(differ, len(text))]
