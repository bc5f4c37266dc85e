"""Certificates verified: files, rules and inputs compared, the proof done again."""

import glob
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gridcell.certificate.certify import (
    certified_inputs,
    certify_file,
    plain_figures,
    proof_figures,
    rules_digest,
)
from gridcell.certificate.record import Certificate, CertifiedFile, CertifiedInput, read_certificate
from gridcell.errors import InputError, RulesError
from gridcell.formats.geopackage import PLAN_FRAMES, read_plan
from gridcell.formats.styles import STYLES
from gridcell.model import Finding, Plan, Severity
from gridcell.read.files import digest_input, list_layers
from gridcell.words.messages import Message, Value

_PRECISION: Final = 1e-6


def verify_certificate(
    path: str | Path,
    *,
    inputs: str | Path | None = None,
    figures: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """Return what differs between a certificate and the files beside it, nothing where all holds.

    Parameters
    ----------
    path
        The certificate, or a plan's folder that holds it.
    inputs
        A folder with the inputs, however deep. Of a layer, its files are also looked for beside
        the certificate.
    figures
        Of a layer: what a new check found. A plan is proven anew here.

    Returns
    -------
    Findings in the order of the certificate. Kinds: ``missing_file``, ``file_differs``,
    ``rules_differ``, ``inputs_differ``, ``proof_differs`` and ``proof_fails`` (errors),
    ``inputs_not_compared`` and ``proof_not_compared`` (notes).

    Raises
    ------
    InputError
        No certificate, a damaged one, or no such folder of inputs.
    """
    certificate = read_certificate(path)
    base = Path(path) if Path(path).is_dir() else Path(path).parent
    if inputs is not None and not Path(inputs).is_dir():
        raise InputError(Message("error.no_inputs_folder", folder=inputs))
    findings: list[Finding] = []
    if certificate.subject == "plan":
        findings += _verify_plan(certificate, base, compared=inputs is not None)
    elif figures is None:
        findings.append(
            _finding(
                "proof_not_compared", Message("finding.proof_not_compared"), severity="note"
            )
        )  # fmt: skip
    else:
        findings += compare_figures(certificate.proof, plain_figures(figures))
    if certificate.subject == "layer":
        findings += _verify_inputs(certificate, [base, *([] if inputs is None else [Path(inputs)])])
    elif inputs is not None:
        findings += _verify_inputs(certificate, [Path(inputs)])
    if certificate.proof.get("ok") is False:
        findings.append(_finding("proof_fails", Message("finding.proof_fails")))
    return findings


def _verify_plan(certificate: Certificate, base: Path, *, compared: bool) -> Iterator[Finding]:
    plan: Plan | None = None
    if (base / "plan.gpkg").is_file():
        try:
            plan = read_plan(base / "plan.gpkg")
        except (InputError, RulesError) as error:
            yield _unreadable("plan.gpkg", error)
    for record in certificate.files:
        if not (base / record.path).is_file():
            said = Message("finding.missing_certified", file=record.path)
            yield _finding("missing_file", said)
        elif record.digest != "tables" or plan is not None:
            yield from _verify_file(record, base, plan)
    if plan is None:
        return
    yield from _uncertified(base / "plan.gpkg")
    if rules_digest(base / "plan.gpkg") != certificate.rules_sha256:
        yield _finding("rules_differ", Message("finding.rules_differ"))
    if certified_inputs(plan) != certificate.inputs:
        yield _finding("inputs_differ", Message("finding.inputs_differ"))
    yield from compare_figures(certificate.proof, proof_figures(plan, base / "plan.gpkg"))
    if not compared and certificate.inputs:
        yield _finding(
            "inputs_not_compared",
            Message("finding.inputs_not_compared", n=len(certificate.inputs)),
            severity="note",
        )


def _verify_file(record: CertifiedFile, base: Path, plan: Plan | None) -> Iterator[Finding]:
    try:
        now = certify_file(base, record.path, plan, kind=record.digest)
    except InputError as error:
        yield _unreadable(record.path, error)
        return
    if now.sha256 == record.sha256 and now.tables == record.tables:
        return
    names = [*record.tables, *(name for name in now.tables if name not in record.tables)]
    tables = [name for name in names if now.tables.get(name) != record.tables.get(name)]
    said = (
        Message("finding.file_differs_in", file=record.path, tables=tables)
        if tables
        else Message("finding.file_differs", file=record.path)
    )
    yield _finding("file_differs", said)


def _verify_inputs(certificate: Certificate, folders: list[Path]) -> Iterator[Finding]:
    for record in certificate.inputs:
        if record.path == "frame":
            yield _finding(
                "inputs_not_compared",
                Message("finding.input_in_memory", role=record.role), severity="note",
            )  # fmt: skip
            continue
        found = [
            path for folder in folders for path in sorted(folder.rglob(glob.escape(record.path)))
        ]
        if not found:
            where = " or ".join(str(folder) for folder in folders)
            yield _finding(
                "missing_file",
                Message("finding.input_missing", role=record.role, file=record.path, folder=where),
            )
        elif not any(_is_certified(path, record) for path in found):
            yield _finding(
                "file_differs",
                Message("finding.input_differs", role=record.role, file=record.path),
            )


def _is_certified(path: Path, record: CertifiedInput) -> bool:
    try:
        return digest_input(path, record.layer) == record.sha256
    except InputError:
        # A folder or archive of that name without that layer.
        return False


def _uncertified(file: Path) -> Iterator[Finding]:
    # How layers look may be changed: nothing rests on it.
    known = {*PLAN_FRAMES, "metadata", STYLES}
    for name in sorted(set(list_layers(file)) - known):
        yield _finding(
            "file_differs", Message("finding.uncertified_layer", layer=name),
            severity="warning",
        )  # fmt: skip


def compare_figures(certified: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield ``proof_differs`` for each figure: those with decimals may differ by a millionth."""
    before, now = dict(_paths(certified)), dict(_paths(found))
    for path in [*before, *(path for path in now if path not in before)]:
        if not _same(before.get(path), now.get(path)):
            yield _finding(
                "proof_differs",
                Message(
                    "finding.proof_differs",
                    path=path,
                    certified=_show(before.get(path)),
                    found=_show(now.get(path)),
                ),
            )


def _paths(figures: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in figures.items():
        if isinstance(value, Mapping):
            yield from _paths(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _same(a: Any, b: Any) -> bool:
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (a, b))
    if numbers and (isinstance(a, float) or isinstance(b, float)):
        return bool(abs(a - b) <= _PRECISION * max(1.0, abs(a), abs(b)))
    return type(a) is type(b) and bool(a == b)


def _show(value: Any) -> Value:
    return Message("part.nothing") if value is None else json.dumps(value, ensure_ascii=False)


def _unreadable(file: str, error: Exception) -> Finding:
    said = Message("finding.unreadable_file", file=file, error=error)
    return _finding("file_differs", said)


def _finding(kind: str, text: Message, *, severity: Severity = "error") -> Finding:
    return Finding(kind=kind, severity=severity, text=text)
