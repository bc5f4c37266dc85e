"""Bytes damaged blindly, or at the counts, types and numbers of a format."""

import math
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator
Bytes = bytes | bytearray

INTEGERS = (
    0, 1, 2, 3, 4, 5, 7, 8, 10, 11, 13, 15, 18, 21, 28, 31, 99, 255, 1001, 3003, 0x7FFF, 0xFFFF,
    0xFFFFFF, 0x10000000, 0x7FFFFFFF, 0x80000000, 0x80000003, 0xA0000003, 0xFFFFFFFE, 0xFFFFFFFF,
)  # fmt: skip
DOUBLES = (
    math.nan, math.inf, -math.inf, 1e300, -1e300, 1.7976931348623157e308, 5e-324, 0.0, -0.0, 1e16,
    180.0001, -91.0, 500_000.0,
)  # fmt: skip


def generator(kind: str, seed: int) -> Rng:
    """Return the source of chance of one case."""
    return np.random.default_rng([zlib.crc32(kind.encode()), seed])


def pick(rng: Rng, things: Any) -> Any:
    """Return one of the things as it is."""
    return things[int(rng.integers(len(things)))]


def damage_bytes(data: Bytes, rng: Rng) -> bytes:
    """Return the bytes with some changed, removed, put in, repeated or cut off."""
    out = bytearray(data)
    if not out:
        return rng.bytes(int(rng.integers(64)))
    at, size = int(rng.integers(len(out))), int(2 ** rng.uniform(0, 9))
    way = pick(rng, ["flip", "flip", "cut", "remove", "insert", "repeat", "fill", "int", "double"])
    if way == "flip":
        for place in rng.integers(len(out), size=pick(rng, [1, 1, 2, 4, 16])):
            out[place] ^= 1 << int(rng.integers(8))
    elif way == "cut":
        del out[at:]
    elif way == "remove":
        del out[at : at + size]
    elif way == "insert":
        out[at:at] = rng.bytes(size)
    elif way == "repeat":
        out[at:at] = out[at : at + size]
    elif way == "fill":
        out[at : at + size] = bytes([pick(rng, [0, 255, 32])]) * len(out[at : at + size])
    else:
        put(out, at & ~3, pick(rng, ["<i", ">i"]) if way == "int" else "<d", rng)
    return bytes(out)


def put(out: bytearray, at: int, code: str, rng: Rng) -> None:
    """Write a value that hurts at a place."""
    size = struct.calcsize(code)
    if at + size > len(out):
        return
    if code[-1] == "d":
        struct.pack_into(code, out, at, pick(rng, DOUBLES))
    else:
        value = pick(rng, INTEGERS) if rng.random() < 0.8 else int(rng.integers(len(out) + 1))
        if rng.random() < 0.3:
            value = int.from_bytes(out[at : at + size], "little" if code[0] == "<" else "big")
            value += pick(rng, [-1, 1, 2, -8, 8, 16])
        value &= (1 << 8 * size) - 1
        out[at : at + size] = value.to_bytes(size, "little" if code[0] == "<" else "big")


def damage_spots(spots: Callable[[Bytes], list[tuple[int, str]]]) -> Callable[[Bytes, Rng], bytes]:
    def damaged(data: Bytes, rng: Rng) -> bytes:
        places = spots(data)
        if not places or rng.random() < 0.25:
            return damage_bytes(data, rng)
        out = bytearray(data)
        for _ in range(pick(rng, [1, 1, 2, 5])):
            put(out, *pick(rng, places), rng)
        return bytes(out)

    return damaged


def shp_spots(data: Bytes) -> list[tuple[int, str]]:
    """Return the places of the numbers in a .shp file, counts and types first."""
    counts = [(0, ">i"), (24, ">i"), (28, "<i"), (32, "<i")]
    doubles = [(36 + 8 * i, "<d") for i in range(8)]
    at = 100
    while at + 12 <= len(data):
        size = 2 * int.from_bytes(data[at + 4 : at + 8], "big")
        counts += [(at, ">i"), (at + 4, ">i"), (at + 8, "<i")]
        kind = data[at + 8]
        if kind in {3, 5}:
            parts = int.from_bytes(data[at + 44 : at + 48], "little")
            counts += [(at + 44 + 4 * i, "<i") for i in range(min(parts, 99) + 2)]
            first = at + 52 + 4 * parts
        else:
            first = at + 12
        doubles += [(place, "<d") for place in range(first, min(at + 8 + size, len(data)), 8)]
        at += 8 + max(size, 2)
    return counts * max(1, len(doubles) // max(len(counts), 1)) + doubles


def shx_spots(data: Bytes) -> list[tuple[int, str]]:
    return [(24, ">i"), (32, "<i"), *((at, ">i") for at in range(100, len(data), 4))]


def dbf_spots(data: Bytes) -> list[tuple[int, str]]:
    head = int.from_bytes(data[8:10], "little")
    width = max(int.from_bytes(data[10:12], "little"), 1)
    fields = [
        (at + place, "<B")
        for at in range(32, min(head, len(data)), 32)
        for place in (0, 1, 10, 11, 16, 16, 17)
    ]
    rows = [(at, "<B") for at in range(head, len(data), width)]
    return [(0, "<B"), (4, "<I"), (8, "<H"), (10, "<H"), (29, "<B"), *fields, *rows]


def wkb_spots(data: Bytes, at: int = 0) -> list[tuple[int, str]]:
    """Return the places of byte orders, types and counts in WKB, and of its first doubles."""
    spots = [(at, "<B"), (at + 1, "<I"), (at + 5, "<I"), (at + 9, "<I"), (at + 14, "<I")]
    spots += [(place, "<d") for place in range(at + 13, min(len(data), at + 300), 8)]
    return spots + [(place, "<d") for place in range(at + 22, min(len(data), at + 300), 8)]


def fgb_spots(data: Bytes) -> list[tuple[int, str]]:
    head = int.from_bytes(data[8:12], "little")
    places = [(at, "<I") for at in range(8, min(12 + head + 64, len(data)), 4)]
    rest = range(12 + head, len(data), 4)
    return [*places, *((at, "<I") for at in rest), *((at, "<d") for at in rest)]


def damage_wkb(blob: bytes, rng: Rng) -> bytes:
    """Return the WKB, or the blob of a GeoPackage, with a flag, type, count or number changed."""
    head = 0
    if blob.startswith(b"GP") and len(blob) > 8:
        head = 8 + (0, 32, 48, 48, 64, 0, 0, 0)[blob[3] >> 1 & 7]
        if rng.random() < 0.3:
            out = bytearray(blob)
            put(out, *pick(rng, [(0, "<B"), (2, "<B"), (3, "<B"), (3, "<B"), (4, "<I"), (8, "<d"),
                                  (16, "<d")]), rng)  # fmt: skip
            return bytes(out)
    return damage_spots(lambda data: wkb_spots(data, head))(blob, rng)
