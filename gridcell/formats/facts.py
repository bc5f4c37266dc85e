"""The facts of a plan, taken out of the report that a file holds: checked once, at the door."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gridcell.errors import InputError
from gridcell.facts import RoleFigures, SitingFigures, StaffProof, TierFigures
from gridcell.model import (
    CoverageFigures,
    DivisionFigures,
    InputRecord,
    PublicationRecord,
    StaffFigures,
)
from gridcell.rules import Band
from gridcell.words.faults import fault_text, input_text
from gridcell.words.messages import Message


class _Stored(BaseModel):
    """A part of a report. What follows from cells and tables is not read, but made anew."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class _StoredCounts(_Stored):
    atoms: int | None = None


class _StoredHouseholds(_Stored):
    input: int | None = None
    estimated: bool | int = 0


class _StoredLevel(_Stored):
    bound: int | None = None
    band: Band | None = None
    wanted: int | None = None


class _StoredStaff(_Stored):
    people: int = 0
    posts: int | None = None
    without_post: int = 0
    kept: int = 0
    roles: dict[str, RoleFigures] = {}
    proof: StaffProof | None = None


class _StoredTier(_Stored):
    level: str | None
    goal: str
    within_m: float | None
    objective: float | None = None
    bound: float | None = None


class _StoredSiting(_Stored):
    candidates: str
    demand: str
    straight: bool
    tiers: dict[str, _StoredTier]


class _StoredPublication(_Stored):
    threshold: int
    households: int | None
    hidden: dict[str, int]
    hidden_pairs: int | None = None
    exposed: int
    after: str | None = None
    notes: dict[str, str]


class _StoredReport(_Stored):
    ok: bool = True
    version: str = ""
    inputs: list[InputRecord] = []
    counts: _StoredCounts = _StoredCounts()
    households: _StoredHouseholds = _StoredHouseholds()
    coverage: dict[str, CoverageFigures] = {}
    communities: dict[str, dict[Literal["small", "micro"], _StoredLevel]] = {}
    barrier_share: dict[Literal["small", "micro"], float | None] = {}
    staff: _StoredStaff | None = None
    siting: _StoredSiting | None = None
    seconds: dict[str, float] = {}
    publication: _StoredPublication | None = None


def read_facts(report: str, where: str) -> dict[str, Any]:
    """Return the facts that a report holds, by their names in `gridcell.model.Plan`.

    Parameters
    ----------
    report
        JSON, as any version of gridcell wrote it. What it does not hold is not known.
    where
        What it is called in messages.

    Raises
    ------
    InputError
        A fact of another kind: which one, what was found and expected.
    """
    try:
        stored = _StoredReport.model_validate_json(report)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = "".join(f"{step}." for step in first["loc"])[:-1]
        raise InputError(
            Message(
                "error.facts_damaged", where=": ".join(filter(None, (where, at))),
                fault=fault_text(first), got=input_text(first["input"]),
            )
        ) from None  # fmt: skip
    levels = dict(_levels(stored.communities))
    return {
        "inputs": tuple(stored.inputs),
        "bands": {at: level.band for at, level in levels.items() if level.band is not None},
        "estimated": int(stored.households.estimated) if stored.publication is None else 0,
        "coverage": stored.coverage,
        "staffing": _staffing(stored.staff),
        "siting": _siting(stored.siting),
        "division": DivisionFigures(
            version=stored.version,
            households=stored.households.input,
            atoms=stored.counts.atoms,
            bounds={at: level.bound for at, level in levels.items() if level.bound is not None},
            wanted={at: level.wanted for at, level in levels.items() if level.wanted is not None},
            barrier_share=_known(stored.barrier_share),
            seconds={name: time for name, time in stored.seconds.items() if name != "total"},
        ),
        "publication": _publication(stored),
    }


def _levels(
    communities: Mapping[str, Mapping[Literal["small", "micro"], _StoredLevel]],
) -> Iterator[tuple[tuple[str, str], _StoredLevel]]:
    for code, of_level in communities.items():
        for level, figures in of_level.items():
            # Without cells there is no bound to speak of.
            none = figures.band is None and not figures.bound
            yield (code, level), _StoredLevel(wanted=figures.wanted) if none else figures


def _known(shares: Mapping[Any, float | None]) -> dict[str, float]:
    return {level: share for level, share in shares.items() if share is not None}


def _staffing(staff: _StoredStaff | None) -> StaffFigures | None:
    if staff is None or staff.posts is None or staff.proof is None:
        return None
    return StaffFigures(
        people=staff.people, posts=staff.posts, without_post=staff.without_post, kept=staff.kept,
        roles=staff.roles, proof=staff.proof,
    )  # fmt: skip


def _siting(siting: _StoredSiting | None) -> SitingFigures | None:
    if siting is None:
        return None
    tiers = tuple(TierFigures(name=name, **t.model_dump()) for name, t in siting.tiers.items())
    return SitingFigures(
        candidates=siting.candidates, demand=siting.demand, straight=siting.straight, tiers=tiers
    )


def _publication(stored: _StoredReport) -> PublicationRecord | None:
    if stored.publication is None:
        return None
    return PublicationRecord(
        **stored.publication.model_dump(),
        ok=stored.ok,
        estimated=bool(stored.households.estimated),
    )
