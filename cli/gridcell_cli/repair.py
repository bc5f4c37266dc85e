"""``gridcell repair``: gaps closed, overlaps settled, borders matched in any polygon layer."""

import json
from pathlib import Path

import click

from gridcell_cli import fields as field_option
from gridcell_cli import options
from gridcell_cli.language import language, said


@click.command("repair")
@click.argument("cells", metavar="CELLS")
@click.option(
    "--within", metavar="LAND", help="Land that the cells must fill; it is never changed."
)
@click.option(
    "--gap-width", metavar="METRES", type=click.FloatRange(min=0),
    help="Close gaps up to this width, in metres; 3 by default. Wider gaps are left and "
         "reported.",
)  # fmt: skip
@click.option(
    "--priority", metavar="COLUMN",
    help="Numeric column: where cells overlap, the higher value wins. Without it, borders "
         "shared with other cells win, then the longest border.",
)  # fmt: skip
@click.option(
    "--moves", metavar="FILE", type=options.FILE,
    help="Write the pieces of land that changed hands as polygons.",
)  # fmt: skip
@options.output("FILE")
@field_option.option("cells", "communities")
@options.crs
@options.encoding
@options.overwrite
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    cells: str,
    within: str | None,
    gap_width: float | None,
    priority: str | None,
    moves: Path | None,
    output: Path,
    fields: field_option.Fields,
    encoding: str | None,
    crs: str | None,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make any polygon layer an exact coverage and report every change.

    Closes gaps, settles overlaps, matches edges, mends invalid polygons and cuts off what reaches
    beyond LAND. Rows, their order and all columns are kept; cells without faults stay as they are.
    Exit code 4: a cell has no land left, or the layer could not be made exact.
    """
    from gridcell.coverage.repair import repair_cells
    from gridcell.coverage.width import GAP_WIDTH_M
    from gridcell.crs import parse_crs
    from gridcell.files.whole import require_writable
    from gridcell.formats.cells import require_format, write_cells
    from gridcell.read.files import open_polygons

    for file in (output, moves):
        if file is not None:
            require_format(file)
            require_writable(file, overwrite=overwrite)
    named = parse_crs(crs)
    layer = open_polygons(cells, "cells", encoding=encoding, named=named)
    land = None
    if within is not None:
        land = open_polygons(within, "within", encoding=encoding, named=named)
    for source in (layer, land):
        for remark in source.remarks if source is not None and not quiet else []:
            click.echo(said("note", text=remark), err=True)
    repair = repair_cells(
        field_option.named(layer.frame, fields, "cells", layer.label),
        None if land is None else field_option.named(land.frame, fields, "communities", land.label),
        gap_width=GAP_WIDTH_M if gap_width is None else gap_width,
        priority=priority,
        crs=crs,
    )
    # Columns stay as they are in the file.
    cells_out = repair.cells.set_axis(layer.frame.columns, axis="columns")
    written = layer.encoding if layer.is_shapefile else None
    write_cells(
        cells_out, output, layer=layer.layer or output.stem, encoding=written,
        overwrite=overwrite,
    )  # fmt: skip
    if moves is not None:
        write_cells(repair.moves, moves, layer="moves", overwrite=overwrite)
    if as_json:
        click.echo(json.dumps(repair.to_dict(), ensure_ascii=False, indent=2, allow_nan=False))
    elif not quiet:
        click.echo(repair.to_text(lang=language()))
    ctx.exit(0 if repair.ok else 4)
