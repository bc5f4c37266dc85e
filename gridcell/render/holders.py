"""Who holds the posts of cells, as maps and sheets tell it."""

import pandas as pd

from gridcell.model import Plan
from gridcell.read.files import Input
from gridcell.staff.workbook import make_roster


def post_table(plan: Plan, contacts: Input | None) -> pd.DataFrame:
    """Return the posts of a plan: ``code``, ``role``, ``holder``, whether ``vacant``.

    In the order of cells, then of roles in the rules. Holders are named by their contacts, without
    these by their ids.

    Parameters
    ----------
    plan
        A plan with staff or vacancies.
    contacts
        As for `gridcell.make_roster`.

    Raises
    ------
    InputError
        As `gridcell.make_roster`.
    """
    posts = make_roster(plan, contacts=contacts)["posts"]
    order = {role.name: place for place, role in enumerate(plan.rules.staffing)}
    posts = posts.assign(place=posts["role"].map(order).fillna(len(order)))
    posts = posts.sort_values(["code", "place", "role", "state", "staff_id"], kind="stable")
    names = [name for name in ("staff_id", "name", "phone") if name in posts]
    texts = posts[names].astype(object).where(posts[names].notna(), "")
    holder, known = texts.pop("staff_id").astype("str"), texts
    if len(known.columns):
        told = known.agg(" ".join, axis=1).str.strip()
        holder = holder.mask(told != "", told)
    return pd.DataFrame(
        {
            "code": posts["code"],
            "role": posts["role"],
            "holder": holder,
            "vacant": posts["state"] == "vacant",
        }
    )


def post_holders(plan: Plan, contacts: Input | None) -> pd.DataFrame | None:
    """Return the posts that somebody holds, as `post_table`; ``None`` without contacts."""
    if contacts is None:
        return None
    posts = post_table(plan, contacts)
    return posts[~posts["vacant"]]
