"""A plan exported into a folder that appears whole or not at all."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gridcell.arguments import checked
from gridcell.disclosure.files import NOTE_FILE, Earlier, make_publication, write_pairs
from gridcell.disclosure.publication import THRESHOLD
from gridcell.errors import Hint, InputError
from gridcell.files.folder import require_place, whole_folder
from gridcell.files.whole import LOGS
from gridcell.formats.hexagons import DEFAULT_RESOLUTION
from gridcell.formats.manifest import MANIFEST, listed_files, make_manifest
from gridcell.formats.proof import prove_files
from gridcell.formats.read import CROSSWALK
from gridcell.formats.registry import FORMATS
from gridcell.formats.source import make_source
from gridcell.model import Plan
from gridcell.schema import CELL_LAYERS, EXPORT_FORMATS
from gridcell.words.catalogue import require_language, section
from gridcell.words.columns import padded
from gridcell.words.messages import Message, counted, say
from gridcell.words.sentences import in_language


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Export:
    """What was written.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> export = gridcell.export_plan(plan, folder / "shapefile", format="shapefile")
    >>> export.ok, export.files[-1].name, export.manifest["coverage"]["small"]["holds"]
    (True, 'export.json', True)
    """

    format: str
    folder: Path
    files: tuple[Path, ...]
    """All files, the manifest last."""
    manifest: dict[str, Any]
    """What ``export.json`` holds."""
    notes: tuple[Message, ...] = ()
    """What a reader of the files must know."""

    @property
    def ok(self) -> bool:
        """Whether the files keep what a plan promises; tables have no promise to keep."""
        return bool(self.manifest["ok"])

    def to_text(self, *, lang: str = "en") -> str:
        """Return a few lines for people.

        Parameters
        ----------
        lang
            Output language, ``en`` or ``zh``.
        """
        size = sum(file["bytes"] for file in self.manifest["files"])
        files = Message("export.files", folder=self.folder, n=len(self.files), size=size / 1e6)
        lines = [say(files, lang)]
        levels = section("layer", lang)
        for level, figures in self.manifest["coverage"].items():
            counts = {name: figures[name] for name in ("gaps", "overlaps", "outside", "invalid")}
            said = Message("export.exact") if figures["holds"] else Message(
                "export.faults", **counts
            )  # fmt: skip
            cells = Message("export.cells", n=figures["cells"], said=said)
            lines.append(padded(levels[level], 12) + say(cells, lang))
        figures = self.manifest.get("publication")
        if figures is not None:
            hidden = tuple(counted(f"{level}_cells", n) for level, n in figures["hidden"].items())
            lines.append(say(Message("export.hidden", hidden=hidden), lang))
            if figures["exposed"]:
                lines.append(say(Message("export.exposed", n=figures["exposed"]), lang))
        return "\n".join([*lines, *(say(note, lang) for note in self.notes)])


def _with_reasons(plan: Plan, lang: str) -> Plan:
    """Return the plan whose cells give their reasons in a language."""
    levels = {level: in_language(plan.cells(level), plan.findings, lang) for level in CELL_LAYERS}
    return replace(plan, **levels)


@checked
def export_plan(
    plan: Plan,
    folder: str | Path,
    *,
    format: str,  # noqa: A002 - what it is called everywhere
    resolution: int | None = None,
    households: bool = False,
    publish: bool = False,
    threshold: int = THRESHOLD,
    publish_level: str = "micro",
    earlier: Earlier = None,
    lang: str = "en",
    overwrite: bool = False,
) -> Export:
    """Write the cells of a plan in another system's format, read them back and prove them.

    Exports hold cells and counts: no table of households unless asked for, no staff, no buildings.
    With `publish`, small counts are hidden as well, and what would give them away, as
    `gridcell.publish_plan` says; files say so, and `check_published` proves it.

    Parameters
    ----------
    plan
        The plan.
    folder
        A new folder, an empty one, or with `overwrite` one that holds an export.
    format
        One of `EXPORT_FORMATS`. Formats in the plan's CRS: gpkg, shapefile, geoparquet, flatgeobuf;
        in longitude and latitude: geojson, kml, pmtiles, h3. There the cells are rounded to 9
        decimals such that an exact coverage stays one; tiles are simplified and h3 is a summary by
        hexagons.
    resolution
        Of h3, 0 to 15; 9 by default, hexagons of about 0.1 km².
    households
        Add the table of households to csv and xlsx.
    publish
        Write what may leave the house.
    threshold
        Of a publication: fewest households that are told.
    publish_level
        Of a publication: the finest level that is told, ``micro`` or ``small``.
    earlier
        Of a publication: what was published before, of an earlier division of the same land; an
        export or a polygon layer with codes and households; of several publications all of them,
        the latest first. Which land the leaves share with those of the latest is then in
        ``crosswalk.csv``.
    lang
        Of the words in kml, ``en`` or ``zh``.
    overwrite
        Replace an export that is there already.

    Returns
    -------
    The files and how they were proven. Where the plan itself has gaps or overlaps they are in the
    files too, and `Export.ok` is false.

    Raises
    ------
    InputError
        An unknown format or language, an option that the format does not know.
    WriteError
        The folder is not free or cannot be written; the format cannot hold the cells.
    ProofError
        The plan's levels cover their land, and those in the files do not.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> export = gridcell.export_plan(plan, folder / "geojson", format="geojson")
    >>> [file.name for file in export.files]
    ['large.geojson', 'leaves.geojson', 'medium.geojson', 'micro.geojson', 'small.geojson',
     'export.json']
    """
    require_export(
        folder, format=format, resolution=resolution, households=households, publish=publish,
        earlier=earlier, overwrite=overwrite,
    )  # fmt: skip
    require_language(lang)
    chosen = FORMATS[format]
    known = {
        "lang": lang, "households": households,
        "resolution": DEFAULT_RESOLUTION if resolution is None else resolution,
    }  # fmt: skip
    publication = (
        make_publication(plan, threshold, earlier, level=publish_level) if publish else None
    )
    shown, pairs = (plan, None) if publication is None else (publication.plan, publication.pairs)
    exposed = () if publication is None else publication.exposed
    source = make_source(_with_reasons(shown, lang), pairs)
    with whole_folder(folder, overwrite=overwrite) as part:
        written = chosen.write(source, part, **{name: known[name] for name in chosen.options})
        coverage = prove_files(source, written) if written.back is not None else {}
        rows = dict(written.rows)
        if source.pairs is not None:
            rows[part / CROSSWALK] = write_pairs(source.pairs, part)
        if source.note is not None:
            (part / NOTE_FILE).write_text(source.note + "\n", encoding="utf-8", newline="\n")
        manifest = make_manifest(source, written, rows, part, format, coverage, lang=lang)
        text = json.dumps(manifest, ensure_ascii=False, indent=2)
        (part / MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")
    names = [str(file["path"]) for file in manifest["files"]]
    return Export(
        format=format,
        folder=Path(folder),
        files=tuple(Path(folder) / name for name in (*names, MANIFEST)),
        manifest=manifest,
        notes=(*written.notes, *(Message("export.given_away", name=name) for name in exposed)),
    )


def require_export(
    folder: str | Path,
    *,
    format: str,  # noqa: A002
    resolution: int | None = None,
    households: bool = False,
    publish: bool = False,
    earlier: Earlier = None,
    overwrite: bool = False,
) -> None:
    """Make sure that an export can be written here, before any work.

    Raises
    ------
    InputError
        An unknown format, or an option that it does not know.
    WriteError
        Something is in the way.
    """
    _require_options(
        format, resolution=resolution, households=households, publish=publish, earlier=earlier
    )
    require_place(folder, what="export", foreign=_no_export, overwrite=overwrite)


def _require_options(
    format: str,  # noqa: A002
    *,
    resolution: int | None,
    households: bool,
    publish: bool,
    earlier: Earlier,
) -> None:
    if format not in EXPORT_FORMATS:
        raise InputError(
            Message("error.format_one_of", format=format, formats=list(EXPORT_FORMATS))
        )
    options = FORMATS[format].options
    if resolution is not None and "resolution" not in options:
        raise InputError(Message("error.resolution_of_h3", format=format))
    if resolution is not None and not 0 <= resolution <= 15:
        raise InputError(Message("error.resolution_range", resolution=resolution))
    if households and "households" not in options:
        raise InputError(Message("error.households_table_format", format=format))
    if households and publish:
        raise InputError(Message("error.households_never_published"))
    if earlier and not publish:
        raise InputError(Message("error.earlier_of_publication"), Hint("publish", value=True))


def _no_export(target: Path) -> Message | None:
    found = {file.relative_to(target).as_posix() for file in target.rglob("*") if file.is_file()}
    listed = listed_files(target)
    logs = {f"{name}{log}" for name in listed for log in LOGS}
    foreign = sorted(found - {MANIFEST} - listed - logs)
    if foreign:
        return Message("part.it_holds", name=foreign[0])
    return None if MANIFEST in found else Message("part.it_lacks", name=MANIFEST)
