"""What ``certificate.json`` holds, its proof included, as models: for its schema.

Certificates are read without a look at what they say of the proof, which is done anew and
compared; `gridcell.certificate.certify` and `gridcell.check` write it, and tests hold it against
these models.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from gridcell.certificate.record import Certificate


class _Figures(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Proof(_Figures):
    """What the proof of any coverage counts."""

    cells: int
    """Cells."""
    gaps: int
    """Gaps."""
    gap_m2: float
    """Their area."""
    overlaps: int
    """Overlaps."""
    overlap_m2: float
    """Their area."""
    outside: int
    """Pieces outside the land, or outside the cell around them."""
    outside_m2: float
    """Their area."""
    invalid: int
    """Invalid polygons."""
    edge_matched: bool
    """Whether neighbours, and the level above, share every vertex of their borders."""
    closed: bool
    """Whether the borders of the cells cancel to those of the land, but for rounding."""
    exact: bool
    """Whether land and cells share every vertex too, so that nothing was left to a tolerance."""
    areas_add_up: bool
    """Whether the areas of cells, of what was found and of the land agree."""


class LevelProof(_Proof):
    """The proof that a level of a plan covers its land."""


class ProvenHouseholds(_Figures):
    """Where the households are."""

    input: int | None
    """That the inputs hold."""
    assigned: int
    """In a leaf."""
    unassigned: int
    """Nowhere: listed with the reason."""


class PlanProof(_Figures):
    """The figures of a plan, found anew from its files."""

    ok: bool
    """Whether every proof holds."""
    levels: dict[Literal["large", "medium", "small", "leaves"], LevelProof]
    """The proof of each level."""
    households: ProvenHouseholds
    """Where the households are."""
    cut_buildings: int
    """Buildings that stand in several cells, of which none was to be divided."""
    broken_promises: dict[str, int]
    """Number of errors by kind of finding."""


class UnitNames(_Figures):
    """In which units areas and lengths are, whatever their names say."""

    area: str
    """m2, or square units of a layer without a CRS."""
    length: str
    """m, or units of a layer without a CRS."""


class LayerProof(_Proof):
    """The figures of a check of any polygon layer."""

    ok: bool
    """Whether there is no error."""
    levels: int
    """Levels of cells in the layer."""
    gap_width_m: float
    """Gaps narrower than this are slivers."""
    slivers: int
    """Of the gaps, the slivers."""
    holes: int
    """Holes that are wider: they may be meant."""
    hole_m2: float
    """Their area."""
    unmatched: int
    """Borders whose vertices differ from the neighbour's."""
    duplicates: int
    """Cells drawn twice."""
    multipart: int
    """Cells in several pieces."""
    units: UnitNames
    """In which units areas and lengths are, whatever their names say."""
    findings: dict[str, int]
    """Number of findings by kind."""


class CertificateFile(Certificate):
    """A certificate of a plan or of a layer."""

    proof: PlanProof | LayerProof  # type: ignore[assignment] # in the file, where it is plain data
    """The figures that were proven."""
