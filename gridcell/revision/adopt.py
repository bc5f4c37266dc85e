"""Cells that somebody drew become a plan, or the cells of one that they changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.assembly import (
    Clock,
    DivisionInput,
    assemble_plan,
    assign_roster,
    prepare_input,
)
from gridcell.cells.columns import require_date
from gridcell.cells.frames import KeptCodes
from gridcell.cells.registry import register_first
from gridcell.crs import parse_crs
from gridcell.errors import InputError
from gridcell.fabric import build_fabric
from gridcell.fabric.taut import pull_taut
from gridcell.model import Finding, Layers, Plan, Progress
from gridcell.partition import Division
from gridcell.partition.drawn import TakenCells, take_drawn
from gridcell.read.fields import check_mapping, name_columns
from gridcell.read.files import Input, open_input, open_polygons
from gridcell.revision.aims import wanted_findings
from gridcell.revision.drawn import DrawnLayer, bare_code, read_drawn
from gridcell.revision.drawn_findings import code_findings, drawn_findings
from gridcell.revision.drawn_units import DrawnUnits, find_units, medium_codes, origins
from gridcell.revision.exact import ExactLand, repair_drawn, without_healed
from gridcell.revision.take_back import take_back
from gridcell.rules import Rules, as_rules
from gridcell.words.messages import Message

Ints = NDArray[np.int64]
Texts = NDArray[np.object_]

BORDERS: Final = ("snap", "exact")
_SAME_SITE: Final = 0.5
"""Share of their union that a drawn cell and a site have in common where they are the same."""


@checked
def adopt_cells(
    cells: Input,
    land: Layers | Plan,
    *,
    borders: str = "snap",
    level: str | None = None,
    rules: Rules | Mapping[str, Any] | None = None,
    locked: Iterable[str] = (),
    crs: Any = None,
    encoding: str | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    time: str | None = None,
    valid_from: str | None = None,
) -> Plan:
    """Return the plan of cells that somebody drew, proven like any other.

    Each atom of the land goes to the cell that has most of it, so that a line drawn roughly along
    a street becomes the street. Codes are kept where they are valid, and names always; what was
    changed, what is missing and what is outside its band is among the findings (``drawn_…``).

    Parameters
    ----------
    cells
        A path, ``FILE#LAYER`` or a frame: polygons in any CRS, or a table with ``bldg_id`` and the
        code of the building's cell.
        ``code``, ``name``, ``level`` (3 small, 4 micro), ``grid_type``, and ``parent`` or ``small``
        (the small cell of a micro cell) are used where they are there.
    land
        What `read_layers` returns: the cells become a new plan. Or a plan: an edited layer of it
        is taken back, and cells that were not touched keep their codes and their geometry.
    borders
        ``snap`` as above; ``exact``: the drawn polygons, repaired, are the cells, and buildings
        that they cut are findings.
    level
        ``small`` or ``micro``, for cells that do not say it themselves. Without it the level whose
        band most of them are in.
    rules
        Bands, codes …, and the column names of the cells; of a plan its own, but for the names.
    locked
        Of a plan: codes, levels, communities or columns whose cells stay, as in `update_plan`.
    crs
        CRS of cells that name none.
    encoding
        Encoding of shapefiles and CSV files.
    workers
        Threads. They change nothing but the time.
    progress
        Called with the stage, what is done and the total.
    time
        What the history says of when this was; nothing where it is not given.
    valid_from
        From which day cells are valid: all of a new plan, as in `make_plan`; of an edited layer
        those whose land changed, as in `update_plan`.

    Raises
    ------
    InputError
        Cells without any land, a table without buildings, a way of treating borders that there is
        not; what `make_plan` raises.

    Notes
    -----
    Of an atom with households most of it is where most of them live, of other land most of its
    area. What is in no cell goes to the neighbour by the longest border, or, with households enough
    for a cell, is divided by the search. Cells are connected: the smaller pieces of one go to
    their neighbours. Small cells are divided into micro cells by the search; micro cells are
    grouped into small ones by their ``parent``, or by the search.

    Examples
    --------
    `layers` and `plan` are those of the examples of `read_layers` and `make_plan`. Somebody draws
    the small cells of that plan again, and names them:

    >>> import gridcell
    >>> drawn = plan.small[["geometry"]].assign(name=["West", "East", "School"])
    >>> adopted = gridcell.adopt_cells(drawn, layers, level="small")
    >>> adopted.ok, adopted.small["name"].tolist()
    (True, ['West', 'East', 'School'])
    """
    if borders not in BORDERS:
        raise InputError(Message("error.borders_choice", given=borders))
    if level not in (None, "small", "micro"):
        raise InputError(Message("error.level_choice", given=level))
    valid_from = require_date(valid_from, "valid_from")
    clock = Clock(progress)
    named = parse_crs(crs)
    source = open_input(cells, "cells", encoding=encoding, any_coordinates=True)
    if source.geometries is not None:
        source = open_polygons(cells, "cells", encoding=encoding, named=named)
    elif borders == "exact":
        raise InputError(Message("error.table_no_borders", label=source.label))
    rules = as_rules(rules)
    check_mapping(rules)
    mapping = rules.fields.get("cells", {})
    drawn = name_columns(source.frame, mapping, source.label) if mapping else source.frame
    layer = read_drawn(drawn, land.crs, named=named, level=level)
    if isinstance(land, Plan):
        if borders == "exact":
            raise InputError(Message("error.exact_needs_inputs"))
        return take_back(
            layer, land, source.record(), level=level, locked=locked, clock=clock,
            workers=workers, time=time, valid_from=valid_from,
        )  # fmt: skip
    layers = replace(land, inputs=(*land.inputs, source.record()))
    return _adopted(
        layer, layers, rules, level, clock, workers, exact=borders == "exact", valid_from=valid_from
    )


def _adopted(
    layer: DrawnLayer,
    layers: Layers,
    rules: Rules,
    level: str | None,
    clock: Clock,
    workers: int,
    *,
    exact: bool,
    valid_from: str | None,
) -> Plan:
    repaired: list[Finding] = []
    if exact:
        with clock("repair"):
            layer, repaired = repair_drawn(layer, layers)
    general, layers, drawn_sites, site = _with_sites(layer, layers)
    weave = build_fabric
    if exact:
        weave = ExactLand.of(layer, layers, site, rules.sites.margin_m).weave()
    layer = general
    given = prepare_input(layers, rules, clock, weave=weave)
    with clock("partition"):
        units = find_units(layer, given, rules, level=level)
        codes = given.layers.communities["code"].tolist()
        taken = take_drawn(
            given.fabric, given.small, given.micro, replace(units.drawn(), exact=exact),
            codes=codes, rules=rules, workers=workers,
        )  # fmt: skip
        # What was drawn is compared with what will be.
        given = replace(given, fabric=pull_taut(given.fabric, [taken.division.leaf]))
        if layer.shapes is None:
            drawn_sites = _sites_listed(layer, given, units)
        kept, lost = _kept_codes(layer, given, units, taken, rules, drawn_sites)
        findings = drawn_findings(layer, given, units, taken)
    plan = assemble_plan(
        given, taken.division, rules=rules, clock=clock, kept=kept,
        assign=assign_roster(given.layers, rules),
        findings=[*repaired, *findings, *wanted_findings(given, taken.division), *lost],
        valid_from=valid_from,
    )  # fmt: skip
    return register_first(without_healed(plan) if exact else plan, "adopt")


def _with_sites(layer: DrawnLayer, layers: Layers) -> tuple[DrawnLayer, Layers, Texts, Ints]:
    """Return the general cells, and dedicated ones as sites.

    Layers whose sites are all dedicated cells, codes of these sites, and the site of each row.
    """
    sites = layers.sites
    shapes = np.empty(0, dtype=object) if sites is None else sites.geometry.to_numpy()
    codes = np.full(len(shapes), None, dtype=object)
    if layer.shapes is None:
        return layer, layers, codes, np.full(len(layer), -1, dtype=np.int64)
    same = _same_land(layer.shapes, shapes)
    names = [None] * len(shapes) if sites is None else sites["name"].tolist()
    for row in np.flatnonzero(same >= 0).tolist():
        codes[same[row]] = layer.code[row]
        names[same[row]] = layer.name[row] or names[same[row]]
    dedicated = layer.dedicated | (same >= 0)
    new = np.flatnonzero(dedicated & (same < 0))
    general = replace(layer.taking(~dedicated), left_out=layer.left_out)
    if not dedicated.any():
        return general, layers, codes, same
    ids = [f"drawn {row + 1}" if layer.code[row] is None else str(layer.code[row]) for row in new]
    table = pd.DataFrame(
        {
            "site_id": [*([] if sites is None else sites["site_id"]), *ids],
            "name": [*names, *(layer.name[new].tolist())],
            "category": [*([] if sites is None else sites["category"]), *([None] * len(new))],
        }
    ).astype("str")
    every = gpd.GeoDataFrame(
        table, geometry=np.concatenate([shapes, layer.shapes[new]]), crs=layers.crs
    )
    same[new] = len(shapes) + np.arange(len(new))
    return general, replace(layers, sites=every), np.concatenate([codes, layer.code[new]]), same


def _sites_listed(layer: DrawnLayer, given: DivisionInput, units: DrawnUnits) -> Texts:
    """Return the code that a table of buildings has for each site, ``None`` for none."""
    sites = given.layers.sites
    codes = np.full(0 if sites is None else len(sites), None, dtype=object)
    pieces = given.fabric.pieces
    site = np.append(given.fabric.atoms["site"].to_numpy(), -1)[pieces["atom"].to_numpy()]
    here = np.flatnonzero((site >= 0) & (units.row_of_piece >= 0))
    alone = ~np.isin(units.row_of_piece[here], units.row)
    for at in here[alone][::-1].tolist():
        codes[site[at]] = layer.code[units.row_of_piece[at]]
    return codes


def _same_land(drawn: NDArray[np.object_], sites: NDArray[np.object_]) -> Ints:
    """Return the site that each drawn cell is, -1 for none."""
    out = np.full(len(drawn), -1, dtype=np.int64)
    if not len(sites):
        return out
    cell, site = shapely.STRtree(sites).query(drawn, predicate="intersects")
    both = shapely.area(shapely.intersection(drawn[cell], sites[site]))
    share = both / (shapely.area(drawn[cell]) + shapely.area(sites[site]) - both)
    for at in np.argsort(share, kind="stable").tolist():
        if share[at] >= _SAME_SITE:
            out[cell[at]] = site[at]
    return out


@dataclass(eq=False, slots=True)
class _Numbers:
    """Numbers taken from drawn codes, each once within the cell above."""

    digits: int
    taken: set[tuple[str, int]]

    def of(self, code: str | None, above: str, first: int, last: int) -> int:
        """Return the number at the end of a code that is valid and not taken, else 0."""
        if code is None:
            return 0
        bare = bare_code(code)
        rest = bare[len(above) :]
        if not (bare.startswith(above) and rest.isdigit() and rest.isascii()):
            return 0
        number = int(rest)
        if len(rest) != self.digits or not first <= number <= last or (above, number) in self.taken:
            return 0
        self.taken.add((above, number))
        return number


def _kept_codes(
    layer: DrawnLayer,
    given: DivisionInput,
    units: DrawnUnits,
    taken: TakenCells,
    rules: Rules,
    site_codes: Texts,
) -> tuple[KeptCodes, list[Finding]]:
    """Return the numbers and names that cells have from drawn ones, and what could not be kept."""
    division, widths, medium = taken.division, rules.codes, medium_codes(given)
    small_of, leaf_of = origins(given, taken)
    smalls, leaves = len(division.community_of_small), len(division.small_of_leaf)
    small, leaf = np.zeros(smalls, dtype=np.int64), np.zeros(leaves, dtype=np.int64)
    small_name = np.full(smalls, None, dtype=object)
    leaf_name = np.full(leaves, None, dtype=object)
    held = _held(given, division)
    numbers = _Numbers(widths.small_digits, set())
    lost = 0
    examples: list[str] = []
    for cell in np.lexsort((np.arange(smalls), -held)).tolist():
        above = medium[division.community_of_small[cell]]
        site, group = int(division.site_of_small[cell]), int(small_of[cell])
        if site >= 0:
            code, name = site_codes[site], None
            bounds = widths.dedicated_first, widths.dedicated_last
        elif group >= 0:
            row = int(units.group_row[group])
            code, name = units.group_code[group], None if row < 0 else layer.name[row]
            bounds = widths.general_first, widths.general_last
        else:
            continue
        small[cell] = numbers.of(code, above, *bounds)
        if code is not None and not small[cell]:
            lost += 1
            examples.append(str(code))
            name = name or (None if site >= 0 else code)
        small_name[cell] = name
    numbers = _Numbers(widths.micro_digits, set())
    for cell in np.flatnonzero(leaf_of >= 0).tolist():
        row = int(units.row[leaf_of[cell]])
        if units.is_small[leaf_of[cell]]:
            continue
        within = int(division.small_of_leaf[cell])
        above = medium[division.community_of_small[within]]
        code = layer.code[row]
        if small[within]:
            above = f"{above}{small[within]:0{widths.small_digits}d}"
            leaf[cell] = numbers.of(code, above, 1, 10**widths.micro_digits - 1)
        if code is not None and not leaf[cell]:
            lost += 1
            examples.append(str(code))
        leaf_name[cell] = layer.name[row] or (None if leaf[cell] else code)
    kept = KeptCodes(
        small=small, leaf=leaf, last_small={}, last_micro={}, small_name=small_name,
        leaf_name=leaf_name,
    )  # fmt: skip
    return kept, code_findings(lost, examples)


def _held(given: DivisionInput, division: Division) -> NDArray[np.float64]:
    held: NDArray[np.float64] = np.bincount(
        division.small, weights=given.fabric.atoms["households"],
        minlength=len(division.community_of_small),
    ).astype(np.float64)  # fmt: skip
    return held
