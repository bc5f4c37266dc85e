"""Unions of the parts of a coverage."""

import numpy as np
import shapely
from shapely import Polygon, box

from gridcell.coverage.dissolve import dissolve

ROUNDING = Polygon([
    (356490.72, 2556295.327), (356500.5700029399, 2556294.0021799584),
    (356500.839, 2556293.966),
])  # fmt: skip
"""A valid face 2e-12 m wide, for which GEOS has no union (years.py, 426)."""


def test_a_face_that_is_rounding_stops_no_union():
    halves = [box(356480, 2556300, 356490, 2556310), box(356490, 2556300, 356500, 2556310)]
    for faces in ([ROUNDING], [ROUNDING, *halves]):
        whole = dissolve(np.array(faces, dtype=object), np.zeros(len(faces), dtype=np.int64), 1)
        assert shapely.is_valid(whole).all()
        assert np.isclose(shapely.area(whole)[0], shapely.area(faces).sum(), rtol=1e-9)
