"""The certificate as a file: its records, written and read."""

import json
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gridcell.errors import InputError, WriteError
from gridcell.files.folder import recover_folder
from gridcell.files.whole import write_text
from gridcell.version import __version__
from gridcell.words.faults import fault_text
from gridcell.words.messages import Message

NAME: Final = "certificate.json"
"""What a plan's certificate is called in its folder."""

_FORMAT: Final = "gridcell certificate"
_VERSION: Final = 1
_KINDS: Final = {
    "bytes": "SHA-256 of the file",
    "tables": "SHA-256 over the digests of its layers and tables: columns, rows in order, WKB",
    "figures": "SHA-256 of its JSON with sorted keys, without seconds and inputs",
}


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CertifiedInput(_Record):
    """An input: where it came from and its digest."""

    role: str
    """Which input it is: communities, buildings, barriers …"""
    path: str
    """File name without folders, or ``frame``."""
    layer: str | None
    """Name of the layer within the file."""
    rows: int
    """Rows that were read."""
    encoding: str | None
    """Encoding of its texts."""
    crs: str | None
    """CRS of the file, as ``EPSG:4547`` or its name."""
    sha256: str
    """Digest of the file."""


class CertifiedFile(_Record):
    """A file beside the certificate."""

    path: str
    """Relative to the certificate, with slashes."""
    digest: Literal["bytes", "tables", "figures"]
    """What the digest is taken of: a key of ``digests``."""
    sha256: str
    """The digest."""
    tables: dict[str, str] = Field(default_factory=dict)
    """Digest of each layer and table, where there are several in the file."""


class Certificate(_Record):
    """What ``certificate.json`` holds."""

    format: Literal["gridcell certificate"] = "gridcell certificate"
    """What the file is."""
    format_version: Literal[1] = 1
    """Of the format; a newer gridcell may write a greater one."""
    subject: Literal["plan", "layer"]
    """What is certified: the folder of a plan, or a layer that was checked."""
    version: str
    """Of gridcell."""
    digests: dict[str, str] = Field(default_factory=lambda: dict(_KINDS))
    """What each kind of digest is taken of."""
    inputs: list[CertifiedInput]
    """What the plan was made of; of a layer, the files that were checked."""
    rules_sha256: str | None
    """Digest of the rules as JSON with sorted keys; ``None`` for a layer."""
    files: list[CertifiedFile]
    """The files beside it."""
    proof: dict[str, Any]
    """The figures that were proven."""

    def to_json(self) -> str:
        """Return the text of the file, the same for the same content."""
        data = self.model_dump(mode="json")
        data["files"] = [
            {key: value for key, value in file.items() if value != {}} for file in data["files"]
        ]
        return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def write_certificate(
    certificate: Certificate, path: str | Path, *, overwrite: bool = False
) -> Path:
    """Write a certificate; return its file.

    Parameters
    ----------
    certificate
        From `make_certificate` or `certify_layer`.
    path
        The file; appears whole or not at all.
    overwrite
        Replace a certificate that is there already, but no other file.

    Raises
    ------
    WriteError
        The file is in the way or cannot be written.
    """
    file = Path(path)
    if overwrite and file.is_file() and not _is_certificate(file):
        raise WriteError(Message("error.not_a_certificate", file=file))
    return write_text(file, certificate.to_json(), overwrite=overwrite)


def read_certificate(path: str | Path) -> Certificate:
    """Return the certificate in a file, or in a plan's folder.

    Raises
    ------
    InputError
        There is none, it is damaged, or of a format that a newer gridcell writes.
    """
    recover_folder(path)
    file = Path(path)
    if file.is_dir():
        file /= NAME
    again = Message("part.restore_certificate")
    try:
        data = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise InputError(
            Message("error.certificate_unreadable", file=file, error=error.strerror or error)
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            Message("error.certificate_no_json", file=file, error=error, again=again)
        ) from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise InputError(
            Message("error.certificate_format", file=file, format=_FORMAT, again=again)
        )
    number = data.get("format_version")
    if isinstance(number, int) and number > _VERSION:
        raise InputError(
            Message(
                "error.certificate_version",
                file=file,
                number=number,
                version=__version__,
                known=_VERSION,
                writer=str(data.get("version")),
            )
        )
    try:
        certificate = Certificate.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            Message(
                "error.certificate_damaged",
                file=file,
                where=where,
                fault=fault_text(first),
                again=again,
            )
        ) from None
    for name in [record.path for record in certificate.files]:
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts or "\\" in name or ":" in name:
            raise InputError(
                Message("error.certificate_stray_file", file=file, name=name, again=again)
            )
    return certificate


def _is_certificate(file: Path) -> bool:
    try:
        return '"gridcell certificate"' in file.read_text("utf-8")[:200]
    except (OSError, ValueError):
        return False
