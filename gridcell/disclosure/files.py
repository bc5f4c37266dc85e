"""What an export has of a publication beside the cells."""

import dataclasses
import hashlib
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from gridcell.disclosure.earlier import EarlierPublication
from gridcell.disclosure.publication import Publication, publish_plan
from gridcell.errors import Hint, InputError
from gridcell.formats.read import CROSSWALK, Exported, read_export
from gridcell.model import Plan
from gridcell.tables.write import write_table
from gridcell.words.messages import Message

NOTE_FILE: Final = "NOTE.txt"


Earlier = str | Path | Sequence[str | Path] | None
"""What was published before: one publication, or several, the latest first."""


def make_publication(
    plan: Plan, threshold: int, earlier: Earlier, *, level: str = "micro"
) -> Publication:
    """Return a plan as it may be published, after what was published before.

    Parameters
    ----------
    plan, threshold, level
        As in `gridcell.publish_plan`.
    earlier
        Exports with polygons, published; or polygon layers with codes and households. The latest
        first.

    Raises
    ------
    InputError
        As `read_export` and `publish_plan`; an export without polygons, or one not published; one
        that was published after another than the next one.
    """
    before = read_earlier(earlier)
    for each in before:
        if each.manifest and each.publication is None:
            raise InputError(Message("error.export_not_published", path=each.label))
    publication = publish_plan(
        plan, threshold=threshold, level=level, earlier=[as_earlier(each) for each in before]
    )
    if not before:
        return publication
    record = dataclasses.replace(publication.record, after=fingerprint(before[0]))
    shown = dataclasses.replace(publication.plan, publication=record)
    return dataclasses.replace(publication, plan=shown)


def read_earlier(earlier: Earlier) -> list[Exported]:
    """Return what was published before, the latest first, each made after the next.

    Raises
    ------
    InputError
        As `read_export`; a publication that was made after another one than the next, or after one
        that is missing.
    """
    paths = [earlier] if isinstance(earlier, str | Path) else list(earlier or ())
    found = [read_export(path) for path in paths]
    for each, before in zip_longest(found, found[1:]):
        if each.pairs is not None and before is None:
            raise InputError(
                Message("error.earlier_incomplete", path=each.label), Hint("earlier")
            )  # fmt: skip
        after = (each.publication or {}).get("after")
        if after is not None and before is not None and after != fingerprint(before):
            raise InputError(
                Message("error.earlier_order", path=each.label, other=before.label)
            )  # fmt: skip
    return found


def as_earlier(exported: Exported) -> EarlierPublication:
    """Return a publication that was read as what was published before.

    Raises
    ------
    InputError
        It has no polygons.
    """
    leaves = exported.levels.get("leaves")
    if not isinstance(leaves, gpd.GeoDataFrame) or leaves.crs is None:
        raise InputError(Message("error.no_smallest_polygons", path=exported.label))
    return EarlierPublication(
        levels={name: gpd.GeoDataFrame(frame) for name, frame in exported.levels.items()},
        total=(exported.publication or {}).get("households"),
        pairs=exported.pairs,
    )


def fingerprint(exported: Exported) -> str:
    """Return a digest of what a publication tells, the same for every format."""
    told = sorted(
        (level, str(code), "" if pd.isna(count) else str(int(count)))
        for level, frame in exported.levels.items()
        for code, count in zip(frame["code"], frame["households"], strict=True)
    )
    return hashlib.sha256("\n".join(map("\t".join, told)).encode()).hexdigest()


def write_pairs(pairs: pd.DataFrame, folder: Path) -> int:
    """Write the land shared with an earlier division as a table; return its number of rows."""
    return write_table(pairs, folder / CROSSWALK, text=("a", "b"), bom=True)
