"""The proof of what was published: `check_published`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import openpyxl

from gridcell.arguments import checked
from gridcell.check.report import CheckReport
from gridcell.disclosure.audit import audit_tables
from gridcell.disclosure.audit_chain import audit_chain
from gridcell.disclosure.files import Earlier, as_earlier, read_earlier
from gridcell.disclosure.publication import MIN_THRESHOLD, THRESHOLD
from gridcell.errors import InputError
from gridcell.files.digest import digest_files
from gridcell.formats.geopackage import is_plan, read_plan
from gridcell.formats.manifest import MANIFEST
from gridcell.formats.read import Exported, read_export
from gridcell.formats.sheets import sheet_keys
from gridcell.model import Finding, Plan
from gridcell.read.files import list_layers
from gridcell.schema import CELL_LAYERS
from gridcell.words.messages import Message

_MOST: Final = 10**9
"""More households than there are."""
_PRIVATE: Final = (
    "households", "staff", "vacancies", "findings", "buildings", "atoms", "lineage", "history",
)  # fmt: skip
_TABLES: Final = {*CELL_LAYERS, "publication", "layer_styles", "fields", "note"}


@checked
def check_published(
    path: str | Path, *, earlier: Earlier = None, threshold: int | None = None
) -> CheckReport:
    """Return whatever published files give away, as anybody who gets them can find out.

    Parameters
    ----------
    path
        A folder that `export_plan` wrote, in any format, or a polygon layer with codes and
        households. A plan is no publication: what is private in it is told.
    earlier
        What was published before, and named when this was published; of several publications all
        of them, the latest first.
    threshold
        Fewest households that may be told, and least width of what can be worked out of a hidden
        count that may be one of fewer, or of a single building; by default the one that the
        publication names, or 5.

    Returns
    -------
    Findings: ``private_table``, ``unpublished``, ``foreign_file``, and those of
    `gridcell.disclosure.audit`.

    Raises
    ------
    InputError
        Files that cannot be read, or an earlier publication that is another one, or is missing.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> export = gridcell.export_plan(plan, folder / "public", format="csv", publish=True)
    >>> print(gridcell.check_published(folder / "public"))
    every proof holds
    >>> gridcell.check_published(folder / "public", threshold=40).ok
    False
    """
    beside = Path(path).parent
    if Path(path).is_file() and (beside / MANIFEST).is_file():
        raise InputError(Message("error.one_file_of_export", path=path, folder=beside))
    if is_plan(path):
        plan = read_plan(path)
        found = list(_private_in(plan))
        exported = Exported(
            label=str(path), levels={level: plan.cells(level) for level in CELL_LAYERS}, pairs=None,
            manifest={},
        )  # fmt: skip
    else:
        exported = read_export(path)
        found = [*_unpublished(exported), *_private_files(Path(path), exported)]
    least = _threshold(exported) if threshold is None else threshold
    if least < MIN_THRESHOLD:
        raise InputError(
            Message("error.threshold_low_in", path=path, given=least, least=MIN_THRESHOLD)
        )
    before = read_earlier(earlier)
    found += audit_tables(
        exported.levels,
        threshold=least,
        total=_total(exported),
        pairs=exported.pairs,
        earlier=before[0].levels if before else None,
        earlier_total=_total(before[0]) if before else None,
    )
    if len(before) > 1:
        found += audit_chain(
            [as_earlier(exported), *map(as_earlier, before)], threshold=least, found=found
        )
    hidden = {
        level: int(frame["households"].isna().sum()) for level, frame in exported.levels.items()
    }
    done = {"threshold": least, "hidden": hidden, "earlier": len(before)}
    return CheckReport.of(found, None, figures={"published": done})


def _threshold(exported: Exported) -> int:
    if exported.publication is None:
        return THRESHOLD
    return _count(exported, "threshold", exported.publication.get("threshold"))


def _total(exported: Exported) -> int | None:
    total = (exported.publication or {}).get("households")
    return None if total is None else _count(exported, "households", total, null=True)


def _count(exported: Exported, name: str, value: object, *, null: bool = False) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST:
        return value
    raise InputError(
        Message(
            "error.manifest_count",
            label=exported.label,
            manifest=MANIFEST,
            name=name,
            value=str(value)[:40],
            most=_MOST,
            otherwise=Message("part.or_null") if null else "",
        )
    )


def _unpublished(exported: Exported) -> Iterator[Finding]:
    if exported.manifest and exported.publication is None:
        yield Finding(
            kind="unpublished", severity="error",
            text=Message("finding.unpublished", label=exported.label),
        )  # fmt: skip


def _private_in(plan: Plan) -> Iterator[Finding]:
    for name in _PRIVATE:
        if rows := _rows(plan, name):
            yield Finding(
                kind="private_table", severity="error", measure=float(rows),
                text=Message("finding.private_in_plan", n=rows, table=name),
            )  # fmt: skip


def _rows(plan: Plan, name: str) -> int:
    if name == "atoms":
        return 0 if plan.fabric is None else len(plan.fabric.atoms)
    return len(getattr(plan, name))


def _private_files(path: Path, exported: Exported) -> Iterator[Finding]:
    """Yield what lies in the folder beside the cells."""
    if not path.is_dir():
        return
    digests = {str(file["path"]): file.get("sha256") for file in exported.manifest["files"]}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if not file.is_file():
            continue
        if name not in {*digests, MANIFEST}:
            yield Finding(
                kind="foreign_file", severity="error",
                text=Message("finding.foreign_file", file=name),
            )  # fmt: skip
        elif name != MANIFEST and digest_files([file]) != digests[name]:
            yield Finding(
                kind="changed", severity="error",
                text=Message("finding.changed", file=name),
            )  # fmt: skip
        for table in _tables(file, sheet_keys(str(exported.manifest.get("language", "en")))):
            if table in _PRIVATE or table not in _TABLES:
                yield Finding(
                    kind="private_table", severity="error",
                    text=Message("finding.private_table", file=name, table=table),
                )  # fmt: skip


def _tables(file: Path, sheets: Mapping[str, str]) -> list[str]:
    """Return the tables in a file that can hold several, or the one that its name tells.

    `sheets` has the keys of sheets by their names.
    """
    suffix = file.suffix.lower()
    try:
        if suffix == ".gpkg":
            return list_layers(file)
        if suffix == ".xlsx":
            book = openpyxl.load_workbook(file, read_only=True)
            try:
                return [sheets.get(name, name) for name in book.sheetnames]
            finally:
                book.close()
    except (InputError, BadZipFile, OSError, KeyError, ValueError):
        # No such table: a file of the export would not have been read before.
        return []
    return [file.stem] if file.stem in _PRIVATE else []
