"""Certificates: what was proven, and digests of everything that it was proven of.

A certificate is a digest, not a signature. It tells whether files are the ones that were proven;
it cannot tell whether the inputs were true, nor whether somebody rewrote files and certificate
together.
"""

from gridcell.certificate.certify import (
    PLAN_FILES,
    certify_layer,
    certify_tables,
    join_certificate,
    make_certificate,
    plan_files,
    proof_figures,
)
from gridcell.certificate.record import NAME, Certificate, read_certificate, write_certificate
from gridcell.certificate.verify import verify_certificate

__all__ = [
    "NAME", "PLAN_FILES", "Certificate", "certify_layer", "certify_tables", "join_certificate",
    "make_certificate", "plan_files", "proof_figures", "read_certificate", "verify_certificate",
    "write_certificate",
]  # fmt: skip
