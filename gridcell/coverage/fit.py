"""Communities that fit together exactly: narrow gaps and overlaps healed, wider ones listed."""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.moves import LandMove
from gridcell.coverage.proof import CoverageProof, prove_coverage
from gridcell.coverage.repair_faces import RepairSettings
from gridcell.coverage.rounds import repair_coverage
from gridcell.coverage.width import NEAR_M, is_sliver, width_of
from gridcell.errors import Hint, InputError
from gridcell.model import Finding, place_of
from gridcell.words.messages import Message, Value, joined

_WIDTH_ERROR: Final = 0.002
"""Relative error allowed where a width is compared with what is to be healed."""
_WORTH_M2: Final = 0.01
"""Slivers below this are counted, not listed."""
_WHOLE: Final = 0.95
"""An area that covers more of another one covers it whole: borders of levels differ a little."""
_LISTED: Final = 20

Ints = NDArray[np.int64]


def fit_together(
    geometries: Geometries, codes: list[str], heal_width: float, *, label: Value
) -> tuple[Geometries, list[Finding]]:
    """Return the communities without gaps and overlaps, shared borders sharing every vertex.

    Gaps and overlaps narrower than `heal_width` are settled as `gridcell.repair_cells` does it
    (`gridcell.coverage.rounds`): a gap is divided into triangles (constrained Delaunay), and each
    piece goes where communities accept as little border as possible that they did not draw; where
    nobody else has a say that is the neighbour with the longest border on it. Communities
    without a fault stay as they are, except that vertices of their neighbours are put into their
    borders.

    An overlap that is wider is a fault. So is an enclosed gap that is wider but still a sliver
    (`gridcell.coverage.width.is_sliver`): a border drawn twice. A compact or broad one is land of
    nobody, a lake perhaps, and stays as a hole.

    Parameters
    ----------
    geometries
        Valid polygons in a metric CRS.
    codes
        Their codes, for messages; earlier ones win ties.
    heal_width
        Metres; the width of a piece is the diameter of the largest circle in it.
    label
        The input, for messages.

    Returns
    -------
    tuple
        The polygons in the same order, and a note for every piece healed and every hole.

    Raises
    ------
    InputError
        Listing every wider fault: codes, area, width, place; or naming an area that covers several
        others whole, which is of a higher level than they.
    """
    widest = max(heal_width, NEAR_M) * (1 + _WIDTH_ERROR)
    proof = prove_coverage(geometries)
    _stop_at_levels(proof, geometries, codes, label)
    gaps = np.asarray(proof.gap_pieces.geometry, dtype=object)
    width = width_of(gaps)
    wide = (width > widest) & is_sliver(shapely.area(gaps), width)
    faults = _wide_overlaps(proof, codes, widest)
    faults += [
        Message(
            "fault.gap_at", size=_size(gaps[g], width[g]), place=_at(gaps[g]),
            communities=_names(_around(gaps[g], geometries), codes),
        )
        for g in _in_order(gaps) if wide[g]
    ]  # fmt: skip
    _stop_at(faults, heal_width, label)
    settings = RepairSettings(
        land=np.empty(0, dtype=object), parent=np.zeros(len(geometries), dtype=np.int64),
        rank=np.zeros(len(geometries)), gap_width=widest if heal_width > 0 else 0.0, near=NEAR_M,
        scale=(1.0, 1.0),
    )  # fmt: skip
    repaired = repair_coverage(geometries, settings, proof=proof)
    fitted = repaired.shapes
    if not repaired.exact or shapely.is_missing(fitted).any():
        left = np.union1d(repaired.proof.unmatched, np.flatnonzero(shapely.is_missing(fitted)))
        names = _names(left, codes) or Message("part.the_communities")
        raise InputError(Message("error.borders_unfit", label=label, communities=names))
    return fitted, [
        *_notes(repaired.moves, geometries, fitted, codes, label),
        *_holes(np.asarray(repaired.proof.gap_pieces.geometry, dtype=object), fitted, codes, label),
    ]


def _stop_at_levels(
    proof: CoverageProof, geometries: Geometries, codes: list[str], label: Value
) -> None:
    """Refuse a layer in which areas of a higher level lie over those of a lower one."""
    frame = proof.overlap_pieces
    one, two = (frame[side].to_numpy(dtype=np.int64) for side in ("left", "right"))
    common, land = shapely.area(np.asarray(frame.geometry, dtype=object)), shapely.area(geometries)
    outer, inner = np.concatenate([one, two]), np.concatenate([two, one])
    inside = np.tile(common, 2) > _WHOLE * land[inner]
    smaller = land[inner] < land[outer]
    outer, inner = outer[inside & smaller], inner[inside & smaller]
    held = np.bincount(outer, minlength=len(geometries))
    covered = np.bincount(outer, weights=land[inner], minlength=len(geometries))
    levels = np.flatnonzero((held > 1) & (covered > land / 2))
    if len(levels):
        most = levels[np.argmax(held[levels])]
        raise InputError(
            Message(
                "error.levels_nested", label=label, n=len(levels), outer=codes[most],
                inner=_names(np.unique(inner[outer == most]), codes),
            )
        )  # fmt: skip


def _wide_overlaps(proof: CoverageProof, codes: list[str], widest: float) -> list[Value]:
    frame = proof.overlap_pieces
    parts, pair = shapely.get_parts(np.asarray(frame.geometry, dtype=object), return_index=True)
    one, two = (frame[side].to_numpy(dtype=np.int64)[pair] for side in ("left", "right"))
    width = width_of(parts)
    order = np.lexsort((two, one))
    return [
        Message(
            "fault.overlap_at", size=_size(parts[p], width[p]), a=codes[one[p]], b=codes[two[p]],
            place=_at(parts[p]),
        )
        for p in order[width[order] > widest]
    ]  # fmt: skip


def _notes(
    moves: list[LandMove], before: Geometries, after: Geometries, codes: list[str], label: Value
) -> list[Finding]:
    findings = []
    area = shapely.area(np.array([move.shape for move in moves], dtype=object))
    small = [move for move, size in zip(moves, area, strict=True) if size < _WORTH_M2]
    large = [move for move, size in zip(moves, area, strict=True) if size >= _WORTH_M2]
    widths = width_of(np.array([move.shape for move in large], dtype=object))
    for move, width in zip(large, widths, strict=True):
        kind = "sliver" if move.kind == "crumb" else move.kind
        findings.append(
            Finding(
                kind="healed", severity="note", community=codes[move.to],
                measure=round(float(shapely.area(move.shape)), 3), place=place_of(move.shape),
                text=Message(
                    "finding.healed", label=label, kind=Message(f"part.{kind}"),
                    size=_size(move.shape, width), to=codes[move.to],
                    between=_names(_between(move, before), codes),
                ),
            )
        )  # fmt: skip
    if small:
        total = sum(shapely.area(move.shape) for move in small)
        names = sorted({codes[row] for move in small for row in _between(move, before)})
        findings.append(
            Finding(
                kind="healed", severity="note", measure=round(total, 6),
                place=place_of(small[0].shape),
                text=Message(
                    "finding.healed_small", label=label, n=len(small), least=_WORTH_M2,
                    area=total, between=_listed(names),
                ),
            )
        )  # fmt: skip
    gained = int((shapely.get_num_coordinates(after) != shapely.get_num_coordinates(before)).sum())
    if gained:
        findings.append(
            Finding(
                kind="borders_matched", severity="note", measure=float(gained),
                text=Message("finding.borders_matched", label=label, n=gained),
            )
        )  # fmt: skip
    return findings


def _between(move: LandMove, before: Geometries) -> Ints:
    """Return the communities that had a part in what moved: those around it where none had it."""
    return np.union1d(move.lost or _around(move.shape, before), [move.to]).astype(np.int64)


def _around(gap: shapely.Geometry, geometries: Geometries) -> Ints:
    """Return the communities that a gap touches."""
    near = shapely.STRtree(geometries).query(gap, predicate="dwithin", distance=NEAR_M)
    return np.sort(near).astype(np.int64)


def _in_order(pieces: Geometries) -> Ints:
    """Return the order of pieces by what they are."""
    return np.argsort(shapely.to_wkb(shapely.normalize(pieces)), kind="stable").astype(np.int64)


def _holes(
    gaps: Geometries, geometries: Geometries, codes: list[str], label: Value
) -> list[Finding]:
    """Return a note for every enclosed piece of land that belongs to no community."""
    gaps = gaps[_in_order(gaps)]
    return [
        Finding(
            kind="hole", severity="note", measure=round(float(shapely.area(gap)), 1),
            place=place_of(gap),
            text=Message(
                "finding.hole", label=label, size=_size(gap, width),
                around=_names(_around(gap, geometries), codes),
            ),
        )
        for gap, width in zip(gaps, width_of(gaps), strict=True)
    ]  # fmt: skip


def _stop_at(faults: list[Value], heal_width: float, label: Value) -> None:
    if not faults:
        return
    more = len(faults) - _LISTED
    rest = [Message("part.and_more", n=more)] if more > 0 else []
    raise InputError(
        Message(
            "error.communities_unfit", label=label, number=len(faults), width=heal_width,
            faults=joined("items", [*faults[:_LISTED], *rest]),
        ),
        Hint("boundaries.heal_width"),
    )  # fmt: skip


def _size(shape: shapely.Geometry, width: float) -> Message:
    area = float(shapely.area(shape))
    return Message(
        "part.area_width",
        area=f"{area:,.0f}" if area >= 100 else f"{area:.3g}",
        width=f"{width:,.0f}" if width >= 100 else f"{width:.3g}",
    )


def _at(shape: shapely.Geometry) -> str:
    place = place_of(shape)
    return f"x {place.x:.1f}, y {place.y:.1f}"


def _names(rows: Ints, codes: list[str]) -> Message | str:
    return _listed([codes[row] for row in rows])


def _listed(names: list[str]) -> Message | str:
    if len(names) > 6:
        return Message("list.more", names=names[:6], n=len(names) - 6)
    if len(names) > 1:
        return Message("list.and", names=names[:-1], last=names[-1])
    return "".join(names)
