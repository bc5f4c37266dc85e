"""The map of a plan as a file: `write_map`."""

from pathlib import Path

from gridcell.arguments import checked
from gridcell.display.content import page_content
from gridcell.display.map import PlanMap, check_tiles, make_heading
from gridcell.files.whole import require_writable, write_text
from gridcell.model import Plan
from gridcell.read.files import Input
from gridcell.render.holders import post_holders


@checked
def write_map(
    plan: Plan,
    path: str | Path,
    *,
    lang: str = "en",
    tiles: str | None = None,
    title: str | None = None,
    date: str | None = None,
    contacts: Input | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write the map of a plan as one HTML file, whole or not at all; return the file.

    Parameters
    ----------
    plan, lang, tiles, title, date
        As for `draw_map`.
    path
        The file, in a folder that exists. The same plan gives the same bytes.
    contacts
        A file or frame with ``staff_id`` and ``name`` or ``phone``: the page then tells who holds
        which post. Without it nobody is in the file.
    overwrite
        Replace a file that is there already.

    Raises
    ------
    InputError
        As for `draw_map`; contacts that cannot be used.
    WriteError
        The file is in the way or cannot be written.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> [file.name for file in gridcell.write_map(plan, folder / "map.html", lang="zh")]
    ['map.html']
    """
    require_writable(path, overwrite=overwrite)
    check_tiles(tiles)
    content = page_content(
        plan, lang, tiles=tiles, heading=make_heading(title, date),
        holders=post_holders(plan, contacts),
    )  # fmt: skip
    page: str = PlanMap(content).get_root().render()
    return [write_text(path, page, overwrite=overwrite)]
