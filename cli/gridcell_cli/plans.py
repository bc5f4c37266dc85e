"""Plans opened by commands: verified on the way, and what was found said in one line."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gridcell.words.messages import Message
from gridcell_cli.language import said

if TYPE_CHECKING:
    from gridcell.model import Finding, Plan


def open_plan(path: Path, *, atoms: bool = True, quiet: bool = False) -> "Plan":
    """Return a plan, and say on stderr whether its file keeps every promise.

    What is broken is said in any case: whoever goes on from such a plan has to know it. Where the
    tables are, by their digest, those of the certificate, they were proven when it was made.

    Parameters
    ----------
    path
        The plan's folder or its ``plan.gpkg``.
    atoms
        Read the land as well.
    quiet
        Say nothing of a plan that is sound.
    """
    from gridcell.certificate.certify import stands_certified
    from gridcell.check import check_plan, compare_report
    from gridcell.formats.geopackage import plan_file, read_plan, stored_report

    plan = read_plan(path, atoms=atoms)
    file = plan_file(path)
    broken = []
    if not (atoms and stands_certified(plan, file)):
        broken = [*check_plan(plan), *compare_report(plan, stored_report(file))]
    _tell(path, broken, "plan_sound", quiet=quiet)
    return plan


def tell_cells(path: Path, *, quiet: bool = False) -> None:
    """Say on stderr whether the cells in a plan's file cover their land, reading nothing else."""
    from gridcell.check.cells import check_stored_cells
    from gridcell.formats.geopackage import plan_file

    _tell(path, check_stored_cells(plan_file(path)), "cells_sound", quiet=quiet)


def _tell(path: Path, broken: "Iterable[Finding]", sound: str, *, quiet: bool) -> None:
    found = [finding for finding in broken if finding.severity == "error"]
    if found:
        more = Message("part.more", n=len(found) - 1) if len(found) > 1 else ""
        click.echo(said("plan_broken", file=path, fault=found[0].text, more=more), err=True)
    elif not quiet:
        click.echo(said(sound, file=path), err=True)
