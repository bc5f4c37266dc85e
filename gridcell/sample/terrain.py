"""The ground a town stands on: its outline, its river, how dense it is and how its streets bend."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon

Floats = NDArray[np.float64]

FIELDS = 0.22
"""Less urban places are villages between fields, without arterials of their own."""
DENSITY = np.array([[0.0, 8.0], [FIELDS, 9.0], [0.3, 37.0], [0.6, 48.0], [1.0, 72.0]])
"""Urbanity and the households per hectare that a town holds there, streets and parks included."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Terrain:
    """Where the town is, in flat coordinates that `bend` turns into the final ones.

    Streets are laid out straight on flat ground. Bending the finished net gives curves and local
    directions without ever breaking a junction.
    """

    outline: Polygon
    river: LineString
    """Centre line, from west to east across the outline and beyond."""
    river_width_m: float
    green_width_m: float
    """Embankment between the water and the riverside road, on each side."""
    radius_m: float
    south_urbanity: float
    """How much less urban the south bank is: a factor."""
    waves: Floats
    """(waves, 5) of bending: wave number x, y, phase, displacement x, y."""
    patches: Floats
    """(waves, 3) of the noise that makes quarters differ: wave number x, y, phase."""
    rotation: float
    """Of the whole town, radians."""

    def bend(self, xy: Floats) -> Floats:
        """Return flat coordinates of shape (n, 2) bent, in metres."""
        angle = xy @ self.waves[:, :2].T + self.waves[:, 2]
        moved = xy + np.sin(angle) @ self.waves[:, 3:]
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        bent: Floats = moved @ np.array([[cos, sin], [-sin, cos]])
        return bent

    def patch(self, xy: Floats) -> Floats:
        """Return smooth noise at flat coordinates of shape (n, 2), about -1 to 1."""
        waves = np.sin(xy @ self.patches[:, :2].T + self.patches[:, 2])
        noise: Floats = waves.sum(axis=1) / np.sqrt(len(self.patches))
        return noise

    def urbanity(self, xy: Floats) -> Floats:
        """Return how urban the places (n, 2) are: 1 in the centre, 0 among the fields."""
        r = np.hypot(xy[:, 0] / 1.15, xy[:, 1] / 0.9) / self.radius_m
        urban = np.clip((1.12 - r) / 0.5 + 0.18 * self.patch(xy), 0.0, 1.0)
        south = xy[:, 1] < np.interp(xy[:, 0], *np.asarray(self.river.coords).T)
        return urban * np.where(south, self.south_urbanity, 1.0)

    @property
    def corridor(self) -> Polygon:
        """The river with its embankments."""
        width = self.river_width_m / 2 + self.green_width_m
        corridor = self.river.buffer(width, cap_style="flat", join_style="round")
        assert isinstance(corridor, Polygon)  # noqa: S101
        return corridor


def density(urbanity: Floats) -> Floats:
    """Return households per hectare that a town holds where it is so urban."""
    return np.asarray(np.interp(urbanity, *DENSITY.T))


def make_terrain(
    *, households: int, north_share: float, south_urbanity: float, rng: np.random.Generator
) -> Terrain:
    """Return ground for so many households, the river placed to leave `north_share` north of it."""
    theta = 2 * np.pi * (np.arange(44) + rng.uniform(-0.35, 0.35, 44)) / 44
    wobble = sum(
        rng.uniform(0.0, 0.16) / k * np.sin(k * theta + rng.uniform(0, 2 * np.pi))
        for k in range(2, 8)
    ) + rng.uniform(-0.035, 0.035, len(theta))
    rim = np.column_stack([1.15 * np.cos(theta), 0.9 * np.sin(theta)]) * (1.0 + wobble)[:, None]
    bends = rng.uniform([0.05, 0.02, 0.01], [0.11, 0.05, 0.02])
    phases = rng.uniform(0, 2 * np.pi, 3)
    x = np.linspace(-1.75, 1.75, 181)
    shape = sum(
        a * np.sin(f * x + p) for a, f, p in zip(bends, (2.6, 5.3, 9.1), phases, strict=True)
    )
    patches = np.column_stack([rng.normal(0, 4.0, (6, 2)), rng.uniform(0, 2 * np.pi, 6)])
    waves = _bending(rng)
    rotation = np.radians(rng.uniform(-9, 9))
    unit = Polygon(rim)
    probe = points_inside(unit, rng.uniform(-1.7, 1.7, (12_000, 2)))

    def ground(level: float, radius: float) -> Terrain:
        width = float(np.clip(0.05 * radius, 6.0, 150.0))
        turn = np.array([radius, radius, 1.0])
        return Terrain(
            outline=Polygon(rim * radius),
            river=LineString(np.column_stack([x, shape + level]) * radius),
            river_width_m=width,
            green_width_m=0.25 * width + 4.0,
            radius_m=radius,
            south_urbanity=south_urbanity,
            waves=waves / np.append(turn, [1 / radius, 1 / radius]),
            patches=patches / turn,
            rotation=rotation,
        )

    low, high = -1.2, 1.2
    for _ in range(30):
        level = (low + high) / 2
        weights = density(ground(level, 1.0).urbanity(probe))
        north = probe[:, 1] > np.interp(probe[:, 0], x, shape + level)
        if weights[north].sum() > north_share * weights.sum():
            low = level
        else:
            high = level
    per_hectare = float(density(ground(level, 1.0).urbanity(probe)).mean())
    radius = np.sqrt(households / per_hectare * 10_000.0 / unit.area)
    return ground(level, float(radius))


def _bending(rng: np.random.Generator) -> Floats:
    """Waves for a town of radius 1: gradients stay well below 1, so that nothing folds over."""
    length = np.linspace(0.7, 2.2, 6)
    turn = rng.uniform(0, 2 * np.pi, 6)
    number = (2 * np.pi / length)[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    push = rng.uniform(0, 2 * np.pi, 6)
    shift = 0.016 * length[:, None] * np.column_stack([np.cos(push), np.sin(push)])
    return np.column_stack([number, rng.uniform(0, 2 * np.pi, 6), shift])


def points_inside(polygon: Polygon, points: Floats) -> Floats:
    """Return those of the points (n, 2) that lie in the polygon."""
    shapely.prepare(polygon)
    return points[shapely.contains_xy(polygon, points[:, 0], points[:, 1])]
