"""Certificates made: files read back, proven anew and digested."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from gridcell.certificate.record import (
    NAME,
    Certificate,
    CertifiedFile,
    CertifiedInput,
    read_certificate,
)
from gridcell.check.plan import check_plan, compare_report, prove_plan
from gridcell.errors import InputError
from gridcell.files.digest import digest_files, digest_frame, digest_json, without
from gridcell.formats.geopackage import (
    PLAN_FRAMES,
    plain,
    plan_file,
    read_metadata,
    read_plan,
    stored_frames,
    stored_report,
)
from gridcell.formats.points import POINT_FILES
from gridcell.model import InputRecord, Plan
from gridcell.schema import CELL_LAYERS
from gridcell.version import __version__
from gridcell.words.messages import Message
from gridcell.work.known import know_proofs

PLAN_FILES: Final = (
    "plan.gpkg", *(f"geojson/{level}.geojson" for level in CELL_LAYERS), "map.html",
    "report.json",
)  # fmt: skip
"""The files of a plan that its certificate names."""
FURTHER_FILES: Final = ("changes.html", "lineage.csv", *POINT_FILES)
"""Files that it names where the plan has them."""

# These differ from run to run, or stand in the certificate themselves.
_LEFT_OUT: Final = ("seconds", "inputs")


def plan_files(folder: str | Path) -> tuple[str, ...]:
    """Return the names of the files that the certificate of a plan's folder names."""
    return (*PLAN_FILES, *(name for name in FURTHER_FILES if (Path(folder) / name).is_file()))


def make_certificate(folder: str | Path) -> Certificate:
    """Return the certificate of a plan's files, as they are now.

    Everything is read back and proven anew: what is certified is what stands in the files.

    Parameters
    ----------
    folder
        A folder that `write_plan` wrote.

    Raises
    ------
    InputError
        A file of the plan is missing or damaged.
    """
    base = Path(folder)
    _require_files(base)
    return join_certificate(base, certify_tables(base / "plan.gpkg"))


def _require_files(base: Path) -> None:
    plan_file(base)
    missing = [name for name in PLAN_FILES if not (base / name).is_file()]
    if missing:
        raise InputError(Message("error.certificate_files", folder=base, missing=list(missing)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedTables:
    """What is certified of a plan's GeoPackage alone."""

    inputs: list[CertifiedInput]
    rules_sha256: str
    tables: CertifiedFile
    proof: dict[str, Any]


def certify_tables(file: Path, proofs: Mapping[str, Any] | None = None) -> CertifiedTables:
    """Return what is certified of a plan's GeoPackage, read back and proven.

    Parameters
    ----------
    file
        The GeoPackage.
    proofs
        Proofs that another process found: they hold where what is read back is, byte for byte,
        what they were found of (`gridcell.work.known`).
    """
    know_proofs(proofs or {})
    plan = read_plan(file)
    return CertifiedTables(
        inputs=certified_inputs(plan),
        rules_sha256=rules_digest(file),
        tables=certify_file(file.parent, file.name, plan),
        proof=proof_figures(plan, file),
    )


def join_certificate(folder: str | Path, tables: CertifiedTables) -> Certificate:
    """Return the certificate of a plan's files, of which the GeoPackage was certified already.

    Parameters
    ----------
    folder, tables
        Where the files are, and what `certify_tables` returned for ``plan.gpkg`` in it.

    Raises
    ------
    InputError
        A file of the plan is missing or cannot be read.
    """
    base = Path(folder)
    _require_files(base)
    names = plan_files(base)
    return Certificate(
        subject="plan",
        version=__version__,
        inputs=tables.inputs,
        rules_sha256=tables.rules_sha256,
        files=[tables.tables, *(certify_file(base, name, None) for name in names[1:])],
        proof=tables.proof,
    )


def certify_layer(figures: Mapping[str, Any], files: Iterable[InputRecord]) -> Certificate:
    """Return the certificate of a check of any polygon layer.

    Parameters
    ----------
    figures
        What the check counted and measured: plain data.
    files
        The checked files, as `gridcell.read.files.open_input` records them.
    """
    return Certificate(
        subject="layer",
        version=__version__,
        inputs=[CertifiedInput(**record.as_dict()) for record in files],
        rules_sha256=None,
        files=[],
        proof=plain_figures(figures),
    )


def stands_certified(plan: Plan, file: Path) -> bool:
    """Return whether a plan's file holds, by its digest, what this version proved and certified.

    Parameters
    ----------
    plan, file
        The plan, and the GeoPackage that it was read from; its certificate is sought beside it.
    """
    beside = file.parent / NAME
    if not beside.is_file():
        return False
    try:
        told = read_certificate(beside)
    except InputError:
        return False
    if told.version != __version__ or told.proof.get("ok") is not True:
        return False
    digests = {record.path: record.sha256 for record in told.files}
    return (
        told.inputs == certified_inputs(plan)
        and told.rules_sha256 == rules_digest(file)
        and digests.get(file.name) == certify_file(file.parent, file.name, plan).sha256
    )


def proof_figures(plan: Plan, file: Path) -> dict[str, Any]:
    """Return the figures of a plan that a certificate states, all found anew.

    Parameters
    ----------
    plan, file
        The plan, and the GeoPackage that it was read from.
    """
    proofs = prove_plan(plan)
    levels = {
        level: {
            "cells": len(plan.cells(level)),
            "gaps": proof.gaps,
            "gap_m2": round(proof.gap_m2, 6),
            "overlaps": proof.overlaps,
            "overlap_m2": round(proof.overlap_m2, 6),
            "outside": proof.outside,
            "outside_m2": round(proof.outside_m2, 6),
            "invalid": proof.invalid,
            "edge_matched": proof.edge_matched,
            "closed": proof.closed,
            "exact": proof.exact,
            "areas_add_up": proof.areas_add_up,
        }
        for level, proof in proofs.items()
    }
    findings = [*check_plan(plan, proofs), *compare_report(plan, stored_report(file))]
    broken = Counter(finding.kind for finding in findings if finding.severity == "error")
    # Of land that is not there no check knows.
    if left_out := int((plan.findings["kind"] == "community_left_out").sum()):
        broken["community_left_out"] = left_out
    return {
        "ok": not broken and all(proof.holds for proof in proofs.values()),
        "levels": levels,
        "households": {
            "input": plan.division.households,
            "assigned": _sum(plan.leaves["households"]),
            "unassigned": plan.unassigned,
        },
        "cut_buildings": broken["cut_building"],
        "broken_promises": dict(sorted(broken.items())),
    }


def certify_file(
    base: Path, name: str, plan: Plan | None, *, kind: str | None = None
) -> CertifiedFile:
    """Return the record of a file, by the digest that its name or the certificate asks for."""
    kind = kind or {"plan.gpkg": "tables", "report.json": "figures"}.get(name, "bytes")
    if kind == "tables" and plan is not None:
        tables = _digest_tables(plan, base / name)
        return CertifiedFile(path=name, digest="tables", sha256=digest_json(tables), tables=tables)
    if kind == "figures":
        report = _read_report(base / name)
        figures = digest_json(without(report, *_LEFT_OUT))
        return CertifiedFile(path=name, digest="figures", sha256=figures)
    try:
        return CertifiedFile(path=name, digest="bytes", sha256=digest_files([base / name]))
    except OSError as error:
        raise InputError(
            Message("error.cannot_read", file=name, reason=error.strerror or error)
        ) from None


def _digest_tables(plan: Plan, file: Path) -> dict[str, str]:
    metadata = read_metadata(file)
    frames = stored_frames(plan, file)
    tables = {name: digest_frame(frames[name]) for name in PLAN_FRAMES if name in frames}
    report = json.loads(metadata["report"])
    figures = without(report, *_LEFT_OUT) if isinstance(report, dict) else report
    return {**tables, "metadata": digest_json({**metadata, "report": figures})}


def _read_report(file: Path) -> dict[str, Any]:
    try:
        report = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(Message("error.not_json", file=file.name, error=error)) from None
    if not isinstance(report, dict):
        raise InputError(Message("error.not_a_report", file=file.name))
    return report


def rules_digest(file: Path) -> str:
    """Return the digest of the rules in a plan's GeoPackage."""
    return digest_json(json.loads(read_metadata(file)["rules"]))


def certified_inputs(plan: Plan) -> list[CertifiedInput]:
    """Return the inputs that a plan was made of."""
    return [CertifiedInput(**record.as_dict()) for record in plan.inputs]


def plain_figures(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures as JSON gives them back."""
    data: dict[str, Any] = json.loads(json.dumps(plain(dict(figures)), ensure_ascii=False))
    return data


def _sum(column: "pd.Series[int]") -> int:
    return int(pd.to_numeric(column).fillna(0).sum())
