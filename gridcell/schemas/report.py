"""What ``report.json`` holds, as models: a reference for readers, and its schema.

`gridcell.report.make_report` writes it; tests hold what plans report against these models.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from gridcell.certificate.record import CertifiedInput
from gridcell.rules import Band, Rules


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CellCounts(_Part):
    """How many cells there are."""

    large: int
    """Cells of level 1."""
    medium: int
    """Cells of level 2, the communities."""
    small_general: int
    """General cells of level 3."""
    small_dedicated: int
    """Dedicated cells of level 3."""
    micro: int
    """Cells of level 4."""


class Counts(_Part):
    """What was counted."""

    cells: CellCounts
    """How many cells there are."""
    communities: int
    """Communities."""
    buildings: int
    """Buildings; 0 where atoms were given instead."""
    atoms: int | None
    """Pieces of land that were never divided."""
    households: int
    """Households that the inputs hold."""


class HouseholdFigures(_Part):
    """Where the households are."""

    input: int
    """That the inputs hold."""
    assigned: int
    """In a leaf."""
    unassigned: int
    """Nowhere: listed with the reason in the table ``households``."""
    estimated: int
    """That are estimates."""


class LevelCoverage(_Part):
    """The proof that a level covers its land."""

    gaps: int
    """Gaps."""
    gap_m2: float
    """Their area."""
    overlaps: int
    """Overlaps."""
    overlap_m2: float
    """Their area."""
    edge_matched: bool
    """Whether neighbours, and the level above, share every vertex of their borders."""


class BalanceFigures(_Part):
    """How near the general cells of a level are to the target of their community."""

    cells: int
    """General cells."""
    in_band: int
    """Those in their band."""
    mean_abs_dev: float | None
    """Mean absolute deviation, relative to the target; null where a target is not known."""
    max_abs_dev: float | None
    """Greatest absolute deviation, relative to the target."""


class BandFigures(_Part):
    """How many cells of a community are in their band, and how many could be."""

    cells: int
    """General cells."""
    in_band: int
    """Those in their band."""
    bound: int
    """No division into as many connected cells has more of them in the band."""
    band: Band | None
    """The band."""
    wanted: int | None = None
    """Number of cells that the inputs want and that was met, now or before; absent without one."""


class CommunityFigures(_Part):
    """The general cells of a community."""

    small: BandFigures
    """Of level 3."""
    micro: BandFigures
    """Of level 4."""


class LevelsOf(_Part):
    """A figure of small and of micro cells."""

    small: float | None
    """Of level 3."""
    micro: float | None
    """Of level 4."""


class Balances(_Part):
    """How near cells are to their targets."""

    small: BalanceFigures
    """Of level 3."""
    micro: BalanceFigures
    """Of level 4."""


class BorderShape(_Part):
    """How the borders of general cells look."""

    vertices: float | None
    """Median number of vertices on borders with other general cells of the community."""
    below_02: int
    """Cells with a Polsby-Popper ratio under 0.2."""
    necks: int
    """Cells that are narrower than 5 m somewhere in the middle."""
    holes: int
    """Cells with another general cell in a hole."""
    concave: int
    """Cells with less than 0.8 of the area of their convex hull."""
    tails: float | None
    """Share of their area that is narrower than 20 m."""


class BorderShapes(_Part):
    """How borders look."""

    small: BorderShape
    """Of level 3."""
    micro: BorderShape
    """Of level 4."""


class RoleCounts(_Part):
    """The people and posts of a role."""

    people: int
    """Who bear it."""
    posts: int
    """That cells ask for."""
    held: int
    """That are held."""
    vacant: int
    """That are vacant."""
    more_people: int
    """How many more would fill the vacancies."""


class Distances(_Part):
    """From home to the cell, in metres."""

    mean: float | None
    """Mean; null where no distance is known."""
    max: float | None
    """Greatest."""


class Reached(_Part):
    """What an assignment reached, and what could be at best."""

    filled: int
    """Posts that were filled, of those that were open."""
    most: int
    """That could be filled."""
    distance_m: float
    """Sum of distances."""
    bound_m: float
    """No assignment that fills as many posts has a lower sum."""
    gap: float
    """Share of the bound by which the sum is above it."""


class StaffingProof(Reached):
    """The same for all, and by community."""

    communities: dict[str, Reached]
    """By the code of the community."""


class StaffReport(_Part):
    """Posts and people; without a roster the first three alone."""

    people: int
    """On the roster."""
    posts_filled: int
    """Posts that are held."""
    vacancies: int
    """Posts that are vacant."""
    posts: int | None = None
    """That cells ask for."""
    without_post: int | None = None
    """People who hold none."""
    kept: int | None = None
    """Posts whose holders stayed."""
    roles: dict[str, RoleCounts] | None = None
    """By the name of the role."""
    distance_m: Distances | None = None
    """From home to the cell."""
    proof: StaffingProof | None = None
    """How good the assignment is."""


class TierReport(_Part):
    """The service points of a tier."""

    level: str | None
    """Each of them serves a cell of this level; null where that is the whole plan."""
    goal: str
    """median, cover, fewest or centre."""
    within_m: float | None
    """How far a point should be at most, in metres."""
    points: int
    """Service points."""
    households: int
    """Households that they serve."""
    beyond: int
    """Households that are farther away."""
    mean_m: float | None
    """Mean way on foot, in metres."""
    max_m: float | None
    """Longest way on foot, in metres."""
    objective: float | None
    """Value of the goal."""
    bound: float | None
    """Nothing better is possible than this."""
    gap: float | None
    """By which share of the objective it could be better at most."""


class SitingReport(_Part):
    """The service points."""

    candidates: str
    """buildings, sites, cells, or the name of a file."""
    demand: str
    """households, or the name of a file."""
    straight: bool
    """Whether distances are as the crow flies, for want of roads."""
    tiers: dict[str, TierReport]
    """By the name of the tier."""


class LoadReport(_Part):
    """What bands count in place of households."""

    expression: str
    """How loads are counted: `load` of the rules."""
    assigned: float
    """The sum of all loads."""


class ReportFile(_Part):
    """The report of a plan: everything but ``seconds`` is the same for the same input."""

    ok: bool
    """Whether every proof holds."""
    version: str
    """Of gridcell."""
    crs: str
    """The metric CRS of the plan, as ``EPSG:4546`` or its name."""
    inputs: list[CertifiedInput]
    """What the plan was made of."""
    rules: Rules
    """The settings."""
    counts: Counts
    """What was counted."""
    households: HouseholdFigures
    """Where the households are."""
    coverage: dict[Literal["large", "medium", "small", "leaves"], LevelCoverage]
    """The proof of each level."""
    load: LoadReport | None = None
    """What bands count in place of households, where the rules say so."""
    multipart_cells: int
    """Small and micro cells in several pieces."""
    balance: Balances
    """How near cells are to their targets."""
    communities: dict[str, CommunityFigures]
    """By the code of the community, how many cells are in their band and how many could be."""
    compactness: LevelsOf
    """Mean Polsby-Popper ratio."""
    borders: BorderShapes
    """How borders look."""
    barrier_share: LevelsOf
    """Share of the borders between cells of a community that is on barriers."""
    cut_buildings: int
    """Buildings that stand in several cells, of which none was to be divided."""
    staff: StaffReport
    """Posts and people."""
    siting: SitingReport | None = None
    """Service points, where the plan has them."""
    findings: dict[str, int]
    """Number of findings by kind."""
    seconds: dict[str, float]
    """By stage of the work, and ``total``: the only figures that differ from run to run."""


class BandOnly(_Part):
    """The band of the cells of a community."""

    band: Band
    """The band."""


class EstimatedOnly(_Part):
    """What a publication tells of all households."""

    estimated: bool
    """Whether they are estimates."""


class PublicationFigures(_Part):
    """What was suppressed."""

    threshold: int
    """Fewest households that are told."""
    households: int | None
    """Of all cells; null where suppressed."""
    hidden: dict[str, int]
    """By level, the cells whose households are suppressed."""
    hidden_pairs: int | None = None
    """Pieces shared with an earlier publication whose households are suppressed."""
    exposed: int
    """Suppressed counts that follow from what was published before."""
    after: str | None = None
    """Digest of the publication before it."""
    notes: dict[str, str]
    """What published files say of themselves, by language."""


class PublishedReportFile(_Part):
    """The report of a plan to publish: proofs and bands, and nothing that was counted."""

    ok: bool
    """Whether every proof holds."""
    version: str
    """Of gridcell."""
    coverage: dict[str, LevelCoverage]
    """The proof of each level."""
    communities: dict[str, dict[str, BandOnly]]
    """Bands by the code of the community and level."""
    households: EstimatedOnly
    """What is told of all households."""
    publication: PublicationFigures
    """What was suppressed."""
