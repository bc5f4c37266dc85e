"""Service points of a plan: each serves what the table of services says, and that is everybody."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridcell.check.promises.faults import fault, find_rows, numbers, text, texts
from gridcell.model import Finding, Plan
from gridcell.words.messages import Message


def check_points(plan: Plan) -> Iterator[Finding]:
    """Yield what is wrong with service points and services.

    Kinds: ``wrong_point`` (a point in another cell than it says, or with other sums), and
    ``wrong_service`` (a building that a tier serves not once, or by a point that is not its own).
    """
    if plan.siting is None:
        return
    yield from _places(plan)
    yield from _sums(plan)
    yield from _services(plan)


def _places(plan: Plan) -> Iterator[Finding]:
    points = plan.points
    row = find_rows(points["code"], plan.leaves["code"])
    known = points["code"].notna().to_numpy()
    wrong = known & (row < 0)
    there = np.flatnonzero(row >= 0)
    shapes = plan.leaves.geometry.to_numpy()[row[there]]
    # A millimetre: coordinates of a file are no more exact.
    away = points.geometry.to_numpy()[there]
    wrong[there] |= np.array([a.distance(b) for a, b in zip(away, shapes, strict=True)]) > 1e-3
    community = np.append(texts(plan.leaves["community"]), "")[row]
    wrong |= known & (row >= 0) & (texts(points["community"]) != community)
    for k in np.flatnonzero(wrong):
        said = Message("finding.point_other_cell", point=text(points["point_id"].iloc[k]) or "-")
        yield fault("wrong_point", said, cell=text(points["code"].iloc[k]),
                    piece=points.geometry.iloc[k])  # fmt: skip


def _sums(plan: Plan) -> Iterator[Finding]:
    points, served = plan.points, plan.served
    held = served.assign(households=pd.to_numeric(served["households"]))
    total = held.groupby("point_id")["households"].agg(["sum", "size"])
    total = total.reindex(points["point_id"]).fillna(0)
    wrong = (numbers(points["households"]) != numbers(total["sum"])) | (
        numbers(points["buildings"]) != numbers(total["size"])
    )
    wrong |= points["point_id"].duplicated().to_numpy()
    for k in np.flatnonzero(wrong):
        said = Message("finding.point_sums", point=text(points["point_id"].iloc[k]) or "-")
        yield fault("wrong_point", said, piece=points.geometry.iloc[k])


def _services(plan: Plan) -> Iterator[Finding]:
    assert plan.siting is not None  # noqa: S101
    points, served = plan.points, plan.served
    tier_of = dict(zip(points["point_id"], points["tier"], strict=True))
    named = served["point_id"].notna()
    wrong = named & (served["point_id"].map(tier_of) != served["tier"])
    wrong |= ~served["tier"].isin([tier.name for tier in plan.siting.tiers])
    wrong |= served.duplicated(["tier", "bldg_id"])
    wrong |= ~served["bldg_id"].isin(plan.buildings["bldg_id"])
    metres = served["distance_m"].to_numpy(dtype=np.float64)
    wrong |= named.to_numpy() != (metres >= 0)
    for bldg_id, tier in served.loc[wrong.to_numpy(), ["bldg_id", "tier"]].itertuples(index=False):
        said = Message(
            "finding.wrong_service", building=text(bldg_id) or "-", tier=text(tier) or "-"
        )
        yield fault("wrong_service", said)
    if plan.siting.demand != "households":
        return
    held = pd.to_numeric(plan.buildings["households"]).fillna(0)
    lost = plan.buildings["code"].isna()
    total = held[~lost].groupby(plan.buildings.loc[~lost, "bldg_id"]).sum()
    total = total[total > 0]
    for tier in plan.siting.tiers:
        own = served[served["tier"] == tier.name].drop_duplicates("bldg_id").set_index("bldg_id")
        told = pd.to_numeric(own["households"]).reindex(total.index)
        for bldg_id in total.index[(told != total).to_numpy()]:
            said = Message("finding.wrong_service", building=str(bldg_id), tier=tier.name)
            yield fault("wrong_service", said)
