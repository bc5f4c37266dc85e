"""``gridcell check``: proofs over a plan, or over any polygon layer."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gridcell_cli import fields as field_option
from gridcell_cli import options
from gridcell_cli.language import language, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridcell.check import CheckReport
    from gridcell.words.messages import Message


def _pair(
    _ctx: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> list[tuple[str, str]]:
    """Return ``PART:WHOLE`` as pairs of columns."""
    pairs = []
    for text in given:
        part, mark, whole = text.partition(":")
        if not (part and mark and whole):
            raise click.BadParameter(said("share_form", given=text))
        pairs.append((part, whole))
    return pairs


@click.command("check")
@click.argument("cells", metavar="[PLAN|CELLS]", required=False)
@click.option("--within", metavar="LAND", help="Land that the cells must cover.")
@click.option("--buildings", metavar="FILE", help="Buildings that no border may cut.")
@click.option(
    "--households",
    metavar="FILE",
    help="Points or a table of households; each must lie in one cell.",
)
@click.option(
    "--share", "shares", metavar="PART:WHOLE", multiple=True, callback=_pair,
    help="Two columns of CELLS, a part and the whole that it must not exceed; repeatable.",
)  # fmt: skip
@click.option(
    "--gap-width", metavar="METRES", type=click.FloatRange(min=0),
    help="Gaps narrower than this, in metres, are slivers; 3 by default.",
)  # fmt: skip
@click.option(
    "--certificate", metavar="[FILE]", is_flag=False, flag_value="",
    help="Compare files and proof with a certificate, by default the one in the plan's "
         "folder.",
)  # fmt: skip
@click.option(
    "--inputs", metavar="DIR", type=options.FILE,
    help="With --certificate: folder of the inputs, to compare them as well.",
)  # fmt: skip
@click.option(
    "--publish", is_flag=True,
    help="CELLS was written by 'gridcell export --publish': prove that no suppressed count "
         "can be worked out.",
)  # fmt: skip
@options.threshold
@options.earlier
@click.option(
    "--certify", metavar="FILE", type=options.FILE,
    help="Write a certificate of this check of CELLS.",
)  # fmt: skip
@options.output("FILE", required=False)
@field_option.option("cells", "communities", "buildings", "households")
@options.crs
@options.encoding
@options.overwrite
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    cells: str | None,
    within: str | None,
    buildings: str | None,
    households: str | None,
    shares: list[tuple[str, str]],
    gap_width: float | None,
    certificate: str | None,
    inputs: Path | None,
    certify: Path | None,
    threshold: int | None,
    earlier: tuple[Path, ...],
    output: Path | None,
    fields: field_option.Fields,
    encoding: str | None,
    crs: str | None,
    *,
    publish: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Prove that cells cover their land exactly and that a plan keeps every rule.

    PLAN is a folder written by 'gridcell partition' or its plan.gpkg; CELLS is any polygon layer.
    -o writes the findings: a GeoPackage gets their places (findings) and the polygons of gaps and
    overlaps (pieces), GeoJSON the places only. Exit code 4: an error was found.

    With --publish, CELLS is a folder written by 'gridcell export --publish'. For every suppressed
    count the check finds the least and the greatest value consistent with everything published;
    where one under the threshold is among them, or the count is that of a single building, they
    must be at least the threshold apart. --older names what was published earlier.
    """
    from gridcell.formats.findings import require_findings_file, write_findings
    from gridcell.formats.geopackage import is_plan

    if output is not None:
        require_findings_file(output, overwrite=overwrite)
    _require_usage(cells, certificate, inputs)
    options.require_publishing(publish=publish, threshold=threshold, earlier=earlier)
    if publish:
        _refuse("no_part_in_publication", {
            "--within": within, "--buildings": buildings, "--households": households,
            "--share": shares or None, "--gap-width": gap_width, "--certificate": certificate,
            "--certify": certify, "--encoding": encoding, "--crs": _given("crs"),
            "--field": _given("fields"),
        })  # fmt: skip
        report = _check_published(cells or "", earlier, threshold)
    elif cells is None or is_plan(cells):
        _refuse("plan_names_own", {
            "--within": within, "--buildings": buildings, "--households": households,
            "--share": shares or None, "--gap-width": gap_width, "--certify": certify,
            "--crs": _given("crs"), "--field": _given("fields"),
        })  # fmt: skip
        report = (
            _check_plan(str(cells))
            if certificate is None
            else _verify(certificate or str(cells), inputs, None)
        )
    else:
        layer = _Layer(cells, within, buildings, households, encoding, crs, fields)
        for remark in [] if quiet else layer.remarks():
            click.echo(said("note", text=remark), err=True)
        report = layer.check(shares, gap_width)
        if certify is not None:
            layer.certify(report, certify, overwrite=overwrite)
        if certificate == "":
            raise click.UsageError(said("name_certificate"))
        if certificate is not None:
            report = _verify(certificate, inputs or layer.folder, report)
    if output is not None:
        write_findings(report.findings, output, pieces=report.pieces, overwrite=overwrite)
    if as_json:
        click.echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=2, allow_nan=False))
    elif not quiet:
        click.echo(report.to_text(lang=language()))
        if publish:
            click.echo(_told(report.figures["published"]))
    ctx.exit(0 if report.ok else 4)


def _require_usage(cells: str | None, certificate: str | None, inputs: Path | None) -> None:
    if inputs is not None and certificate is None:
        raise click.UsageError(said("belongs_to", option="--inputs", other="--certificate"))
    if cells is None and not certificate:
        raise click.UsageError(said("missing_cells"))


def _refuse(key: str, given: dict[str, Any]) -> None:
    for name, value in given.items():
        if value is not None:
            raise click.UsageError(said(key, option=name))


def _given(name: str) -> str | None:
    """Return an option of the command line; one of the environment is for other inputs."""
    context = click.get_current_context()
    if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
        return None
    value: str = context.params[name]
    return value


def _check_published(path: str, earlier: tuple[Path, ...], threshold: int | None) -> "CheckReport":
    from gridcell.disclosure.audit_files import check_published

    return check_published(path, earlier=earlier, threshold=threshold)


def _told(figures: dict[str, Any]) -> str:
    from gridcell.words.messages import counted

    hidden = [counted(f"{name}_cells", n) for name, n in figures["hidden"].items()]
    earlier, threshold = figures["earlier"], figures["threshold"]
    key = ("hidden", "hidden_after", "hidden_after_several")[min(earlier, 2)]
    return said(key, hidden=hidden, n=earlier, most=threshold - 1, threshold=threshold)


def _check_plan(path: str) -> "CheckReport":
    from gridcell.certificate.folder import check_plan_folder
    from gridcell.check import CheckReport, check_plan, compare_report
    from gridcell.formats.geopackage import read_plan, stored_report

    plan, folder = read_plan(path), Path(path).is_dir()
    file = Path(path) / "plan.gpkg" if folder else Path(path)
    findings = [*check_plan(plan), *compare_report(plan, stored_report(file))]
    if folder:
        findings += check_plan_folder(plan, path)
    return CheckReport.of(findings, plan.crs)


def _verify(path: str, inputs: Path | None, checked: "CheckReport | None") -> "CheckReport":
    """Return what differs from a certificate; of a layer, `checked` is what was found now."""
    from gridcell.certificate import verify_certificate
    from gridcell.check import CheckReport

    figures = None if checked is None else _certified(checked)
    return CheckReport.of(verify_certificate(_folder(path), inputs=inputs, figures=figures), None)


def _certified(report: "CheckReport") -> dict[str, Any]:
    return {"ok": report.ok, **report.figures}


def _folder(path: str) -> str:
    """Return the folder of a plan that is named by its plan.gpkg."""
    return str(Path(path).parent) if Path(path).suffix.lower() == ".gpkg" else path


class _Layer:
    """The files of a check, opened."""

    def __init__(
        self,
        cells: str,
        within: str | None,
        buildings: str | None,
        households: str | None,
        encoding: str | None,
        crs: str | None,
        fields: field_option.Fields,
    ) -> None:
        from gridcell.crs import parse_crs
        from gridcell.formats.geopackage import is_plan
        from gridcell.read.files import open_input, open_polygons, split_layer

        file = split_layer(cells)[0]
        self.folder = file.parent
        self.read_as_plan: Sequence[Message] = ()
        self.crs, self.fields = crs, fields
        named = parse_crs(crs)
        self.sources = {"cells": open_polygons(cells, "cells", encoding=encoding, named=named)}
        for role, given in (("within", within), ("buildings", buildings)):
            if given is not None:
                # Buildings are where the cells are; the land has to say so.
                beside = self.sources["cells"].crs if role == "buildings" else None
                self.sources[role] = open_polygons(
                    given, role, encoding=encoding, named=named, beside=beside
                )
        if within is not None and is_plan(file):
            self._take_as_plan(file, named)
        if households is not None:
            self.sources["households"] = open_input(households, "households", encoding=encoding)

    def _take_as_plan(self, file: Path, named: Any) -> None:
        """Read the land as the plan did whose layer the cells are: in its CRS, healed."""
        from gridcell.formats.geopackage import plan_file, read_rules_of
        from gridcell.read.land import read_land

        source, crs = self.sources["within"], self.sources["cells"].crs
        if crs is None:
            return
        land, self.read_as_plan = read_land(
            source, crs, read_rules_of(plan_file(file)), named,
            whole=self.sources["cells"].layer == "large",
        )  # fmt: skip
        self.sources["within"] = replace(source, frame=land)

    def remarks(self) -> "list[Message]":
        # Rings that were closed are findings.
        told = [remark for source in self.sources.values() for remark in source.column_remarks]
        return [*told, *self.read_as_plan]

    def check(self, shares: list[tuple[str, str]], gap_width: float | None) -> "CheckReport":
        from gridcell.check import check_cells
        from gridcell.coverage.width import GAP_WIDTH_M
        from gridcell.read.geometry import unclosed_rings

        frames = {
            role: field_option.named(
                source.frame, self.fields, "communities" if role == "within" else role, source.label
            )
            for role, source in self.sources.items()
        }
        report = check_cells(
            frames["cells"],
            frames.get("within"),
            buildings=frames.get("buildings"),
            households=frames.get("households"),
            gap_width=GAP_WIDTH_M if gap_width is None else gap_width,
            shares=shares,
            crs=self.crs,
        )
        drawn = [self.sources[role] for role in ("cells", "within") if role in self.sources]
        return report.with_findings(ring for source in drawn for ring in unclosed_rings(source))

    def certify(self, report: "CheckReport", file: Path, *, overwrite: bool) -> None:
        from gridcell.certificate import certify_layer, write_certificate

        records = [source.record() for source in self.sources.values()]
        write_certificate(certify_layer(_certified(report), records), file, overwrite=overwrite)
