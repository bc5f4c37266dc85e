"""What can be worked out of several publications of the same land: `audit_chain`."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from gridcell.crs import horizontal
from gridcell.disclosure.chain import FEASIBLE, NO_PIECES, Chain, Deviations, Floats, Ranges
from gridcell.disclosure.earlier import EarlierPublication, common_parts, crosswalk_of
from gridcell.disclosure.intervals import gives_away
from gridcell.disclosure.names import chain_names
from gridcell.disclosure.network import Bools, CellTree, Ints, make_cell_tree
from gridcell.model import Finding
from gridcell.read.crs import choose_work_crs, move
from gridcell.words.messages import Message


def audit_chain(
    publications: Sequence[EarlierPublication], *, threshold: int, found: Sequence[Finding] = ()
) -> list[Finding]:
    """Return a finding for every count that publications of the same land give away together.

    Parameters
    ----------
    publications
        All that were published, the latest first.
    threshold
        Least width of a range.
    found
        What is known already: cells that are named there are not named again.

    Returns
    -------
    Findings ``recoverable``: errors, and warnings where those before the latest one are enough; or
    the warning ``counts_differ`` where they cannot count the same households.
    """
    trees = [make_cell_tree(each.levels, each.total) for each in publications]
    crosswalks = [
        crosswalk_of(each.pairs, *trees[k : k + 2]) for k, each in enumerate(publications[:-1])
    ]
    parts = _parts(publications, trees)
    parts = parts[~_is_empty(parts, publications, trees)]
    chain = Chain(parts, trees, [*crosswalks, NO_PIECES])
    households = _agreeing(chain)
    if households is None:
        return [
            Finding(
                kind="counts_differ", severity="warning", measure=1.0,
                text=Message("finding.counts_differ_chain"),
            )
        ]  # fmt: skip
    names = chain_names(chain, trees, [*crosswalks, NO_PIECES])
    known = {finding.cell for finding in found if finding.kind == "recoverable"}
    audit = _Audit(chain, households, threshold)
    return [
        finding
        for finding in audit.findings(names, [str(code) for code in trees[0].code])
        if finding.cell is None or finding.cell not in known
    ]


def _parts(publications: Sequence[EarlierPublication], trees: Sequence[CellTree]) -> Ints:
    """Return the parts into which the leaves of all cut the land."""
    leaves = [each.levels["leaves"] for each in publications]
    crs = choose_work_crs(horizontal(leaves[0].crs), leaves[0].geometry)
    divisions = []
    for frame, tree in zip(leaves, trees, strict=True):
        shapes = move(np.asarray(frame.geometry, dtype=object), horizontal(frame.crs), crs)
        rows = pd.Index(tree.code).get_indexer(pd.Index(frame["code"])).astype(np.int64)
        divisions.append((shapes, rows))
    return np.unique(common_parts(divisions), axis=0)


def _is_empty(
    parts: Ints, publications: Sequence[EarlierPublication], trees: Sequence[CellTree]
) -> Bools:
    """Tell which parts are seen to hold nobody: they are told to be without buildings."""
    out = np.zeros(len(parts), dtype=np.bool_)
    for k, (each, tree) in enumerate(zip(publications, trees, strict=True)):
        out |= (parts[:, k] >= 0) & tree.empty[parts[:, k]]
        if each.pairs is None or "buildings" not in each.pairs:
            continue
        nobody = (each.pairs["buildings"] == 0) & (each.pairs["households"] == 0)
        bare = each.pairs[nobody.fillna(value=False)]
        at = [
            pd.Index(one.code).get_indexer(pd.Index(bare[side]))
            for side, one in zip("ab", trees[k : k + 2], strict=True)
        ]
        own = pd.MultiIndex.from_arrays([parts[:, k], parts[:, k + 1]])
        out |= own.isin(pd.MultiIndex.from_arrays(at))
    return out


def _agreeing(chain: Chain) -> Floats | None:
    """Return households of all parts that agree with everything told, if there are such."""
    told = np.flatnonzero(chain.told)
    if not len(chain.parts):
        return None if chain.households[told].any() else np.empty(0)
    found = linprog(
        np.zeros(len(chain.parts)), A_eq=chain.sums[told], b_eq=chain.households[told],
        bounds=(0, None), method="highs-ds",
    )  # fmt: skip
    return np.asarray(found.x) if found.status == FEASIBLE else None


class _Audit:
    """Ranges of the sums of a chain."""

    def __init__(self, chain: Chain, households: Floats, threshold: int) -> None:
        self._chain, self._threshold = chain, threshold
        bare = chain.told.copy()
        bare[chain.newest] = False
        self._told = Deviations(chain.lowest(chain.told), households)
        # Where nobody lives is plain to see.
        nobody = self._told.fixed & (households == 0)
        self._before = Deviations(chain.lowest(bare), households, nobody)
        self._ranges = Ranges(chain, households, threshold)

    def findings(self, names: Sequence[str], codes: Sequence[str]) -> Iterator[Finding]:
        chain, least = self._chain, self._threshold
        counts = len(chain.told)
        hidden: Bools = chain.sensitive & ~chain.told
        for number in [*np.flatnonzero(hidden), *range(counts, len(names))]:
            if not self._ranges.is_narrow(number):
                continue
            low, high = self._ranges.bounds(number, self._told, note=True)
            if not gives_away(low, high, threshold=least, single=chain.single[number]):
                continue
            before = self._ranges.bounds(number, self._before)
            helpless = before[1] - before[0] < least
            part = "finding.recoverable_part"
            key = "finding.recoverable_before" if helpless else "finding.recoverable"
            value = Message("part.range", least=low, most=high)
            yield Finding(
                kind="recoverable", severity="warning" if helpless else "error",
                measure=float(high - low), cell=codes[number] if number < len(codes) else None,
                text=Message(
                    part if number >= counts else key, name=names[number],
                    value=low if low == high else value, threshold=least,
                ),
            )  # fmt: skip
