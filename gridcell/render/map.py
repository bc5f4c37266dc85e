"""The map of a plan as a file: `write_map`."""

from pathlib import Path

from gridcell.display.map import draw_map
from gridcell.files.atomic import whole_file
from gridcell.model import Plan


def write_map(plan: Plan, path: str | Path, *, lang: str = "en", tiles: str | None = None) -> None:
    """Write the map of a plan as one HTML file, whole or not at all, over a file of that name.

    Parameters
    ----------
    plan, lang, tiles
        As for `draw_map`.
    path
        The file, in a folder that exists. The same plan gives the same bytes.

    Raises
    ------
    InputError
        As for `draw_map`.
    WriteError
        When the file cannot be written.
    """
    with whole_file(path, overwrite=True) as part:
        page: str = draw_map(plan, lang=lang, tiles=tiles).get_root().render()
        part.write_text(page, encoding="utf-8", newline="\n")
