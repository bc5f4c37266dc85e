"""Cells, rules, a staff roster -> who holds which post, what is vacant and why, and the proof."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.errors import AssignmentError
from gridcell.model import Finding, StaffFigures
from gridcell.rules import SIX_CHIEFS_AND_TWO_MEMBERS, Role
from gridcell.schema import STAFF_COLUMNS, VACANCY_COLUMNS
from gridcell.staff.even import even_out
from gridcell.staff.figures import figures_of, shortage, spare_findings
from gridcell.staff.keep import keep_pairs
from gridcell.staff.posts import make_posts
from gridcell.staff.problem import NO_LIMIT, Ints, OnFoot, Problem
from gridcell.staff.roster import Roster, exclusions, read_roster
from gridcell.staff.solve import fill_posts
from gridcell.streets import WalkingNetwork, street_findings
from gridcell.words.messages import Message

NOBODY = "nobody eligible"
CAPACITY = "capacity"
"""Why a post is vacant: nobody in its zone bears the role, or all who do have enough."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Assignment:
    """Who holds which post, and how good that is."""

    staff: pd.DataFrame
    """`schema.STAFF_COLUMNS` by staff, role and code; ``distance_m`` NaN without a home, or a way
    from there."""
    vacancies: pd.DataFrame
    """`schema.VACANCY_COLUMNS`, by role and code."""
    findings: list[Finding]
    figures: StaffFigures | None
    """What else is known of it; ``None`` without a roster."""


@checked
def assign_staff(
    medium: gpd.GeoDataFrame,
    small: gpd.GeoDataFrame,
    micro: gpd.GeoDataFrame,
    staff: pd.DataFrame,
    *,
    homes: NDArray[np.float64],
    roles: Sequence[Role] = SIX_CHIEFS_AND_TWO_MEMBERS,
    keep: pd.DataFrame | None = None,
    network: WalkingNetwork | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    """Return who holds which post, the posts that nobody holds, and what was found.

    As many posts are filled as can be, within every limit; of all ways to do so one with the least
    sum of distances from home to the cell's representative point; of these one in which workloads
    are even: it matters more who holds a third post than who holds a second.

    Parameters
    ----------
    medium, small, micro
        Cells with ``code``, ``community``, ``grid_type`` and ``households``, in one metric CRS;
        `medium` with ``parent`` where a role serves or spans large cells.
    staff
        ``staff_id``, ``roles`` (separated by ``;``), ``community``, ``max_cells`` (posts of all
        roles together), ``max_households``. Whoever names no community belongs to the one around
        the home.
    homes
        (staff, 2) where each lives, in the cells' CRS; NaN where unknown: who has no home takes
        what is left by those who have one.
    roles
        From ``rules.staffing``.
    keep
        A staff table: who is in it stays in office, as far as the roster, the roles and the limits
        still allow it. Only the other posts are assigned.
    network
        Streets along which distances are told; by default they are as the crow flies. To a cell
        goes the way to its representative point.

    Returns
    -------
    tuple
        `Assignment.staff`, `Assignment.vacancies`, `Assignment.findings`.

    Raises
    ------
    AssignmentError
        Homes that do not match the staff.

    Examples
    --------
    `layers` and `plan` are those of the examples of `read_layers` and `make_plan`.

    >>> import gridcell
    >>> homes = gridcell.staff.homes_of(layers.staff, plan.buildings)
    >>> staff, vacancies, findings = gridcell.assign_staff(
    ...     plan.medium, plan.small, plan.micro, layers.staff, homes=homes
    ... )
    >>> staff.loc[staff["role"] == "community_chief", "code"].tolist()
    ['450899001001']
    """
    done = make_assignment(
        medium, small, micro, staff, homes=homes, roles=roles, keep=keep, network=network
    )
    return done.staff, done.vacancies, done.findings


def make_assignment(
    medium: gpd.GeoDataFrame,
    small: gpd.GeoDataFrame,
    micro: gpd.GeoDataFrame,
    staff: pd.DataFrame,
    *,
    homes: NDArray[np.float64],
    roles: Sequence[Role] = SIX_CHIEFS_AND_TWO_MEMBERS,
    keep: pd.DataFrame | None = None,
    network: WalkingNetwork | None = None,
) -> Assignment:
    """Return what `assign_staff` returns, with the figures and bounds that prove it.

    Parameters, errors and order are those of `assign_staff`.
    """
    if homes.shape != (len(staff), 2):
        raise AssignmentError(
            Message("error.homes_shape", people=len(staff), found=str(homes.shape))
        )
    roster = read_roster(staff, homes, medium, roles)
    posts = make_posts(medium, small, micro, roles=roles, named=roster.named)
    problem, entry_row = _problem(roster, posts, roles, network)
    entries = roster.entries.iloc[entry_row].reset_index(drop=True)

    kept = keep_pairs(problem, entries, posts, roster.people["staff_id"], keep)
    rest = problem.remaining(*kept)
    filled = fill_posts(rest)
    held = np.bincount(problem.entry_person[kept[0]], minlength=len(problem.person_cells))
    entry, post = (
        np.concatenate(both) for both in zip(kept, even_out(rest, filled, held), strict=True)
    )
    missing = problem.post_wanted - np.bincount(post, minlength=len(posts))
    more = _join_everyone(problem, roles, entry, post)
    entry, post = np.append(entry, more[0]), np.append(post, more[1])

    table = _staff_table(roster, problem, posts, entry, post)
    vacancies = _vacancies(problem, posts, missing)
    idle = np.ones(len(roster.people), dtype=bool)
    idle[problem.entry_person[entry]] = False
    needed = shortage(posts, missing, roles)
    return Assignment(
        staff=table,
        vacancies=vacancies,
        findings=[
            *roster.findings, *spare_findings(roster, roles, idle), *needed.findings,
            *_way_findings(table, problem, entry),
        ],
        figures=figures_of(
            people=len(staff), roster=roster, roles=roles, posts=posts,
            idle=idle, needed=needed.people, filled=filled, kept=len(kept[0]),
        ),
    )  # fmt: skip


def _problem(
    roster: Roster, posts: pd.DataFrame, roles: Sequence[Role], network: WalkingNetwork | None
) -> tuple[Problem, Ints]:
    """Return the problem, and which entries of the roster have a post in their zone at all."""
    people, entries = roster.people, roster.entries
    person, role = (entries[name].to_numpy() for name in ("person", "role_row"))
    large = np.array([r.level == "large" or r.within == "large" for r in roles], dtype=bool)[role]
    zone = np.where(
        large,
        ("large " + people["large"].astype(object)).to_numpy()[person],
        ("community " + people["community"].astype(object)).to_numpy()[person],
    )
    blocks = pd.MultiIndex.from_frame(posts[["role_row", "zone"]]).unique()
    block = blocks.get_indexer(pd.MultiIndex.from_arrays([role, zone]))
    row = np.flatnonzero(block >= 0)
    carries = np.array([r.carries for r in roles], dtype=bool)
    most = [np.inf if r.max_households is None else float(r.max_households) for r in roles]
    cells = np.array([r.max_cells for r in roles], dtype=np.int64)
    post_role = posts["role_row"].to_numpy()
    homes = people[["x", "y"]].to_numpy(dtype=np.float64)
    places = posts[["x", "y"]].to_numpy(dtype=np.float64)
    problem = Problem(
        person_cells=np.minimum(people["max_cells"].to_numpy(), NO_LIMIT).astype(np.int64),
        person_load=people["max_households"].to_numpy(dtype=np.float64),
        person_xy=homes,
        entry_person=person[row],
        entry_role=role[row],
        entry_block=block[row].astype(np.int64),
        entry_cells=cells[role[row]],
        entry_load=np.array(most, dtype=np.float64)[role[row]],
        post_block=blocks.get_indexer(pd.MultiIndex.from_frame(posts[["role_row", "zone"]])).astype(
            np.int64
        ),
        post_wanted=posts["wanted"].to_numpy(),
        post_load=np.where(carries[post_role], posts["households"].to_numpy(), 0.0),
        post_xy=places,
        apart=exclusions(roles),
        barred=np.empty((0, 2), dtype=np.int64),
        on_foot=None if network is None else OnFoot(
            network=network, homes=network.join(homes), posts=network.join(places)
        ),
    )  # fmt: skip
    return problem, row


def _join_everyone(
    problem: Problem, roles: Sequence[Role], entry: Ints, post: Ints
) -> tuple[Ints, Ints]:
    """Return further pairs: who bears a role in which everybody serves, beyond what is wanted."""
    added_entry, added_post = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    for number, role in enumerate(roles):
        if not role.everyone:
            continue
        left = problem.remaining(np.append(entry, added_entry), np.append(post, added_post))
        free = np.flatnonzero(
            (problem.entry_role == number) & (left.entry_cells > 0)
            & (left.person_cells[problem.entry_person] > 0)
        )  # fmt: skip
        # Such a role has one post in a zone, see `Role`.
        order = np.argsort(problem.post_block, kind="stable")
        first = np.searchsorted(problem.post_block[order], problem.entry_block[free])
        where = order[first]
        load = problem.post_load[where]
        able = load <= np.minimum(
            left.person_load[problem.entry_person[free]], left.entry_load[free]
        )
        added_entry = np.append(added_entry, free[able])
        added_post = np.append(added_post, where[able])
    return added_entry, added_post


def _staff_table(
    roster: Roster, problem: Problem, posts: pd.DataFrame, entry: Ints, post: Ints
) -> pd.DataFrame:
    person = problem.entry_person[entry]
    table = pd.DataFrame(
        {
            "staff_id": roster.people["staff_id"].to_numpy()[person],
            "role": posts["role"].to_numpy()[post],
            "code": posts["code"].to_numpy()[post],
            "distance_m": np.round(problem.metres_of(person, post), 3),
        }
    )
    table = table.astype({name: "str" for name in STAFF_COLUMNS if name != "distance_m"})
    return table.sort_values(["staff_id", "role", "code"], ignore_index=True)


def _way_findings(table: pd.DataFrame, problem: Problem, entry: Ints) -> Iterator[Finding]:
    """Yield what is to be known of the streets, and how many posts have no way from home."""
    if problem.on_foot is None:
        return
    yield from street_findings(problem.on_foot.network)
    homeless = np.isnan(problem.person_xy[problem.entry_person[entry]]).any(axis=1).sum()
    lost = int(table["distance_m"].isna().sum() - homeless)
    if lost:
        yield Finding(
            kind="staff_no_way", severity="warning", measure=float(lost),
            text=Message("finding.staff_no_way", n=lost),
        )  # fmt: skip


def _vacancies(problem: Problem, posts: pd.DataFrame, missing: Ints) -> pd.DataFrame:
    vacant = np.flatnonzero(missing > 0)
    anybody = np.isin(problem.post_block[vacant], problem.entry_block)
    table = posts[["role", "code"]].iloc[vacant].assign(
        missing=missing[vacant], reason=np.where(anybody, CAPACITY, NOBODY).astype(object)
    )  # fmt: skip
    table = table.astype({"role": "str", "code": "str", "missing": "int64", "reason": "str"})
    return table.sort_values(["role", "code"], ignore_index=True)[list(VACANCY_COLUMNS)]
