"""What is known of a plan beside its cells and tables, as small typed records."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gridcell.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRecord:
    """Where a layer came from, for the report."""

    role: str
    """Which input it is: ``communities``, ``buildings``, ``barriers`` …"""
    path: str
    """File name without folders."""
    layer: str | None
    rows: int
    encoding: str | None
    crs: str | None
    """CRS of the file, as ``EPSG:4547`` or its name."""
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DivisionFigures:
    """What was known when the land was divided, and no cell or table tells."""

    version: str = __version__
    """Of gridcell."""
    households: int | None = None
    """That the inputs hold: what is in no cell has to be listed as unassigned."""
    atoms: int | None = None
    """Pieces of land that were never divided."""
    bounds: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By community and level (``small``, ``micro``), how many cells could be in their band."""
    wanted: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Likewise, the number of cells that the inputs want, where there have been as many since it is
    wanted, or cells were drawn by hand: it does not count as a new wish again."""
    barrier_share: Mapping[str, float] = field(default_factory=dict)
    """By level, the share of borders between cells of one community that is on barriers."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """By stage: the only figures that differ from run to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageFigures:
    """What the proof of one level came to; areas are rounded to 1 mm2."""

    gaps: int
    gap_m2: float
    overlaps: int
    overlap_m2: float
    edge_matched: bool
    """Whether neighbours, and the level above, share every vertex of their borders."""

    @property
    def holds(self) -> bool:
        """Whether there is nothing to object."""
        return self.gaps == 0 and self.overlaps == 0 and self.edge_matched


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFigures:
    """The people and posts of one role."""

    people: int
    """Who have it."""
    posts: int
    """That cells ask for."""
    more_people: int
    """Who would fill the vacancies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffProof:
    """What an assignment reached, and what could be at best."""

    filled: int
    """Of the posts that were open."""
    most: int
    """That could be filled."""
    distance_m: float
    """From home, in all; an unknown home counts as a metre farther than all others."""
    bound_m: float
    """No assignment that fills as many posts comes below."""
    gap: float
    """Share of the bound by which the distance is above it."""
    communities: Mapping[str, "StaffProof"] = field(default_factory=dict)
    """The same by community; groups that span several are listed under the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffFigures:
    """What is known of an assignment beside who holds which post and what is vacant."""

    people: int
    """On the roster."""
    posts: int
    """That cells ask for."""
    without_post: int
    """People who hold none."""
    kept: int
    """Posts whose holders stayed."""
    roles: Mapping[str, RoleFigures]
    proof: StaffProof


@dataclass(frozen=True, slots=True, kw_only=True)
class TierFigures:
    """How the points of one tier were chosen."""

    name: str
    level: str | None
    """Each of them serves a cell of this level; ``None`` where that is the whole plan."""
    goal: str
    """``median``, ``cover``, ``fewest`` or ``centre``."""
    within_m: float | None
    """How far a point should be at most."""
    objective: float | None = None
    """Of the goal: household-metres, households, points, metres; ``None`` after other changes."""
    bound: float | None = None
    """Nothing better is possible than this."""

    @property
    def gap(self) -> float | None:
        """By which share of the objective it could be better at most."""
        if self.objective is None or self.bound is None:
            return None
        away = abs(self.objective - self.bound)
        if away <= 1e-9 * max(1.0, abs(self.objective)):
            return 0.0
        # Where nobody is reached yet, all of the bound may be.
        return away / abs(self.objective or self.bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class SitingFigures:
    """What is known of service points beside where they are and whom they serve."""

    candidates: str
    """``buildings``, ``sites``, ``cells`` or the name of a file."""
    demand: str
    """``households`` or the name of a file."""
    straight: bool
    """Whether distances are as the crow flies, for want of roads."""
    tiers: tuple[TierFigures, ...]
    """The finest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationRecord:
    """What a plan to publish tells of the whole: what was hidden, and nothing that was counted."""

    threshold: int
    """Fewest households that are told."""
    households: int | None
    """Of all cells; ``None`` where hidden."""
    hidden: Mapping[str, int]
    """By level, the cells whose households are hidden."""
    hidden_pairs: int | None = None
    """Pieces shared with an earlier publication with hidden households; ``None`` without one."""
    exposed: int = 0
    """Hidden counts that follow from what was published before, whatever is hidden now."""
    after: str | None = None
    """Digest of what was published before it."""
    notes: Mapping[str, str]
    """What published files say of themselves, by language."""
    ok: bool = True
    """Whether the plan keeps its promises."""
    estimated: bool = False
    """Whether its households are estimates."""
    persons: bool = False
    """Whether persons stand where households would."""

    def as_dict(self) -> dict[str, Any]:
        """Return what was hidden as plain data for JSON."""
        pairs = {} if self.hidden_pairs is None else {"hidden_pairs": self.hidden_pairs}
        after = {} if self.after is None else {"after": self.after}
        return {
            "threshold": self.threshold,
            "households": self.households,
            "hidden": dict(self.hidden),
            **pairs,
            "exposed": self.exposed,
            **after,
            "notes": dict(self.notes),
        }
