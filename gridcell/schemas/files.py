"""The JSON schemas that are shipped beside this module, and how they are made of the models."""

import importlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from pydantic import TypeAdapter

from gridcell.read.draft import meanings_of
from gridcell.revision.script import Entry
from gridcell.schemas.certificate import CertificateFile
from gridcell.schemas.report import PublishedReportFile, ReportFile

MODELS: Final[Mapping[str, tuple[Any, str]]] = {
    "report": (ReportFile | PublishedReportFile, "What report.json in the folder of a plan holds."),
    "certificate": (CertificateFile, "What certificate.json holds."),
    "edits": (list[Entry], "A script of edits: a list of operations."),
}
"""By the name of the file: what it holds, and what is said of it."""

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SOURCES: Final = (
    "gridcell.schemas.report", "gridcell.schemas.certificate", "gridcell.certificate.record",
    "gridcell.revision.script", "gridcell.rules",
)  # fmt: skip
"""Modules with the models, in whose source the meaning of each field stands below it."""

_ABOVE: Final = {
    "StaffingProof": "Reached", "LevelProof": "Proof", "LayerProof": "Proof",
    "CertificateFile": "Certificate",
}  # fmt: skip
"""Models that have the fields of another one as well."""


def make_schema(name: str) -> dict[str, Any]:
    """Return the schema of a file, made of its models.

    Parameters
    ----------
    name
        A key of `MODELS`.

    Examples
    --------
    >>> from gridcell.schemas.files import make_schema, read_schema
    >>> make_schema("edits") == read_schema("edits")
    True
    """
    model, says = MODELS[name]
    made = _renamed(TypeAdapter(model).json_schema())
    meanings: dict[str, dict[str, str]] = {}
    for module in _SOURCES:
        told = meanings_of(importlib.import_module(module))
        meanings |= {model.lstrip("_"): fields for model, fields in told.items()}
    models = {**made.get("$defs", {}), str(made.get("title", "")): made}
    for title, part in models.items():
        for field, shape in part.get("properties", {}).items():
            said = _inherited(meanings, title).get(field, "")
            if field == "operation" and shape.get("type") == "string":
                said = "Which operation it is."
            if said:
                shape["description"] = said.replace("``", "").replace("`", "")
    return {"$schema": _DIALECT, "title": f"{name}.json", "description": says, **{
        key: value for key, value in made.items() if key not in ("title", "description")
    }}  # fmt: skip


def _renamed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema in which no name begins with an underscore."""
    text = json.dumps(schema, ensure_ascii=False)
    renamed: dict[str, Any] = json.loads(re.sub(r'(?<=["/])_(?=\w+Entry")', "", text))
    return renamed


def _inherited(meanings: Mapping[str, dict[str, str]], title: str) -> dict[str, str]:
    return {**meanings.get(_ABOVE.get(title, ""), {}), **meanings.get(title, {})}


def read_schema(name: str) -> dict[str, Any]:
    """Return the schema of a file as it is shipped.

    Parameters
    ----------
    name
        A key of `MODELS`.
    """
    file = files("gridcell.schemas") / f"{name}.schema.json"
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema


def as_text(schema: Mapping[str, Any]) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
