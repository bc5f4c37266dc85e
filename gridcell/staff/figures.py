"""What a report says about staff, and the notes that go with it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from gridcell.facts import RoleFigures, StaffProof
from gridcell.model import Finding, StaffFigures
from gridcell.rules import Role
from gridcell.staff.problem import MM, Bools, Filled, Ints
from gridcell.staff.roster import Roster
from gridcell.words.messages import Message, role_name


class Shortage(NamedTuple):
    """How many more people would fill the vacancies."""

    people: dict[str, int]
    """By role, those of which some are missing."""
    findings: list[Finding]


def shortage(posts: pd.DataFrame, missing: Ints, roles: Sequence[Role]) -> Shortage:
    """Return how many more people of which role would fill the vacant posts.

    Parameters
    ----------
    posts
        What `make_posts` returned.
    missing
        (posts,) holders missing.
    roles
        From ``rules.staffing``: each new person carries what their role allows, within one zone.
    """
    vacant = posts.assign(missing=missing)[missing > 0]
    people: dict[str, int] = {}
    findings = []
    for row, role in enumerate(roles):
        of_role = vacant[vacant["role_row"] == row]
        if of_role.empty:
            continue
        most = np.inf if role.max_households is None else role.max_households
        load = of_role["households"] * float(role.carries)
        too_much = load > most
        able = of_role[~too_much].assign(load=load[~too_much])
        number = sum(
            _newcomers(zone["load"].to_numpy(), zone["missing"].to_numpy(), role.max_cells, most)
            for _, zone in able.groupby("zone", sort=True)
        )
        people[role.name] = number
        lost = int(of_role.loc[too_much, "missing"].sum())
        told = {"role": role_name(role.name), "vacant": of_role["missing"].sum(), "n": number}
        said = (
            Message("finding.staff_missing_overfull", **told, lost=lost, most=most)
            if lost
            else Message("finding.staff_missing", **told)
        )
        findings.append(
            Finding(kind="staff_missing", severity="note", measure=float(number), text=said)
        )
    return Shortage(people, findings)


def _newcomers(
    load: "np.typing.NDArray[np.float64]", missing: Ints, cells: int, most: float
) -> int:
    """Return how many people carry these posts: heaviest first, each to the first who can."""
    if most == np.inf:
        return max(int(np.ceil(missing.sum() / cells)), int(missing.max(initial=0)))
    carried, held = np.zeros(int(missing.sum())), np.zeros(int(missing.sum()), dtype=np.int64)
    for post in np.argsort(-load, kind="stable"):
        room = (held < cells) & (carried + load[post] <= most)
        takers = np.flatnonzero(room)[: missing[post]]
        carried[takers] += load[post]
        held[takers] += 1
    return int((held > 0).sum())


def spare_findings(roster: Roster, roles: Sequence[Role], idle: Bools) -> list[Finding]:
    """Return a note for each community and role with people who hold nothing at all."""
    entries = roster.entries[idle[roster.entries["person"].to_numpy()]]
    community = roster.people["community"].to_numpy()[entries["person"]]
    names = np.array([role.name for role in roles], dtype=object)[entries["role_row"]]
    frame = pd.DataFrame({"community": community, "role": names, "row": entries["role_row"]})
    count = frame.groupby(["community", "row", "role"], sort=True).size()
    keys = count.index.to_frame(index=False)
    return [
        Finding(
            kind="staff_spare",
            severity="note",
            community=str(home),
            measure=float(number),
            text=Message("finding.staff_spare", community=home, n=number, role=role_name(role)),
        )
        for home, role, number in zip(keys["community"], keys["role"], count, strict=True)
    ]


def figures_of(
    *,
    people: int,
    roster: Roster,
    roles: Sequence[Role],
    posts: pd.DataFrame,
    idle: Bools,
    needed: dict[str, int],
    filled: Sequence[Filled],
    kept: int,
) -> StaffFigures:
    """Return what is known of an assignment beside who holds what.

    Parameters
    ----------
    people
        Rows of the roster.
    roster, roles, posts
        What the assignment was made of.
    idle
        (people of the roster who belong somewhere,) who holds nothing.
    needed
        By role, how many more people would fill the vacancies.
    filled
        What was solved, with its bounds.
    kept
        Posts whose holders stayed.
    """
    wanted = np.bincount(posts["role_row"], posts["wanted"], minlength=len(roles))
    bearers = np.bincount(roster.entries["role_row"], minlength=len(roles))
    return StaffFigures(
        people=people,
        posts=int(wanted.sum()),
        without_post=int(idle.sum()),
        kept=kept,
        roles={
            role.name: RoleFigures(
                people=int(bearers[row]),
                posts=int(wanted[row]),
                more_people=needed.get(role.name, 0),
            )
            for row, role in enumerate(roles)
            if wanted[row] or bearers[row]
        },
        proof=proof_of(filled, posts),
    )


def proof_of(filled: Sequence[Filled], posts: pd.DataFrame) -> StaffProof:
    """Return what was reached and what could be at best: in all, and by community."""
    rows = [
        {
            "zone": posts["zone"].iloc[int(group.post.min())] if len(group.post) else "",
            "filled": len(group.post), "most": group.most, "cost": group.cost, "bound": group.bound,
        }
        for group in filled
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["zone", "filled", "most", "cost", "bound"])
    frame["zone"] = frame["zone"].astype("str").str.split(" ", n=1).str[-1]
    sums = frame.groupby("zone", sort=True)[["filled", "most", "cost", "bound"]].sum()
    return _proof(
        frame[["filled", "most", "cost", "bound"]].sum(),
        {str(zone): _proof(row, {}) for zone, row in sums.iterrows()},
    )


def _proof(sums: "pd.Series[int]", communities: Mapping[str, StaffProof]) -> StaffProof:
    cost, bound = int(sums["cost"]), int(sums["bound"])
    return StaffProof(
        filled=int(sums["filled"]),
        most=int(sums["most"]),
        distance_m=round(cost / MM, 3),
        bound_m=round(bound / MM, 3),
        gap=round((cost - bound) / bound, 6) if bound else 0.0,
        communities=communities,
    )
