"""The map of a plan as a file: `write_map`."""

from pathlib import Path

from gridcell.arguments import checked
from gridcell.display.map import draw_map
from gridcell.files.whole import require_writable, write_text
from gridcell.model import Plan


@checked
def write_map(
    plan: Plan,
    path: str | Path,
    *,
    lang: str = "en",
    tiles: str | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write the map of a plan as one HTML file, whole or not at all; return the file.

    Parameters
    ----------
    plan, lang, tiles
        As for `draw_map`.
    path
        The file, in a folder that exists. The same plan gives the same bytes.
    overwrite
        Replace a file that is there already.

    Raises
    ------
    InputError
        As for `draw_map`.
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
    page: str = draw_map(plan, lang=lang, tiles=tiles).get_root().render()
    return [write_text(path, page, overwrite=overwrite)]
