"""Cells as FlatGeobuf."""

from pathlib import Path

from gridcell.formats.layers import CellLevels, Manifest, read_level_files
from gridcell.formats.ogr import by_code, read_layer, write_layer
from gridcell.formats.source import CellSource, Written
from gridcell.schema import CELL_LAYERS


def as_flatgeobuf(source: CellSource, folder: Path) -> Written:
    """Write ``LEVEL.fgb`` with a spatial index, which sorts the features along a curve."""
    files = {level: folder / f"{level}.fgb" for level in CELL_LAYERS}
    for level, frame in source.levels.items():
        # There is no index over nothing.
        index = "YES" if len(frame) else "NO"
        told = {} if source.note is None else {"DESCRIPTION": source.note}
        write_layer(frame, files[level], driver="FlatGeobuf", layer=level,
                    layer_options={"SPATIAL_INDEX": index, **told})  # fmt: skip
    return Written(
        rows={files[level]: len(frame) for level, frame in source.levels.items()},
        back=by_code({level: read_layer(file) for level, file in files.items()}),
        intended=source.levels,
    )


def read_flatgeobuf(folder: Path, _manifest: Manifest) -> CellLevels:
    """Return the cells of ``LEVEL.fgb``."""
    return read_level_files(folder, ".fgb")
