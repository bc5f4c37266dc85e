"""What an export says of itself: ``export.json``."""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from gridcell.errors import InputError
from gridcell.files.digest import digest_files
from gridcell.files.folder import recover_folder
from gridcell.formats.source import CellSource, Written
from gridcell.version import __version__
from gridcell.words.catalogue import LANGUAGES
from gridcell.words.messages import Message, say

MANIFEST: Final = "export.json"
"""The files of an export with their digests, and how it was proven."""

_KIND: Final = "gridcell export"


def make_manifest(
    source: CellSource,
    written: Written,
    rows: Mapping[Path, int],
    part: Path,
    kind: str,
    coverage: dict[str, Any],
    *,
    lang: str,
) -> dict[str, Any]:
    """Return what ``export.json`` holds.

    Parameters
    ----------
    source, written
        The cells, and what a format made of them.
    rows
        Rows of the data files.
    part
        The folder that holds all files but the manifest.
    kind
        The format.
    coverage
        Figures of the proof of the files.
    lang
        Output language of the notes.
    """
    counts = {file.relative_to(part).as_posix(): count for file, count in rows.items()}
    files: list[dict[str, Any]] = []
    for file in sorted(part.rglob("*")):
        if file.is_file():
            name = file.relative_to(part).as_posix()
            files.append({
                "path": name, "bytes": file.stat().st_size, "rows": counts.get(name),
                "sha256": digest_files([file]),
            })  # fmt: skip
    files.sort(key=lambda file: str(file["path"]))
    proof = written.proof or {}
    holds = all(figures["holds"] for figures in coverage.values()) and proof.get("holds", True)
    publication = source.plan.publication
    return {
        "kind": _KIND,
        "format": kind,
        **({} if lang == LANGUAGES[0] else {"language": lang}),
        "version": __version__,
        "ok": holds and source.holds,
        "households": "estimated" if source.estimated else "counted",
        **({} if publication is None else {"publication": publication.as_dict()}),
        "cells": {level: len(frame) for level, frame in source.levels.items()},
        "coverage": coverage,
        "proof": proof,
        "notes": [say(note, lang) for note in written.notes],
        "files": files,
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what the ``export.json`` of a folder holds.

    Raises
    ------
    InputError
        There is none, or it is none.
    """
    recover_folder(folder)
    file = folder / MANIFEST
    if not file.is_file():
        is_plan = (folder / "plan.gpkg").is_file()
        kind = "plan_no_export" if is_plan else "folder_no_export"
        raise InputError(Message(f"error.{kind}", folder=folder, manifest=MANIFEST))
    try:
        manifest = json.loads(file.read_text("utf-8"))
        if manifest["kind"] == _KIND and all(_is_inside(f["path"]) for f in manifest["files"]):
            return dict(manifest)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise InputError(Message("error.no_manifest", file=file))


def _is_inside(name: str) -> bool:
    """Tell whether a name is that of a file in the folder, on any system."""
    path = PurePosixPath(name.replace("\\", "/"))
    return bool(path.name) and not path.is_absolute() and not {"..", ":"} & {*path.parts, *name}


def listed_files(folder: Path) -> set[str]:
    """Return the files that an export says to consist of; none where there is no export."""
    try:
        return {str(file["path"]) for file in read_manifest(folder)["files"]}
    except InputError:
        return set()
