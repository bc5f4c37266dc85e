"""Communities that fit together exactly: narrow gaps and overlaps healed, wider ones listed."""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.arrangement import boundary_segments
from gridcell.coverage.heal import Heal, around, heal_faces, snapped_to
from gridcell.coverage.land_faces import SNAP_M, build_faces
from gridcell.coverage.width import is_sliver, width_of
from gridcell.errors import Hint, InputError
from gridcell.model import Finding, place_of

_SLIT: Final = 5.0
"""The same for gaps that are open at an end: shorter ones are the shape of the rim."""
_WORTH_M2: Final = 0.01
"""Slivers below this are counted, not listed."""
_LISTED: Final = 20

Ints = NDArray[np.int64]


def fit_together(
    geometries: Geometries, codes: list[str], heal_width: float, *, label: str
) -> tuple[Geometries, list[Finding]]:
    """Return the communities without gaps and overlaps, shared borders sharing every vertex.

    Gaps and overlaps narrower than `heal_width` go to the neighbour (of an overlap: the owner) with
    the longest border on them; a gap among three or more is divided into triangles (constrained
    Delaunay), each going to a community within `heal_width` of all of it. Slivers that a
    neighbour's border cuts off go to the neighbour. Communities without a fault stay as they
    are, except that vertices of their neighbours are put into their borders.

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
        Listing every wider fault: codes, area, width, place.
    """
    if _fits(geometries, heal_width):
        return geometries, _holes(geometries, codes, heal_width, label)
    faults = _wide_overlaps(geometries, codes, heal_width)
    faces = build_faces(geometries, _mouths(geometries, heal_width))
    gaps = np.array([len(owner) == 0 for owner in faces.owners])
    width = np.zeros(len(gaps))
    width[gaps] = width_of(faces.shapes[gaps])
    wide = gaps & (width > max(heal_width, SNAP_M) * 1.002)
    faults += [
        f"gap of {_size(faces.shapes[f], width[f])} between "
        f"{_names(around(faces, int(f)), codes)} at {_at(faces.shapes[f])}"
        for f in np.flatnonzero(wide & is_sliver(shapely.area(faces.shapes), width))
    ]
    _stop_at(faults, heal_width, label)
    fitted, heals = heal_faces(faces, gaps & ~wide, geometries, heal_width)
    _prove(fitted, codes, label)
    return fitted, [
        *_notes(heals, geometries, fitted, codes, label),
        *_holes(fitted, codes, heal_width, label),
    ]


def _fits(geometries: Geometries, heal_width: float) -> bool:
    edges = shapely.coverage_invalid_edges(geometries, gap_width=heal_width)
    return bool(shapely.is_empty(edges).all())


def _wide_overlaps(geometries: Geometries, codes: list[str], heal_width: float) -> list[str]:
    one, two = shapely.STRtree(geometries).query(geometries, predicate="intersects")
    one, two = one[one < two], two[one < two]
    order = np.lexsort((two, one))
    one, two = one[order], two[order]
    shared = shapely.intersection(geometries[one], geometries[two])
    # An intersection may be a collection of lines and polygons.
    parts, pair = shapely.get_parts(shared, return_index=True)
    parts, inner = shapely.get_parts(parts, return_index=True)
    pair = pair[inner]
    solid = shapely.area(parts) > 0
    parts, pair = parts[solid], pair[solid]
    width = width_of(parts)
    return [
        f"overlap of {_size(parts[p], width[p])} between {codes[one[pair[p]]]} and "
        f"{codes[two[pair[p]]]} at {_at(parts[p])}"
        for p in np.flatnonzero(width > max(heal_width, SNAP_M) * 1.002)
    ]


def _mouths(geometries: Geometries, heal_width: float) -> NDArray[np.float64]:
    """Return the segments that close slits which are open at an end, (n, 2, 2)."""
    if heal_width <= 0:
        return np.empty((0, 2, 2))
    union = shapely.union_all(geometries)
    radius = heal_width / 2
    closed = shapely.buffer(union, radius, join_style="mitre", mitre_limit=5.0)
    closed = shapely.buffer(closed, -radius, join_style="mitre", mitre_limit=5.0)
    pieces = shapely.get_parts(shapely.difference(closed, union))
    pieces = pieces[shapely.area(pieces) > _SLIT * SNAP_M**2]
    # GEOS buffers a simplified line: its edges are off by a hundredth of the distance.
    reach = 0.02 * heal_width
    piece, _ = shapely.STRtree(geometries).query(pieces, predicate="dwithin", distance=reach)
    pieces = pieces[np.bincount(piece, minlength=len(pieces)) > 1]
    pieces = pieces[shapely.area(pieces) > _SLIT * width_of(pieces) ** 2]
    if not len(pieces):
        return np.empty((0, 2, 2))
    rim, _ = boundary_segments(np.array([union], dtype=object))
    edges = np.asarray(shapely.linestrings(rim), dtype=object)
    tree = shapely.STRtree(edges)
    near = np.sort(np.unique(tree.query(pieces, predicate="dwithin", distance=reach)[1]))
    # A mouth may lie on the line of an edge: what is left of the outline off the rim is the mouth.
    strip = shapely.buffer(shapely.multilinestrings(edges[near]), SNAP_M / 10, quad_segs=2)
    outline = shapely.union_all(shapely.boundary(pieces))
    rest = shapely.get_parts(shapely.line_merge(shapely.difference(outline, strip)))
    middles = shapely.line_interpolate_point(rest, 0.5, normalized=True)
    _, away = tree.query_nearest(middles, all_matches=False, return_distance=True)
    mouths = rest[away > 0.2 * shapely.length(rest)]
    xy, line = shapely.get_coordinates(mouths, return_index=True)
    same = line[1:] == line[:-1]
    return snapped_to(rim, np.stack([xy[:-1][same], xy[1:][same]], axis=1), reach)


def _prove(fitted: Geometries, codes: list[str], label: str) -> None:
    """Raise `InputError` unless the healed polygons are valid and an exact coverage."""
    bad = ~shapely.is_valid(fitted)
    edges = ~shapely.is_empty(shapely.coverage_invalid_edges(fitted))
    total, union = shapely.area(fitted).sum(), shapely.area(shapely.union_all(fitted))
    if bad.any() or edges.any() or abs(total - union) > 1e-9 * total:
        culprits = np.flatnonzero(bad | edges)
        raise InputError(
            f"{label}: the borders of {_names(culprits, codes) or 'the communities'} could not be "
            "fitted together; settle them with gridcell repair"
        )


def _notes(
    heals: list[Heal], before: Geometries, after: Geometries, codes: list[str], label: str
) -> list[Finding]:
    findings = []
    small = [h for h in heals if shapely.area(h.shape) < _WORTH_M2]
    large = [h for h in heals if shapely.area(h.shape) >= _WORTH_M2]
    widths = width_of(np.array([h.shape for h in large], dtype=object))
    for heal, width in zip(large, widths, strict=True):
        findings.append(
            Finding(
                kind="healed", severity="note", community=codes[heal.to],
                measure=round(float(shapely.area(heal.shape)), 3), place=place_of(heal.shape),
                message=f"{label}: {heal.kind} of {_size(heal.shape, width)} between "
                f"{_listed([codes[c] for c in heal.between])} given to {codes[heal.to]}, in m2",
            )
        )  # fmt: skip
    if small:
        area = sum(shapely.area(h.shape) for h in small)
        names = sorted({codes[c] for h in small for c in h.between})
        findings.append(
            Finding(
                kind="healed", severity="note", measure=round(area, 6),
                place=place_of(small[0].shape),
                message=f"{label}: {len(small)} slivers below {_WORTH_M2} m2 each, {area:.2g} m2 "
                f"in all, between {_listed(names)} were healed, in m2",
            )
        )  # fmt: skip
    gained = int((shapely.get_num_coordinates(after) != shapely.get_num_coordinates(before)).sum())
    if gained:
        findings.append(
            Finding(
                kind="borders_matched", severity="note", measure=float(gained),
                message=f"{label}: {gained} communities have other vertices than in the file, so "
                "that shared borders share every vertex",
            )
        )  # fmt: skip
    return findings


def _holes(
    geometries: Geometries, codes: list[str], heal_width: float, label: str
) -> list[Finding]:
    """Return a note for every enclosed piece of land that belongs to no community.

    Raises
    ------
    InputError
        A hole that is thin and long, which is no lake but a border drawn twice.
    """
    union = shapely.get_parts(shapely.coverage_union_all(geometries))
    rings = shapely.get_rings(union)
    # The outer ring of each polygon comes first.
    inner = np.concatenate([np.arange(n + 1) > 0 for n in shapely.get_num_interior_rings(union)])
    holes = shapely.polygons(rings[inner])
    if not len(holes):
        return []
    holes = holes[np.argsort(shapely.to_wkb(shapely.normalize(holes)), kind="stable")]
    width = width_of(holes)
    tree = shapely.STRtree(geometries)
    nearby = [np.sort(tree.query(hole, predicate="intersects")) for hole in holes]
    _stop_at(
        [
            f"gap of {_size(holes[h], width[h])} between {_names(nearby[h], codes)} "
            f"at {_at(holes[h])}"
            for h in np.flatnonzero(is_sliver(shapely.area(holes), width))
        ],
        heal_width,
        label,
    )
    return [
        Finding(
            kind="hole", severity="note", measure=round(float(shapely.area(hole)), 1),
            place=place_of(hole),
            message=f"{label}: {_size(hole, wide)} enclosed by {_names(near, codes)} belong to no "
            "community, in m2",
        )
        for hole, wide, near in zip(holes, width, nearby, strict=True)
    ]  # fmt: skip


def _stop_at(faults: list[str], heal_width: float, label: str) -> None:
    if not faults:
        return
    more = f"\n  … and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
    raise InputError(
        f"{label}: the communities do not fit together, {len(faults)} faults wider than "
        f"{heal_width:g} m:\n  " + "\n  ".join(faults[:_LISTED]) + more
        + "\nsettle them with gridcell repair, or heal wider ones",
        Hint("boundaries.heal_width"),
    )  # fmt: skip


def _size(shape: shapely.Geometry, width: float) -> str:
    area = float(shapely.area(shape))
    number = f"{area:,.0f}" if area >= 100 else f"{area:.3g}"
    return (
        f"{number} m2, {width:,.0f} m wide" if width >= 100 else f"{number} m2, {width:.3g} m wide"
    )


def _at(shape: shapely.Geometry) -> str:
    place = place_of(shape)
    return f"x {place.x:.1f}, y {place.y:.1f}"


def _names(rows: Ints, codes: list[str]) -> str:
    return _listed([codes[row] for row in rows])


def _listed(names: list[str]) -> str:
    if len(names) > 6:
        return f"{', '.join(names[:6])} and {len(names) - 6} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
