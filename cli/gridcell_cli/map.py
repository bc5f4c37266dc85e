"""``gridcell map``: look at a plan."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridcell_cli import options
from gridcell_cli.language import said

if TYPE_CHECKING:
    from gridcell.model import Plan

_OTHERS = {".pdf", ".png", ".svg", ".json", ".geojson", ".gpkg", ".shp", ".csv", ".xlsx", ".kml"}


@click.command("map")
@click.argument("plan", metavar="PLAN", type=options.FILE)
@click.option(
    "-o", "--output", metavar="FILE.html|FOLDER/", required=True,
    help="One page, or a folder of pages for a whole city. Output appears complete or not "
         "at all.",
)  # fmt: skip
@click.option(
    "--tiles", metavar="URL",
    help="Base map that the page loads, as https://HOST/{z}/{x}/{y}.png; none by default.",
)  # fmt: skip
@click.option("--title", metavar="TEXT", help="Heading of the map, instead of the name.")
@click.option(
    "--date", metavar="DATE", help="Date of the map, below its title; none by default.",
)  # fmt: skip
@click.option(
    "--contacts", metavar="FILE",
    help="Table with staff_id, name and phone: the page tells who holds which post.",
)  # fmt: skip
@click.option(
    "--edit", is_flag=True,
    help="Write an editor instead of a map; 'gridcell edit --script' applies what it saves.",
)  # fmt: skip
@options.publishing
@options.lang
@options.overwrite
@options.common
def command(
    plan: Path,
    output: str,
    tiles: str | None,
    title: str | None,
    date: str | None,
    contacts: str | None,
    threshold: int | None,
    publish_level: str | None,
    earlier: tuple[Path, ...],
    lang: str | None,
    *,
    edit: bool,
    publish: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Draw PLAN as one HTML page, or as a folder of pages, that works offline.

    PLAN is a folder written by 'gridcell partition' or its plan.gpkg. An output that does not end
    in .html is a folder: an overview, index.html, and one page per community. With --edit, cells
    can be edited by hand in the page: one page, or a folder with one per community.
    """
    from gridcell.display.map import check_tiles, make_heading
    from gridcell.errors import WriteError
    from gridcell.files.whole import require_writable
    from gridcell.render.city import require_free, write_city_map
    from gridcell.render.map import write_map
    from gridcell.revision.editor import write_editor, write_editors
    from gridcell.words.messages import Message
    from gridcell_cli.plans import open_plan

    check_tiles(tiles)
    heading = make_heading(title, date)
    if edit and (publish or tiles is not None):
        raise click.UsageError(said("editor_alone", flag="--publish" if publish else "--tiles"))
    if publish and contacts is not None:
        raise click.UsageError(said("publish_no_people", option="--contacts"))
    options.require_publishing(
        publish=publish, threshold=threshold, earlier=earlier, publish_level=publish_level
    )

    def shown() -> "Plan":
        if edit:
            return open_plan(plan, quiet=quiet)
        return options.read_shown(
            plan,
            publish=publish,
            threshold=threshold,
            earlier=earlier,
            publish_level=publish_level,
            quiet=quiet,
        )

    path = Path(output)
    language = lang or "en"
    edited: dict[str, Any] = {
        "lang": language, "title": heading.title, "date": heading.date, "contacts": contacts,
        "overwrite": overwrite,
    }  # fmt: skip
    drawn = {**edited, "tiles": tiles}
    separators = tuple(filter(None, ("/", os.sep, os.altsep)))
    is_page = path.suffix.lower() in {".html", ".htm"} and not output.endswith(separators)
    if path.suffix.lower() in _OTHERS and not output.endswith(separators):
        raise WriteError(Message("error.map_is_page", path=path, stem=path.stem))
    if edit and not is_page:
        files = write_editors(shown(), path, **edited)
    elif not is_page:
        require_free(path, overwrite=overwrite)
        files = write_city_map(shown(), path, **drawn)
        path = files[0]
    else:
        if path.is_dir():
            raise WriteError(Message("error.folder_not_page", path=path, example=path / "map.html"))
        require_writable(path, overwrite=overwrite)
        files = write_editor(shown(), path, **edited) if edit else write_map(shown(), path, **drawn)
    total = sum(file.stat().st_size for file in files)
    if as_json:
        click.echo(json.dumps({"output": str(path), "pages": len(files), "bytes": total}))
    elif not quiet:
        text = (
            said("map_pages", file=path, n=len(files), size=total / 1e6)
            if len(files) > 1
            else said("map", file=path, size=total / 1e6)
        )
        click.echo(text, err=True)
