"""Exports read back by those who got them: `read_export`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from gridcell.errors import InputError
from gridcell.files.folder import recover_folder
from gridcell.formats.layers import read_cells
from gridcell.formats.manifest import read_manifest
from gridcell.formats.registry import FORMATS
from gridcell.read.fields import as_count
from gridcell.read.files import open_input
from gridcell.tables.values import as_text
from gridcell.words.messages import Message

CROSSWALK: Final = "crosswalk.csv"
"""The land that a published division shares with an earlier one."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Exported:
    """What somebody who gets an export has in hand."""

    label: str
    levels: Mapping[str, pd.DataFrame]
    """By level ``code``, ``parent``, ``households`` (Int64, missing where hidden), ``buildings``,
    ``estimated``, ``band``, ``reason`` and the figures of bands, as far as there are such columns;
    with polygons where the format has them."""
    pairs: pd.DataFrame | None
    """`gridcell.Publication.pairs`."""
    manifest: Mapping[str, Any]
    """What ``export.json`` holds; nothing for a layer."""

    @property
    def publication(self) -> Mapping[str, Any] | None:
        """What the export says of what was hidden, where it is published."""
        figures = self.manifest.get("publication")
        return figures if isinstance(figures, dict) else None


def read_export(path: str | Path) -> Exported:
    """Return the cells of an export in any format, or of one polygon layer with codes.

    Parameters
    ----------
    path
        A folder with ``export.json``; or ``FILE`` or ``FILE#LAYER``, whose cells are leaves.

    Raises
    ------
    InputError
        No export and no layer with ``code`` and ``households``; files that cannot be read.
    """
    recover_folder(path)
    folder = Path(path)
    if not folder.is_dir():
        layer = read_cells(str(path), "publication")
        return Exported(label=folder.name, levels={"leaves": layer}, pairs=None, manifest={})
    manifest = read_manifest(folder)
    kind = str(manifest.get("format"))
    names = [str(file["path"]) for file in manifest["files"]]
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise InputError(Message("error.export_file_missing", folder=folder, file=missing[0]))
    if kind not in FORMATS:
        raise InputError(Message("error.export_format_unknown", folder=folder, format=kind))
    levels = FORMATS[kind].read(folder, manifest)
    pairs = folder / CROSSWALK
    return Exported(
        label=folder.name, levels=levels, pairs=_pairs(pairs) if pairs.is_file() else None,
        manifest=manifest,
    )  # fmt: skip


def _pairs(file: Path) -> pd.DataFrame:
    source = open_input(str(file), "crosswalk")
    frame = source.frame
    if missing := {"a", "b", "households"} - set(frame.columns):
        raise InputError(Message("error.export_no_column", label=source.label, column=min(missing)))
    out = pd.DataFrame({name: as_text(frame[name]) for name in ("a", "b")})
    for name in ("households", "buildings"):
        if name in frame:
            out[name] = as_count(frame[name], source, name)
    return out
