"""One case of the fuzz: a damaged input and whether gridcell reads or refuses it as promised."""

import shutil
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import damage
import geopandas as gpd
import nasty
import numpy as np
import town_ways
from damage_bytes import Rng, damage_bytes, generator, pick
from plans import tiny_plan
from small_files import CRS, FORMATS, LAYERS, TABLES, frames

import gridcell
from gridcell.coverage.fit import fit_together
from gridcell.errors import GridcellError
from gridcell.formats.geopackage import is_plan, write_geopackage
from gridcell.read.files import open_polygons

KINDS = (*FORMATS, "plan", "frames", "fit")
"""Formats of files; plans; frames of nasty geometries; communities that nearly fit."""
TOWN = "town"
"""Wild towns on the whole way."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Something that must not happen, and how to make it happen again."""

    kind: str
    seed: int
    call: str
    """Which function was called."""
    what: str
    """The exception, or what leaked."""
    where: str
    """The last line of gridcell on the way."""


def run_case(
    kind: str, seed: int, *, only: tuple[str, ...] = ()
) -> tuple[list[str], list[Failure]]:
    """Return the outcome of each call (``read`` or the class of the error), and what failed.

    Parameters
    ----------
    kind
        One of `KINDS`, or `TOWN`.
    seed
        Which case; a case is always the same.
    only
        Limit to some calls: read, inspect, check, within, plan or fit.
    """
    rng = generator(kind, seed)
    if kind == TOWN:
        return _live(seed, rng)
    outcomes: list[str] = []
    failures: list[Failure] = []
    with _folder() as folder:
        for name, call in _calls(kind, rng, folder):
            if only and name not in only:
                continue
            outcome, failure = _outcome(call)
            outcomes.append(f"{name} {outcome}")
            if failure is not None:
                failures.append(
                    Failure(kind=kind, seed=seed, call=name, what=outcome, where=failure)
                )
    return outcomes, failures


def _live(seed: int, rng: Rng) -> tuple[list[str], list[Failure]]:
    """Return what was done with a town, and what failed in it."""
    done: list[str] = []
    with _folder() as folder:
        outcome, where = _outcome(lambda: done.extend(town_ways.live(rng, folder)))
    if where is not None:
        step = " ".join(done)
        return done, [Failure(kind=TOWN, seed=seed, call=step, what=outcome, where=where)]
    return [*done, *([] if outcome == "read" else [f"refused {outcome}"])], []


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _outcome(call: Callable[[], object]) -> tuple[str, str | None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            call()
    except GridcellError as error:
        if len(str(error)) > 15_000:
            return f"{type(error).__name__} of {len(str(error))} characters", "message"
        return type(error).__name__, None
    except Exception as error:  # noqa: BLE001  that is what is looked for
        steps = traceback.extract_tb(error.__traceback__)
        ours = [s for s in steps if "/gridcell/" in s.filename.replace("\\", "/")] or steps
        where = f"{Path(ours[-1].filename).name}:{ours[-1].name}"
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}", where
    return "read", None


def _calls(kind: str, rng: Rng, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the calls of a case; the damaged files are there while they are made."""
    if kind == "plan":
        path = folder / "plan.gpkg"
        path.write_bytes(damage.damage_geopackage(_plan_bytes(), rng, path))
        if rng.random() < 0.4:
            path.write_bytes(damage_bytes(path.read_bytes(), rng))
        yield "plan", lambda: _use_plan(path)
    elif kind == "frames":
        frame, land = nasty.nasty_frame(rng), nasty.nasty_frame(rng)
        role = pick(rng, LAYERS)
        yield "read", lambda: _read(frame, role)
        yield "check", lambda: gridcell.check_cells(frame)
        yield "within", lambda: gridcell.check_cells(frame, land)
    elif kind == "fit":
        shapes = nasty.rough_coverage(rng)
        codes = [f"c{i}" for i in range(len(shapes))]
        width = pick(rng, [0.0, 1.0, 1.0, 5.0])
        if shapes:
            values = np.array(shapes, dtype=object)
            yield "fit", lambda: fit_together(values, codes, width, label="fuzz")
            frame = gpd.GeoDataFrame({"code": codes}, geometry=values, crs=CRS)
            yield "check", lambda: gridcell.check_cells(frame)
    else:
        role = pick(rng, FORMATS[kind])
        path = damage.damage(kind, role, rng, folder)
        yield "read", lambda: _read(path, role)
        others: list[tuple[str, Callable[[], object]]] = [
            ("inspect", lambda: gridcell.inspect_files([path]))
        ]
        if role not in TABLES:
            others.append(("check", lambda: _check(path, within=False)))
        if role == "communities":
            others.append(("within", lambda: _check(path, within=True)))
        yield pick(rng, others)


@cache
def _plan_bytes() -> bytes:
    with _folder() as folder:
        write_geopackage(tiny_plan(), folder / "plan.gpkg")
        return (folder / "plan.gpkg").read_bytes()


def _read(given: Path | gpd.GeoDataFrame, role: str) -> object:
    """Read the input in its role, beside undamaged communities where it is none."""
    if role == "communities":
        return gridcell.read_layers(given)
    others = {role: given}
    return gridcell.read_layers(frames()["communities"], **others)


def _check(path: Path, *, within: bool) -> object:
    """Check a layer as the command does."""
    source = open_polygons(path, "cells")
    cells = frames()["communities"]
    return (
        gridcell.check_cells(cells, source.frame) if within else gridcell.check_cells(source.frame)
    )


def _use_plan(path: Path) -> object:
    is_plan(path)
    return gridcell.check_plan(gridcell.read_plan(path))
