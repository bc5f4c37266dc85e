"""Folders and archives: the data sets in them, and one of them at hand as plain files."""

import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

from gridcell.errors import InputError
from gridcell.words.messages import Message, Value, some

ARCHIVES: Final = (".zip", ".shz")
"""Suffixes of archives; a ``.shp.zip`` or ``.gpkg.zip`` is a ``.zip``."""
SHAPEFILE: Final = (".shp", ".shx", ".dbf", ".prj", ".cpg")
"""The parts of a shapefile that are read."""

_RANKS: Final = {
    **dict.fromkeys((".shp", ".gpkg", ".geojson", ".geojsonl", ".geojsons", ".fgb", ".parquet",
                     ".geoparquet", ".kml", ".gml", ".gdb", ".tab", ".mif"), 0),
    **dict.fromkeys((".json", ".pq", ".csv", ".tsv", ".xlsx", ".xlsm", ".dbf"), 1),
    ".txt": 2,
}  # fmt: skip
"""What a container without a named layer is taken to hold: layers, else tables, else texts."""
_OTHER: Final = 3
_PARTS: Final = frozenset({
    ".shx", ".prj", ".cpg", ".cst", ".sbn", ".sbx", ".qix", ".ain", ".aih", ".atx", ".ixs", ".mxs",
    ".qmd", ".qml", ".qpj", ".sld", ".lyr", ".xml", ".map", ".dat", ".id", ".ind", ".mid", ".xsd",
    ".gfs", ".md", ".html", ".htm", ".pdf", ".doc", ".docx", ".png", ".jpg", ".jpeg",
})  # fmt: skip
"""Suffixes of what belongs to data sets, or explains them."""
_SEVERAL: Final = (".gpkg", ".gdb", ".kml", ".gml")
"""Data sets with layers of their own."""
_SINGLE: Final = (*SHAPEFILE[:3], ".csv", ".tsv", ".txt", ".parquet", ".geoparquet", ".pq")
"""Files that hold one layer, which has no name of its own."""
_LIST: Final = 12
_UTF8_NAME: Final = 0x800
"""The flag of an archive whose names are UTF-8."""
_ENCRYPTED: Final = 0x1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One data set in a folder or an archive."""

    main: str
    """Its file, or the one that stands for its parts, with the folders inside the container."""
    parts: tuple[str, ...]
    title: str
    """What it is called as a layer: the name without suffix where that is unique."""
    rank: int

    @property
    def suffix(self) -> str:
        """Suffix of its main file, in small letters."""
        return PurePosixPath(self.main).suffix.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """A data set as plain files."""

    path: Path
    layer: str | None
    """The layer wanted in `path`."""
    title: str | None = None
    """What the data set is called as a layer of its container; ``None`` for a plain file."""


def is_container(path: Path) -> bool:
    """Tell whether data sets lie in `path`: a folder with known files in it, or an archive."""
    if path.is_dir():
        return path.suffix.lower() != ".gdb" and bool(_datasets(list(_folder(path))))
    return path.suffix.lower() in ARCHIVES


def container_layers(path: Path, inner: Callable[[Path], list[str]]) -> list[str]:
    """Return the layers of a container, as they are named behind ``#``.

    Parameters
    ----------
    path
        A folder or an archive.
    inner
        Returns the layers of a data set that may have several.

    Raises
    ------
    InputError
        A damaged archive.
    """
    found = _chosen(_listed(path))
    names: list[str] = []
    for each in found:
        layers: list[str] = []
        if each.suffix in _SEVERAL:
            with at_hand(path, each.title) as hand:
                layers = inner(hand.path)
        if len(layers) < 2:
            names.append(each.title)
        else:
            names += layers if len(found) == 1 else [f"{each.title}#{name}" for name in layers]
    return names


def container_parts(path: Path, layer: str | None) -> list[Path]:
    """Return the files of a folder that hold a layer, sorted; of an archive, itself.

    Raises
    ------
    InputError
        No such layer, or several and none named.
    """
    if not path.is_dir():
        return [path]
    found, _ = _find(path, _listed(path), layer)
    return sorted(path / name for name in found.parts)


@contextmanager
def at_hand(path: Path, layer: str | None) -> Iterator[AtHand]:
    """Yield the plain files of a layer; those of an archive lie in a folder that goes again.

    Errors raised meanwhile begin with the name of the container.

    Parameters
    ----------
    path
        A plain file, a folder or an archive.
    layer
        The layer: a data set of the container, one of its layers behind another ``#``, or a layer
        of the only data set.

    Raises
    ------
    InputError
        No such layer, several and none named, or an archive that is damaged or encrypted.
    """
    if not is_container(path):
        _require_layer(path, layer)
        yield AtHand(path=path, layer=layer)
        return
    found, inner = _find(path, _listed(path), layer)
    try:
        if path.is_dir():
            _require_layer(path / found.main, inner)
            yield AtHand(path=path / found.main, layer=inner, title=found.title)
        else:
            with TemporaryDirectory(prefix="gridcell-", ignore_cleanup_errors=True) as folder:
                main = _unpack(path, found, Path(folder))
                _require_layer(main, inner)
                yield AtHand(path=main, layer=inner, title=found.title)
    except InputError as error:
        error.args = (Message("error.in_file", file=path.name, error=error.text),)
        raise


def parts_of(main: str, names: list[str]) -> dict[str, str]:
    """Return the files that go with `main`, by suffix in small letters; itself included.

    They have its name but for the suffix, whose case never counts; the case of the rest counts
    only where files differ in nothing else.
    """
    own = PurePosixPath(main)
    parts: dict[str, str] = {}
    for name in sorted(names):
        other = PurePosixPath(name)
        suffix = other.suffix.lower()
        if other.parent != own.parent or other.stem.casefold() != own.stem.casefold():
            continue
        if suffix not in parts or other.stem == own.stem:
            parts[suffix] = name
    return parts | {own.suffix.lower(): main}


def _listed(path: Path) -> list[Dataset]:
    found = _datasets(list(_folder(path) if path.is_dir() else _members(path)))
    if not found:
        raise InputError(Message("error.holds_no_layers", path=path.name))
    return found


def _folder(path: Path) -> Iterator[str]:
    for entry in sorted(path.iterdir()):
        suffix = entry.suffix.lower()
        wanted = entry.is_dir() if suffix == ".gdb" else entry.is_file()
        # Nobody knows what else lies in a folder: only what is known there counts.
        if wanted and (suffix in _RANKS or suffix in _PARTS) and not entry.name.startswith("."):
            yield entry.name


def _members(path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the files of an archive by name, but for those that systems hide in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        _damaged(path, error)
    members = {}
    for info in infos:
        name = PurePosixPath(_name(info))
        if not info.is_dir() and not any(p == "__MACOSX" or p.startswith(".") for p in name.parts):
            members[name.as_posix()] = info
    return members


def _name(info: zipfile.ZipInfo) -> str:
    """Return the name of a member: Chinese Windows writes names in GBK and does not say so."""
    name = info.filename
    if not info.flag_bits & _UTF8_NAME:
        for encoding in ("utf-8", "gb18030"):
            try:
                name = info.filename.encode("cp437").decode(encoding)
                break
            except UnicodeError:
                continue
    return name.replace("\\", "/")


def _datasets(names: list[str]) -> list[Dataset]:
    """Return the data sets that the files make, sorted by name."""
    mains: dict[str, list[str]] = {}
    plain = []
    for name in sorted(names):
        whole = next((p for p in PurePosixPath(name).parents if p.suffix.lower() == ".gdb"), None)
        if whole is None:
            plain.append(name)
        else:
            mains.setdefault(whole.as_posix(), []).append(name)
    for name in plain:
        parts = parts_of(name, plain)
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in _PARTS or (suffix == ".dbf" and parts.keys() & {".shp", ".tab"}):
            continue
        keep = SHAPEFILE if suffix in {".shp", ".dbf"} else (suffix, *_PARTS)
        mains[name] = sorted(part for end, part in parts.items() if end in keep)
    stems = [PurePosixPath(name).stem.casefold() for name in mains]
    return [
        Dataset(
            main=name,
            parts=tuple(parts),
            title=PurePosixPath(name).stem
            if stems.count(PurePosixPath(name).stem.casefold()) == 1
            else name,
            rank=_RANKS.get(PurePosixPath(name).suffix.lower(), _OTHER),
        )
        for name, parts in sorted(mains.items())
    ]


def _require_layer(path: Path, layer: str | None) -> None:
    """Raise `InputError` where a layer is wanted of a file that is one layer, called as the file.

    What other files hold is known to those who open them.
    """
    if layer is not None and path.suffix.lower() in _SINGLE and layer.casefold() not in {
        path.stem.casefold(), path.name.casefold(),
    }:  # fmt: skip
        raise InputError(
            Message("error.no_such_layer", path=path.name, layer=layer, layers=path.stem)
        )


def _chosen(found: list[Dataset]) -> list[Dataset]:
    """Return the data sets that count where none is named."""
    best = min(each.rank for each in found)
    return [each for each in found if each.rank == best]


def _find(path: Path, found: list[Dataset], layer: str | None) -> tuple[Dataset, str | None]:
    """Return the data set of a layer, and the layer in it."""
    chosen = _chosen(found)
    if layer is None:
        if len(chosen) == 1:
            return chosen[0], None
        raise InputError(Message("error.several_layers_in", path=path.name, layers=_names(chosen)))
    for wanted, inner in ((layer, None), (*layer.split("#", 1), None)[:2]):
        for each in found:
            if wanted in {each.title, each.main}:
                return each, inner
    same = [each for each in found if each.title.casefold() == layer.casefold()]
    if len(same) == 1:
        return same[0], None
    if len(chosen) == 1 and chosen[0].suffix in {*_SEVERAL, ".xlsx", ".xlsm"}:
        return chosen[0], layer
    raise InputError(
        Message("error.no_such_layer_in", path=path.name, layer=layer, layers=_names(chosen))
    )


def _names(found: list[Dataset]) -> Value:
    return some([each.title for each in found], _LIST)


def _unpack(path: Path, found: Dataset, folder: Path) -> Path:
    """Write the parts of a data set into a folder, and return its main file."""
    main = PurePosixPath(found.main)
    target = folder / _plain(main.name)
    members = _members(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for part in found.parts:
                info = members[part]
                if info.flag_bits & _ENCRYPTED:
                    raise InputError(Message("error.archive_encrypted", file=part))
                if main.suffix.lower() == ".gdb":
                    file = target / _plain(PurePosixPath(part).relative_to(main).as_posix())
                    target.mkdir(exist_ok=True)
                else:
                    file = target.with_suffix(PurePosixPath(part).suffix.lower())
                with archive.open(info) as source, file.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
    except (
        zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, NotImplementedError,
        EOFError,
    ) as error:  # fmt: skip
        if isinstance(error, InputError):
            raise
        _damaged(path, error)
    return target if target.is_dir() else target.with_suffix(main.suffix.lower())


def _plain(name: str) -> str:
    """Return a name that every file system takes, and that leads nowhere else."""
    return "".join("_" if c in '<>:"|?*/\\' or c < " " else c for c in name)


def _damaged(path: Path, error: Exception) -> NoReturn:
    raise InputError(Message("error.archive_unreadable", path=path.name, reason=error)) from None
