"""``gridcell inspect``: what files hold, and what is wrong with them."""

import json
from typing import TYPE_CHECKING

import click

from gridcell.words.columns import padded, width
from gridcell.words.messages import Message, input_name, joined
from gridcell_cli import fields as field_option
from gridcell_cli import options
from gridcell_cli.language import error_line, in_words, labelled, language, said

if TYPE_CHECKING:
    from gridcell.read import LayerInfo


@click.command("inspect")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@field_option.option(
    "communities", "buildings", "households", "sites", "barriers", "staff", "atoms"
)
@options.crs
@options.encoding
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    fields: field_option.Fields,
    crs: str | None,
    encoding: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Show what each layer of FILEs holds and what is wrong with it.

    Several files are also compared with one another. Exit code 3: a file cannot be read.
    """
    from gridcell.read import inspect_files

    layers = inspect_files(files, encoding=encoding, crs=crs, fields=fields)
    if as_json:
        report = [layer.as_dict() for layer in layers]
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo("\n\n".join(_describe(layer) for layer in layers if layer.error is None))
    for layer in layers:
        if layer.fault is not None:
            hints = options.as_options(layer.hints, ctx.command)
            click.echo(error_line(layer.fault, hints, language()), err=True)
    ctx.exit(3 if any(layer.error is not None for layer in layers) else 0)


def _describe(layer: "LayerInfo") -> str:
    title = layer.path + (f"#{layer.layer}" if layer.layer else "")
    kinds = tuple(
        Message("cli.of_type", n=n, type=kind) for kind, n in layer.geometry_types.items()
    )
    role = "-" if layer.role is None else in_words(input_name(layer.role))
    missing = said("crs_missing") if kinds else None
    rows = [
        ("rows", f"{layer.rows:,}"),
        ("looks_like", role),
        ("geometries", said("found", kinds=kinds) if kinds else said("none")),
        ("crs", layer.crs or missing),
        ("encoding", layer.encoding),
        ("bounds", layer.bounds and _extent(layer.bounds)),
        ("households", None if layer.households is None else f"{layer.households:,}"),
    ]
    lines = [title, *(f"  {labelled(name, text)}" for name, text in rows if text)]
    faults = _faults(layer) or [said("no_faults")]
    lines += [f"  {said('label_faults')}", *(f"    {text}" for text in faults)]
    if layer.fields:
        wide = max(width(field.name) for field in layer.fields) + 2
        lines.append(f"  {said('label_fields')}")
        lines += [
            f"    {padded(field.name, wide)}{padded(in_words(Message(f'type.{field.type}')), 9)}"
            + (said("missing", n=field.missing) if field.missing else "")
            + (f"= {field.meaning}" if field.meaning else "")
            for field in layer.fields
        ]
    return "\n".join(line.rstrip() for line in lines)


def _extent(bounds: tuple[float, float, float, float]) -> str:
    digits = 5 if max(map(abs, bounds)) <= 360 else 0
    west, south, east, north = (f"{bound:.{digits}f}" for bound in bounds)
    return said("extent", west=west, south=south, east=east, north=north)


def _faults(layer: "LayerInfo") -> list[str]:
    faults = []
    if layer.without_geometry:
        faults.append(said("without_geometry", n=layer.without_geometry))
    if layer.invalid:
        places = joined("clauses", layer.invalid_rows)
        faults.append(said("invalid", n=layer.invalid, places=places))
    if layer.duplicates:
        faults.append(said("repeated", n=layer.duplicates))
    if layer.overlaps:
        faults.append(said("overlapping", n=layer.overlaps))
    return [*faults, *layer.remarks_in(language())]
