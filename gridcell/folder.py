"""A plan's folder: all of it or nothing."""

import glob
import json
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd

from gridcell.errors import Hint, WriteError
from gridcell.formats.geojson import cells_lonlat, write_geojson
from gridcell.formats.geopackage import plain, write_geopackage
from gridcell.model import Finding, Plan, findings_frame

_STALE_S: Final = 86_400.0
_OURS: Final = ("plan.gpkg", "geojson", "map.html", "report.json", "certificate.json")


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
    require_place(folder, what="a plan's folder", foreign=_no_plan, overwrite=overwrite)


def require_place(
    folder: str | Path, *, what: str, foreign: Callable[[Path], str | None], overwrite: bool
) -> None:
    """Make sure that a folder can appear here, before any work.

    Parameters
    ----------
    folder
        It may be absent, with the folders around it, or empty.
    what
        What may be overwritten, for messages.
    foreign
        Tells of a folder that is there, and not empty, why it is none of that kind; ``None`` where
        it is one.
    overwrite
        Whether one of that kind may be there.

    Raises
    ------
    WriteError
        Something is in the way; it is named.
    """
    target = Path(folder).resolve()
    around = next(parent for parent in target.parents if parent.exists())
    if not around.is_dir():
        raise WriteError(f"{folder}: {around} is a file; name another folder")
    if not target.exists():
        return
    if not target.is_dir():
        raise WriteError(f"{folder}: is a file; name a folder")
    if not any(target.iterdir()):
        return
    if not overwrite:
        raise WriteError(
            f"{folder}: is not empty; choose another folder or allow to replace what is there",
            Hint("overwrite", value=True),
        )
    if found := foreign(target):
        raise WriteError(
            f"{folder}: only {what} is overwritten, and {found}; move that away or choose another "
            f"folder"
        )


def _no_plan(target: Path) -> str | None:
    entries = sorted(entry.name for entry in target.iterdir())
    foreign = [name for name in entries if name not in _OURS]
    if foreign:
        return f"it holds {foreign[0]}"
    return None if "plan.gpkg" in entries else "it holds no plan.gpkg"


def write_plan(
    plan: Plan, folder: str | Path, *, overwrite: bool = False, lang: str | None = None
) -> list[Path]:
    """Write ``plan.gpkg``, ``geojson/``, ``map.html``, ``report.json`` and their certificate.

    Returns the files. The certificate is made of what is read back from them.

    The folder appears whole, with its name, when all files are written. If anything fails before,
    nothing is left; a process killed meanwhile leaves at most a hidden folder that ends in
    ``.part``.

    Parameters
    ----------
    plan
        The plan.
    folder
        Where to write; see `require_free`.
    overwrite
        Replace a plan that is there already.
    lang
        Language of the map, ``en`` or ``zh``; ``en`` by default.

    Raises
    ------
    WriteError
        The folder is not free or cannot be written.
    ProofError
        A plan that keeps its promises would break them in a file.
    """
    from gridcell.certificate import NAME, PLAN_FILES, make_certificate, write_certificate
    from gridcell.render.map import write_map

    require_free(folder, overwrite=overwrite)
    target = Path(folder).resolve()
    with all_or_nothing(target) as part:
        cells = cells_lonlat(plan)
        plan = _with_findings(plan, cells.findings)
        write_geopackage(plan, part / "plan.gpkg")
        (part / "geojson").mkdir()
        write_geojson(cells, part / "geojson")
        write_map(plan, part / "map.html", lang=lang or "en")
        report = json.dumps(plain(plan.report), ensure_ascii=False, indent=2)
        (part / "report.json").write_text(report + "\n", encoding="utf-8", newline="\n")
        write_certificate(make_certificate(part), part / NAME)
    return [Path(folder) / name for name in (*PLAN_FILES, NAME)]


@contextmanager
def all_or_nothing(target: Path) -> Iterator[Path]:
    """Yield a new folder beside the target that takes its place at the end."""
    mark = uuid.uuid4().hex[:8]
    part = target.with_name(f".{target.name}-{mark}.part")
    _sweep(target)
    try:
        part.mkdir(parents=True)
        yield part
        _put(part, target, old=target.with_name(f".{target.name}-{mark}.old.part"))
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        raise WriteError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _sweep(target: Path) -> None:
    """Remove what killed runs left beside the target a day ago or earlier."""
    for left in target.parent.glob(f".{glob.escape(target.name)}-????????*.part"):
        if left.is_dir() and time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)


def _put(part: Path, target: Path, *, old: Path) -> None:
    if not target.exists():
        part.rename(target)
        return
    target.rename(old)
    try:
        part.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _with_findings(plan: Plan, findings: tuple[Finding, ...]) -> Plan:
    """Return the plan with findings of the export, in its layer and in its report."""
    if not findings:
        return plan
    frame = pd.concat([plan.findings, findings_frame(findings, plan.crs)], ignore_index=True)
    counts = Counter(plan.report.get("findings", {}))
    counts.update(finding.kind for finding in findings)
    return replace(plan, findings=frame, report={**plan.report, "findings": dict(counts)})
