"""A plan written: laid out, proven, drawn and certified in a folder that appears whole."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from gridcell.arguments import checked
from gridcell.files.folder import require_place, whole_folder
from gridcell.files.whole import LOGS
from gridcell.formats.geojson import write_geojson
from gridcell.formats.geopackage import plain, write_geopackage
from gridcell.formats.lonlat import cells_lonlat
from gridcell.formats.points import write_points
from gridcell.model import Finding, Plan, empty_table, findings_frame
from gridcell.revision.changes import list_changes
from gridcell.tables.write import write_table
from gridcell.words.messages import Message
from gridcell.words.sentences import in_language
from gridcell.work import begin
from gridcell.work.known import proofs_known

_OURS: Final = (
    "plan.gpkg", "geojson", "map.html", "report.json", "certificate.json", "changes.html",
    "lineage.csv", "points.csv", "served.csv", "beyond.csv",
)  # fmt: skip


def require_free(folder: str | Path, *, overwrite: bool = False) -> None:
    """Make sure that a plan can be written into this folder, before any work.

    Parameters
    ----------
    folder
        Where the plan is to be. It may be absent, with the folders around it, or empty.
    overwrite
        It may also hold a plan, and nothing else.

    Raises
    ------
    WriteError
        Something is in the way; it is named.
    """
    require_place(folder, what="plan", foreign=_no_plan, overwrite=overwrite)


def _no_plan(target: Path) -> Message | None:
    entries = sorted(entry.name for entry in target.iterdir())
    logs = [f"plan.gpkg{log}" for log in LOGS]
    foreign = [name for name in entries if name not in _OURS and name not in logs]
    if foreign:
        return Message("part.it_holds", name=foreign[0])
    return None if "plan.gpkg" in entries else Message("part.it_lacks", name="plan.gpkg")


@checked
def write_plan(
    plan: Plan,
    folder: str | Path,
    *,
    atoms: bool = True,
    overwrite: bool = False,
    lang: str | None = None,
    before: Plan | None = None,
    executor: Executor | None = None,
) -> list[Path]:
    """Write ``plan.gpkg``, ``geojson/``, ``map.html``, ``report.json`` and their certificate.

    Returns the files. The certificate is made of what is read back from them. Where codes of the
    plan came from others there is ``lineage.csv``, in UTF-8 with a byte order mark; of service
    points ``points.csv``, ``served.csv``, ``beyond.csv`` and ``geojson/points.geojson``.

    The folder appears whole, with its name, when all files are written, and replaces one that is
    there in one step (`gridcell.files.folder`). If anything fails before, nothing is left; a
    process killed meanwhile leaves at most a hidden folder that ends in ``.part``.

    Parameters
    ----------
    plan
        The plan.
    folder
        Where to write; see `require_free`.
    atoms
        Write the land as well: layer ``atoms``, table ``borders`` and what refers to them, which
        edits need and updates do not. Without them ``plan.gpkg`` is a quarter to a half smaller.
    overwrite
        Replace a plan that is there already.
    lang
        Language of pages, reasons and messages in the files, ``en`` or ``zh``; ``en`` by default.
        Keys, codes and names of columns are the same in both.
    before
        The plan on which this one goes on: ``changes.html`` then tells which cells changed, and
        why. There is none where nothing changed.
    executor
        Processes on this machine: they write GeoJSON and map, and read ``plan.gpkg`` back and prove
        it. They change nothing but the time.

    Raises
    ------
    WriteError
        The folder is not free or cannot be written.
    ProofError
        A plan that keeps its promises would break them in a file.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> files = gridcell.write_plan(plan, folder / "plan")
    >>> [file.name for file in files if file.suffix != ".geojson"]
    ['plan.gpkg', 'map.html', 'report.json', 'certificate.json']
    """
    from gridcell.certificate import (
        NAME,
        certify_tables,
        join_certificate,
        plan_files,
        write_certificate,
    )
    from gridcell.render.map import write_map

    require_free(folder, overwrite=overwrite)
    if not atoms:
        plan = replace(plan, fabric=None)
    with whole_folder(folder, overwrite=overwrite) as part:
        cells = cells_lonlat(plan)
        plan = _with_findings(plan, cells.findings)
        levels = {
            level: in_language(frame, plan.findings, lang or "en")
            for level, frame in cells.levels.items()
        }
        parallel = None if isinstance(executor, ThreadPoolExecutor) else executor
        (part / "geojson").mkdir()
        others = [
            partial(write_geojson, replace(cells, levels=levels), part / "geojson"),
            partial(write_map, _drawn(plan), part / "map.html", lang=lang or "en"),
        ]
        with _begun(others, parallel) as writing:
            write_geopackage(plan, part / "plan.gpkg", lang=lang or "en")
            work = partial(certify_tables, part / "plan.gpkg", proofs_known())
            certified = work if parallel is None else begin(work, parallel)
            for write in writing:
                write()
        if before is not None:
            _write_changes(before, plan, part / "changes.html", lang or "en")
        if len(plan.lineage):
            write_table(plan.lineage, part / "lineage.csv", text=("old", "new"), bom=True)
        if plan.siting is not None:
            write_points(plan, part)
        report = json.dumps(plain(plan.report), ensure_ascii=False, indent=2)
        (part / "report.json").write_text(report + "\n", encoding="utf-8", newline="\n")
        write_certificate(join_certificate(part, certified()), part / NAME)
        files = plan_files(part)
    return [Path(folder) / name for name in (*files, NAME)]


@contextmanager
def _begun(
    works: Sequence[Callable[[], object]], executor: Executor | None
) -> Iterator[Sequence[Callable[[], object]]]:
    """Give what waits for some works, or does them; none is at work when it is left."""
    if executor is None:
        yield works
        return
    waits = [begin(work, executor) for work in works]
    try:
        yield waits
    except BaseException:
        for wait in waits:
            with suppress(Exception):
                wait()
        raise


def _drawn(plan: Plan) -> Plan:
    """Return what the map shows of a plan: less to give to a worker."""
    households = plan.households
    return replace(
        plan, households=households[households["code"].isna()], fabric=None,
        codes=empty_table("codes"), lineage=empty_table("lineage"), undo=empty_table("undo"),
    )  # fmt: skip


def _write_changes(before: Plan, plan: Plan, file: Path, lang: str) -> None:
    """Write the page of changes, if there are any."""
    from gridcell.render.changes import write_changes

    changes = list_changes(before, plan)
    if len(changes):
        figures = {"kept": changes.kept, "households_moved": changes.moved}
        write_changes(changes.table, before, plan, file, figures=figures, lang=lang)


def _with_findings(plan: Plan, findings: tuple[Finding, ...]) -> Plan:
    """Return the plan with findings of the export."""
    if not findings:
        return plan
    frame = pd.concat([plan.findings, findings_frame(findings, plan.crs)], ignore_index=True)
    return replace(plan, findings=frame)
