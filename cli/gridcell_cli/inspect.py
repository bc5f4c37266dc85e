"""``gridcell inspect``: what files hold, and what is wrong with them."""

import json
from typing import TYPE_CHECKING

import click

from gridcell_cli import fields as field_option
from gridcell_cli import options

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
    """Show what each layer of the FILEs holds and what is wrong with it.

    Several files are compared with each other. Exit code 3: a file cannot be read.
    """
    from gridcell.errors import with_hints
    from gridcell.read import inspect_files

    layers = inspect_files(files, encoding=encoding, crs=crs, fields=fields)
    if as_json:
        report = [layer.as_dict() for layer in layers]
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo("\n\n".join(_describe(layer) for layer in layers if layer.error is None))
    for layer in layers:
        if layer.error is not None:
            said = with_hints(layer.error, options.as_options(layer.hints, ctx.command))
            click.echo(f"Error: {said}", err=True)
    ctx.exit(3 if any(layer.error is not None for layer in layers) else 0)


def _describe(layer: "LayerInfo") -> str:
    title = layer.path + (f"#{layer.layer}" if layer.layer else "")
    kinds = ", ".join(f"{count} {kind}" for kind, count in layer.geometry_types.items())
    rows = [
        ("rows", f"{layer.rows:,}"),
        ("looks like", layer.role or "-"),
        ("geometries", kinds or "none"),
        ("CRS", layer.crs or "missing: give --crs" if kinds else None),
        ("encoding", layer.encoding),
        ("bounds", layer.bounds and _extent(layer.bounds)),
        ("households", None if layer.households is None else f"{layer.households:,}"),
    ]
    lines = [title, *(f"  {name:<12}{text}" for name, text in rows if text)]
    lines += ["  faults", *(f"    {text}" for text in _faults(layer) or ["none found"])]
    if layer.fields:
        width = max(len(field.name) for field in layer.fields) + 2
        lines.append("  fields")
        lines += [
            f"    {field.name:<{width}}{field.type:<9}"
            + (f"{field.missing:,} missing  " if field.missing else "")
            + (f"= {field.meaning}" if field.meaning else "")
            for field in layer.fields
        ]
    return "\n".join(line.rstrip() for line in lines)


def _extent(bounds: tuple[float, float, float, float]) -> str:
    west, south, east, north = bounds
    digits = 5 if max(map(abs, bounds)) <= 360 else 0
    return f"x {west:.{digits}f} to {east:.{digits}f}, y {south:.{digits}f} to {north:.{digits}f}"


def _faults(layer: "LayerInfo") -> list[str]:
    faults = []
    if layer.without_geometry:
        faults.append(f"{layer.without_geometry:,} rows without geometry")
    if layer.invalid:
        shown = "; ".join(layer.invalid_places)
        faults.append(f"{layer.invalid:,} invalid geometries: {shown}")
    if layer.duplicates:
        faults.append(f"{layer.duplicates:,} geometries that occurred before")
    if layer.overlaps:
        faults.append(f"{layer.overlaps:,} pairs of polygons overlap")
    return [*faults, *layer.remarks]
