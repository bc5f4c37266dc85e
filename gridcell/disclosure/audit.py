"""What can be worked out of published tables: `audit_tables`."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from gridcell.disclosure.intervals import (
    blocks,
    feasibility_intervals,
    feasible_counts,
    gives_away,
)
from gridcell.disclosure.linked import single_buildings
from gridcell.disclosure.names import CountName, network_names
from gridcell.disclosure.network import (
    Bools,
    CellTree,
    Ints,
    Network,
    Pieces,
    make_cell_tree,
    make_network,
)
from gridcell.errors import Hint, InputError
from gridcell.model import Finding
from gridcell.rules import WANTED_BAND
from gridcell.schema import BAND_FIGURES
from gridcell.words.messages import Message


def audit_tables(
    levels: Mapping[str, pd.DataFrame],
    *,
    threshold: int,
    total: int | None = None,
    pairs: pd.DataFrame | None = None,
    earlier: Mapping[str, pd.DataFrame] | None = None,
    earlier_total: int | None = None,
) -> list[Finding]:
    """Return a finding for every count that published tables give away; none is an exception.

    Only what is published is looked at, as anybody can: for each hidden count, the least and the
    greatest number of households that agree with everything told. No count is guarded by more than
    that range; `gridcell.disclosure.intervals.gives_away` says which ranges are too narrow.

    Parameters
    ----------
    levels
        The cells: large, medium, small, micro, leaves with ``code``, ``parent``, ``households``
        (missing where hidden) and ``buildings``.
    threshold
        Fewest households that may be told, and least width of a range.
    total
        Households of all cells, where told.
    pairs
        Published with them: the pieces shared with an earlier division (`Publication.pairs`).
    earlier, earlier_total
        That earlier division as it was published.

    Returns
    -------
    Findings: ``small_count``, ``building_told``, ``band_told``, ``reason_told``,
    ``estimated_told``, ``contradiction``, ``recoverable``, and the warning ``counts_differ`` where
    the two divisions cannot count the same households.
    """
    # Who has the crosswalk without the earlier publication knows parts of leaves.
    parts = None if earlier is not None or pairs is None else _parts(pairs)
    division = make_cell_tree(levels if parts is None else _with_parts(levels, parts), total)
    owner = {} if parts is None else dict(zip(parts["code"], parts["parent"], strict=True))
    findings = [
        *_telling(levels), *_bands(levels), *_estimates(levels), *_small(division, threshold),
        *_contradicting(division),
    ]  # fmt: skip
    if pairs is not None:
        findings += _buildings(pairs)
    alone = make_network(division)
    own, sound = feasible_counts(alone.tail, alone.head, alone.count, ~alone.published)
    if not sound.all():
        findings.append(
            Finding(
                kind="contradiction", severity="error",
                text=Message("finding.contradiction_sums"),
            )
        )  # fmt: skip
        return findings
    if earlier is None:
        if parts is not None:
            lone = parts.loc[parts["single"], "code"]
            alone.single[alone.cells] = pd.Index(division.code).isin(lone)
        names = network_names(division, alone, owner)
        return [*findings, *_recoverable(alone, own, threshold, names, sound)]
    if pairs is None:
        raise InputError(
            Message("error.audit_no_shared_land"),
            Hint("earlier"),
        )
    before = make_cell_tree(earlier, earlier_total)
    pieces = _pieces(pairs, division, before)
    findings += _small_pairs(pairs, threshold)
    both = make_network(division, pieces, before)
    names = network_names(division, both, owner, pieces, before)
    counts, agrees = feasible_counts(both.tail, both.head, both.count, ~both.published)
    findings += _recoverable(both, counts, threshold, names, agrees)
    if agrees.all():
        return findings
    findings.append(
        Finding(
            kind="counts_differ", severity="warning", measure=float((~agrees).sum()),
            text=Message("finding.counts_differ", n=(~agrees).sum()),
        )
    )  # fmt: skip
    findings += _recoverable(alone, own, threshold, network_names(division, alone, owner), sound)
    return [*findings, *_determined(both, names, agrees)]


def _telling(levels: Mapping[str, pd.DataFrame]) -> Iterator[Finding]:
    """Yield what columns beside the count tell of it."""
    for level, frame in levels.items():
        hidden = frame["households"].isna()
        told = {
            "band_told": ("band", hidden),
            "reason_told": ("reason", hidden | True),
            "estimated_told": ("estimated", hidden),
        }
        for kind, (column, where) in told.items():
            if column not in frame:
                continue
            # Tables without types know an empty text for nothing.
            rows = frame.loc[where & frame[column].notna() & (frame[column] != ""), "code"]
            for code in rows:
                said = Message(f"finding.{kind}", level=Message(f"layer.{level}"), cell=code)
                yield Finding(kind=kind, severity="error", text=said, cell=str(code))


def _bands(levels: Mapping[str, pd.DataFrame]) -> Iterator[Finding]:
    """Yield bands that were made of counts of which some are hidden.

    A band of the rules is made of whole numbers; one made of households on general land, for a
    wanted number of cells, is a fixed range around what is seldom whole.
    """
    small = levels.get("small")
    if small is None or "parent" not in small:
        return
    untold = set(small.loc[small["households"].isna(), "parent"])
    community = dict(zip(small["code"], small["parent"], strict=True))
    for level in ("small", "micro"):
        frame = levels.get(level)
        if frame is None or not {"parent", *BAND_FIGURES} <= set(frame.columns):
            continue
        home = frame["parent"] if level == "small" else frame["parent"].map(community)
        target, low, high = (pd.to_numeric(frame[name]).astype("float64") for name in BAND_FIGURES)
        made = np.isclose(low, WANTED_BAND[0] * target) & np.isclose(high, WANTED_BAND[1] * target)
        for code in frame.loc[home.isin(untold) & made & (target % 1 != 0), "code"]:
            said = Message("finding.band_figure_told", level=Message(f"layer.{level}"), cell=code)
            yield Finding(kind="band_told", severity="error", text=said, cell=str(code))


def _estimates(levels: Mapping[str, pd.DataFrame]) -> Iterator[Finding]:
    """Yield cells some of whose households are estimates.

    All of all cells, or none, is the table of households again; parts are a second table, whose
    sums and differences tell of hidden counts.
    """
    frames = {level: frame for level, frame in levels.items() if "estimated" in frame}
    if not any((pd.to_numeric(frame["estimated"]) > 0).any() for frame in frames.values()):
        return
    for level, frame in frames.items():
        part, whole = (pd.to_numeric(frame[name]) for name in ("estimated", "households"))
        for code in frame.loc[part.notna() & whole.notna() & (part != whole), "code"]:
            said = Message("finding.estimated_part", level=Message(f"layer.{level}"), cell=code)
            yield Finding(kind="estimated_told", severity="error", text=said, cell=str(code))


def _small(division: CellTree, threshold: int) -> Iterator[Finding]:
    small = division.published & (division.households > 0) & (division.households < threshold)
    for row in np.flatnonzero(small):
        code = str(division.code[row])
        yield _small_count(CountName(code, code), int(division.households[row]), threshold)


def _small_pairs(pairs: pd.DataFrame, threshold: int) -> Iterator[Finding]:
    count = pd.to_numeric(pairs["households"]).astype("Int64")
    small = ((count > 0) & (count < threshold)).fillna(value=False)
    for row in np.flatnonzero(small):
        code = str(pairs["a"].iloc[row])
        name = CountName(f"{code} and {pairs['b'].iloc[row]}", code)
        yield _small_count(name, int(count.iloc[row]), threshold)


def _buildings(pairs: pd.DataFrame) -> Iterator[Finding]:
    told = pairs["households"].notna().to_numpy(dtype=np.bool_)
    for row in pairs[single_buildings(pairs) & told].itertuples():
        yield Finding(
            kind="building_told", severity="error", cell=str(row.a),
            text=Message("finding.building_told", a=str(row.a), b=str(row.b)),
        )  # fmt: skip


def _small_count(name: CountName, number: int, threshold: int) -> Finding:
    return Finding(
        kind="small_count", severity="error", measure=float(number),
        text=Message("finding.small_count", name=name.text, n=number, threshold=threshold),
        cell=name.cell,
    )  # fmt: skip


def _contradicting(division: CellTree) -> Iterator[Finding]:
    for code in division.contradicting:
        yield Finding(
            kind="contradiction", severity="error", cell=code,
            text=Message("finding.contradiction", cell=code),
        )  # fmt: skip


def _pieces(pairs: pd.DataFrame, division: CellTree, before: CellTree) -> Pieces:
    """Return the published pieces; those known to be empty say nothing."""
    frame = pairs.assign(
        row_a=pd.Index(division.code).get_indexer(pd.Index(pairs["a"])),
        row_b=pd.Index(before.code).get_indexer(pd.Index(pairs["b"])),
    )
    unknown = frame[(frame["row_a"] < 0) & frame["a"].notna() & (frame["a"] != "")]
    unknown_b = frame[(frame["row_b"] < 0) & frame["b"].notna() & (frame["b"] != "")]
    for side, rows in (("a", unknown), ("b", unknown_b)):
        if len(rows):
            raise InputError(Message("error.audit_foreign_code", code=rows[side].iloc[0]))
    count = pd.to_numeric(frame["households"]).astype("Int64")
    shared = (frame["row_a"] >= 0).to_numpy()
    return Pieces(
        a=frame["row_a"].to_numpy(np.int64)[shared],
        b=frame["row_b"].to_numpy(np.int64)[shared],
        households=np.asarray(count.fillna(0), dtype=np.int64)[shared],
        published=count.notna().to_numpy(np.bool_)[shared],
        single=single_buildings(pairs)[shared],
        beyond=np.unique(frame["row_b"].to_numpy(np.int64)[~shared]),
    )


def _parts(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the pieces of a crosswalk as parts of leaves."""
    own = pairs.assign(single=single_buildings(pairs))
    own = own[own["a"].notna() & (own["a"] != "")]
    return pd.DataFrame({
        "code": own["a"].astype(str) + " in " + own["b"].fillna("land outside").astype(str),
        "parent": own["a"], "households": own["households"], "buildings": pd.NA,
        "single": own["single"],
    })  # fmt: skip


def _with_parts(levels: Mapping[str, pd.DataFrame], parts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the cells with parts of leaves below them."""
    leaves = pd.DataFrame(levels["leaves"]).reindex(columns=list(parts.columns)).astype(object)
    return {**levels, "leaves": pd.concat([leaves, parts.astype(object)], ignore_index=True)}


def _recoverable(
    network: Network, counts: Ints, threshold: int, names: list[CountName], agrees: Bools
) -> Iterator[Finding]:
    """Yield the hidden counts whose range is too narrow, where counts agree with what is told."""
    hidden = ~network.published & agrees
    low, high = feasibility_intervals(network.tail, network.head, counts, hidden)
    away = gives_away(low, high, threshold=threshold, single=network.single)
    away &= hidden & ~network.nonsensitive
    narrow = np.flatnonzero(away)
    if not len(narrow):
        return
    # What the earlier publication alone gives away cannot be helped.
    most = hidden.copy()
    most[network.cells] = most[network.total] = most[network.pieces] = True
    most &= ~network.protected & agrees
    least, greatest = feasibility_intervals(network.tail, network.head, counts, most, away)
    for row in narrow:
        helpless = network.earlier.stop > network.earlier.start
        helpless = helpless and bool(greatest[row] - least[row] < threshold)
        value = Message("part.range", least=low[row], most=high[row])
        key = "finding.recoverable_before" if helpless else "finding.recoverable"
        yield Finding(
            kind="recoverable", severity="warning" if helpless else "error",
            measure=float(high[row] - low[row]), cell=names[row].cell,
            text=Message(
                key, name=names[row].text, value=low[row] if low[row] == high[row] else value,
                threshold=threshold,
            ),
        )  # fmt: skip


def _determined(network: Network, names: list[CountName], agrees: Bools) -> Iterator[Finding]:
    """Yield the hidden counts that are one sum or difference of told ones, whatever these are."""
    where = np.flatnonzero(~network.published)
    block = blocks(network.tail[where], network.head[where])
    single: Bools = np.bincount(block, minlength=1)[block] == 1
    for row in where[single & ~network.nonsensitive[where] & ~agrees[where]]:
        yield Finding(
            kind="recoverable", severity="error", measure=0.0, cell=names[row].cell,
            text=Message("finding.recoverable_sum", name=names[row].text),
        )  # fmt: skip
