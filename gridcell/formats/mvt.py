"""Polygons as a layer of a Mapbox vector tile (version 2.1 of the specification)."""

import struct
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries

EXTENT: Final = 4096
"""Lattice steps of a tile."""

Ints = NDArray[np.int64]
Value = str | int | float

_POLYGON: Final = 3
_MOVE_TO: Final = 1 | 1 << 3
_LINE_TO: Final = 2
_CLOSE_PATH: Final = 7 | 1 << 3


def encode_layer(
    name: str,
    shapes: Geometries,
    origins: Ints,
    columns: Sequence[str],
    rows: Iterable[Sequence[Value | None]],
) -> bytes:
    """Return a tile of one layer; tiles one behind the other are a tile of several layers.

    Parameters
    ----------
    name
        Of the layer.
    shapes
        (n,) (Multi)Polygons whose coordinates are whole lattice steps, y downwards.
    origins
        (2,) upper left corner of the tile, in the same steps.
    columns
        Names of the properties.
    rows
        n times their values: texts, whole and real numbers, or ``None`` for none.
    """
    keys = {column: number for number, column in enumerate(columns)}
    values: dict[tuple[type, Value], int] = {}
    features = bytearray()
    for geometry, row in zip(_commands(shapes, origins), rows, strict=True):
        tags = []
        for key, value in zip(keys.values(), row, strict=True):
            if value is not None:
                # 1 and 1.0 are equal in Python.
                tags += [key, values.setdefault((type(value), value), len(values))]
        feature = _bytes(2, _varints(tags)) + _whole(3, _POLYGON) + _bytes(4, _varints(geometry))
        features += _bytes(2, feature)
    layer = _whole(15, 2) + _bytes(1, name.encode()) + bytes(features)
    layer += b"".join(_bytes(3, key.encode()) for key in keys)
    layer += b"".join(_bytes(4, _value(value)) for _, value in values)
    return _bytes(3, layer + _whole(5, EXTENT))


def _commands(shapes: Geometries, origins: Ints) -> list[list[int]]:
    """Return each polygon as commands: rings drawn from where the one before ended."""
    # Downwards the signs of areas change: outer rings clockwise here are positive there.
    parts, of_part = shapely.get_parts(shapely.orient_polygons(shapes), return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    xy, of_xy = shapely.get_coordinates(rings, return_index=True)
    ends = np.searchsorted(of_xy, np.arange(len(rings) + 1))
    owner = of_part[of_ring]
    closing = np.zeros(len(xy), dtype=bool)
    closing[ends[1:] - 1] = True
    points, ring = (np.rint(xy).astype(np.int64) - origins)[~closing], of_xy[~closing]
    step = np.diff(points, axis=0, prepend=points[:1] * 0)
    # A feature begins at the corner of its tile.
    first = np.flatnonzero(np.diff(owner[ring], prepend=-1))
    step[first] = points[first]
    zigzag = ((step << 1) ^ (step >> 63)).ravel().tolist()
    out: list[list[int]] = [[] for _ in shapes]
    starts = np.searchsorted(ring, np.arange(len(rings) + 1)).tolist()
    for number, row in enumerate(owner.tolist()):
        start, end = starts[number], starts[number + 1]
        commands = out[row]
        commands += [_MOVE_TO, *zigzag[2 * start : 2 * start + 2]]
        commands += [_LINE_TO | (end - start - 1) << 3, *zigzag[2 * start + 2 : 2 * end]]
        commands.append(_CLOSE_PATH)
    return out


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return _bytes(1, value.encode())
    if isinstance(value, float):
        return b"\x19" + struct.pack("<d", value)
    return _whole(6, (value << 1) ^ (value >> 63))


def _varints(numbers: Iterable[int]) -> bytes:
    out = bytearray()
    for number in numbers:
        rest = number
        while rest > 127:
            out.append(rest & 127 | 128)
            rest >>= 7
        out.append(rest)
    return bytes(out)


def _whole(field: int, value: int) -> bytes:
    return _varints((field << 3, value))


def _bytes(field: int, value: bytes) -> bytes:
    return _varints((field << 3 | 2, len(value))) + value
